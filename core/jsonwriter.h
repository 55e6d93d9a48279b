/*
 * Writing compact JSON straight into a buffer, members in the order of the
 * calls.  Commas are put by the writer; balance is the caller's duty.
 */
#ifndef TODOD_CORE_JSONWRITER_H
#define TODOD_CORE_JSONWRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buffer.h"
#include "core/text.h"

struct jsonwriter {
	struct buffer *out;
	bool needs_comma;
};

void jsonwriter_init(struct jsonwriter *writer, struct buffer *out);

void jsonwriter_object_begin(struct jsonwriter *writer);
void jsonwriter_object_end(struct jsonwriter *writer);
void jsonwriter_array_begin(struct jsonwriter *writer);
void jsonwriter_array_end(struct jsonwriter *writer);

/* The name of the next member: plain ASCII without anything to escape. */
void jsonwriter_key(struct jsonwriter *writer, struct text name);

/* The same for a name of any valid UTF-8. */
void jsonwriter_any_key(struct jsonwriter *writer, struct text name);

/* A string of valid UTF-8; escapes only what RFC 8259 requires. */
void jsonwriter_string(struct jsonwriter *writer, struct text text);
void jsonwriter_int(struct jsonwriter *writer, int64_t number);
void jsonwriter_bool(struct jsonwriter *writer, bool value);
void jsonwriter_null(struct jsonwriter *writer);
/* RFC 3339 with microseconds. */
void jsonwriter_time(struct jsonwriter *writer, int64_t time_us);
/* A value that is JSON already. */
void jsonwriter_raw(struct jsonwriter *writer, struct text json);

#endif
