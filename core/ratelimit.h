/*
 * How often something may happen: counters in a table of fixed size, shared by
 * all processes that have it mapped.  Pure: memory and time come from the
 * caller.
 *
 * The algorithm is GCRA (ITU-T I.371, annex A, "virtual scheduling"): a counter
 * is one point in time, the theoretical arrival time, up to which the events so
 * far have used the quota up.  Each event moves it on by window / quota, and
 * one that would move it further ahead than a window is refused and changes
 * nothing.  So a quota may be used at once and comes back steadily.
 *
 * A counter is one atomic word, and a change of it is one compare-and-swap:
 * there is no lock that a killed process could leave taken, and what it had
 * counted stays counted.
 *
 * The table is keyed by a keyed hash of the key, so nobody outside can aim at
 * a counter.  A counter whose time has passed holds nothing and is taken by the
 * next key.  One that still counts is never evicted, however many keys come:
 * when a bucket is full of these, a further key counts together with one of
 * them, until one is over.  Two keys whose hashes collide (30 bits) count
 * together as well.  So a key may be refused because of another, and none gets
 * rid of what it has used by making others.
 */
#ifndef TODOD_CORE_RATELIMIT_H
#define TODOD_CORE_RATELIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/digest.h"
#include "core/err.h"
#include "core/text.h"

#define RATELIMIT_WAYS	     8 /* counters of a bucket: a cache line */
#define RATELIMIT_BUCKETS    16384
#define RATELIMIT_QUOTA_MAX  100000
#define RATELIMIT_WINDOW_MAX 86400 /* seconds */
/* No wait grows longer than this, so that nobody is locked out. */
#define RATELIMIT_GROWN_MAX_S 900

struct ratelimit_bucket {
	_Alignas(64) _Atomic uint64_t counters[RATELIMIT_WAYS];
};

/* One MiB; zeroed, then ratelimit_init(). */
struct ratelimit {
	struct digest_key key;
	struct ratelimit_bucket buckets[RATELIMIT_BUCKETS];
};

enum ratelimit_growth {
	RATELIMIT_STEADY,
	/* Each event that uses the last of the quota doubles the wait that
	 * follows it, up to the window or RATELIMIT_GROWN_MAX_S; when nothing
	 * has happened until the quota was whole again, it begins anew. */
	RATELIMIT_GROWING,
};

struct ratelimit_policy {
	unsigned quota; /* 0: no limit */
	unsigned window_s;
	enum ratelimit_growth growth;
};

struct ratelimit_verdict {
	bool is_allowed;
	unsigned remaining; /* of the quota */
	/* Nothing remains: until the next one is allowed.  Else until the whole
	 * quota is there again. */
	int64_t wait_us;
};

/* Before the memory is shared: makes the hash's key. */
void ratelimit_init(struct ratelimit *table);

/* Counts one event of a key, if the policy (which has a quota) allows it.
 * now_us is of the monotonic clock, which all processes share. */
struct ratelimit_verdict ratelimit_take(struct ratelimit *table,
					const struct ratelimit_policy *policy,
					struct text key, int64_t now_us);

/* Forgets what a key has used. */
void ratelimit_forget(struct ratelimit *table, struct text key);

/*
 * Reads "100/m", "20/30s", "5/10m", "1000/h" or "off"; growth stays as it is.
 * ERR_INVALID: it is none, or a number is out of range, or it is more than
 * 10000 in a second.
 */
enum err ratelimit_policy_parse(struct text text,
				struct ratelimit_policy *policy)
	__attribute__((warn_unused_result));

#endif
