/* The times of fetches. */
#include "config.h"

#include "daemon/keyplan.h"

#include <stdatomic.h>

#define US_PER_MS INT64_C(1000)

/* A part of a time, from least to most percent of it. */
static int64_t part_us(int64_t ms, int64_t least, int64_t most, uint32_t jitter)
{
	int64_t spread = most - least + 1;

	return ms * US_PER_MS * (least + (int64_t)(jitter % spread)) / 100;
}

/* Ahead of the time when the set is too old, and not all at once. */
void keyplan_succeeded(struct keyplan *plan,
		       const struct keyplan_limits *limits, int64_t now_us,
		       uint32_t jitter)
{
	atomic_store(&plan->failures, 0);
	atomic_store(&plan->confirmed_us, now_us);
	atomic_store(&plan->refresh_us,
		     now_us + part_us(limits->ttl_ms, 80, 95, jitter));
	atomic_store(&plan->ended_us, now_us);
}

void keyplan_failed(struct keyplan *plan, const struct keyplan_limits *limits,
		    int64_t now_us, uint32_t jitter)
{
	unsigned failures = atomic_load(&plan->failures) + 1;
	int64_t delay_ms = limits->cool_down_ms;

	for (unsigned i = 1; i < failures && delay_ms < KEYPLAN_RETRY_MAX_MS;
	     i++)
		delay_ms *= 2;
	if (delay_ms > KEYPLAN_RETRY_MAX_MS)
		delay_ms = KEYPLAN_RETRY_MAX_MS;
	atomic_store(&plan->failures, failures);
	atomic_store(&plan->refresh_us,
		     now_us + part_us(delay_ms, 100, 125, jitter));
	atomic_store(&plan->ended_us, now_us);
}

void keyplan_ended(struct keyplan *plan, int64_t now_us)
{
	atomic_store(&plan->ended_us, now_us);
}

void keyplan_restored(struct keyplan *plan, int64_t confirmed_us)
{
	/* 0 would mean that there is none. */
	atomic_store(&plan->confirmed_us, confirmed_us == 0 ? 1 : confirmed_us);
	atomic_store(&plan->refresh_us, 0);
}

/* When the cool-down ends. */
static int64_t rested_us(const struct keyplan *plan,
			 const struct keyplan_limits *limits)
{
	int64_t ended_us = atomic_load(&plan->ended_us);

	return ended_us == 0 ? 0 : ended_us + limits->cool_down_ms * US_PER_MS;
}

int64_t keyplan_next_us(const struct keyplan *plan,
			const struct keyplan_limits *limits, bool is_wanted)
{
	int64_t refresh_us = atomic_load(&plan->refresh_us);
	int64_t next_us = rested_us(plan, limits);

	if (!is_wanted && refresh_us > next_us)
		next_us = refresh_us;
	return next_us;
}

bool keyplan_is_resting(const struct keyplan *plan,
			const struct keyplan_limits *limits, int64_t now_us)
{
	return now_us < rested_us(plan, limits);
}

bool keyplan_is_expired(const struct keyplan *plan,
			const struct keyplan_limits *limits, int64_t now_us)
{
	int64_t confirmed_us = atomic_load(&plan->confirmed_us);

	return confirmed_us != 0 &&
	       now_us - confirmed_us >
		       (limits->ttl_ms + KEYPLAN_STALE_MAX_MS) * US_PER_MS;
}
