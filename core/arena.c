/*
 * Memory of one request.  Bytes are taken from the newest block; what no longer
 * fits there opens a new one and leaves the rest unused.
 */
#include "config.h"

#include "core/arena.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT	16
#define BLOCK_BYTES_MAX ((size_t)64 * 1024)

struct arena_block {
	struct arena_block *older;
	_Alignas(ALIGNMENT) char bytes[];
};

void arena_init(struct arena *arena)
{
	/* first is left as it is: clearing it would cost every request. */
	arena->blocks = NULL;
	arena->used = 0;
	arena->size = ARENA_FIRST_BYTES;
}

void arena_release(struct arena *arena)
{
	struct arena_block *block = arena->blocks;

	while (block != NULL) {
		struct arena_block *older = block->older;

		free(block);
		block = older;
	}
	arena_init(arena);
}

static char *newest_bytes(struct arena *arena)
{
	return arena->blocks != NULL ? arena->blocks->bytes : arena->first;
}

static bool add_block(struct arena *arena, size_t least)
{
	struct arena_block *block;
	size_t size = arena->size * 2;

	if (size > BLOCK_BYTES_MAX)
		size = BLOCK_BYTES_MAX;
	if (size < least)
		size = least;
	block = malloc(sizeof(*block) + size);
	if (block == NULL)
		return false;
	block->older = arena->blocks;
	arena->blocks = block;
	arena->used = 0;
	arena->size = size;
	return true;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	char *bytes;

	if (size > SIZE_MAX / 2)
		return NULL;
	/* Rounded up, so that used is always a multiple of the alignment. */
	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (size > arena->size - arena->used && !add_block(arena, size))
		return NULL;
	bytes = newest_bytes(arena) + arena->used;
	arena->used += size;
	return bytes;
}

struct text arena_copy(struct arena *arena, struct text text)
{
	char *bytes = arena_alloc(arena, text.len + 1);

	if (bytes == NULL)
		return (struct text){ NULL, 0 };
	if (text.len > 0)
		memcpy(bytes, text.ptr, text.len);
	bytes[text.len] = '\0';
	return (struct text){ bytes, text.len };
}

struct text arena_format(struct arena *arena, const char *format, ...)
{
	size_t room = arena->size - arena->used;
	va_list args;
	char *bytes;
	int len;

	/* Most texts fit into what is left: printed there at once, and taken
	 * afterwards. */
	va_start(args, format);
	len = vsnprintf(newest_bytes(arena) + arena->used, room, format, args);
	va_end(args);
	if (len < 0)
		return (struct text){ NULL, 0 };
	bytes = arena_alloc(arena, (size_t)len + 1);
	if (bytes == NULL)
		return (struct text){ NULL, 0 };
	if ((size_t)len >= room) {
		va_start(args, format);
		(void)vsnprintf(bytes, (size_t)len + 1, format, args);
		va_end(args);
	}
	return (struct text){ bytes, (size_t)len };
}
