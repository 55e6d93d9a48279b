/* Classes of bytes, and hosts. */
#include "config.h"

#include "core/httpchars.h"

#include <string.h>

#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define LINE	      29 /* some words and a part of one */

/* The rules themselves, not by the table. */
static bool is_value(int byte)
{
	return byte == '\t' || (byte >= ' ' && byte != 0x7f);
}

static bool is_token(int byte)
{
	return byte != 0 &&
	       (strchr("!#$%&'*+-.^_`|~", byte) != NULL ||
		(byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
		(byte >= 'a' && byte <= 'z'));
}

static void test_classes(void)
{
	bool values = true, tokens = true, targets = true;

	for (int byte = 0; byte < 256; byte++) {
		bool is_target = byte > ' ' && byte < 0x7f && byte != '#';
		char c = (char)byte;

		values = values &&
			 httpchars_has(HTTPCHARS_VALUE, c) == is_value(byte);
		tokens = tokens &&
			 httpchars_has(HTTPCHARS_TOKEN, c) == is_token(byte);
		targets = targets &&
			  httpchars_has(HTTPCHARS_TARGET, c) == is_target;
	}
	ok(values, "values are all but controls");
	ok(tokens, "tokens are as RFC 9110 has them");
	ok(targets, "targets are visible ASCII without '#'");
}

/* One byte of any kind among others, at every place. */
static bool is_skipped_right(char others)
{
	char line[LINE];

	for (int byte = 0; byte < 256; byte++) {
		for (size_t at = 0; at < LINE; at++) {
			size_t want = is_value(byte) ? LINE : at;

			memset(line, others, sizeof(line));
			line[at] = (char)byte;
			if (httpchars_skip_value(line, 0, LINE) != want ||
			    httpchars_skip_value(line, at, LINE) != want)
				return false;
		}
	}
	return true;
}

static void test_skipping(void)
{
	ok(is_skipped_right('a'), "a control is found among letters");
	ok(is_skipped_right(' '), "among spaces");
	ok(is_skipped_right('\t'), "among tabs");
	ok(is_skipped_right('\x80'), "among the least bytes beyond ASCII");
	ok(is_skipped_right('\xff'), "and among the greatest");
	is_int(httpchars_skip_value("\r", 0, 0), 0, "nothing has no end");
}

static const struct {
	const char *text;
	bool is_host;
} hosts[] = {
	{ "", true },		{ "a", true },
	{ "a.b-c_d~e", true },	{ "!$&'()*+,;=", true },
	{ "a%2Fb%ff", true },	{ "a:", true },
	{ "a:80", true },	{ "a:65535", true },
	{ ":80", true },	{ "[::1]", true },
	{ "[::1]:80", true },	{ "[::ffff:1.2.3.4]", true },
	{ "a:65536", false },	{ "a:99999999999999999999", false },
	{ "a:8x", false },	{ "a:80:", false },
	{ "a%", false },	{ "a%2", false },
	{ "a%2g", false },	{ "a/b", false },
	{ "a b", false },	{ "a@b", false },
	{ "a?b", false },	{ "a#b", false },
	{ "a\\b", false },	{ "a[b", false },
	{ "\xc3\xa9", false },	{ "[", false },
	{ "[]", false },	{ "[::1", false },
	{ "[::1]a", false },	{ "[::1]:a", false },
	{ "[g]", false },	{ "::1", false },
	{ "[:::]", false },	{ "[1.2.3.4]", false },
	{ "[1::2::3]", false }, { "[12345::]", false },
	{ "[.]", false },	{ "[::1%251]", false },
};

static const struct {
	const char *text;
	bool is_destination;
} destinations[] = {
	{ "a:1", true },      { "a:65535", true }, { "[::1]:080", true },
	{ "a:65536", false }, { "a:0", false },	   { "a:000", false },
	{ "a:", false },      { "a", false },	   { "[::1]", false },
	{ "[::1]:", false },  { ":80", false },	   { "", false },
	{ "a:8x", false },    { "a/b:80", false },
};

static void test_hosts(void)
{
	tap_prefix("host");
	for (size_t i = 0; i < LENGTH(hosts); i++)
		is_int(httpchars_is_host(text_of(hosts[i].text)),
		       hosts[i].is_host, hosts[i].text);
	tap_prefix("destination");
	for (size_t i = 0; i < LENGTH(destinations); i++)
		is_int(httpchars_is_destination(text_of(destinations[i].text)),
		       destinations[i].is_destination, destinations[i].text);
	tap_prefix(NULL);
}

int main(void)
{
	test_classes();
	test_skipping();
	test_hosts();
	return tap_done();
}
