/*
 * RFC 3339 without the C library's calendar: no locale, no time zone, no
 * shared state.
 */
#include "config.h"

#include "core/timestamp.h"

#include <string.h>

#define US_PER_DAY (INT64_C(86400) * 1000000)
/* 0000-01-01T00:00:00.000000Z and 9999-12-31T23:59:59.999999Z. */
#define TIME_MIN_US (INT64_C(-62167219200) * 1000000)
#define TIME_MAX_US (INT64_C(253402300800) * 1000000 - 1)

struct date {
	unsigned year, month, day;
};

/*
 * The proleptic Gregorian date of a day counted from 1970-01-01, after Howard
 * Hinnant's "chrono-compatible low-level date algorithms": years begin in
 * March, so that the leap day comes last.
 */
static struct date date_of_days(int64_t days)
{
	/* Days since 0000-03-01, moved by one era to stay positive. */
	uint64_t shifted = (uint64_t)(days + 719468 + 146097);
	uint64_t era = shifted / 146097;
	unsigned day_of_era = (unsigned)(shifted % 146097);
	unsigned year_of_era = (day_of_era - day_of_era / 1460 +
				day_of_era / 36524 - day_of_era / 146096) /
			       365;
	unsigned day_of_year =
		day_of_era -
		(365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned month_from_march = (5 * day_of_year + 2) / 153;
	struct date date;

	date.day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
	date.month = month_from_march < 10 ? month_from_march + 3 :
					     month_from_march - 9;
	/* The era that was added is taken away again. */
	date.year = (unsigned)(era * 400 + year_of_era +
			       (date.month <= 2 ? 1 : 0) - 400);
	return date;
}

static void put_digits(char *out, unsigned number, int count)
{
	while (count-- > 0) {
		out[count] = (char)('0' + number % 10);
		number /= 10;
	}
}

void timestamp_format(int64_t time_us, char out[TIMESTAMP_LEN])
{
	struct date date;
	int64_t days, rest;
	unsigned seconds;

	if (time_us < TIME_MIN_US)
		time_us = TIME_MIN_US;
	if (time_us > TIME_MAX_US)
		time_us = TIME_MAX_US;
	days = time_us / US_PER_DAY;
	rest = time_us % US_PER_DAY;
	if (rest < 0) {
		rest += US_PER_DAY;
		days--;
	}
	date = date_of_days(days);
	seconds = (unsigned)(rest / 1000000);

	memcpy(out, "0000-00-00T00:00:00.000000Z", TIMESTAMP_LEN);
	put_digits(out, date.year, 4);
	put_digits(out + 5, date.month, 2);
	put_digits(out + 8, date.day, 2);
	put_digits(out + 11, seconds / 3600, 2);
	put_digits(out + 14, seconds / 60 % 60, 2);
	put_digits(out + 17, seconds % 60, 2);
	put_digits(out + 20, (unsigned)(rest % 1000000), 6);
}
