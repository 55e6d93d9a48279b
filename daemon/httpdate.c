/* The time of day as HTTP writes it, whatever the locale. */
#include "config.h"

#include "daemon/httpdate.h"

#include <stdio.h>
#include <time.h>

#include "core/clock.h"

const char *httpdate_text(struct httpdate *date)
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed",
					 "Thu", "Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr",
					    "May", "Jun", "Jul", "Aug",
					    "Sep", "Oct", "Nov", "Dec" };
	time_t now_s = (time_t)(clock_wall_us() / 1000000);
	struct tm tm;

	if (now_s == date->second || !gmtime_r(&now_s, &tm))
		return date->text;
	(void)snprintf(date->text, sizeof(date->text),
		       "%s, %02u %s %04u %02u:%02u:%02u GMT", days[tm.tm_wday],
		       (unsigned)tm.tm_mday % 100, months[tm.tm_mon],
		       (unsigned)(tm.tm_year + 1900) % 10000,
		       (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
		       (unsigned)tm.tm_sec % 100);
	date->second = now_s;
	return date->text;
}
