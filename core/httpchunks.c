/* Reading chunks, byte by byte but for their data. */
#include "config.h"

#include "core/httpchunks.h"

#include <stdbool.h>
#include <string.h>

#include "core/httpchars.h"
#include "core/text.h"

#define DIGITS_MAX 16

void httpchunks_init(struct httpchunks *chunks)
{
	*chunks = (struct httpchunks){ .state = HTTPCHUNKS_SIZE };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static enum httpchunks_state refuse(struct httpchunks *chunks, int status)
{
	chunks->status = status;
	return HTTPCHUNKS_REFUSED;
}

static enum httpchunks_state after_size(struct httpchunks *chunks, char c)
{
	if (chunks->digits > 0 && c == '\r')
		return HTTPCHUNKS_SIZE_LF;
	if (chunks->digits > 0 && c == ';')
		return HTTPCHUNKS_EXTENSION_START;
	if (chunks->digits > 0 && is_blank(c))
		return HTTPCHUNKS_EXTENSION_BLANK;
	return refuse(chunks, 400);
}

static enum httpchunks_state on_size(struct httpchunks *chunks, char c)
{
	int value = text_hex_value(c);

	if (value < 0)
		return after_size(chunks, c);
	if (++chunks->digits > DIGITS_MAX)
		return refuse(chunks, 400);
	chunks->size = chunks->size << 4 | (uint64_t)value;
	return HTTPCHUNKS_SIZE;
}

/* In one of the three states of an extension. */
static enum httpchunks_state on_extension(struct httpchunks *chunks, char c)
{
	if (++chunks->extension_bytes > HTTPCHUNKS_EXTENSIONS_MAX_BYTES)
		return refuse(chunks, 400);
	if (chunks->state == HTTPCHUNKS_EXTENSION) {
		if (c == '\r')
			return HTTPCHUNKS_SIZE_LF;
		if (httpchars_has(HTTPCHARS_VALUE, c))
			return HTTPCHUNKS_EXTENSION;
	} else if (is_blank(c)) {
		return chunks->state;
	} else if (chunks->state == HTTPCHUNKS_EXTENSION_BLANK) {
		if (c == ';')
			return HTTPCHUNKS_EXTENSION_START;
	} else if (httpchars_has(HTTPCHARS_TOKEN, c)) {
		return HTTPCHUNKS_EXTENSION;
	}
	return refuse(chunks, 400);
}

/* In one of the states of a trailer. */
static enum httpchunks_state on_trailer(struct httpchunks *chunks, char c)
{
	enum httpchunks_state state = chunks->state;

	if (++chunks->trailer_bytes > HTTPCHUNKS_TRAILERS_MAX_BYTES)
		return refuse(chunks, 431);
	if (state == HTTPCHUNKS_TRAILER_START && c == '\r')
		return HTTPCHUNKS_LAST_LF;
	if (state == HTTPCHUNKS_TRAILER_LF && c == '\n')
		return HTTPCHUNKS_TRAILER_START;
	if (state == HTTPCHUNKS_TRAILER_NAME && c == ':')
		return HTTPCHUNKS_TRAILER_VALUE;
	if (state == HTTPCHUNKS_TRAILER_VALUE && c == '\r')
		return HTTPCHUNKS_TRAILER_LF;
	if (state == HTTPCHUNKS_TRAILER_VALUE &&
	    httpchars_has(HTTPCHARS_VALUE, c))
		return state;
	if ((state == HTTPCHUNKS_TRAILER_START ||
	     state == HTTPCHUNKS_TRAILER_NAME) &&
	    httpchars_has(HTTPCHARS_TOKEN, c))
		return HTTPCHUNKS_TRAILER_NAME;
	return refuse(chunks, 400);
}

/* The line of the size has ended. */
static enum httpchunks_state begin_data(struct httpchunks *chunks,
					const struct httpchunks_span *span)
{
	if (chunks->size > span->data_max_bytes)
		return HTTPCHUNKS_TOO_LARGE;
	return chunks->size > 0 ? HTTPCHUNKS_DATA : HTTPCHUNKS_TRAILER_START;
}

static enum httpchunks_state begin_size(struct httpchunks *chunks)
{
	chunks->size = 0;
	chunks->digits = 0;
	return HTTPCHUNKS_SIZE;
}

static enum httpchunks_state next(struct httpchunks *chunks, char c,
				  const struct httpchunks_span *span)
{
	switch (chunks->state) {
	case HTTPCHUNKS_SIZE:
		return on_size(chunks, c);
	case HTTPCHUNKS_EXTENSION_BLANK:
	case HTTPCHUNKS_EXTENSION_START:
	case HTTPCHUNKS_EXTENSION:
		return on_extension(chunks, c);
	case HTTPCHUNKS_SIZE_LF:
		if (c == '\n')
			return begin_data(chunks, span);
		break;
	case HTTPCHUNKS_DATA_CR:
		if (c == '\r')
			return HTTPCHUNKS_DATA_LF;
		break;
	case HTTPCHUNKS_DATA_LF:
		if (c == '\n')
			return begin_size(chunks);
		break;
	case HTTPCHUNKS_TRAILER_START:
	case HTTPCHUNKS_TRAILER_NAME:
	case HTTPCHUNKS_TRAILER_VALUE:
	case HTTPCHUNKS_TRAILER_LF:
		return on_trailer(chunks, c);
	case HTTPCHUNKS_LAST_LF:
		if (c == '\n')
			return HTTPCHUNKS_DONE;
		break;
	case HTTPCHUNKS_DATA:
	case HTTPCHUNKS_DONE:
	case HTTPCHUNKS_TOO_LARGE:
	case HTTPCHUNKS_REFUSED:
		break;
	}
	return refuse(chunks, 400);
}

static void move_data(struct httpchunks *chunks, char *bytes,
		      struct httpchunks_span *span)
{
	size_t len = span->end - span->read;

	if (len > chunks->size)
		len = (size_t)chunks->size;
	memmove(bytes + span->write, bytes + span->read, len);
	span->write += len;
	span->read += len;
	span->data_max_bytes -= len;
	chunks->size -= len;
	if (chunks->size == 0)
		chunks->state = HTTPCHUNKS_DATA_CR;
}

void httpchunks_run(struct httpchunks *chunks, char *bytes,
		    struct httpchunks_span *span)
{
	while (span->read < span->end && chunks->state < HTTPCHUNKS_DONE) {
		if (chunks->state == HTTPCHUNKS_DATA)
			move_data(chunks, bytes, span);
		else
			chunks->state = next(chunks, bytes[span->read++], span);
	}
}
