/*
 * What reading a DATABASE_URL needs, whatever the backend.  backend_locate() is
 * in backends/backends.h.
 */
#ifndef TODOD_BACKENDS_LOCATION_H
#define TODOD_BACKENDS_LOCATION_H

#include <stddef.h>

#include "core/err.h"
#include "core/text.h"

/* Where a sentence for the user goes. */
struct location_problem {
	char *text;
	size_t size;
};

/* Says what is wrong and how to mend it; ERR_INVALID.  A URL may hold a
 * password: only parts that cannot are ever quoted. */
enum err location_refuse(const struct location_problem *problem,
			 const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Undoes %XX into memory from malloc, which the caller frees.  ERR_INVALID
 * when no two hexadecimal digits follow a percent sign, or 00 does;
 * ERR_NO_MEMORY. */
enum err location_decode(struct text text, char **decoded)
	__attribute__((warn_unused_result));

#endif
