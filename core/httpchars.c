/* The table of bytes, and what a host looks like. */
#include "config.h"

#include "core/httpchars.h"

#include <string.h>

#include "core/ip.h"

/* A word of eight equal bytes. */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* A sum of enum httpchars_class for each byte, sixteen to a line. */
/* clang-format off */
const uint8_t httpchars_table[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	4, 15, 6, 5, 15, 7, 15, 15, 14, 14, 15, 15, 14, 15, 15, 6,
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 6, 14, 6, 14, 6, 6,
	6, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 6, 6, 6, 7, 15,
	7, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 6, 7, 6, 15, 0,
	4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
	4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
	4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
	4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
	4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
	4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
	4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
	4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
};
/* clang-format on */

/* Whether a byte of word is a control: less than a space, or DEL.  A difference
 * borrows only from where a byte is too small, so one that is has its highest
 * bit set without having had it. */
static bool has_control(uint64_t word)
{
	uint64_t other = word ^ EACH(0x7f);

	return (((word - EACH(0x20)) & ~word) | ((other - EACH(1)) & ~other)) &
	       EACH(0x80);
}

size_t httpchars_skip_value(const char *bytes, size_t at, size_t end)
{
	uint64_t word;

	while (end - at >= sizeof(word)) {
		memcpy(&word, bytes + at, sizeof(word));
		if (has_control(word))
			break;
		at += sizeof(word);
	}
	return httpchars_skip(HTTPCHARS_VALUE, bytes, at, end);
}

/* "[...]" at the start of text: its length, text.len + 1 when that is no IPv6
 * address. */
static size_t bracketed(struct text text)
{
	size_t end = text_find_byte(text, ']');
	struct text inside = text_slice(text, 1, end - 1);
	struct ip ip;

	if (end == text.len || text_find_byte(inside, ':') == inside.len ||
	    ip_parse(inside, &ip) != ERR_OK)
		return text.len + 1;
	return end + 1;
}

/* A name at the start of text up to a colon: its length, text.len + 1 when it
 * is none. */
static size_t named(struct text text)
{
	size_t i = 0;

	while (i < text.len && text.ptr[i] != ':') {
		if (text.ptr[i] == '%') {
			if (text.len - i < 3 ||
			    text_hex_value(text.ptr[i + 1]) < 0 ||
			    text_hex_value(text.ptr[i + 2]) < 0)
				return text.len + 1;
			i += 2;
		} else if (!httpchars_has(HTTPCHARS_HOST, text.ptr[i])) {
			return text.len + 1;
		}
		i++;
	}
	return i;
}

static bool is_port(struct text text)
{
	unsigned long port = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		port = port * 10 + (unsigned long)(text.ptr[i] - '0');
		if (port > UINT16_MAX)
			return false;
	}
	return true;
}

/* A name or address at the start of text: its length, text.len + 1 when it is
 * none. */
static size_t name_len(struct text text)
{
	return text.len > 0 && text.ptr[0] == '[' ? bracketed(text) :
						    named(text);
}

bool httpchars_is_host(struct text text)
{
	size_t end = name_len(text);

	if (end >= text.len)
		return end == text.len;
	return text.ptr[end] == ':' &&
	       is_port(text_slice(text, end + 1, text.len));
}

bool httpchars_is_destination(struct text text)
{
	size_t end = name_len(text);
	struct text port;

	if (end == 0 || end >= text.len || text.ptr[end] != ':')
		return false;
	port = text_slice(text, end + 1, text.len);
	while (text_has_prefix(port, TEXT("0")))
		port = text_slice(port, 1, port.len);
	return port.len > 0 && is_port(port);
}
