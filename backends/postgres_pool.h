/*
 * The connections of one process to PostgreSQL and the work that waits for
 * them.  Reads and writes have connections apart.  Connections are opened one
 * by one, as far as those that are open are busy, and closed when they idle.
 *
 * Writes of one user go over one connection while any of them is in flight, so
 * that they happen in the order of their calls; those of many users that have
 * gathered meanwhile share a transaction, and with it the cost of its commit.
 */
#ifndef TODOD_BACKENDS_POSTGRES_POOL_H
#define TODOD_BACKENDS_POSTGRES_POOL_H

#include "backends/backends.h"
#include "core/err.h"

struct loop;
struct postgres_pool;
struct postgres_target;
struct storage_backend;
struct storage_call;

/* target is borrowed, and so is backend, through which the pool reports what
 * becomes of its connections; tuning has no zeros.  ERR_NO_MEMORY. */
enum err postgres_pool_new(struct loop *loop,
			   const struct postgres_target *target,
			   const struct backend_tuning *tuning,
			   struct storage_backend *backend,
			   struct postgres_pool **pool)
	__attribute__((warn_unused_result));

/* Finishes every call; leaves NULL behind; *pool may be NULL. */
void postgres_pool_free(struct postgres_pool **pool);

/* Takes over the call.  ERR_UNAVAILABLE at once while the server is away,
 * unless it is a ping, which has it looked for; ERR_NO_MEMORY. */
enum err postgres_pool_submit(struct postgres_pool *pool,
			      struct storage_call *call)
	__attribute__((warn_unused_result));

#endif
