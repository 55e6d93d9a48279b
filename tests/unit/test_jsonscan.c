/*
 * The strict check of JSON: what RFC 8259 allows, what it forbids, and what it
 * leaves open.  The cases follow the classes of Nicolas Seriot's JSONTestSuite.
 */
#include "config.h"

#include "core/jsonscan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buffer.h"
#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const char *const accepted[] = {
	"0",
	"-0",
	"1",
	"-1",
	"10",
	"0.5",
	"-0.0",
	"1.000000000000000005",
	"1e1",
	"1E1",
	"1e+1",
	"1e-1",
	"0e1",
	"0E+0",
	"123.456e-78",
	"1e999999",
	"true",
	"false",
	"null",
	"\"\"",
	"\"a\"",
	"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
	"\"\\u0061\\u00e9\\u20AC\"",
	"\"\\ud83d\\ude00\"",
	"\"\\uDBFF\\uDFFF\"",
	"\"\\u0001\"",
	"\"\\uFFFE\\uFDD0\"",
	"\"\\\\u0000\"",
	"\"\x7f\"",
	"\"\xc2\x80\"",
	"\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"",
	"\"\xf4\x8f\xbf\xbf\"",
	"\"\xef\xbb\xbf\"",
	"\"\xe2\x80\xa8\xe2\x80\xa9\"",
	"\"/* no comment */\"",
	"[]",
	"[ ]",
	"[1]",
	"[1,2]",
	"[ 1 , 2 ]",
	"[[]]",
	"[[],[],{}]",
	"[null,1,\"\",{},false]",
	"{}",
	"{ }",
	"{\"a\":1}",
	"{\"a\":1,\"b\":2}",
	"{ \"a\" : 1 , \"b\" : { } }",
	"{\"\":0}",
	"{\"\":0,\" \":1}",
	"{\"a\":1,\"A\":2}",
	"{\"a\":{\"a\":{\"a\":1}}}",
	"{\"a\":{\"b\":1},\"b\":{\"b\":1}}",
	"[{\"a\":1},{\"a\":1}]",
	"{\"a\":[{\"a\":1}],\"b\":[{\"a\":1}]}",
	"{\"a\":1,\"aa\":2,\"aaa\":3}",
	"{\"\xc3\xa9\":1,\"e\xcc\x81\":2}",
	"{\"\\u00e9\":1,\"e\":2}",
	"\r\n\t 1 \t\n\r",
	" [ \n ] ",
	"[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
	"[[[[[[[[{\"a\":{\"a\":{\"a\":[{\"a\":[[[]]]}]}}}]]]]]]]]",
	/* 63 bytes of a number */
	"123456789012345678901234567890123456789012345678901234567890123",
};

/* Each with the offset of what is wrong. */
static const struct {
	const char *json;
	size_t offset;
} refused[] = {
	/* nothing, or not yet a value */
	{ "", 0 },
	{ " ", 1 },
	{ "\n", 1 },
	{ "[", 1 },
	{ "[1", 2 },
	{ "[1,", 3 },
	{ "{", 1 },
	{ "{\"a\"", 4 },
	{ "{\"a\":", 5 },
	{ "{\"a\":1", 6 },
	{ "{\"a\":1,", 7 },
	{ "\"", 1 },
	{ "\"a", 2 },
	{ "tru", 3 },
	{ "-", 1 },
	{ "1.", 2 },
	{ "1e", 2 },
	{ "1e+", 3 },
	/* after the value */
	{ "1 2", 2 },
	{ "1,", 1 },
	{ "[]]", 2 },
	{ "{}}", 2 },
	{ "[]{}", 2 },
	{ "nulll", 4 },
	{ "\"a\"x", 3 },
	{ "{\"a\":1}#", 7 },
	{ "[1]//x", 3 },
	/* words */
	{ "True", 0 },
	{ "TRUE", 0 },
	{ "nil", 1 },
	{ "nan", 1 },
	{ "NaN", 0 },
	{ "Infinity", 0 },
	{ "-Infinity", 1 },
	{ "undefined", 0 },
	{ "a", 0 },
	{ "'a'", 0 },
	{ "`a`", 0 },
	/* numbers */
	{ "01", 1 },
	{ "-01", 2 },
	{ "00", 1 },
	{ "+1", 0 },
	{ ".5", 0 },
	{ "-.5", 1 },
	{ "1.e1", 2 },
	{ "1.5.5", 3 },
	{ "1e1.5", 3 },
	{ "1ee1", 2 },
	{ "1e--1", 3 },
	{ "--1", 1 },
	{ "- 1", 1 },
	{ "0x10", 1 },
	{ "1_000", 1 },
	{ "1,000", 1 },
	{ "\xef\xbc\x91", 0 },
	{ "1\xd9\xa0", 1 },
	/* 64 bytes */
	{ "1234567890123456789012345678901234567890123456789012345678901234",
	  0 },
	/* arrays */
	{ "[,]", 1 },
	{ "[,1]", 1 },
	{ "[1,]", 3 },
	{ "[1,,2]", 3 },
	{ "[1 2]", 3 },
	{ "[1}", 2 },
	{ "[1;2]", 2 },
	{ "[\"a\":1]", 4 },
	{ "]", 0 },
	/* objects */
	{ "{,}", 1 },
	{ "{\"a\":1,}", 7 },
	{ "{\"a\":1,,\"b\":2}", 7 },
	{ "{\"a\" 1}", 5 },
	{ "{\"a\"::1}", 5 },
	{ "{\"a\",1}", 4 },
	{ "{\"a\"}", 4 },
	{ "{a:1}", 1 },
	{ "{'a':1}", 1 },
	{ "{1:1}", 1 },
	{ "{null:1}", 1 },
	{ "{[]:1}", 1 },
	{ "{\"a\":}", 5 },
	{ "{\"a\":1 \"b\":2}", 7 },
	{ "{\"a\":1]", 6 },
	{ "}", 0 },
	/* comments */
	{ "/**/1", 0 },
	{ "1/**/", 1 },
	{ "// x\n1", 0 },
	{ "# x\n1", 0 },
	{ "[1/*x*/]", 2 },
	/* white space that is none of JSON's */
	{ "\f1", 0 },
	{ "\v1", 0 },
	{ "1\f", 1 },
	{ "\xc2\xa0"
	  "1",
	  0 },
	{ "[\xe2\x80\xa8]", 1 },
	/* a byte-order mark */
	{ "\xef\xbb\xbf{}", 0 },
	{ "{}\xef\xbb\xbf", 2 },
	{ "\xff\xfe{", 0 },
	/* strings: control characters */
	{ "\"\n\"", 1 },
	{ "\"\t\"", 1 },
	{ "\"a\x1f\"", 2 },
	{ "\"\r\n\"", 1 },
	/* escapes */
	{ "\"\\a\"", 1 },
	{ "\"\\v\"", 1 },
	{ "\"\\0\"", 1 },
	{ "\"\\'\"", 1 },
	{ "\"\\x41\"", 1 },
	{ "\"\\U0041\"", 1 },
	{ "\"\\", 1 },
	{ "\"\\\"", 3 },
	{ "\"\\u\"", 1 },
	{ "\"\\u00\"", 1 },
	{ "\"\\u004\"", 1 },
	{ "\"\\u00g1\"", 1 },
	{ "\"\\u+041\"", 1 },
	{ "\"\\u 041\"", 1 },
	{ "\"\\u004", 1 },
	{ "\"ab\\q\"", 3 },
	{ "\"\\\xc3\xa9\"", 1 },
	/* U+0000 and lone surrogates */
	{ "\"\\u0000\"", 1 },
	{ "\"a\\u0000b\"", 2 },
	{ "{\"\\u0000\":1}", 2 },
	{ "\"\\ud800\"", 1 },
	{ "\"\\ud83d\"", 1 },
	{ "\"\\ude00\"", 1 },
	{ "\"\\udfff\"", 1 },
	{ "\"\\ud83dx\"", 1 },
	{ "\"\\ud83d\\n\"", 1 },
	{ "\"\\ud83d\\u0041\"", 1 },
	{ "\"\\ud83d\\ud83d\"", 1 },
	{ "\"\\ud83d\\ude0\"", 1 },
	{ "\"\\ude00\\ud83d\"", 1 },
	{ "\"\\ud83d\\", 1 },
	{ "\"\\ud83d\\u", 1 },
	{ "\"\\ud83d\xed\xb8\x80\"", 1 },
	{ "{\"\\ud800\":1}", 2 },
	/* not UTF-8 */
	{ "\"\xff\"", 1 },
	{ "\"\x80\"", 1 },
	{ "\"a\xc3\"", 2 },
	{ "\"\xc3", 1 },
	{ "\"\xc0\xaf\"", 1 },
	{ "\"\xe0\x80\xaf\"", 1 },
	{ "\"\xed\xa0\x80\"", 1 },
	{ "\"\xf4\x90\x80\x80\"", 1 },
	{ "\"\xf8\x88\x80\x80\x80\"", 1 },
	{ "\"\xe9\"", 1 },
	{ "{\"\xff\":1}", 2 },
	{ "[\xff]", 1 },
	/* a name twice, however it is spelled */
	{ "{\"a\":1,\"a\":2}", 7 },
	{ "{\"a\":1,\"b\":2,\"a\":3}", 13 },
	{ "{\"\":1,\"\":2}", 6 },
	{ "{\"a\":1,\"\\u0061\":2}", 7 },
	{ "{\"\\u0061\":1,\"a\":2}", 12 },
	{ "{\"\\u0061\":1,\"\\u0061\":2}", 12 },
	{ "{\"\\u006A\":1,\"\\u006a\":2}", 12 },
	{ "{\"/\":1,\"\\/\":2}", 7 },
	{ "{\"\\\"\":1,\"\\u0022\":2}", 8 },
	{ "{\"\\n\":1,\"\\u000a\":2}", 8 },
	{ "{\"\xc3\xa9\":1,\"\\u00e9\":2}", 8 },
	{ "{\"\xe2\x82\xac\":1,\"\\u20AC\":2}", 9 },
	{ "{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":2}", 10 },
	{ "{\"x\":{\"a\":1,\"a\":2}}", 12 },
	{ "[{\"a\":1,\"a\":2}]", 8 },
	{ "{\"a\":{\"a\":1},\"a\":2}", 13 },
	/* depth 17 */
	{ "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", 16 },
	{ "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":"
	  "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{",
	  80 },
};

static void test_tables(void)
{
	char name[64];

	for (size_t i = 0; i < LENGTH(accepted); i++) {
		size_t offset = 0;

		(void)snprintf(name, sizeof(name), "text %zu is JSON", i);
		if (!is_err(jsonscan_check(text_of(accepted[i]), &offset),
			    ERR_OK, name))
			diag("at %zu of %s", offset, accepted[i]);
	}
	for (size_t i = 0; i < LENGTH(refused); i++) {
		size_t offset = 0;

		(void)snprintf(name, sizeof(name), "text %zu is refused", i);
		if (!is_err(jsonscan_check(text_of(refused[i].json), &offset),
			    ERR_INVALID, name) ||
		    !is_int(offset, refused[i].offset, "and its place told"))
			diag("%s", refused[i].json);
	}
}

/* No byte past the end is read, and no beginning of a document is one. */
static void test_truncated(void)
{
	static const char whole[] =
		"{\"a\":[1,-2.5e+3,true,false,null],\"b\\u0061\\ud83d\\ude00\":"
		"\"\\\"\xc3\xa9\xf0\x9f\x98\x80\\/\",\"c\":{}}";
	bool right = true;
	size_t offset;

	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		/* Of exactly this length, for the sanitizer to watch. */
		char *copy = malloc(len + 1);

		if (copy == NULL)
			bail_out("no memory");
		memcpy(copy, whole, len);
		copy = realloc(copy, len > 0 ? len : 1);
		right = right &&
			jsonscan_check((struct text){ copy, len }, &offset) ==
				ERR_INVALID &&
			offset <= len;
		free(copy);
	}
	ok(right, "no beginning of a document is a document");
	is_err(jsonscan_check(text_of(whole), &offset), ERR_OK,
	       "the whole document is one");
	is_err(jsonscan_check((struct text){ NULL, 0 }, &offset), ERR_INVALID,
	       "nothing is no document");
	is_err(jsonscan_check(TEXT("1\0"), &offset), ERR_INVALID,
	       "a NUL after the value is refused");
	is_err(jsonscan_check(TEXT("\"a\0b\""), &offset), ERR_INVALID,
	       "a NUL in a string is refused");
	is_int(offset, 2, "and its place told");
}

/* An object of count members, whose names differ only at the end. */
static void make_object(struct buffer *out, size_t count, const char *prefix,
			bool descending)
{
	char member[160];

	buffer_append(out, "{", 1);
	for (size_t i = 0; i < count; i++) {
		int len = snprintf(member, sizeof(member), "%s\"%s%05zu\":0",
				   i > 0 ? "," : "", prefix,
				   descending ? count - i : i);

		buffer_append(out, member, (size_t)len);
	}
	buffer_append(out, "}", 1);
}

static void test_many_members(void)
{
	static const char *const prefixes[] = {
		"",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061",
	};
	struct buffer out;
	size_t offset;

	for (size_t i = 0; i < LENGTH(prefixes) * 2; i++) {
		buffer_init(&out);
		make_object(&out, JSONSCAN_MEMBERS_MAX, prefixes[i / 2],
			    i % 2 == 1);
		is_err(jsonscan_check(buffer_text(&out), &offset), ERR_OK,
		       "as many members as allowed");
		/* The first name once more, in place of the last one. */
		memcpy(out.ptr + out.len - 9, i % 2 == 1 ? "01024" : "00000",
		       5);
		is_err(jsonscan_check(buffer_text(&out), &offset), ERR_INVALID,
		       "the first name at the end is found");
		buffer_release(&out);
		buffer_init(&out);
		make_object(&out, JSONSCAN_MEMBERS_MAX + 1, prefixes[i / 2],
			    i % 2 == 1);
		is_err(jsonscan_check(buffer_text(&out), &offset), ERR_INVALID,
		       "one member more is refused");
		buffer_release(&out);
	}
	/* They are counted over all objects of the text. */
	buffer_init(&out);
	buffer_append_text(&out, TEXT("["));
	for (size_t i = 0; i < JSONSCAN_MEMBERS_MAX; i++)
		buffer_append_text(&out, TEXT("{\"a\":1},"));
	buffer_append_text(&out, TEXT("{}]"));
	is_err(jsonscan_check(buffer_text(&out), &offset), ERR_OK,
	       "members of closed objects are forgotten");
	memcpy(out.ptr + out.len - 3, "{\"a", 3);
	buffer_append_text(&out, TEXT("\":1}]"));
	is_err(jsonscan_check(buffer_text(&out), &offset), ERR_INVALID,
	       "but counted");
	buffer_release(&out);
}

int main(void)
{
	test_tables();
	test_truncated();
	test_many_members();
	return tap_done();
}
