/* Request paths. */
#include "config.h"

#include "core/path.h"

void path_split_target(struct text target, struct text *path,
		       struct text *query)
{
	size_t mark = text_find_byte(target, '?');

	*path = text_slice(target, 0, mark);
	*query = text_slice(target, mark + 1, target.len);
}

/* Undoes the escapes of raw into out, which has room for raw.len bytes. */
static enum err unescape(struct text raw, char *out, size_t *len)
{
	size_t at = 0;

	*len = 0;
	while (at < raw.len) {
		int high, low;

		if (raw.ptr[at] != '%') {
			out[(*len)++] = raw.ptr[at++];
			continue;
		}
		if (raw.len - at < 3)
			return ERR_INVALID;
		high = text_hex_value(raw.ptr[at + 1]);
		low = text_hex_value(raw.ptr[at + 2]);
		if (high < 0 || low < 0)
			return ERR_INVALID;
		out[(*len)++] = (char)(high << 4 | low);
		at += 3;
	}
	return ERR_OK;
}

static bool has_bad_byte(struct text text, char bad)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.ptr[i];

		if (byte < 0x20 || byte == 0x7f || text.ptr[i] == bad)
			return true;
	}
	return false;
}

static enum err decode(struct arena *arena, struct text raw,
		       struct text *segment)
{
	struct text decoded = raw;
	enum err err;

	if (text_find_byte(raw, '%') < raw.len) {
		char *out = arena_alloc(arena, raw.len);

		if (out == NULL)
			return ERR_NO_MEMORY;
		err = unescape(raw, out, &decoded.len);
		if (err != ERR_OK)
			return err;
		decoded.ptr = out;
	}
	/* A '#' as such would begin a fragment, which is never sent; escaped
	 * it is a character like others.  With a slash it is the reverse. */
	if (has_bad_byte(raw, '#') || has_bad_byte(decoded, '/') ||
	    text_is_equal(decoded, TEXT(".")) ||
	    text_is_equal(decoded, TEXT("..")) || !text_is_utf8(decoded))
		return ERR_INVALID;
	*segment = decoded;
	return ERR_OK;
}

enum err path_parse(struct arena *arena, struct text raw, struct path *path)
{
	struct text rest = text_slice(raw, 1, raw.len), segment;
	struct path parsed = { .count = 0, .has_trailing_slash = false };
	bool is_too_long = false;
	enum err err;

	if (!text_has_prefix(raw, TEXT("/")))
		return ERR_INVALID;
	while (rest.len > 0) {
		size_t slash = text_find_byte(rest, '/');

		err = decode(arena, text_slice(rest, 0, slash), &segment);
		if (err != ERR_OK)
			return err;
		if (parsed.count < PATH_SEGMENTS_MAX)
			parsed.segments[parsed.count++] = segment;
		else
			is_too_long = true;
		parsed.has_trailing_slash = slash + 1 == rest.len;
		rest = text_slice(rest, slash + 1, rest.len);
	}
	if (is_too_long)
		return ERR_NOT_FOUND;
	*path = parsed;
	return ERR_OK;
}
