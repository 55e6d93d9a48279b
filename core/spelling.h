/*
 * Values that are written as text, in the spellings that pydantic takes for
 * them: in the query of a request everything is a text.
 */
#ifndef TODOD_CORE_SPELLING_H
#define TODOD_CORE_SPELLING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/text.h"

/* true yes on 1 t y, false no off 0 f n, in any case; else ERR_INVALID. */
enum err spelling_bool(struct text text, bool *value)
	__attribute__((warn_unused_result));

/*
 * Decimal digits, a sign before and blanks around them allowed; else
 * ERR_INVALID.  What does not fit is the nearest that does.
 */
enum err spelling_int(struct text text, int64_t *value)
	__attribute__((warn_unused_result));

#endif
