/* Booleans and numbers that are written as text. */
#include "config.h"

#include "core/spelling.h"

#include <stddef.h>

#include "tests/support/tap.h"

static void test_bool(void)
{
	static const char *const yes[] = { "true", "yes", "on", "1", "t", "y",
					   "TRUE", "Yes", "oN", "T", "Y" };
	static const char *const no[] = { "false", "no", "off", "0", "f", "n",
					  "FALSE", "No", "oFF", "F", "N" };
	static const char *const neither[] = {
		"",    " ",   "true ", " true", "2",	"-1",	"01",
		"1.0", "tru", "truee", "yess",	"null", "none", "\xd1\x82",
	};
	bool value;
	size_t i;

	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		ok(spelling_bool(text_of(yes[i]), &value) == ERR_OK && value,
		   yes[i]);
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		ok(spelling_bool(text_of(no[i]), &value) == ERR_OK && !value,
		   no[i]);
	for (i = 0; i < sizeof(neither) / sizeof(neither[0]); i++)
		is_err(spelling_bool(text_of(neither[i]), &value), ERR_INVALID,
		       neither[i]);
	is_err(spelling_bool(TEXT("on\0"), &value), ERR_INVALID,
	       "a NUL is no end");
}

static void test_int(void)
{
	static const struct {
		const char *text;
		int64_t value;
	} numbers[] = {
		{ "0", 0 },
		{ "7", 7 },
		{ "007", 7 },
		{ "-7", -7 },
		{ "+7", 7 },
		{ "-0", 0 },
		{ " 7 ", 7 },
		{ "\t-7\n", -7 },
		{ "9223372036854775807", INT64_MAX },
		{ "9223372036854775808", INT64_MAX },
		{ "-9223372036854775809", INT64_MIN },
		{ "99999999999999999999999999999999", INT64_MAX },
	};
	static const char *const others[] = {
		"",    " ",   "+",   "-",   "+-7",	"-+7", "++7",
		"--7", "1 2", "1_0", "0x1", "1e3",	"1.0", "1.5",
		"x",   "1x",  "- 7", "+ 7", "\xd9\xa1",
	};
	int64_t value;
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (is_err(spelling_int(text_of(numbers[i].text), &value),
			   ERR_OK, numbers[i].text))
			is_int(value, numbers[i].value, numbers[i].text);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		is_err(spelling_int(text_of(others[i]), &value), ERR_INVALID,
		       others[i]);
}

int main(void)
{
	test_bool();
	test_int();
	return tap_done();
}
