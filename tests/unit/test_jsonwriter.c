/* Compact JSON, written. */
#include "config.h"

#include "core/jsonwriter.h"

#include <stdio.h>
#include <string.h>

#include "core/jsonreader.h"
#include "tests/support/tap.h"

static void test_shape(void)
{
	struct jsonwriter writer;
	struct buffer out;

	buffer_init(&out);
	jsonwriter_init(&writer, &out);
	jsonwriter_object_begin(&writer);
	jsonwriter_key(&writer, TEXT("id"));
	jsonwriter_int(&writer, 7);
	jsonwriter_key(&writer, TEXT("tags"));
	jsonwriter_array_begin(&writer);
	jsonwriter_string(&writer, TEXT("a"));
	jsonwriter_string(&writer, TEXT(""));
	jsonwriter_array_begin(&writer);
	jsonwriter_array_end(&writer);
	jsonwriter_object_begin(&writer);
	jsonwriter_object_end(&writer);
	jsonwriter_null(&writer);
	jsonwriter_array_end(&writer);
	jsonwriter_key(&writer, TEXT("done"));
	jsonwriter_bool(&writer, true);
	jsonwriter_any_key(&writer, TEXT("o\"dd"));
	jsonwriter_bool(&writer, false);
	jsonwriter_key(&writer, TEXT("at"));
	jsonwriter_time(&writer, INT64_C(1795217218170769));
	jsonwriter_key(&writer, TEXT("raw"));
	jsonwriter_raw(&writer, TEXT("{\"x\":[1,2]}"));
	jsonwriter_object_end(&writer);
	is_text(buffer_text(&out),
		TEXT("{\"id\":7,\"tags\":[\"a\",\"\",[],{},null],"
		     "\"done\":true,\"o\\\"dd\":false,"
		     "\"at\":\"2026-11-20T23:26:58.170769Z\","
		     "\"raw\":{\"x\":[1,2]}}"),
		"members and commas are in their places");
	buffer_release(&out);
}

static void test_int(void)
{
	static const int64_t numbers[] = {
		0, 1, -1, 9, 10, INT64_MAX, INT64_MIN
	};
	struct jsonwriter writer;
	struct buffer out;

	buffer_init(&out);
	jsonwriter_init(&writer, &out);
	jsonwriter_array_begin(&writer);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		jsonwriter_int(&writer, numbers[i]);
	jsonwriter_array_end(&writer);
	is_text(buffer_text(&out),
		TEXT("[0,1,-1,9,10,9223372036854775807,"
		     "-9223372036854775808]"),
		"integers of every size");
	buffer_release(&out);
}

static void test_escapes(void)
{
	static const char hex[] = "0123456789abcdef";
	bool right = true;

	for (int c = 0; c < 0x80; c++) {
		const char byte = (char)c;
		struct jsonwriter writer;
		struct buffer out;
		char want[16];

		if (c != 0 && strchr("\b\f\n\r\t\"\\", c) != NULL)
			(void)snprintf(want, sizeof(want), "\"\\%c\"",
				       "bfnrt\"\\"[strchr("\b\f\n\r\t\"\\", c) -
						   "\b\f\n\r\t\"\\"]);
		else if (c < 0x20)
			(void)snprintf(want, sizeof(want), "\"\\u00%c%c\"",
				       hex[c >> 4], hex[c & 15]);
		else
			(void)snprintf(want, sizeof(want), "\"%c\"", c);
		buffer_init(&out);
		jsonwriter_init(&writer, &out);
		jsonwriter_string(&writer, (struct text){ &byte, 1 });
		right = right &&
			text_is_equal(buffer_text(&out), text_of(want));
		buffer_release(&out);
	}
	ok(right, "every ASCII character is written as JSON encoders do");
}

/* What is written reads back, with escapes at every place. */
static void test_round_trip(void)
{
	static const char *const texts[] = {
		"",
		"plain",
		"\"",
		"\\",
		"\n",
		"a\"b\\c\nd",
		"\"\"\"\"",
		"x\x01",
		"\x01x",
		"\x1f\x1f",
		"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		"\xe2\x80\xa8\xe2\x80\xa9",
		"</script>&<>",
		"\x7f",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct jsonreader *reader = NULL;
		struct jsonwriter writer;
		struct buffer out;
		size_t offset;
		char name[32];

		(void)snprintf(name, sizeof(name), "text %zu reads back", i);
		buffer_init(&out);
		jsonwriter_init(&writer, &out);
		jsonwriter_string(&writer, text_of(texts[i]));
		if (is_err(jsonreader_parse(buffer_text(&out), &reader,
					    &offset),
			   ERR_OK, name))
			is_text(jsonreader_string(jsonreader_root(reader)),
				text_of(texts[i]), name);
		jsonreader_free(&reader);
		buffer_release(&out);
	}
}

static void test_only_what_is_required(void)
{
	struct jsonwriter writer;
	struct buffer out;

	buffer_init(&out);
	jsonwriter_init(&writer, &out);
	jsonwriter_string(&writer, TEXT("<a href='/'>\xc3\xa9\x7f</a>"));
	is_text(buffer_text(&out), TEXT("\"<a href='/'>\xc3\xa9\x7f</a>\""),
		"nothing is escaped that need not be");
	buffer_release(&out);
}

static void test_failure(void)
{
	struct jsonwriter writer;
	struct buffer out;

	buffer_init(&out);
	jsonwriter_init(&writer, &out);
	buffer_append(&out, "x", 1);
	(void)buffer_reserve(&out, SIZE_MAX);
	jsonwriter_object_begin(&writer);
	jsonwriter_key(&writer, TEXT("a"));
	jsonwriter_string(&writer, TEXT("b\n"));
	jsonwriter_object_end(&writer);
	ok(buffer_is_failed(&out) && out.len == 1,
	   "a failed buffer takes nothing more");
	buffer_release(&out);
}

int main(void)
{
	test_shape();
	test_int();
	test_escapes();
	test_round_trip();
	test_only_what_is_required();
	test_failure();
	return tap_done();
}
