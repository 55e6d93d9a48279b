/* Points in time as microseconds since 1970-01-01 UTC, and RFC 3339. */
#ifndef TODOD_CORE_TIMESTAMP_H
#define TODOD_CORE_TIMESTAMP_H

#include <stdint.h>

#include "core/err.h"
#include "core/text.h"

/* 2026-11-20T23:26:58.170769Z */
#define TIMESTAMP_LEN 27

/* Writes exactly TIMESTAMP_LEN bytes, no NUL.  Years 0000-9999: a time outside
 * is clamped. */
void timestamp_format(int64_t time_us, char out[TIMESTAMP_LEN]);

/*
 * Reads a date, or a date and a time after 'T', 't', ' ' or '_'.  The time has
 * hours and minutes, perhaps seconds and a fraction of them (cut after
 * microseconds), and perhaps a zone: 'Z', 'z' or an offset with or without its
 * colon.  Without a time it is midnight, without a zone UTC.  Years 0001-9999;
 * leap seconds are not known.  Else ERR_INVALID.
 */
enum err timestamp_parse(struct text text, int64_t *time_us)
	__attribute__((warn_unused_result));

#endif
