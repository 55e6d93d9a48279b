/* UUIDs and their text. */
#include "config.h"

#include "core/uuid.h"

#include <string.h>

#include "tests/support/tap.h"

static void test_make(void)
{
	struct uuid a = uuid_make(), b;
	bool version = true, differ = true;
	unsigned char ones = 0, zeros = 0xff;

	for (int i = 0; i < 200; i++) {
		b = uuid_make();
		version = version && b.bytes[6] >> 4 == 4 &&
			  b.bytes[8] >> 6 == 2;
		differ = differ && !uuid_is_equal(&a, &b);
		ones |= b.bytes[0];
		zeros &= b.bytes[15];
	}
	ok(version, "a new UUID is of version 4 and RFC 9562's variant");
	ok(differ, "two UUIDs differ");
	ok(ones == 0xff && zeros == 0, "every bit takes both values");
}

static void test_make_at(void)
{
	/* 2022-02-22 19:22:22 UTC, of RFC 9562's example, and 999 us. */
	static const char ms[] = "\x01\x7f\x22\xe2\x79\xb0";
	const int64_t time_us = INT64_C(1645557742000999);
	struct uuid uuid = uuid_make_at(time_us), other;
	bool sorts = true, version = true;
	int64_t i;

	ok(memcmp(uuid.bytes, ms, 6) == 0,
	   "a UUID of a time begins with its milliseconds");
	is_int((uuid.bytes[6] & 0x0f) << 8 | uuid.bytes[7], 4091,
	       "then come the microseconds");
	other = uuid_make_at(time_us);
	ok(memcmp(uuid.bytes, other.bytes, 8) == 0 &&
		   !uuid_is_equal(&uuid, &other),
	   "two of the same moment differ in what is random");
	for (i = 1; i < 3000; i++) {
		other = uuid_make_at(time_us + i);
		sorts = sorts &&
			memcmp(uuid.bytes, other.bytes, UUID_BYTES) < 0;
		version = version && other.bytes[6] >> 4 == 7 &&
			  other.bytes[8] >> 6 == 2;
		uuid = other;
	}
	ok(sorts, "a later one is greater");
	ok(version, "all are of version 7 and RFC 9562's variant");
}

static void test_text(void)
{
	static const char canonical[] = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
	static const unsigned char bytes[] = { 0xf8, 0x1d, 0x4f, 0xae,
					       0x7d, 0xec, 0x11, 0xd0,
					       0xa7, 0x65, 0x00, 0xa0,
					       0xc9, 0x1e, 0x6b, 0xf6 };
	static const char *const same[] = {
		"f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
		"F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
		"F81d4fae-7dec-11d0-a765-00a0c91E6bf6",
		"f81d4fae7dec11d0a76500a0c91e6bf6",
		"F81D4FAE7DEC11D0A76500A0C91E6BF6",
	};
	char text[UUID_TEXT_LEN + 1];
	struct uuid uuid;

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		memset(&uuid, 0, sizeof(uuid));
		is_err(uuid_parse(text_of(same[i]), &uuid), ERR_OK, same[i]);
		ok(memcmp(uuid.bytes, bytes, sizeof(bytes)) == 0, same[i]);
	}
	uuid_format(&uuid, text);
	is_string(text, canonical, "the text is in lower case with dashes");
}

static void test_refused(void)
{
	static const char *const refused[] = {
		"",
		"f81d4fae",
		"f81d4fae-7dec-11d0-a765-00a0c91e6bf",
		"f81d4fae-7dec-11d0-a765-00a0c91e6bf60",
		"g81d4fae-7dec-11d0-a765-00a0c91e6bf6",
		"f81d4fae-7dec-11d0-a765-00a0c91e6bfg",
		"f81d4fae-7dec-11d0-a76500a0c91e6bf6",
		"f81d4fae7-dec-11d0-a765-00a0c91e6bf6",
		"f81d4fae-7dec11d0-a765-00a0-c91e6bf6",
		"f81d4fae7dec11d0a76500a0c91e6bf",
		"f81d4fae7dec11d0a76500a0c91e6bf60",
		"{f81d4fae-7dec-11d0-a765-00a0c91e6b}",
		"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
		" f81d4fae7dec11d0a76500a0c91e6bf",
		"f81d4fae 7dec 11d0 a765 00a0c91e6bf6",
		"f81d4fae-7dec-11d0-a765-00a0c91e6b\xc3\xa9",
		"-f81d4fae7dec11d0a76500a0c91e6bf",
		"+f81d4fae7dec11d0a76500a0c91e6bf",
		"0x1d4fae7dec11d0a76500a0c91e6bf6",
	};
	struct uuid uuid = { { 1 } };

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		is_err(uuid_parse(text_of(refused[i]), &uuid), ERR_INVALID,
		       refused[i]);
	ok(uuid.bytes[0] == 1 && uuid.bytes[15] == 0,
	   "a refused text leaves the result alone");
}

int main(void)
{
	test_make();
	test_make_at();
	test_text();
	test_refused();
	return tap_done();
}
