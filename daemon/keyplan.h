/*
 * When the keeper asks an issuer for its keys again.  Pure: it is told the
 * time and what happened, and says what follows.  The times are monotonic, in
 * microseconds; all of it lies in the memory that a keeper leaves to the next.
 */
#ifndef TODOD_DAEMON_KEYPLAN_H
#define TODOD_DAEMON_KEYPLAN_H

#include <stdbool.h>
#include <stdint.h>

/* Without anybody asking, a failed fetch is repeated no later than this. */
#define KEYPLAN_RETRY_MAX_MS 300000
/* Keys that an issuer no longer confirms count this long past their time
 * (stale-if-error, RFC 5861 §4). */
#define KEYPLAN_STALE_MAX_MS INT64_C(86400000)

struct keyplan_limits {
	int64_t ttl_ms;
	int64_t cool_down_ms;
};

struct keyplan {
	_Atomic int64_t confirmed_us; /* the set: fetched or unchanged; 0: none
				       */
	_Atomic int64_t refresh_us;   /* when it is asked for again */
	_Atomic int64_t ended_us;     /* the last fetch, good or bad; 0: none */
	_Atomic unsigned failures;    /* since the last good one */
};

/* jitter is a random number: keepers that started together drift apart. */
void keyplan_succeeded(struct keyplan *plan,
		       const struct keyplan_limits *limits, int64_t now_us,
		       uint32_t jitter);
void keyplan_failed(struct keyplan *plan, const struct keyplan_limits *limits,
		    int64_t now_us, uint32_t jitter);

/* Nothing was learnt, but the cool-down begins. */
void keyplan_ended(struct keyplan *plan, int64_t now_us);

/* A set that was confirmed at some time in the past and is to be looked at
 * soon. */
void keyplan_restored(struct keyplan *plan, int64_t confirmed_us);

/* When the next fetch begins, in the past when it is due; is_wanted: somebody
 * has a token that names an unknown key, or there is no set. */
int64_t keyplan_next_us(const struct keyplan *plan,
			const struct keyplan_limits *limits, bool is_wanted);

/* Whether the last fetch ended so lately that there is none now. */
bool keyplan_is_resting(const struct keyplan *plan,
			const struct keyplan_limits *limits, int64_t now_us);

/* Whether the set is past all use. */
bool keyplan_is_expired(const struct keyplan *plan,
			const struct keyplan_limits *limits, int64_t now_us);

#endif
