/*
 * What is known about the database without asking it: what became of the last
 * that any worker wanted of it.  One struct health is shared by all workers of
 * a daemon.  Everything in it is an atomic of its own and there is no lock, so
 * a worker may be killed at any point.
 *
 * Storage reports to it (core/storage.h, core/storage_backend.h); the health
 * check reads it (core/healthcheck.h).
 */
#ifndef TODOD_CORE_HEALTH_H
#define TODOD_CORE_HEALTH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum health_state {
	HEALTH_UNKNOWN,	    /* nothing has been wanted of it yet */
	HEALTH_REACHABLE,   /* it did, or answered, what was wanted last */
	HEALTH_UNREACHABLE, /* it did not, or a connection broke or failed */
};

/* Zeroed before its first use. */
struct health {
	_Atomic int state;	   /* enum health_state */
	_Atomic int64_t probed_us; /* monotonic; 0: never */
};

/* Notes what has been seen. */
void health_report(struct health *health, enum health_state state);

enum health_state health_state(const struct health *health);

/*
 * Whether the caller may ask the database now, only to learn its state: when
 * that is not HEALTH_REACHABLE and nobody has been let for age_us.  True is
 * told to one caller in that time, over all workers.
 */
bool health_may_probe(struct health *health, int64_t now_us, int64_t age_us);

#endif
