/*
 * Whether a worker should leave a connection to another: the decision alone,
 * without clocks, sockets and shared memory.
 */
#ifndef TODOD_DAEMON_FAIRSHARE_H
#define TODOD_DAEMON_FAIRSHARE_H

#include <stdbool.h>
#include <stddef.h>

/* counts[0] are the connections of the one who asks, the others those of the
 * workers that could take one instead.  Above its share is who has more than
 * the mean and some slack, which keeps small numbers and small differences
 * from mattering. */
bool fairshare_is_exceeded(const unsigned *counts, size_t count);

/* How many connections to take between two pauses when those before brought
 * no relief: others that seem well may be stuck. */
unsigned fairshare_burst(unsigned pauses_in_row);

#endif
