/* From a request target to a route. */
#include "config.h"

#include "core/path.h"
#include "core/route.h"
#include "tests/fuzz/fuzz.h"

static void check_segments(const struct path *path)
{
	MUST(path->count <= PATH_SEGMENTS_MAX);
	for (size_t i = 0; i < path->count; i++) {
		struct text segment = path->segments[i];

		MUST(text_is_utf8(segment));
		MUST(text_find_byte(segment, '/') == segment.len);
		MUST(text_find_byte(segment, '\0') == segment.len);
		MUST(!text_is_equal(segment, TEXT(".")));
		MUST(!text_is_equal(segment, TEXT("..")));
	}
}

static void check_route(enum http_method method, const struct path *path)
{
	const struct route_mounts mounts = {
		.tasks_dialect = DIALECT_MULTIUSER,
		.accounts = true,
	};
	struct route_match match;
	char allow[ROUTE_ALLOW_BYTES];

	route_find(&mounts, method, path, &match);
	route_allow(match.methods, allow);
	if (!match.route)
		return;
	MUST(match.methods != 0);
	for (const char *c = match.route->pattern; *c; c++)
		if (*c == '{')
			MUST(match.params[0].len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text raw, query;
	struct arena arena;
	struct path path;
	enum err err;

	if (size == 0)
		return 0;
	path_split_target((struct text){ (const char *)data + 1, size - 1 },
			  &raw, &query);
	MUST(raw.len + query.len <= size - 1);
	arena_init(&arena);
	err = path_parse(&arena, raw, &path);
	MUST(err == ERR_OK || err == ERR_INVALID || err == ERR_NOT_FOUND);
	if (err == ERR_OK) {
		check_segments(&path);
		check_route((enum http_method)(1 << data[0] % 8), &path);
	}
	arena_release(&arena);
	return 0;
}
