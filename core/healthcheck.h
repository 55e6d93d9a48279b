/*
 * One worker's health check: it says what is known about the database
 * (core/health.h), and asks the database itself only when that is allowed and
 * would tell something new, so that one that sleeps may go on sleeping.
 */
#ifndef TODOD_CORE_HEALTHCHECK_H
#define TODOD_CORE_HEALTHCHECK_H

#include <stdint.h>

#include "core/err.h"
#include "core/health.h"

/* So long a caller waits for the database at most. */
#define HEALTHCHECK_WAIT_MS 1000

struct healthcheck;
struct loop;
struct storage;

typedef void healthcheck_fn(void *arg, enum health_state state);

/* All is borrowed; storage reports to health.  max_age_ms: so long the outcome
 * of a question to the database counts.  ERR_NO_MEMORY. */
enum err healthcheck_new(struct loop *loop, struct storage *storage,
			 struct health *health, int64_t max_age_ms,
			 struct healthcheck **check)
	__attribute__((warn_unused_result));

/* Who still waits is not answered.  Leaves NULL behind; *check may be NULL. */
void healthcheck_free(struct healthcheck **check);

/* Calls on_state once: before it returns, or from the loop within
 * HEALTHCHECK_WAIT_MS when this call is the one that asks the database.
 * While one asks, the others get the last known state. */
void healthcheck_ask(struct healthcheck *check, healthcheck_fn *on_state,
		     void *arg);

#endif
