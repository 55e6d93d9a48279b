/*
 * A counter's word: 16 bits of the key's hash, 4 bits of growth, and 44 bits of
 * the theoretical arrival time in ticks of 16 µs.  Zero is a free one.
 */
#include "config.h"

#include "core/ratelimit.h"

#include <string.h>

#define TICK_US	       16
#define TIME_BITS      44
#define TIME_MASK      ((UINT64_C(1) << TIME_BITS) - 1)
#define GROWTH_MAX     15
#define TICKS_PER_S    (1000000 / TICK_US)
#define PER_SECOND_MAX 10000
/* No counter is further ahead than a window and the longest wait after it. */
#define AHEAD_MAX (2 * (uint64_t)RATELIMIT_WINDOW_MAX * TICKS_PER_S)

struct counter {
	unsigned tag;	 /* never 0 */
	unsigned growth; /* how often the wait has doubled */
	uint64_t ahead;	 /* ticks from now to its time; 0: it is over */
};

/* Where a key is. */
struct place {
	struct ratelimit_bucket *bucket;
	unsigned tag;
};

/* A policy in ticks. */
struct pace {
	uint64_t interval;
	uint64_t window;
	uint64_t grown_max; /* 0: it does not grow */
};

static struct counter unpack(uint64_t word, uint64_t now)
{
	struct counter counter = {
		.tag = (unsigned)(word >> (64 - 16)),
		.growth = (unsigned)(word >> TIME_BITS) & GROWTH_MAX,
		.ahead = (word - now) & TIME_MASK,
	};

	if (word == 0 || counter.ahead > AHEAD_MAX)
		counter.ahead = 0;
	return counter;
}

static uint64_t pack(const struct counter *counter, uint64_t now)
{
	return (uint64_t)counter->tag << (64 - 16) |
	       (uint64_t)counter->growth << TIME_BITS |
	       ((now + counter->ahead) & TIME_MASK);
}

static struct place place_of(struct ratelimit *table, struct text key)
{
	struct digest digest = digest_of(&table->key, key);
	uint32_t bucket;
	uint16_t tag;

	memcpy(&bucket, digest.bytes, sizeof(bucket));
	memcpy(&tag, digest.bytes + sizeof(bucket), sizeof(tag));
	return (struct place){ &table->buckets[bucket % RATELIMIT_BUCKETS],
			       tag == 0 ? 1 : tag };
}

static struct pace pace_of(const struct ratelimit_policy *policy)
{
	struct pace pace;

	pace.window = (uint64_t)policy->window_s * TICKS_PER_S;
	/* Rounded up: rather a little less often. */
	pace.interval = (pace.window + policy->quota - 1) / policy->quota;
	if (pace.interval == 0)
		BUG("a rate limit without a window");
	pace.window = pace.interval * policy->quota;
	pace.grown_max = 0;
	if (policy->growth == RATELIMIT_GROWING) {
		pace.grown_max = (uint64_t)RATELIMIT_GROWN_MAX_S * TICKS_PER_S;
		if (pace.grown_max > pace.window)
			pace.grown_max = pace.window;
		/* A step is no shorter because of that. */
		if (pace.grown_max < pace.interval)
			pace.grown_max = pace.interval;
	}
	return pace;
}

/*
 * The counter of a key: its own; else one whose time is over; else, in a full
 * bucket, always the same one of somebody else: *is_shared.
 */
static unsigned find(const struct place *place, uint64_t now, bool *is_shared)
{
	unsigned over = RATELIMIT_WAYS;

	*is_shared = false;
	for (unsigned i = 0; i < RATELIMIT_WAYS; i++) {
		struct counter counter =
			unpack(atomic_load(&place->bucket->counters[i]), now);

		if (counter.ahead > 0 && counter.tag == place->tag)
			return i;
		if (counter.ahead == 0 && over == RATELIMIT_WAYS)
			over = i;
	}
	*is_shared = over == RATELIMIT_WAYS;
	return *is_shared ? place->tag % RATELIMIT_WAYS : over;
}

/* Moves a counter on by one event; false when there is no room for it. */
static bool advance(struct counter *counter, const struct pace *pace)
{
	uint64_t step = pace->interval;

	if (counter->ahead + step > pace->window)
		return false;
	if (counter->ahead == 0)
		counter->growth = 0;
	counter->ahead += step;
	if (pace->grown_max == 0 || counter->ahead + step <= pace->window)
		return true;
	/* The last of the quota: the wait for the next is one interval, and
	 * what doubling adds to it. */
	counter->ahead = pace->window;
	for (unsigned i = 0; i < counter->growth && step < pace->grown_max; i++)
		step *= 2;
	if (step > pace->grown_max)
		step = pace->grown_max;
	counter->ahead += step - pace->interval;
	if (counter->growth < GROWTH_MAX)
		counter->growth++;
	return true;
}

static struct ratelimit_verdict verdict(const struct counter *counter,
					const struct pace *pace,
					bool is_allowed)
{
	uint64_t wait = counter->ahead;
	uint64_t room = counter->ahead < pace->window ?
				pace->window - counter->ahead :
				0;

	if (!is_allowed || room < pace->interval)
		wait = counter->ahead + pace->interval - pace->window;
	return (struct ratelimit_verdict){
		.is_allowed = is_allowed,
		.remaining = (unsigned)(room / pace->interval),
		.wait_us = (int64_t)wait * TICK_US,
	};
}

/* Two that come at once may have taken two free counters for one key: the one
 * that sees this gives its own up and counts on the other's. */
static bool is_twice(const struct place *place, unsigned own, uint64_t now)
{
	for (unsigned i = 0; i < RATELIMIT_WAYS; i++) {
		struct counter counter =
			unpack(atomic_load(&place->bucket->counters[i]), now);

		if (i != own && counter.ahead > 0 && counter.tag == place->tag)
			return true;
	}
	return false;
}

struct ratelimit_verdict ratelimit_take(struct ratelimit *table,
					const struct ratelimit_policy *policy,
					struct text key, int64_t now_us)
{
	struct place place = place_of(table, key);
	struct pace pace = pace_of(policy);
	uint64_t now = (uint64_t)now_us / TICK_US;

	for (;;) {
		bool is_shared;
		unsigned at = find(&place, now, &is_shared);
		_Atomic uint64_t *word = &place.bucket->counters[at];
		uint64_t old = atomic_load(word), new;
		struct counter counter = unpack(old, now);
		bool is_new = counter.ahead == 0;

		/* Somebody else has taken it just now. */
		if (!is_new && !is_shared && counter.tag != place.tag)
			continue;
		/* Under a shorter window than it was counted in. */
		if (counter.ahead > 2 * pace.window)
			counter.ahead = 2 * pace.window;
		if (is_new)
			counter.tag = place.tag;
		if (!advance(&counter, &pace))
			return verdict(&counter, &pace, false);
		new = pack(&counter, now);
		if (!atomic_compare_exchange_strong(word, &old, new))
			continue;
		if (is_new && is_twice(&place, at, now) &&
		    atomic_compare_exchange_strong(word, &new, 0))
			continue;
		return verdict(&counter, &pace, true);
	}
}

void ratelimit_forget(struct ratelimit *table, struct text key)
{
	struct place place = place_of(table, key);

	for (unsigned i = 0; i < RATELIMIT_WAYS; i++) {
		_Atomic uint64_t *word = &place.bucket->counters[i];
		uint64_t old = atomic_load(word);

		while (old >> (64 - 16) == place.tag &&
		       !atomic_compare_exchange_strong(word, &old, 0))
			continue;
	}
}

void ratelimit_init(struct ratelimit *table)
{
	digest_random(&table->key, sizeof(table->key));
}

/* Seconds of "s", "m", "30s", "5m", "h"; 0: it is none of these. */
static int64_t read_window(struct text text)
{
	int64_t count = 1, unit = 0;

	if (text.len == 0 || text.len > 8)
		return 0;
	if (text.len > 1 && (text.ptr[0] == '-' ||
			     text_to_int64(text_slice(text, 0, text.len - 1),
					   &count) != ERR_OK))
		return 0;
	switch (text.ptr[text.len - 1]) {
	case 's':
		unit = 1;
		break;
	case 'm':
		unit = 60;
		break;
	case 'h':
		unit = 3600;
		break;
	case 'd':
		unit = 86400;
		break;
	}
	return count * unit;
}

enum err ratelimit_policy_parse(struct text text,
				struct ratelimit_policy *policy)
{
	size_t slash = text_find_byte(text, '/');
	int64_t quota, window_s;

	if (text_is_equal_nocase(text, TEXT("off"))) {
		policy->quota = 0;
		policy->window_s = 0;
		return ERR_OK;
	}
	if (text_to_int64(text_slice(text, 0, slash), &quota) != ERR_OK)
		return ERR_INVALID;
	window_s = read_window(text_slice(text, slash + 1, text.len));
	if (quota < 1 || quota > RATELIMIT_QUOTA_MAX || window_s < 1 ||
	    window_s > RATELIMIT_WINDOW_MAX ||
	    quota > window_s * PER_SECOND_MAX)
		return ERR_INVALID;
	policy->quota = (unsigned)quota;
	policy->window_s = (unsigned)window_s;
	return ERR_OK;
}
