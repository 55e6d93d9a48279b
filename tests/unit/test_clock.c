/* The clocks agree with themselves. */
#include "config.h"

#include "core/clock.h"

#include <time.h>

#include "tests/support/tap.h"

int main(void)
{
	int64_t before = clock_monotonic_us(), last = before;
	int64_t wall = clock_wall_us();
	bool grows = true;

	for (int i = 0; i < 10000; i++) {
		int64_t now = clock_monotonic_us();

		grows = grows && now >= last;
		last = now;
	}
	ok(grows, "the monotonic clock never goes back");
	/* 2020-01-01; and the C library's clock counts the same seconds. */
	ok(wall > INT64_C(1577836800000000), "the wall clock counts from 1970");
	ok(wall / 1000000 <= (int64_t)time(NULL) + 1 &&
		   wall / 1000000 >= (int64_t)time(NULL) - 60,
	   "the wall clock counts microseconds");
	return tap_done();
}
