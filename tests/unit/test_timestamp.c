/* RFC 3339, checked against a calendar that counts days one by one. */
#include "config.h"

#include "core/timestamp.h"

#include <stddef.h>

#include "tests/support/tap.h"

#define US_PER_DAY (INT64_C(86400) * 1000000)

static const struct {
	int64_t time_us;
	const char *text;
} cases[] = {
	{ 0, "1970-01-01T00:00:00.000000Z" },
	{ 1, "1970-01-01T00:00:00.000001Z" },
	{ -1, "1969-12-31T23:59:59.999999Z" },
	{ INT64_C(1795217218170769), "2026-11-20T23:26:58.170769Z" },
	{ INT64_C(951782400000000), "2000-02-29T00:00:00.000000Z" },
	{ INT64_C(951868799999999), "2000-02-29T23:59:59.999999Z" },
	{ INT64_C(4107542399000000), "2100-02-28T23:59:59.000000Z" },
	{ INT64_C(4107542400000000), "2100-03-01T00:00:00.000000Z" },
	{ INT64_C(2147483647000000), "2038-01-19T03:14:07.000000Z" },
	{ INT64_C(4294967296000000), "2106-02-07T06:28:16.000000Z" },
	{ INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z" },
	{ INT64_C(253402300800000000), "9999-12-31T23:59:59.999999Z" },
	{ INT64_MAX, "9999-12-31T23:59:59.999999Z" },
	{ INT64_C(-62167219200000000), "0000-01-01T00:00:00.000000Z" },
	{ INT64_C(-62167219200000001), "0000-01-01T00:00:00.000000Z" },
	{ INT64_MIN, "0000-01-01T00:00:00.000000Z" },
	{ INT64_C(-62135596800000000), "0001-01-01T00:00:00.000000Z" },
	{ INT64_C(-2203977600000000), "1900-02-28T00:00:00.000000Z" },
	{ INT64_C(-2203891200000000), "1900-03-01T00:00:00.000000Z" },
};

/* 2026-11-20T23:26:58Z */
#define SECOND (INT64_C(1795217218) * 1000000)
/* Its midnight. */
#define MIDNIGHT (INT64_C(1795132800) * 1000000)
#define MINUTE	 (INT64_C(60) * 1000000)

static const struct {
	const char *text;
	int64_t time_us;
} readable[] = {
	{ "2026-11-20", MIDNIGHT },
	{ "2026-11-20T00:00", MIDNIGHT },
	{ "2026-11-20T23:26:58", SECOND },
	{ "2026-11-20 23:26:58", SECOND },
	{ "2026-11-20t23:26:58z", SECOND },
	{ "2026-11-20_23:26:58Z", SECOND },
	{ "2026-11-20T23:26:58.1", SECOND + 100000 },
	{ "2026-11-20T23:26:58.170769Z", SECOND + 170769 },
	{ "2026-11-20T23:26:58,170769Z", SECOND + 170769 },
	{ "2026-11-20T23:26:58.1707699999Z", SECOND + 170769 },
	{ "2026-11-20T23:26:58.0000001Z", SECOND },
	{ "2026-11-20T23:26:58+00:00", SECOND },
	{ "2026-11-20T23:26:58-00:00", SECOND },
	{ "2026-11-20T23:26:58+02:30", SECOND - 150 * MINUTE },
	{ "2026-11-20T23:26:58-0230", SECOND + 150 * MINUTE },
	{ "2026-11-20T23:26:58.5+23:59", SECOND + 500000 - 1439 * MINUTE },
	{ "2026-11-21T01:26+02:00", MIDNIGHT + 1406 * MINUTE },
	{ "1970-01-01", 0 },
	{ "1969-12-31T23:59:59.999999Z", -1 },
	{ "2000-02-29", INT64_C(951782400000000) },
	{ "2024-02-29", INT64_C(1709164800000000) },
	{ "0001-01-01", INT64_C(-62135596800000000) },
	{ "9999-12-31T23:59:59.999999Z", INT64_C(253402300799999999) },
};

static const char *const unreadable[] = {
	"",
	" ",
	"today",
	"0",
	"1795217218",
	"20261120",
	"2026-11",
	"2026-11-2",
	"2026-11-200",
	"26-11-20",
	"2026/11/20",
	"+2026-11-20",
	"-2026-11-20",
	" 2026-11-20",
	"2026-11-20 ",
	"0000-01-01",
	"2026-00-20",
	"2026-13-20",
	"2026-11-00",
	"2026-11-31",
	"2026-02-29",
	"1900-02-29",
	"2026-11-20T",
	"2026-11-20T23",
	"2026-11-20T2326",
	"2026-11-20X23:26",
	"2026-11-20T23:2",
	"2026-11-20T24:00",
	"2026-11-20T23:60",
	"2026-11-20T23:26:60",
	"2026-11-20T23:26:",
	"2026-11-20T23:26:58.",
	"2026-11-20T23:26:58.Z",
	"2026-11-20T23:26.5",
	"2026-11-20Z",
	"2026-11-20+02:00",
	"2026-11-20T23:26ZZ",
	"2026-11-20T23:26:58+",
	"2026-11-20T23:26:58+2",
	"2026-11-20T23:26:58+02",
	"2026-11-20T23:26:58+02:",
	"2026-11-20T23:26:58+02:0",
	"2026-11-20T23:26:58+24:00",
	"2026-11-20T23:26:58+02:60",
	"2026-11-20T23:26:58 02:00",
	"2026-11-20T23:26:58+02:00Z",
	"2026-11-20T23:26:58 UTC",
	"\xd9\xa2\xd9\xa0-11-20",
};

static void test_read(void)
{
	int64_t time_us;
	size_t i;

	for (i = 0; i < sizeof(readable) / sizeof(readable[0]); i++)
		if (is_err(timestamp_parse(text_of(readable[i].text), &time_us),
			   ERR_OK, readable[i].text))
			is_int(time_us, readable[i].time_us, readable[i].text);
	for (i = 0; i < sizeof(unreadable) / sizeof(unreadable[0]); i++)
		is_err(timestamp_parse(text_of(unreadable[i]), &time_us),
		       ERR_INVALID, unreadable[i]);
	is_err(timestamp_parse(TEXT("2026-11-20\0"), &time_us), ERR_INVALID,
	       "a NUL is no end");
}

/* Each is bounded by its length, not by a NUL. */
static void test_cut(void)
{
	const struct text whole = TEXT("2026-11-20T23:26:58.170769+02:30");
	size_t readable_lengths = 0, len;
	int64_t time_us;

	for (len = 0; len <= whole.len; len++)
		readable_lengths += timestamp_parse(text_slice(whole, 0, len),
						    &time_us) == ERR_OK;
	/* The date, the minutes, the seconds, six fractions, the whole. */
	is_int(readable_lengths, 10, "no more is read than is there");
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static void test_every_day(void)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30,
				       31, 31, 30, 31, 30, 31 };
	int64_t day = -719528; /* 0000-01-01 */
	int wrong = 0;

	for (int year = 0; year <= 9999; year++) {
		for (int month = 1; month <= 12; month++) {
			int length = lengths[month - 1] +
				     (month == 2 && is_leap(year));

			for (int date = 1; date <= length; date++, day++) {
				char got[TIMESTAMP_LEN];
				int64_t read;
				int number;

				timestamp_format(day * US_PER_DAY, got);
				number = (got[0] - '0') * 1000 +
					 (got[1] - '0') * 100 +
					 (got[2] - '0') * 10 + (got[3] - '0');
				wrong += number != year ||
					 (got[5] - '0') * 10 + got[6] - '0' !=
						 month ||
					 (got[8] - '0') * 10 + got[9] - '0' !=
						 date ||
					 (year > 0 &&
					  (timestamp_parse(
						   (struct text){
							   got, TIMESTAMP_LEN },
						   &read) != ERR_OK ||
					   read != day * US_PER_DAY));
			}
		}
	}
	is_int(wrong, 0, "every day of ten thousand years has its date");
	is_int(day, 2932897, "and they are as many as they should be");
}

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char got[TIMESTAMP_LEN];
		const struct text text = { got, TIMESTAMP_LEN };

		timestamp_format(cases[i].time_us, got);
		is_text(text, text_of(cases[i].text), cases[i].text);
	}
	test_every_day();
	test_read();
	test_cut();
	return tap_done();
}
