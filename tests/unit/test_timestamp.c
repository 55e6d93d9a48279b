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
				int number;

				timestamp_format(day * US_PER_DAY, got);
				number = (got[0] - '0') * 1000 +
					 (got[1] - '0') * 100 +
					 (got[2] - '0') * 10 + (got[3] - '0');
				wrong += number != year ||
					 (got[5] - '0') * 10 + got[6] - '0' !=
						 month ||
					 (got[8] - '0') * 10 + got[9] - '0' !=
						 date;
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
	return tap_done();
}
