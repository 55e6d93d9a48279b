/* The memory of one request. */
#include "config.h"

#include "core/arena.h"

#include <stdint.h>
#include <string.h>

#include "tests/support/tap.h"

static void test_alloc(void)
{
	struct arena arena;
	char *pieces[200];
	bool aligned = true, kept = true, first = true;

	arena_init(&arena);
	for (size_t i = 0; i < 200; i++) {
		size_t len = i * 7 % 90 + 1;

		pieces[i] = arena_alloc(&arena, len);
		aligned = aligned && (uintptr_t)pieces[i] % 16 == 0;
		memset(pieces[i], (int)i, len);
	}
	first = pieces[0] == arena.first;
	for (size_t i = 0; i < 200; i++) {
		for (size_t at = 0; at < i * 7 % 90 + 1; at++)
			kept = kept && (unsigned char)pieces[i][at] == i;
	}
	ok(first, "the first bytes come from the arena itself");
	ok(aligned, "every piece is aligned for any type");
	ok(kept, "pieces do not overlap");
	arena_release(&arena);
	ok(arena_alloc(&arena, 8) == arena.first,
	   "a released arena begins anew");
	arena_release(&arena);
}

static void test_sizes(void)
{
	struct arena arena;
	char *big, *after;

	arena_init(&arena);
	ok(arena_alloc(&arena, 0) != NULL, "nothing can be had");
	ok(arena_alloc(&arena, ARENA_FIRST_BYTES) == arena.first,
	   "the first block can be had whole");
	ok(arena_alloc(&arena, SIZE_MAX) == NULL &&
		   arena_alloc(&arena, SIZE_MAX / 2 + 1) == NULL,
	   "an impossible size is refused");
	big = arena_alloc(&arena, 300000);
	after = arena_alloc(&arena, 5000);
	if (ok(big != NULL && after != NULL, "a big piece can be had")) {
		memset(big, 1, 300000);
		memset(after, 2, 5000);
		ok(big[0] == 1 && big[299999] == 1,
		   "a big piece is whole after a further one");
	}
	for (int i = 0; i < 300; i++)
		memset(arena_alloc(&arena, 4000), i, 4000);
	arena_release(&arena);
}

static void test_copy(void)
{
	struct arena arena;
	struct text copy;
	char source[] = "copied";

	arena_init(&arena);
	copy = arena_copy(&arena, text_of(source));
	source[0] = 'X';
	is_text(copy, TEXT("copied"), "a copy is a copy");
	is_int(copy.ptr[copy.len], '\0', "a copy is NUL-terminated");
	copy = arena_copy(&arena, (struct text){ NULL, 0 });
	ok(copy.ptr != NULL && copy.len == 0 && copy.ptr[0] == '\0',
	   "a copy of nothing is an empty string");
	arena_release(&arena);
}

static void test_format(void)
{
	struct arena arena;
	struct text text, next;
	bool right = true;

	arena_init(&arena);
	text = arena_format(&arena, "%s=%d", "a", 42);
	next = arena_format(&arena, "%s", "next");
	is_text(text, TEXT("a=42"), "printf into the arena");
	is_text(next, TEXT("next"), "a second text does not touch the first");
	text = arena_format(&arena, "%3000s", "x");
	ok(text.len == 3000 && text.ptr[2999] == 'x' && text.ptr[0] == ' ',
	   "a text longer than what is left is whole");
	/* Every length around the end of a block. */
	for (int len = 0; len < 200; len++) {
		text = arena_format(&arena, "%*s", len, len > 0 ? "y" : "");
		right = right && text.len == (size_t)len &&
			text.ptr[len] == '\0' &&
			(len == 0 || text.ptr[len - 1] == 'y');
	}
	ok(right, "texts of every length end where they should");
	arena_release(&arena);
}

int main(void)
{
	test_alloc();
	test_sizes();
	test_copy();
	test_format();
	return tap_done();
}
