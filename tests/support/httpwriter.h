/*
 * Writes down what core/httpparser.h has read: for a comparison, and as a
 * request that reads the same.
 */
#ifndef TODOD_TESTS_HTTPWRITER_H
#define TODOD_TESTS_HTTPWRITER_H

#include <stdbool.h>

#include "core/buffer.h"
#include "core/httpparser.h"

/* Whether the fields that frame the body are left out. */
enum httpwriter_framing { HTTPWRITER_FRAMED, HTTPWRITER_UNFRAMED };

/* Everything that was read, one thing a line; empty while nothing is done. */
void httpwriter_describe(const struct httpparser *parser,
			 const struct buffer *bytes,
			 enum httpwriter_framing framing, struct buffer *out);

/* The request that was read, in its plainest form.  It must not have been
 * refused, nor be too large. */
void httpwriter_request(const struct httpparser *parser,
			const struct buffer *bytes, struct buffer *out);

#endif
