/* UUIDs (RFC 9562): how they are made, and their textual forms. */
#ifndef TODOD_CORE_UUID_H
#define TODOD_CORE_UUID_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/text.h"

#define UUID_BYTES    16
#define UUID_TEXT_LEN 36 /* 8-4-4-4-12, lower case */

struct uuid {
	unsigned char bytes[UUID_BYTES];
};

/* A random one, version 4. */
struct uuid uuid_make(void);

/* One of version 7: time_us (since 1970, not before) comes first, so that new
 * ones are neighbours in an index; 62 bits are random. */
struct uuid uuid_make_at(int64_t time_us);

/* Reads 32 hexadecimal digits of either case, with the four dashes at their
 * places or without any; else ERR_INVALID. */
enum err uuid_parse(struct text text, struct uuid *uuid)
	__attribute__((warn_unused_result));

/* Writes UUID_TEXT_LEN bytes and a NUL. */
void uuid_format(const struct uuid *uuid, char out[UUID_TEXT_LEN + 1]);

bool uuid_is_equal(const struct uuid *a, const struct uuid *b);

#endif
