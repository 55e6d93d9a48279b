/*
 * Memory that lives as long as one request: taken piece by piece, freed all at
 * once.  The first block is part of the arena, so that an ordinary request
 * needs no further allocation.
 */
#ifndef TODOD_CORE_ARENA_H
#define TODOD_CORE_ARENA_H

#include <stddef.h>

#include "core/text.h"

#define ARENA_FIRST_BYTES 4096

struct arena_block;

struct arena {
	struct arena_block *blocks; /* further ones, newest first */
	size_t used;		    /* bytes taken from the newest block */
	size_t size;		    /* its size */
	_Alignas(16) char first[ARENA_FIRST_BYTES];
};

void arena_init(struct arena *arena);

/* Frees everything that was taken; the arena can be used again. */
void arena_release(struct arena *arena);

/* size bytes aligned for any type, owned by the arena; NULL when memory is
 * exhausted. */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy of text that lives in the arena and is NUL-terminated; ptr is NULL
 * when memory is exhausted. */
struct text arena_copy(struct arena *arena, struct text text);

/* printf into the arena; ptr is NULL when memory is exhausted. */
struct text arena_format(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
