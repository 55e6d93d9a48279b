/*
 * RFC 3339 without the C library's calendar: no locale, no time zone, no
 * shared state.
 */
#include "config.h"

#include "core/timestamp.h"

#include <stdbool.h>
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

/* Two digits. */
static void put_pair(char *out, unsigned number)
{
	out[0] = (char)('0' + number / 10);
	out[1] = (char)('0' + number % 10);
}

void timestamp_format(int64_t time_us, char out[TIMESTAMP_LEN])
{
	struct date date;
	int64_t days, rest;
	unsigned seconds, us;

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
	us = (unsigned)(rest % 1000000);

	memcpy(out, "0000-00-00T00:00:00.000000Z", TIMESTAMP_LEN);
	put_pair(out, date.year / 100);
	put_pair(out + 2, date.year % 100);
	put_pair(out + 5, date.month);
	put_pair(out + 8, date.day);
	put_pair(out + 11, seconds / 3600);
	put_pair(out + 14, seconds / 60 % 60);
	put_pair(out + 17, seconds % 60);
	put_pair(out + 20, us / 10000);
	put_pair(out + 22, us / 100 % 100);
	put_pair(out + 24, us % 100);
}

/* The inverse of date_of_days(), from the same source. */
static int64_t days_of_date(const struct date *date)
{
	int64_t year = (int64_t)date->year - (date->month <= 2 ? 1 : 0) + 400;
	int64_t era = year / 400;
	int64_t year_of_era = year % 400;
	int64_t month_from_march = (date->month + 9) % 12;
	int64_t day_of_year = (153 * month_from_march + 2) / 5 + date->day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 -
			     year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468 - 146097;
}

static bool is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool is_date(const struct date *date)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30,
					      31, 31, 30, 31, 30, 31 };

	if (date->year < 1 || date->month < 1 || date->month > 12 ||
	    date->day < 1)
		return false;
	return date->day <= days[date->month - 1] ||
	       (date->month == 2 && date->day == 29 && is_leap(date->year));
}

/* Takes one byte of a set off the front. */
static bool take_one_of(struct text *rest, const char *set)
{
	if (rest->len == 0 || rest->ptr[0] == '\0' ||
	    strchr(set, rest->ptr[0]) == NULL)
		return false;
	*rest = text_slice(*rest, 1, rest->len);
	return true;
}

/* Takes exactly count digits off the front. */
static bool take_number(struct text *rest, size_t count, unsigned *number)
{
	*number = 0;
	for (size_t i = 0; i < count; i++) {
		if (i == rest->len || rest->ptr[i] < '0' || rest->ptr[i] > '9')
			return false;
		*number = *number * 10 + (unsigned)(rest->ptr[i] - '0');
	}
	*rest = text_slice(*rest, count, rest->len);
	return true;
}

static bool take_date(struct text *rest, struct date *date)
{
	return take_number(rest, 4, &date->year) && take_one_of(rest, "-") &&
	       take_number(rest, 2, &date->month) && take_one_of(rest, "-") &&
	       take_number(rest, 2, &date->day) && is_date(date);
}

/* The digits after a decimal point, at least one, as microseconds. */
static bool take_fraction(struct text *rest, int64_t *us)
{
	int64_t unit = 100000;
	unsigned digit;

	*us = 0;
	if (!take_number(rest, 1, &digit))
		return false;
	do {
		*us += digit * unit;
		unit /= 10;
	} while (take_number(rest, 1, &digit));
	return true;
}

static bool take_time(struct text *rest, int64_t *us)
{
	unsigned hours, minutes, seconds = 0;
	int64_t fraction = 0;

	if (!take_number(rest, 2, &hours) || !take_one_of(rest, ":") ||
	    !take_number(rest, 2, &minutes))
		return false;
	if (take_one_of(rest, ":")) {
		if (!take_number(rest, 2, &seconds))
			return false;
		if (take_one_of(rest, ".,") && !take_fraction(rest, &fraction))
			return false;
	}
	if (hours > 23 || minutes > 59 || seconds > 59)
		return false;
	*us = (int64_t)(hours * 3600 + minutes * 60 + seconds) * 1000000 +
	      fraction;
	return true;
}

/* What has to be taken away from a local time. */
static bool take_zone(struct text *rest, int64_t *us)
{
	unsigned hours, minutes;
	bool is_west;

	*us = 0;
	if (rest->len == 0 || take_one_of(rest, "Zz"))
		return true;
	is_west = rest->ptr[0] == '-';
	if (!take_one_of(rest, "+-") || !take_number(rest, 2, &hours))
		return false;
	(void)take_one_of(rest, ":");
	if (!take_number(rest, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*us = (int64_t)(hours * 60 + minutes) * 60000000;
	if (is_west)
		*us = -*us;
	return true;
}

enum err timestamp_parse(struct text text, int64_t *time_us)
{
	int64_t of_day = 0, offset = 0;
	struct date date;

	if (!take_date(&text, &date))
		return ERR_INVALID;
	if (text.len > 0 &&
	    (!take_one_of(&text, "Tt _") || !take_time(&text, &of_day) ||
	     !take_zone(&text, &offset) || text.len > 0))
		return ERR_INVALID;
	*time_us = days_of_date(&date) * US_PER_DAY + of_day - offset;
	return ERR_OK;
}
