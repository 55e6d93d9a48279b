/*
 * A growing byte buffer.  A failed allocation is remembered instead of being
 * returned by every call: append freely, ask buffer_is_failed() once at the
 * end.
 */
#ifndef TODOD_CORE_BUFFER_H
#define TODOD_CORE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

struct buffer {
	char *ptr;   /* from malloc; NULL while empty */
	size_t len;  /* bytes in use */
	size_t size; /* bytes allocated */
	bool failed; /* an allocation failed: the content is incomplete */
};

void buffer_init(struct buffer *buffer);
void buffer_release(struct buffer *buffer);

/* As buffer_reserve(), however much room there is. */
char *buffer_grow(struct buffer *buffer, size_t more);

/* Makes room for more bytes and returns where they go, NULL on failure; the
 * caller adds to len what it wrote.  Inline, for a list of tasks comes by here
 * a thousand times. */
static inline char *buffer_reserve(struct buffer *buffer, size_t more)
{
	if (buffer->ptr != NULL && !buffer->failed &&
	    more <= buffer->size - buffer->len)
		return buffer->ptr + buffer->len;
	return buffer_grow(buffer, more);
}

void buffer_append(struct buffer *buffer, const void *ptr, size_t len);
void buffer_append_text(struct buffer *buffer, struct text text);
bool buffer_is_failed(const struct buffer *buffer);

/* Moves the content of from to to, which must be empty; from is empty after. */
void buffer_move(struct buffer *to, struct buffer *from);

/* Borrowed until the next change. */
struct text buffer_text(const struct buffer *buffer);

#endif
