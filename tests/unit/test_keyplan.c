/* When an issuer is asked for its keys. */
#include "config.h"

#include "daemon/keyplan.h"

#include <stdatomic.h>
#include <string.h>

#include "tests/support/tap.h"

#define S      INT64_C(1000000)
#define NOW_US (5000 * S)

static const struct keyplan_limits limits = {
	.ttl_ms = 3600 * 1000,
	.cool_down_ms = 10 * 1000,
};

static void test_first(void)
{
	struct keyplan plan = { 0 };

	ok(keyplan_next_us(&plan, &limits, false) <= NOW_US,
	   "without a set one is fetched at once");
	ok(!keyplan_is_resting(&plan, &limits, 1), "there is no rest before");
	ok(!keyplan_is_expired(&plan, &limits, INT64_MAX),
	   "what is not there does not expire");
}

static void test_success(void)
{
	struct keyplan plan = { 0 };
	int64_t soonest = INT64_MAX, latest = 0;

	for (uint32_t jitter = 0; jitter < 1000; jitter++) {
		int64_t next_us;

		keyplan_succeeded(&plan, &limits, NOW_US, jitter);
		next_us = keyplan_next_us(&plan, &limits, false);
		soonest = next_us < soonest ? next_us : soonest;
		latest = next_us > latest ? next_us : latest;
	}
	is_int(soonest, NOW_US + 2880 * S, "a set is fetched again early");
	is_int(latest, NOW_US + 3420 * S,
	       "not all at once, and before it is too old");
	is_int(keyplan_next_us(&plan, &limits, true), NOW_US + 10 * S,
	       "an unknown key waits for the cool-down only");
	ok(keyplan_is_resting(&plan, &limits, NOW_US + 10 * S - 1),
	   "that lasts ten seconds");
	ok(!keyplan_is_resting(&plan, &limits, NOW_US + 10 * S),
	   "and no longer");
}

static void test_failures(void)
{
	struct keyplan plan = { 0 };
	static const int64_t delays_s[] = { 10, 20, 40, 80, 160, 300, 300 };

	for (size_t i = 0; i < sizeof(delays_s) / sizeof(delays_s[0]); i++) {
		keyplan_failed(&plan, &limits, NOW_US, 0);
		is_int(keyplan_next_us(&plan, &limits, false),
		       NOW_US + delays_s[i] * S,
		       "each failure is followed by a longer pause");
	}
	is_int(keyplan_next_us(&plan, &limits, true), NOW_US + 10 * S,
	       "who waits is served after the cool-down");
	for (int i = 0; i < 100000; i++)
		keyplan_failed(&plan, &limits, NOW_US, 0);
	is_int(keyplan_next_us(&plan, &limits, false), NOW_US + 300 * S,
	       "however many there were");
	keyplan_failed(&plan, &limits, NOW_US, 25);
	is_int(keyplan_next_us(&plan, &limits, false), NOW_US + 375 * S,
	       "more or less");
	keyplan_succeeded(&plan, &limits, NOW_US, 0);
	keyplan_failed(&plan, &limits, NOW_US, 0);
	is_int(keyplan_next_us(&plan, &limits, false), NOW_US + 10 * S,
	       "a good one begins the count anew");
}

static void test_age(void)
{
	struct keyplan plan = { 0 };
	int64_t end_us = NOW_US + (3600 + 86400) * S;

	keyplan_succeeded(&plan, &limits, NOW_US, 0);
	keyplan_failed(&plan, &limits, end_us - S, 0);
	ok(!keyplan_is_expired(&plan, &limits, end_us),
	   "a set outlives its time by a day");
	ok(keyplan_is_expired(&plan, &limits, end_us + 1), "and not by more");
	keyplan_succeeded(&plan, &limits, end_us + 1, 0);
	ok(!keyplan_is_expired(&plan, &limits, end_us + 1),
	   "unless it is confirmed");
	keyplan_restored(&plan, NOW_US - 90001 * S);
	ok(keyplan_is_expired(&plan, &limits, NOW_US),
	   "one that was restored may be too old");
	keyplan_restored(&plan, 0);
	ok(keyplan_is_expired(&plan, &limits, 90002 * S),
	   "even one of the moment the machine started");
}

static void test_restored(void)
{
	struct keyplan plan = { 0 };

	keyplan_restored(&plan, NOW_US - 100 * S);
	ok(keyplan_next_us(&plan, &limits, false) <= NOW_US,
	   "a set of the last run is looked at at once");
	keyplan_ended(&plan, NOW_US);
	is_int(keyplan_next_us(&plan, &limits, true), NOW_US + 10 * S,
	       "an end alone begins a rest");
}

int main(void)
{
	test_first();
	test_success();
	test_failures();
	test_age();
	test_restored();
	return tap_done();
}
