/*
 * A strict check of JSON (RFC 8259) before any parser sees it: UTF-8 is
 * well-formed, no U+0000 and no lone surrogate, no member twice in an object,
 * no byte-order mark, nothing after the value, bounded depth.
 */
#ifndef TODOD_CORE_JSONSCAN_H
#define TODOD_CORE_JSONSCAN_H

#include <stddef.h>

#include "core/err.h"
#include "core/text.h"

#define JSONSCAN_DEPTH_MAX   16
#define JSONSCAN_MEMBERS_MAX 1024 /* in all objects of a text together */
/* What cJSON reads of a number; RFC 8259 allows a limit. */
#define JSONSCAN_NUMBER_MAX_BYTES 63

/*
 * ERR_OK, or ERR_INVALID with a byte offset in *offset: where reading cannot go
 * on, text.len when the text ends too early; of a name that comes twice, a bad
 * escape and an overlong number it is the beginning.  Names are compared
 * unescaped.  Takes O(n log n) time and a fixed amount of stack, and allocates
 * nothing.
 */
enum err jsonscan_check(struct text text, size_t *offset)
	__attribute__((warn_unused_result));

#endif
