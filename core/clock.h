/*
 * The two clocks of the system.  Code that decides something by time takes the
 * time as a parameter; only the edges read a clock.
 */
#ifndef TODOD_CORE_CLOCK_H
#define TODOD_CORE_CLOCK_H

#include <stdint.h>

/* Microseconds since 1970-01-01 UTC; may jump when the clock is set. */
int64_t clock_wall_us(void);

/* Microseconds since some fixed point; never goes back. */
int64_t clock_monotonic_us(void);

#endif
