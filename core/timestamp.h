/* Points in time as microseconds since 1970-01-01 UTC, and RFC 3339. */
#ifndef TODOD_CORE_TIMESTAMP_H
#define TODOD_CORE_TIMESTAMP_H

#include <stdint.h>

/* 2026-11-20T23:26:58.170769Z */
#define TIMESTAMP_LEN 27

/* Writes exactly TIMESTAMP_LEN bytes, no NUL.  Years 0000-9999: a time outside
 * is clamped. */
void timestamp_format(int64_t time_us, char out[TIMESTAMP_LEN]);

#endif
