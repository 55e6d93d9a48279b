/* How long a worker that keeps dying has to wait for its next try. */
#ifndef TODOD_DAEMON_BACKOFF_H
#define TODOD_DAEMON_BACKOFF_H

#include <stdint.h>

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 30000
/* A worker that served this long did not die of its start. */
#define BACKOFF_STEADY_MS 1000

/* Failures in a row after one more: served_ms is how long the process served,
 * negative when it never did. */
unsigned backoff_count(unsigned failures, int64_t served_ms);

/* The wait after so many failures in a row (at least 1). */
int64_t backoff_delay_ms(unsigned failures);

#endif
