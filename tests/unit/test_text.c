/* Text and what todod needs of Unicode. */
#include "config.h"

#include "core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/buffer.h"
#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct text none = { NULL, 0 };

/* Also what RFC 3629 forbids, so that it can be refused. */
static size_t encode(int32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static void test_bytes(void)
{
	ok(text_is_equal(none, TEXT("")), "no pointer is the empty text");
	ok(text_of(NULL).len == 0, "no string is the empty text");
	ok(text_is_equal(text_of("abc"), TEXT("abc")), "equal texts are");
	ok(!text_is_equal(TEXT("abc"), TEXT("abC")), "case counts");
	ok(!text_is_equal(TEXT("abc"), TEXT("ab")), "length counts");
	ok(text_is_equal(TEXT("a\0b"), TEXT("a\0b")) &&
		   !text_is_equal(TEXT("a\0b"), TEXT("a\0c")),
	   "a NUL ends nothing");
	ok(text_is_equal_nocase(TEXT("AZ az[`{@"), TEXT("az AZ[`{@")),
	   "A-Z are folded");
	ok(!text_is_equal_nocase(TEXT("[@"), TEXT("{`")),
	   "only A-Z are folded");
	ok(!text_is_equal_nocase(TEXT("\xc3\x89"), TEXT("\xc3\xa9")),
	   "letters beyond ASCII are not folded there");
	ok(text_has_prefix(TEXT("abc"), TEXT("ab")) &&
		   text_has_prefix(TEXT("abc"), none) &&
		   text_has_prefix(none, none),
	   "a prefix is found");
	ok(!text_has_prefix(TEXT("ab"), TEXT("abc")) &&
		   !text_has_prefix(TEXT("xab"), TEXT("ab")),
	   "what is no prefix is not found");
	is_int(text_find_byte(TEXT("a=b=c"), '='), 1, "the first byte counts");
	is_int(text_find_byte(TEXT("abc"), '='), 3, "a missing byte is at len");
	is_int(text_find_byte(none, '='), 0, "nothing is found in nothing");
	ok(text_contains(TEXT("abcdef"), TEXT("cd")) &&
		   text_contains(TEXT("abc"), TEXT("abc")),
	   "a part is found");
	ok(!text_contains(TEXT("abc"), TEXT("ac")) &&
		   !text_contains(TEXT("abc"), TEXT("abcd")) &&
		   !text_contains(none, TEXT("a")),
	   "what is no part is not");
	ok(text_contains(TEXT("abc"), none) && text_contains(none, none),
	   "nothing is a part of everything");
	is_text(text_slice(TEXT("abcdef"), 2, 3), TEXT("cde"), "a slice");
	is_text(text_slice(TEXT("abc"), 1, 99), TEXT("bc"),
		"a slice is clamped at the end");
	is_text(text_slice(TEXT("abc"), 99, 1), TEXT(""),
		"a slice past the end is empty");
	is_text(text_slice(none, 1, 1), TEXT(""), "a slice of nothing");
	is_text(text_trim_blank(TEXT(" \t a b\t ")), TEXT("a b"),
		"blanks are trimmed");
	is_text(text_trim_blank(TEXT(" \t ")), TEXT(""),
		"nothing but blanks becomes nothing");
	is_text(text_trim_blank(TEXT("\na\r")), TEXT("\na\r"),
		"line ends are no blanks");
}

/* Every White_Space character of PropList.txt, and some that look like it. */
static void test_trim_space(void)
{
	static const int32_t spaces[] = {
		0x09,	0x0a,	0x0b,	0x0c,	0x0d,	0x20,	0x85,
		0xa0,	0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004,
		0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028,
		0x2029, 0x202f, 0x205f, 0x3000,
	};
	size_t trimmed = 0, wrong = 0;
	char text[16], name[32];

	for (int32_t c = 1; c <= 0x10ffff; c++) {
		size_t len = encode(c, text), found = 0;

		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		while (found < LENGTH(spaces) && spaces[found] != c)
			found++;
		if (text_trim_space((struct text){ text, len }).len == 0) {
			trimmed++;
			wrong += found == LENGTH(spaces);
		}
	}
	is_int(trimmed, LENGTH(spaces),
	       "all white space of Unicode is trimmed");
	is_int(wrong, 0, "nothing else is trimmed");
	for (size_t i = 0; i < LENGTH(spaces); i++) {
		size_t len = encode(spaces[i], text);
		struct text whole;

		text[len] = 'x';
		whole = (struct text){
			text, len + 1 + encode(spaces[i], text + len + 1)
		};
		(void)snprintf(name, sizeof(name), "U+%04X on both sides",
			       (unsigned)spaces[i]);
		is_text(text_trim_space(whole), TEXT("x"), name);
	}
	is_text(text_trim_space(TEXT(" \xe3\x80\x80\t")), TEXT(""),
		"nothing but white space becomes nothing");
	is_text(text_trim_space(TEXT(" \xc3\xa9 \xe2\x82\xac ")),
		TEXT("\xc3\xa9 \xe2\x82\xac"), "white space inside stays");
	is_text(text_trim_space(TEXT("\xe2\x80\x8bx\xef\xbb\xbf")),
		TEXT("\xe2\x80\x8bx\xef\xbb\xbf"),
		"a zero-width space is not white space");
	is_text(text_trim_space(none), TEXT(""), "nothing can be trimmed");
}

static void test_every_character(void)
{
	size_t wrong = 0;

	for (int32_t c = 0; c <= 0x110100; c++) {
		bool is_valid = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
		char bytes[4];
		struct text text = { bytes, encode(c, bytes) };
		size_t offset = 0;
		int32_t got = text_next(text, &offset);

		if (is_valid)
			wrong += got != c || offset != text.len ||
				 !text_is_utf8(text) || text_length(text) != 1;
		else
			wrong += got != -1 || text_is_utf8(text);
	}
	is_int(wrong, 0, "every code point is read, surrogates are refused");
}

static void test_ill_formed(void)
{
	/* How many U+FFFD Python puts for the bytes, and characters in all. */
	static const struct {
		const char *bytes;
		size_t replaced, total;
	} cases[] = {
		{ "\x80", 1, 1 },
		{ "\xbf\xbf", 2, 2 },
		{ "\xc0\xaf", 2, 2 },
		{ "\xc1\xbf", 2, 2 },
		{ "\xc2", 1, 1 },
		{ "\xc2\x41", 1, 2 },
		{ "\xe0\x80\xaf", 3, 3 },
		{ "\xe0\x9f\xbf", 3, 3 },
		{ "\xe0\xa0", 1, 1 },
		{ "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", 4, 5 },
		{ "\xed\xa0\x80", 3, 3 },
		{ "\xed\xbf\xbf", 3, 3 },
		{ "\xf0\x80\x80\xaf", 4, 4 },
		{ "\xf0\x8f\xbf\xbf", 4, 4 },
		{ "\xf0\x90\x8d", 1, 1 },
		{ "\xf4\x90\x80\x80", 4, 4 },
		{ "\xf5\x80\x80\x80", 4, 4 },
		{ "\xf8\x88\x80\x80\x80", 5, 5 },
		{ "\xfe\xff", 2, 2 },
		{ "\x61\xff\x62", 1, 3 },
		{ "\xe2\x82\xe2\x82\xac", 1, 2 },
		{ "\xf0\x9f\x98\xf0\x9f\x98\x80", 1, 2 },
		{ "\xed\xa0\xbd\xed\xb8\x80", 6, 6 },
	};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct text text = text_of(cases[i].bytes);
		size_t offset = 0, replaced = 0, total = 0;
		char name[48];

		while (offset < text.len) {
			replaced += text_next(text, &offset) < 0;
			total++;
		}
		(void)snprintf(name, sizeof(name), "ill-formed UTF-8 %zu", i);
		ok(!text_is_utf8(text), name);
		ok(replaced == cases[i].replaced && total == cases[i].total,
		   name);
	}
}

/* The word-wise path meets a bad byte at every place. */
static void test_utf8_at_every_place(void)
{
	char bytes[64];
	bool right = true;

	for (size_t len = 0; len < sizeof(bytes); len++) {
		memset(bytes, 'a', sizeof(bytes));
		right = right && text_is_utf8((struct text){ bytes, len });
		for (size_t at = 0; at < len; at++) {
			bytes[at] = '\xff';
			right = right &&
				!text_is_utf8((struct text){ bytes, len });
			bytes[at] = 'a';
		}
	}
	ok(right, "a bad byte is found at every place");
	ok(text_is_utf8(none), "nothing is valid UTF-8");
	is_int(text_length(TEXT("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")), 4,
	       "lengths are in code points");
	is_int(text_length(none), 0, "nothing has no length");
}

static void test_int64(void)
{
	static const struct {
		const char *text;
		int64_t value;
	} good[] = {
		{ "0", 0 },
		{ "-0", 0 },
		{ "7", 7 },
		{ "-7", -7 },
		{ "007", 7 },
		{ "9223372036854775806", INT64_MAX - 1 },
		{ "9223372036854775807", INT64_MAX },
		{ "9223372036854775808", INT64_MAX },
		{ "-9223372036854775807", INT64_MIN + 1 },
		{ "-9223372036854775808", INT64_MIN },
		{ "-9223372036854775809", INT64_MIN },
		{ "99999999999999999999999999999999999999", INT64_MAX },
		{ "-99999999999999999999999999999999999999", INT64_MIN },
		{ "00000000000000000000000000000000000001", 1 },
	};
	static const char *const bad[] = {
		"",   "-",	  "--1", "+1",	" 1",
		"1 ", "1.0",	  "1e3", "0x1", "1_0",
		"a",  "\xd9\xa1", "-a",	 "1-",	"9223372036854775808x"
	};
	int64_t value;

	for (size_t i = 0; i < LENGTH(good); i++) {
		value = 42;
		is_err(text_to_int64(text_of(good[i].text), &value), ERR_OK,
		       good[i].text);
		is_int(value, good[i].value, good[i].text);
	}
	for (size_t i = 0; i < LENGTH(bad); i++)
		is_err(text_to_int64(text_of(bad[i]), &value), ERR_INVALID,
		       bad[i]);
}

static void test_fold(void)
{
	static const struct {
		const char *text, *folded, *name;
	} cases[] = {
		{ "", "", "nothing folds to nothing" },
		{ "Buy MILK 123 %_", "buy milk 123 %_",
		  "ASCII is lower-cased" },
		{ "Stra\xc3\x9f"
		  "e",
		  "strasse", "sharp s is ss" },
		{ "\xce\xa3\xce\x8a\xce\xa3\xce\xa5\xce\xa6\xce\x9f\xce\xa3",
		  "\xcf\x83\xce\xaf\xcf\x83\xcf\x85\xcf\x86\xce\xbf\xcf\x83",
		  "Greek capitals fold" },
		{ "\xcf\x82", "\xcf\x83", "the final sigma is a sigma" },
		{ "\xef\xac\x81x", "fix", "a ligature folds to its letters" },
		{ "\xc3\x89", "\xc3\xa9", "E acute folds" },
		{ "E\xcc\x81", "\xc3\xa9",
		  "a combining accent is the same as its letter" },
		{ "\xd0\x96\xd0\xa3\xd0\x9a", "\xd0\xb6\xd1\x83\xd0\xba",
		  "Cyrillic folds" },
		{ "\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac",
		  "what has no case stays" },
		{ "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c",
		  "Hangul is composed" },
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "an emoji stays" },
	};
	char *owned = NULL;
	struct text folded;

	for (size_t i = 0; i < LENGTH(cases); i++) {
		if (!is_err(text_fold(text_of(cases[i].text), &owned, &folded),
			    ERR_OK, cases[i].name))
			continue;
		is_text(folded, text_of(cases[i].folded), cases[i].name);
		free(owned);
	}
	is_err(text_fold(TEXT("a\xff"), &owned, &folded), ERR_INVALID,
	       "what is not UTF-8 cannot be folded");
	if (is_err(text_fold(none, &owned, &folded), ERR_OK,
		   "no pointer can be folded"))
		free(owned);
	ok(text_has_prefix(text_of(text_library()), TEXT("utf8proc 2.")),
	   "the library has a name");
}

/* Folds and compares. */
static void folds_to(const char *text, const char *want, const char *name)
{
	char *owned = NULL;
	struct text folded;

	if (!is_err(text_fold(text_of(text), &owned, &folded), ERR_OK, name))
		return;
	is_text(folded, text_of(want), name);
	free(owned);
}

/* first, then each of the two marks so often, then last; the caller's to
 * free. */
static char *with_marks(const char *first, const char *mark, size_t count,
			const char *other_mark, size_t other_count,
			const char *last)
{
	struct buffer out;

	buffer_init(&out);
	buffer_append_text(&out, text_of(first));
	for (size_t i = 0; i < count || i < other_count; i++) {
		if (i < count)
			buffer_append_text(&out, text_of(mark));
		if (i < other_count)
			buffer_append_text(&out, text_of(other_mark));
	}
	buffer_append_text(&out, text_of(last));
	buffer_append(&out, "", 1);
	if (buffer_is_failed(&out))
		bail_out("no memory");
	return out.ptr;
}

#define ACUTE	  "\xcc\x81" /* U+0301, combining class 230 */
#define DOT_BELOW "\xcc\xa3" /* U+0323, combining class 220 */
#define X5(text)  text text text text text
#define X14(text) X5(text) X5(text) text text text text
#define X15(text) X14(text) text
#define E_ACUTE	  "\xc3\xa9"

static void test_fold_marks(void)
{
	char *text;

	/* 30 marks in a row are still put in order and composed. */
	text = with_marks("A", ACUTE, 15, DOT_BELOW, 15, "B");
	folds_to(text, "\xe1\xba\xa1" X14(DOT_BELOW) X15(ACUTE) "b",
		 "30 marks in a row are put in order");
	free(text);
	text = with_marks("E", ACUTE, 30, "", 0, "");
	folds_to(text, E_ACUTE X14(ACUTE) X15(ACUTE),
		 "30 marks in a row are composed");
	free(text);
	text = with_marks("\xc3\x89", ACUTE, 29, "", 0, "");
	folds_to(text, E_ACUTE X14(ACUTE) X15(ACUTE),
		 "a letter counts with its mark");
	free(text);
	/* A new slice begins with every 31st, and with every letter. */
	text = with_marks("E", ACUTE, 31, DOT_BELOW, 0, DOT_BELOW "E" ACUTE);
	folds_to(text, E_ACUTE X14(ACUTE) X15(ACUTE) DOT_BELOW ACUTE E_ACUTE,
		 "the 31st mark begins anew");
	free(text);
	text = with_marks("", "e" ACUTE, 40, "", 0, "");
	folds_to(text, X15(E_ACUTE) X15(E_ACUTE) X5(E_ACUTE) X5(E_ACUTE),
		 "marks of many letters are no row");
	free(text);
	folds_to(X15(ACUTE) X15(ACUTE) X15("\xcd\x84"),
		 X15(ACUTE) X15(ACUTE) X15("\xcc\x88" ACUTE),
		 "marks alone stay");
}

/* The least time that folding this many pairs of marks takes, in ns. */
static int64_t fold_time(size_t pairs)
{
	/* U+0344 becomes two of class 230, U+0334 has class 1: each of the
	 * latter belongs before all of the former. */
	char *text = with_marks("a", "\xcd\x84", pairs, "\xcc\xb4", pairs, "");
	int64_t least = INT64_MAX;

	for (int i = 0; i < 9; i++) {
		struct timespec before, after;
		struct text folded;
		char *owned = NULL;
		int64_t took;

		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
		if (text_fold(text_of(text), &owned, &folded) != ERR_OK)
			bail_out("the marks do not fold");
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
		free(owned);
		took = (after.tv_sec - before.tv_sec) * 1000000000LL +
		       after.tv_nsec - before.tv_nsec;
		if (took < least)
			least = took;
	}
	free(text);
	return least;
}

static void test_fold_time(void)
{
	int64_t brief = fold_time(250), lengthy = fold_time(4000);

	/* 16 times the text: 256 times the time where it grows by the
	 * square. */
	if (!ok(lengthy < 64 * brief, "the time grows as the text does"))
		diag("%lld ns, then %lld ns", (long long)brief,
		     (long long)lengthy);
}

static void test_invisible(void)
{
	static const int32_t invisible[] = {
		0x0,	0x1f,	 0x7f,	  0x85,	   0xad,    0x34f,   0x600,
		0x115f, 0x17b4,	 0x180b,  0x200b,  0x202e,  0x2065,  0x2800,
		0x3164, 0xfdd0,	 0xfe0f,  0xfeff,  0xffa0,  0xfff0,  0xfff9,
		0xffff, 0x110bd, 0x1d173, 0x1ffff, 0xe0000, 0xe0100, 0x10fffe,
	};
	static const int32_t visible[] = {
		' ',	'a',	0xa0,	0xe9,	 0x301,	  0x2801,   0x3000,
		0xe000, 0xfffd, 0x4e00, 0x1f600, 0x1fffd, 0x10fffd,
	};
	char name[48];

	for (size_t i = 0; i < LENGTH(invisible); i++) {
		(void)snprintf(name, sizeof(name), "U+%04X is invisible",
			       (unsigned)invisible[i]);
		ok(text_is_invisible(invisible[i]), name);
	}
	for (size_t i = 0; i < LENGTH(visible); i++) {
		(void)snprintf(name, sizeof(name), "U+%04X is not",
			       (unsigned)visible[i]);
		ok(!text_is_invisible(visible[i]), name);
	}
}

static void test_small(void)
{
	char text[] = "AbC\xc3\x89";
	bool right = true;

	text_lower_ascii(text, strlen(text));
	is_string(text, "abc\xc3\x89", "only ASCII is lower-cased in place");
	for (int c = -128; c < 128; c++) {
		const char *digits = "0123456789abcdef";
		const char *found = strchr(
			digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);

		right = right && text_hex_value((char)c) ==
					 (c > 0 && found != NULL ?
						  (int)(found - digits) :
						  -1);
	}
	ok(right, "hexadecimal digits have their values, nothing else has");
}

int main(void)
{
	test_bytes();
	test_trim_space();
	test_every_character();
	test_ill_formed();
	test_utf8_at_every_place();
	test_int64();
	test_fold();
	test_fold_marks();
	test_fold_time();
	test_invisible();
	test_small();
	return tap_done();
}
