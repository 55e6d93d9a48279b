/* The growing buffer. */
#include "config.h"

#include "core/buffer.h"

#include <stdint.h>
#include <string.h>

#include "tests/support/tap.h"

static void test_append(void)
{
	struct buffer buffer;
	bool right = true;

	buffer_init(&buffer);
	is_text(buffer_text(&buffer), TEXT(""), "a new buffer is empty");
	buffer_append(&buffer, NULL, 0);
	buffer_append_text(&buffer, (struct text){ NULL, 0 });
	is_int(buffer.len, 0, "nothing can be appended");
	for (int i = 0; i < 10000; i++)
		buffer_append(&buffer, "abc", 3);
	for (int i = 0; i < 10000; i++)
		right = right && memcmp(buffer.ptr + i * 3, "abc", 3) == 0;
	ok(right && buffer.len == 30000, "what was appended is there");
	ok(!buffer_is_failed(&buffer), "nothing has failed");
	buffer_release(&buffer);
	ok(buffer.ptr == NULL && buffer.len == 0 && buffer.size == 0,
	   "a released buffer is empty");
}

static void test_reserve(void)
{
	struct buffer buffer;
	char *end;

	buffer_init(&buffer);
	ok(buffer_reserve(&buffer, 0) != NULL, "no room can be reserved");
	end = buffer_reserve(&buffer, 4000);
	memset(end, 'r', 4000);
	is_int(buffer.len, 0, "reserving does not change the length");
	buffer.len += 4000;
	buffer_append_text(&buffer, TEXT("!"));
	ok(buffer.ptr[3999] == 'r' && buffer.ptr[4000] == '!',
	   "appending goes on behind what was reserved and used");
	buffer_release(&buffer);
}

static void test_failure(void)
{
	struct buffer buffer, other;

	buffer_init(&buffer);
	buffer_init(&other);
	buffer_append_text(&buffer, TEXT("kept"));
	ok(buffer_reserve(&buffer, SIZE_MAX) == NULL,
	   "an impossible size is refused");
	ok(buffer_is_failed(&buffer), "a failure is remembered");
	buffer_append_text(&buffer, TEXT(" more"));
	ok(buffer_reserve(&buffer, 1) == NULL, "after a failure nothing goes");
	is_text(buffer_text(&buffer), TEXT("kept"),
		"after a failure nothing is appended");
	buffer_move(&other, &buffer);
	ok(buffer_is_failed(&other) && !buffer_is_failed(&buffer),
	   "a failure moves with the content");
	buffer_release(&other);
	ok(!buffer_is_failed(&other), "a released buffer can be used again");
}

static void test_move(void)
{
	struct buffer from, to;

	buffer_init(&from);
	buffer_init(&to);
	buffer_append_text(&from, TEXT("content"));
	/* Room, but no content: it is given up. */
	(void)buffer_reserve(&to, 10);
	buffer_move(&to, &from);
	is_text(buffer_text(&to), TEXT("content"), "the content moves");
	ok(from.ptr == NULL && from.len == 0, "what it came from is empty");
	buffer_release(&to);
}

int main(void)
{
	test_append();
	test_reserve();
	test_failure();
	test_move();
	return tap_done();
}
