/*
 * Lists of free pieces, one for each size.  A piece has its size before it,
 * where malloc() would have its own.
 */
#include "config.h"

#include "daemon/heap.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_MALLOPT
#include <malloc.h>
#endif

/* What the C library keeps instead of giving it back to the system, and asks
 * for at once; above which size a piece is mapped by itself. */
#define TRIM_BYTES   (2 * 1024 * 1024)
#define ASKED_BYTES  (256 * 1024)
#define MAPPED_BYTES (1024 * 1024)

/* Sizes are multiples of a step.  The largest that have a list are those of
 * an evbuffer that reads from a socket. */
#define STEP_BYTES 64
#define LISTS	   65

union piece {
	size_t size; /* of what follows */
	_Alignas(16) char alignment[16];
};

struct kept {
	struct kept *next;
};

/* One process has one thread that calls libevent. */
static struct {
	struct kept *lists[LISTS];
	size_t bytes;
	bool keeps_nothing;
} heap;

static size_t list_of(size_t size)
{
	return size / STEP_BYTES;
}

void *heap_take(size_t size)
{
	union piece *piece;
	struct kept *kept;

	if (size > SIZE_MAX - sizeof(*piece) - STEP_BYTES)
		return NULL;
	size = (size + STEP_BYTES - 1) / STEP_BYTES * STEP_BYTES;
	kept = list_of(size) < LISTS ? heap.lists[list_of(size)] : NULL;
	if (kept != NULL) {
		heap.lists[list_of(size)] = kept->next;
		heap.bytes -= size;
		return kept;
	}
	piece = malloc(sizeof(*piece) + size);
	if (piece == NULL)
		return NULL;
	piece->size = size;
	return piece + 1;
}

void heap_give(void *memory)
{
	union piece *piece = memory;
	struct kept *kept = memory;

	if (memory == NULL)
		return;
	piece--;
	if (heap.keeps_nothing || piece->size == 0 ||
	    list_of(piece->size) >= LISTS ||
	    piece->size > HEAP_KEPT_MAX_BYTES - heap.bytes) {
		free(piece);
		return;
	}
	kept->next = heap.lists[list_of(piece->size)];
	heap.lists[list_of(piece->size)] = kept;
	heap.bytes += piece->size;
}

void *heap_resize(void *memory, size_t size)
{
	union piece *piece = memory;
	void *other;

	if (memory == NULL)
		return heap_take(size);
	if (piece[-1].size >= size)
		return memory;
	other = heap_take(size);
	if (other == NULL)
		return NULL;
	memcpy(other, memory, piece[-1].size);
	heap_give(memory);
	return other;
}

size_t heap_kept(void)
{
	return heap.bytes;
}

void heap_empty(void)
{
	for (size_t i = 0; i < LISTS; i++) {
		while (heap.lists[i] != NULL) {
			struct kept *kept = heap.lists[i];

			heap.lists[i] = kept->next;
			free((union piece *)(void *)kept - 1);
		}
	}
	heap.bytes = 0;
}

void heap_prepare(void)
{
#ifdef HAVE_MALLOPT
	(void)mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
	(void)mallopt(M_TOP_PAD, ASKED_BYTES);
	(void)mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
#endif
#ifdef TODOD_SANITIZED
	heap.keeps_nothing = true;
#endif
}
