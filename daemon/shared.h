/*
 * The memory that master and workers share: what each worker reports of
 * itself, what they know of the database, the counters of the rate limits, and
 * the budget of password hashes.
 * Everything is an atomic of its own and there is no lock, so a worker may be
 * killed at any point: the master gives back what it held when it reaps it.
 */
#ifndef TODOD_DAEMON_SHARED_H
#define TODOD_DAEMON_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/health.h"
#include "core/ratelimit.h"

/* Twice the most workers, for a reload, and some that linger from before. */
#define SHARED_SLOTS	   160
#define SHARED_HASH_TOKENS 64
#define SHARED_FRESH_MS	   3000 /* a heartbeat younger than this */

enum shared_state {
	SHARED_EMPTY,
	SHARED_STARTING,
	SHARED_SERVING,	 /* accepts connections */
	SHARED_FULL,	 /* serves, accepts none at the moment */
	SHARED_DRAINING, /* finishes what it has */
};

/* One process; a cache line of its own. */
struct shared_slot {
	_Alignas(64) _Atomic int state; /* enum shared_state */
	_Atomic int64_t heartbeat_us;	/* monotonic */
	_Atomic unsigned connections;
};

struct shared {
	struct shared_slot slots[SHARED_SLOTS];
	/* Who holds each hash token: 0 nobody, else the slot's index + 1. */
	_Atomic unsigned hash_tokens[SHARED_HASH_TOKENS];
	_Atomic unsigned hash_token_count; /* how many may be used */
	/* Read with each request: a cache line that seldom changes. */
	_Alignas(64) struct health health;
	/* Nobody gives these back: what a worker has counted stays counted. */
	struct ratelimit addresses;
	struct ratelimit accounts;
};

/* Zeroed; stays mapped over fork().  ERR_NO_MEMORY. */
enum err shared_new(struct shared **shared) __attribute__((warn_unused_result));
void shared_free(struct shared **shared);

/* The master, when the process of a slot is gone: gives all it held back. */
void shared_reap(struct shared *shared, unsigned slot);

/* Takes one of the hash tokens for the slot; false when all are taken. */
bool shared_hash_take(struct shared *shared, unsigned slot);
void shared_hash_give(struct shared *shared, unsigned slot);

/*
 * The connections of the slots that accept and whose heart beats, for
 * daemon/fairshare.h; returns how many there are, the own slot first.
 */
size_t shared_connections(const struct shared *shared, unsigned own_slot,
			  int64_t now_us, unsigned counts[SHARED_SLOTS]);

#endif
