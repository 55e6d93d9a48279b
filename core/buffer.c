/* A growing byte buffer that remembers a failed allocation. */
#include "config.h"

#include "core/buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"

#define FIRST_BYTES 512

void buffer_init(struct buffer *buffer)
{
	*buffer = (struct buffer){ NULL, 0, 0, false };
}

void buffer_release(struct buffer *buffer)
{
	free(buffer->ptr);
	buffer_init(buffer);
}

static bool grow(struct buffer *buffer, size_t needed)
{
	size_t size = buffer->size;
	char *ptr;

	/* Whoever asks for much at first knows how much. */
	if (size == 0)
		size = needed > FIRST_BYTES ? needed : FIRST_BYTES;
	while (size < needed)
		size = size > SIZE_MAX / 2 ? needed : size * 2;
	ptr = realloc(buffer->ptr, size);
	if (ptr == NULL)
		return false;
	buffer->ptr = ptr;
	buffer->size = size;
	return true;
}

char *buffer_grow(struct buffer *buffer, size_t more)
{
	if (buffer->failed)
		return NULL;
	/* The first piece allocates even when it is empty: the result is never
	 * NULL by chance. */
	if (buffer->ptr != NULL && more <= buffer->size - buffer->len)
		return buffer->ptr + buffer->len;
	if (more > SIZE_MAX - buffer->len ||
	    !grow(buffer, buffer->len + more)) {
		buffer->failed = true;
		return NULL;
	}
	return buffer->ptr + buffer->len;
}

void buffer_append(struct buffer *buffer, const void *ptr, size_t len)
{
	char *end;

	if (len == 0)
		return;
	end = buffer_reserve(buffer, len);
	if (end == NULL)
		return;
	memcpy(end, ptr, len);
	buffer->len += len;
}

void buffer_append_text(struct buffer *buffer, struct text text)
{
	buffer_append(buffer, text.ptr, text.len);
}

bool buffer_is_failed(const struct buffer *buffer)
{
	return buffer->failed;
}

void buffer_move(struct buffer *to, struct buffer *from)
{
	if (to->len > 0)
		BUG("buffer_move onto content");
	free(to->ptr);
	*to = *from;
	buffer_init(from);
}

struct text buffer_text(const struct buffer *buffer)
{
	return (struct text){ buffer->ptr, buffer->len };
}
