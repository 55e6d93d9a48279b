/* Reading JSON through the strict scan and cJSON. */
#include "config.h"

#include "core/jsonreader.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buffer.h"
#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static struct jsonreader *parse(const char *json)
{
	struct jsonreader *reader = NULL;
	size_t offset = 0;

	if (jsonreader_parse(text_of(json), &reader, &offset) != ERR_OK)
		bail_out("%s does not parse at %zu", json, offset);
	return reader;
}

static void test_types(void)
{
	struct jsonreader *reader =
		parse("{\"n\":null,\"t\":true,\"f\":false,\"i\":-42,"
		      "\"d\":2.5,\"s\":\"a\\u00e9\\n\",\"e\":\"\",\"l\":[1],"
		      "\"o\":{\"x\":1},\"N\":7,\"\":8}");
	const struct json_value *root = jsonreader_root(reader);
	static const struct {
		const char *name;
		enum json_type type;
	} cases[] = {
		{ "n", JSON_NULL },    { "t", JSON_BOOL },
		{ "f", JSON_BOOL },    { "i", JSON_NUMBER },
		{ "d", JSON_NUMBER },  { "s", JSON_STRING },
		{ "e", JSON_STRING },  { "l", JSON_ARRAY },
		{ "o", JSON_OBJECT },  { "N", JSON_NUMBER },
		{ "", JSON_NUMBER },   { "S", JSON_MISSING },
		{ "x", JSON_MISSING },
	};

	is_int(jsonreader_type(root), JSON_OBJECT, "the root is an object");
	for (size_t i = 0; i < LENGTH(cases); i++)
		is_int(jsonreader_type(jsonreader_member(root, cases[i].name)),
		       cases[i].type, cases[i].name);
	ok(jsonreader_bool(jsonreader_member(root, "t")) &&
		   !jsonreader_bool(jsonreader_member(root, "f")) &&
		   !jsonreader_bool(jsonreader_member(root, "n")),
	   "booleans have their values");
	ok(jsonreader_number(jsonreader_member(root, "i")) == -42 &&
		   jsonreader_number(jsonreader_member(root, "d")) == 2.5 &&
		   jsonreader_number(jsonreader_member(root, "s")) == 0 &&
		   jsonreader_number(jsonreader_member(root, "")) == 8,
	   "numbers have their values");
	is_int(jsonreader_count(root), 11, "members are counted");
	is_int(jsonreader_count(jsonreader_member(root, "l")), 1,
	       "elements are counted");
	ok(jsonreader_count(jsonreader_member(root, "s")) == 0 &&
		   jsonreader_count(NULL) == 0,
	   "nothing else has a number of them");
	is_text(jsonreader_string(jsonreader_member(root, "s")),
		TEXT("a\xc3\xa9\n"), "strings are unescaped");
	is_text(jsonreader_string(jsonreader_member(root, "e")), TEXT(""),
		"a string may be empty");
	is_text(jsonreader_string(jsonreader_member(root, "i")), TEXT(""),
		"what is no string has an empty one");
	ok(jsonreader_member(jsonreader_member(root, "o"), "x") != NULL,
	   "objects nest");
	ok(jsonreader_member(jsonreader_member(root, "l"), "x") == NULL &&
		   jsonreader_member(NULL, "x") == NULL &&
		   jsonreader_type(NULL) == JSON_MISSING &&
		   jsonreader_string(NULL).len == 0,
	   "what is not there has nothing");
	jsonreader_free(&reader);
	ok(reader == NULL, "a freed document is gone");
	jsonreader_free(&reader);
}

/* What cJSON gets from these is looked at when it is freed. */
#define SECRET "Passw0rd!"

static size_t freed_count, freed_with_secret;

static void *watched_malloc(size_t size)
{
	/* The size in front, with room for any type. */
	char *block = malloc(sizeof(max_align_t) + size);

	if (block == NULL)
		return NULL;
	memcpy(block, &size, sizeof(size));
	return block + sizeof(max_align_t);
}

static void watched_free(void *ptr)
{
	char *block = ptr;
	size_t size;

	if (ptr == NULL)
		return;
	memcpy(&size, block - sizeof(max_align_t), sizeof(size));
	freed_count++;
	freed_with_secret += memmem(block, size, SECRET, strlen(SECRET)) !=
			     NULL;
	free(block - sizeof(max_align_t));
}

static void test_wiped(void)
{
	cJSON_Hooks watched = { watched_malloc, watched_free };
	struct jsonreader *reader;

	cJSON_InitHooks(&watched);
	reader = parse("{\"email\":\"a@b.c\",\"password\":\"" SECRET "\","
		       "\"more\":[{\"x\":[1,\"an old one: " SECRET "\"]},"
		       "\"\\u0050assw0rd!\",null,\"\"]}");
	is_text(jsonreader_string(
			jsonreader_member(jsonreader_root(reader), "password")),
		TEXT(SECRET), "a body holds a password");
	jsonreader_free(&reader);
	ok(freed_count > 10, "its memory is freed");
	is_int(freed_with_secret, 0, "and no string of it is left there");
	cJSON_InitHooks(NULL);
}

static void test_refused(void)
{
	struct jsonreader *reader = NULL;
	size_t offset = 0;

	/* All of these cJSON alone would take. */
	is_err(jsonreader_parse(TEXT("{\"a\":1,\"a\":2}"), &reader, &offset),
	       ERR_INVALID, "a name twice is refused");
	is_int(offset, 7, "and its place told");
	is_err(jsonreader_parse(TEXT("\"\xff\""), &reader, &offset),
	       ERR_INVALID, "what is not UTF-8 is refused");
	is_err(jsonreader_parse(TEXT("\"a\\u0000b\""), &reader, &offset),
	       ERR_INVALID, "U+0000 is refused");
	is_err(jsonreader_parse(TEXT("[1] x"), &reader, &offset), ERR_INVALID,
	       "something after the value is refused");
	is_int(offset, 4, "and its place told");
	ok(reader == NULL, "a refused document is none");
}

static void test_numbers(void)
{
	struct jsonreader *reader = parse(
		"[9007199254740991,-9007199254740992,1e999,-1e999,"
		"123456789012345678901234567890123456789012345678901234567890"
		"123,0.1,1e-400]");
	struct buffer out;

	buffer_init(&out);
	jsonreader_print(jsonreader_root(reader), &out);
	is_text(buffer_text(&out),
		TEXT("[9007199254740991,-9007199254740992,null,null,"
		     "1.2345678901234569e+62,0.1,0]"),
		"numbers are printed as doubles");
	buffer_release(&out);
	jsonreader_free(&reader);
	reader = parse("1e999");
	ok(isinf(jsonreader_number(jsonreader_root(reader))),
	   "what a double cannot hold is infinite");
	jsonreader_free(&reader);
}

/* Compact documents that print as they are. */
static void test_print(void)
{
	static const char *const texts[] = {
		"null",
		"true",
		"false",
		"0",
		"-7",
		"2.5",
		"1e+100",
		"0.30000000000000004",
		"1.7976931348623157e+308",
		"2.2250738585072014e-308",
		"\"\"",
		"\"a\\\"b\\\\c\\n\\u0001\xc3\xa9\xf0\x9f\x98\x80/\"",
		"[]",
		"{}",
		"[1,[2,[3]],{}]",
		"{\"a\":1,\"b\":[null,{\"c\":\"d\"}],\"\":{\"\\\"\":\"\\t\"}}",
	};
	struct buffer out;

	for (size_t i = 0; i < LENGTH(texts); i++) {
		struct jsonreader *reader = parse(texts[i]);

		buffer_init(&out);
		jsonreader_print(jsonreader_root(reader), &out);
		is_text(buffer_text(&out), text_of(texts[i]), texts[i]);
		buffer_release(&out);
		jsonreader_free(&reader);
	}
	buffer_init(&out);
	jsonreader_print(NULL, &out);
	is_int(out.len, 0, "what is missing prints as nothing");
	buffer_release(&out);
}

static void merges(const char *first, const char *second, const char *want,
		   const char *name)
{
	const struct text texts[] = { text_of(first), text_of(second) };
	struct buffer out;
	size_t bad = 99;

	buffer_init(&out);
	is_err(jsonreader_merge(texts, 2, &out, &bad), ERR_OK, name);
	is_text(buffer_text(&out), text_of(want), name);
	buffer_release(&out);
}

static void test_merge(void)
{
	static const char *const bad_texts[] = { "{", "[]", "1", "" };
	struct buffer out;
	size_t bad;

	merges("{}", "{}", "{}", "nothing and nothing");
	merges("{\"a\":1}", "{\"b\":2}", "{\"a\":1,\"b\":2}",
	       "members are united");
	merges("{\"a\":1}", "{\"a\":\"x\"}", "{\"a\":\"x\"}",
	       "the later value stays");
	merges("{\"a\":[1,2]}", "{\"a\":[3]}", "{\"a\":[1,2,3]}",
	       "arrays are joined");
	merges("{\"p\":{\"/a\":{\"get\":1}},\"v\":1}",
	       "{\"p\":{\"/a\":{\"put\":2},\"/b\":{}}}",
	       "{\"p\":{\"/a\":{\"get\":1,\"put\":2},\"/b\":{}},\"v\":1}",
	       "objects are united at every depth");
	merges("{\"a\":{\"x\":1}}", "{\"a\":[1]}", "{\"a\":[1]}",
	       "an array replaces an object");
	merges("{\"a\":1,\"A\":2}", "{\"A\":3}", "{\"a\":1,\"A\":3}",
	       "case counts");
	for (size_t i = 0; i < LENGTH(bad_texts); i++) {
		const struct text texts[] = { TEXT("{\"a\":1}"),
					      text_of(bad_texts[i]) };

		buffer_init(&out);
		is_err(jsonreader_merge(texts, 2, &out, &bad), ERR_INVALID,
		       "what is no object cannot be merged");
		is_int(bad, 1, "and is told");
		is_int(out.len, 0, "and nothing is written");
		buffer_release(&out);
	}
	buffer_init(&out);
	is_err(jsonreader_merge(NULL, 0, &out, &bad), ERR_OK,
	       "nothing can be merged");
	is_text(buffer_text(&out), TEXT("{}"), "and is an empty object");
	buffer_release(&out);
}

int main(void)
{
	test_types();
	test_wiped();
	test_refused();
	test_numbers();
	test_print();
	test_merge();
	ok(text_has_prefix(text_of(jsonreader_library()), TEXT("cJSON 1.")),
	   "the library has a name");
	return tap_done();
}
