/*
 * Request paths: splits a target, and a path into decoded segments, refusing
 * every spelling that two readers could understand differently.
 */
#ifndef TODOD_CORE_PATH_H
#define TODOD_CORE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/text.h"

/* More than any route has. */
#define PATH_SEGMENTS_MAX 16

struct path {
	/* Decoded, valid UTF-8, without control characters and slashes.  An
	 * empty one means two slashes in a row: no route has that. */
	struct text segments[PATH_SEGMENTS_MAX];
	size_t count; /* 0: "/" */
	/* A slash after the last segment, which adds no segment; never set for
	 * "/". */
	bool has_trailing_slash;
};

/* Cuts a request target at its first '?', which is in neither part; both
 * borrow from target. */
void path_split_target(struct text target, struct text *path,
		       struct text *query);

/*
 * Splits and decodes raw, a path as sent.  ERR_INVALID (a 400): not starting
 * with '/', an incomplete escape, an escaped NUL or slash, a control character
 * or '#', "." or ".." as a segment whatever the spelling, not UTF-8.
 * ERR_NOT_FOUND (a 404): well-formed, but more than PATH_SEGMENTS_MAX
 * segments.  ERR_NO_MEMORY.  Segments live as long as the arena and raw.
 */
enum err path_parse(struct arena *arena, struct text raw, struct path *path)
	__attribute__((warn_unused_result));

#endif
