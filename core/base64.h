/*
 * Base64url without padding (RFC 4648 §5, RFC 7515 §2), canonical only: what
 * stands in tokens and keys has one spelling.
 */
#ifndef TODOD_CORE_BASE64_H
#define TODOD_CORE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

struct buffer;

/* Decodes at least one and at most size bytes; false when text is empty, holds
 * more, or is not canonical (padding, blanks, bits that are left over). */
bool base64_decode(struct text text, unsigned char *out, size_t size,
		   size_t *len) __attribute__((warn_unused_result));

/* Appends the encoded bytes; a NUL stands behind them in out's memory. */
void base64_append(struct buffer *out, const void *bytes, size_t len);

#endif
