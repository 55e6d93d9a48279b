/* Query strings, read as Python's urllib.parse does. */
#include "config.h"

#include "core/query.h"

#include <stdbool.h>
#include <stdint.h>

/* The byte at *offset with '+' and escapes undone; moves *offset past it. */
static char next_byte(struct text raw, size_t *offset)
{
	size_t at = *offset;
	int high, low;

	*offset = at + 1;
	if (raw.ptr[at] == '+')
		return ' ';
	if (raw.ptr[at] != '%' || raw.len - at < 3)
		return raw.ptr[at];
	high = text_hex_value(raw.ptr[at + 1]);
	low = text_hex_value(raw.ptr[at + 2]);
	if (high < 0 || low < 0)
		return '%';
	*offset = at + 3;
	return (char)(high << 4 | low);
}

static bool is_plain(struct text raw)
{
	return text_find_byte(raw, '%') == raw.len &&
	       text_find_byte(raw, '+') == raw.len && text_is_utf8(raw);
}

/* Bytes that are not UTF-8 become U+FFFD; ERR_INVALID then. */
static enum err replace_invalid(struct arena *arena, struct text bytes,
				struct text *replaced)
{
	size_t offset = 0, len = 0;
	/* Three bytes for one at most. */
	char *out = arena_alloc(arena, bytes.len * 3);

	if (out == NULL)
		return ERR_NO_MEMORY;
	while (offset < bytes.len) {
		size_t start = offset;

		if (text_next(bytes, &offset) < 0) {
			out[len++] = '\xef';
			out[len++] = '\xbf';
			out[len++] = '\xbd';
			continue;
		}
		while (start < offset)
			out[len++] = bytes.ptr[start++];
	}
	*replaced = (struct text){ out, len };
	return ERR_INVALID;
}

static enum err decode(struct arena *arena, struct text raw,
		       struct text *decoded)
{
	struct text bytes;
	size_t offset = 0, len = 0;
	char *out;

	if (is_plain(raw)) {
		*decoded = raw;
		return ERR_OK;
	}
	out = arena_alloc(arena, raw.len);
	if (out == NULL)
		return ERR_NO_MEMORY;
	while (offset < raw.len)
		out[len++] = next_byte(raw, &offset);
	bytes = (struct text){ out, len };
	if (!text_is_utf8(bytes))
		return replace_invalid(arena, bytes, decoded);
	*decoded = bytes;
	return ERR_OK;
}

enum err query_find(struct arena *arena, struct text query, struct text name,
		    struct text *value)
{
	struct text found = { NULL, 0 }, decoded;
	bool is_found = false;
	enum err err;

	while (query.len > 0) {
		size_t end = text_find_byte(query, '&');
		struct text pair = text_slice(query, 0, end);
		size_t equals = text_find_byte(pair, '=');

		query = text_slice(query, end + 1, query.len);
		if (pair.len == 0)
			continue;
		err = decode(arena, text_slice(pair, 0, equals), &decoded);
		if (err == ERR_NO_MEMORY)
			return err;
		if (text_is_equal(decoded, name)) {
			is_found = true;
			found = text_slice(pair, equals + 1, pair.len);
		}
	}
	return is_found ? decode(arena, found, value) : ERR_NOT_FOUND;
}
