/*
 * The way to PostgreSQL fails at every byte: a proxy resets, ends, half ends or
 * stalls a connection after N bytes of a conversation that connects, prepares,
 * reads and writes.  Whatever N is, each call gets one answer within its
 * deadline, what was acknowledged is there once, and what was refused is not.
 */
#ifndef TODOD_TESTS_SWEEP_H
#define TODOD_TESTS_SWEEP_H

#include <stdbool.h>
#include <stddef.h>

/* How a conversation gets to the server, and where the proxy is on the way. */
struct sweep_way {
	const char *name;
	const char *parameters; /* of the URL */
	const char *proxy_to;	/* a port, as pgserver calls it */
	const char *split;	/* the proxy's command for single bytes */
	bool is_behind;		/* between PgBouncer and the server */
	/* Places that a run tries for each fault and direction, unless
	 * TODOD_TORTURE is set: 1 stands for every byte, 50 for one in every
	 * 50.  Of stalls it is a 16th of that. */
	long sample, stalls;
};

/* Runs all of it, way by way; the exit status of main().  TODOD_TEST_SEED says
 * which places a sample has; else they are others each time. */
int sweep_run(const struct sweep_way *ways, size_t count);

#endif
