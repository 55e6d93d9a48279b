/*
 * A bounded pool of threads for password hashing, with a budget of hashes at
 * the same time over all workers.  Results come back on the loop.
 */
#ifndef TODOD_CORE_HASHPOOL_H
#define TODOD_CORE_HASHPOOL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/password.h"
#include "core/text.h"

struct loop;
struct hashpool;

/* Jobs that a pool has beyond its queue: those that run and those whose result
 * waits, most of them refusals that are held.  It bounds the memory: at the
 * longest hold it takes more than a thousand refusals a second to reach it. */
#define HASHPOOL_HELD_MAX 1024

/*
 * The budget over all workers, as the daemon keeps it in shared memory.  Both
 * are called from any thread and never block; take returns false when all is
 * taken.  What a killed process had taken is returned by its master.
 */
struct hashpool_budget {
	bool (*take)(void *arg);
	void (*give)(void *arg);
	void *arg;
};

struct hashpool_options {
	unsigned threads; /* of this worker, 1–64 */
	size_t queue_max; /* jobs waiting in this worker */
	struct password_cost cost;
	const struct hashpool_budget *budget; /* NULL: threads alone bound it */
};

/* What one job found out; texts are borrowed for the callback. */
struct hashpool_result {
	enum err err;	      /* of password_hash or password_verify */
	struct text new_hash; /* the hash that was made; empty when none */
};
typedef void hashpool_fn(void *arg, const struct hashpool_result *result);

/* Starts the threads; the budget is copied, what its arg points to is borrowed.
 * ERR_INVALID for the number of threads, ERR_NO_MEMORY, ERR_SYSTEM when the
 * system gives no more threads. */
enum err hashpool_new(struct loop *loop, const struct hashpool_options *options,
		      struct hashpool **pool)
	__attribute__((warn_unused_result));

/* Drops what waits or is held and waits for what runs; no callback runs any
 * more.  Results that the loop has already, but has not delivered, are freed
 * when it comes to them: let it run once more before it ends. */
void hashpool_free(struct hashpool **pool);

/* Both copy what they are given and wipe the copy; ERR_OK: the callback runs
 * exactly once, from the loop, later.  ERR_BUSY: the queue is full, or
 * queue_max + HASHPOOL_HELD_MAX are pending; ERR_NO_MEMORY. */
enum err hashpool_hash(struct hashpool *pool, struct text password,
		       hashpool_fn *on_result, void *arg)
	__attribute__((warn_unused_result));

/*
 * Verifies; an empty hash stands for an unknown user.  Refusals take the same
 * time, so that it does not tell who has an account, or an imported hash: none
 * (ERR_DENIED, ERR_INVALID) is told before the time has passed, from when its
 * hashing began, that the slowest verification of this pool took so far, at
 * most a second.  Of an unknown user and of an unreadable hash (ERR_INVALID) a
 * hash of the pool's own cost is computed.  When the password matches and the
 * hash is outdated, new_hash holds its replacement, except where only a part of
 * the password was compared (password_is_cut()).
 */
enum err hashpool_verify(struct hashpool *pool, struct text password,
			 struct text hash, hashpool_fn *on_result, void *arg)
	__attribute__((warn_unused_result));

/* Jobs whose callback has not returned, refusals that are held among them. */
size_t hashpool_pending(const struct hashpool *pool);

#endif
