/* UUIDs and their text. */
#include "config.h"

#include "core/uuid.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

/* The rest is random. */
static struct uuid make(unsigned version)
{
	struct uuid uuid;
	ssize_t got;

	/* 16 bytes are never cut short; a signal can come only before the
	 * kernel's generator is ready. */
	do {
		got = getrandom(uuid.bytes, UUID_BYTES, 0);
	} while (got < 0 && errno == EINTR);
	if (got != UUID_BYTES)
		BUG("the kernel gives no random bytes");
	uuid.bytes[6] = (unsigned char)((uuid.bytes[6] & 0x0f) | version << 4);
	uuid.bytes[8] = (unsigned char)((uuid.bytes[8] & 0x3f) | 0x80);
	return uuid;
}

struct uuid uuid_make(void)
{
	return make(4);
}

struct uuid uuid_make_at(int64_t time_us)
{
	uint64_t ms = (uint64_t)time_us / 1000;
	/* The microseconds in 1/4096 of a millisecond (section 6.2). */
	unsigned fraction = (unsigned)((uint64_t)time_us % 1000 * 4096 / 1000);
	struct uuid uuid = make(7);
	int i;

	for (i = 5; i >= 0; i--) {
		uuid.bytes[i] = (unsigned char)ms;
		ms >>= 8;
	}
	uuid.bytes[6] = (unsigned char)(7 << 4 | fraction >> 8);
	uuid.bytes[7] = (unsigned char)fraction;
	return uuid;
}

/* Whether the textual form has a dash before this byte. */
static bool has_dash_before(size_t byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

enum err uuid_parse(struct text text, struct uuid *uuid)
{
	bool has_dashes = text.len == UUID_TEXT_LEN;
	struct uuid parsed;
	size_t at = 0;

	if (!has_dashes && text.len != 2 * UUID_BYTES)
		return ERR_INVALID;
	for (size_t i = 0; i < UUID_BYTES; i++) {
		int high, low;

		if (has_dashes && has_dash_before(i) && text.ptr[at++] != '-')
			return ERR_INVALID;
		high = text_hex_value(text.ptr[at]);
		low = text_hex_value(text.ptr[at + 1]);
		if (high < 0 || low < 0)
			return ERR_INVALID;
		parsed.bytes[i] = (unsigned char)(high << 4 | low);
		at += 2;
	}
	*uuid = parsed;
	return ERR_OK;
}

void uuid_format(const struct uuid *uuid, char out[UUID_TEXT_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";
	size_t at = 0;

	for (size_t i = 0; i < UUID_BYTES; i++) {
		if (has_dash_before(i))
			out[at++] = '-';
		out[at++] = digits[uuid->bytes[i] >> 4];
		out[at++] = digits[uuid->bytes[i] & 0x0f];
	}
	out[at] = '\0';
}

bool uuid_is_equal(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->bytes, b->bytes, UUID_BYTES) == 0;
}
