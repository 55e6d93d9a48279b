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

#define JSONSCAN_DEPTH_MAX 16
#define JSONSCAN_MEMBERS_MAX 1024 /* in all objects of a text together */

/* ERR_OK, or ERR_INVALID with the byte offset of the first thing wrong in
 * *offset (text.len when it ends too early); ERR_NO_MEMORY. */
enum err jsonscan_check(struct text text, size_t *offset)
	__attribute__((warn_unused_result));

#endif
