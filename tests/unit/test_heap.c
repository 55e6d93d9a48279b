/* The lists of free pieces. */
#include "config.h"

#include "daemon/heap.h"

#include <stdint.h>
#include <string.h>

#include "tests/support/tap.h"

#define PIECES	   200
#define PIECE_SIZE 4000
#define SIZES	   20000

static bool is_filled(const unsigned char *memory, size_t size, int byte)
{
	while (size > 0)
		if (memory[--size] != byte)
			return false;
	return true;
}

static void test_reuse(void)
{
	void *first = heap_take(100), *second;

	heap_give(first);
	ok(heap_kept() >= 100, "what is given back is kept");
	second = heap_take(90);
	ok(second == first, "the next that fits gets it");
	is_int(heap_kept(), 0, "then it is kept no more");
	first = heap_take(100);
	ok(first != second, "what is in use is not given again");
	heap_give(first);
	heap_give(second);
	heap_give(NULL);
	heap_empty();
	is_int(heap_kept(), 0, "nothing is kept after that");
}

static void test_sizes(void)
{
	bool is_aligned = true, is_whole = true;
	unsigned char *last = NULL;
	size_t size;

	for (size = 0; size < SIZES; size += 7) {
		unsigned char *memory = heap_take(size);

		is_aligned = is_aligned && (uintptr_t)memory % 16 == 0;
		memset(memory, 1, size);
		/* One size is in use while the next is written. */
		is_whole = is_whole &&
			   (last == NULL || is_filled(last, size - 7, 2));
		heap_give(last);
		memset(memory, 2, size);
		last = memory;
	}
	heap_give(last);
	ok(is_aligned, "all are aligned as malloc() aligns");
	ok(is_whole, "no two share a byte");
	ok(heap_take(SIZE_MAX) == NULL, "too much is refused");
	ok(heap_take(SIZE_MAX - 16) == NULL, "so is almost too much");
	heap_empty();
}

static void test_resize(void)
{
	unsigned char *memory = heap_resize(NULL, 10);

	ok(memory != NULL, "nothing can be resized");
	memset(memory, 3, 10);
	memory = heap_resize(memory, 5000);
	ok(memory != NULL && is_filled(memory, 10, 3),
	   "what was there is there after it has grown");
	memset(memory, 4, 5000);
	memory = heap_resize(memory, 100000);
	ok(memory != NULL && is_filled(memory, 5000, 4), "so after it again");
	memory = heap_resize(memory, 20);
	ok(memory != NULL && is_filled(memory, 20, 4),
	   "and after it has shrunk");
	ok(heap_resize(memory, SIZE_MAX) == NULL, "too much is refused");
	ok(is_filled(memory, 20, 4), "which leaves it as it was");
	heap_give(memory);
	heap_empty();
}

static void test_bound(void)
{
	void *pieces[PIECES];

	for (int i = 0; i < PIECES; i++)
		pieces[i] = heap_take(PIECE_SIZE);
	for (int i = 0; i < PIECES; i++)
		heap_give(pieces[i]);
	ok(heap_kept() > HEAP_KEPT_MAX_BYTES / 2, "many are kept");
	ok(heap_kept() <= HEAP_KEPT_MAX_BYTES, "but not without bound");
	heap_empty();
	heap_give(heap_take(HEAP_KEPT_MAX_BYTES));
	is_int(heap_kept(), 0, "large ones go back at once");
}

int main(void)
{
	test_reuse();
	test_sizes();
	test_resize();
	test_bound();
	return tap_done();
}
