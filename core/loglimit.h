/*
 * A limit on how often one kind of log line is written, so that a hostile
 * client cannot fill the log: a few at once, then some a second, the rest is
 * counted.
 */
#ifndef TODOD_CORE_LOGLIMIT_H
#define TODOD_CORE_LOGLIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define LOGLIMIT_BURST	    50
#define LOGLIMIT_PER_SECOND 10

/* Zeroed before its first use. */
struct loglimit {
	int64_t refilled_us; /* monotonic */
	int64_t used;	     /* of the burst */
	int64_t suppressed;
};

/* Whether the line may be written now; if so, *suppressed is how many were
 * not since the last one. */
bool loglimit_is_open(struct loglimit *limit, int64_t now_us,
		      int64_t *suppressed);

#endif
