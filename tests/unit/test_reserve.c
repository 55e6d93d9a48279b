/* libevent's memory: what happens when there is no more. */
#include "config.h"

#include <event2/buffer.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sysexits.h>

#include "daemon/heap.h"
#include "daemon/reserve.h"
#include "tests/support/child.h"
#include "tests/support/logtrap.h"
#include "tests/support/tap.h"

void *__real_malloc(size_t size);
void *__real_realloc(void *ptr, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *ptr, size_t size);

/* How many more allocations fail. */
static int failures;

static bool fails(void)
{
	if (failures == 0)
		return false;
	failures--;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *ptr, size_t size)
{
	return fails() ? NULL : __real_realloc(ptr, size);
}

/* Whether libevent can allocate while the next so many allocations fail. */
static bool can_allocate(int count)
{
	struct evbuffer *buffer;

	/* Nothing that was kept makes up for it. */
	heap_empty();
	failures = count;
	buffer = evbuffer_new();
	failures = 0;
	if (!buffer)
		return false;
	evbuffer_free(buffer);
	return true;
}

static int use_up(const struct parent *parent, void *arg)
{
	const int *count = arg;

	(void)parent;
	(void)can_allocate(1);
	(void)can_allocate(*count);
	return EX_OK;
}

static int end_of(int count)
{
	struct child child;

	child_start(&child, use_up, &count);
	return child_end(&child);
}

int main(void)
{
	reserve_init();
	/* It says so where nobody sees it. */
	logtrap_start();
	is_int(end_of(0), EX_OK, "memory that is back is used");
	is_int(end_of(1), EX_OSERR,
	       "a process whose reserve is used up ends itself");

	ok(can_allocate(0), "libevent allocates");
	ok(heap_kept() > 0, "from the heap, which keeps what it frees");
	is_int(logtrap_warnings(), 0, "and nothing is said of it");
	ok(can_allocate(1), "one allocation that fails is made up for");
	ok(logtrap_has("out of memory: using the reserve"),
	   "and that is in the log");
	reserve_refill();
	ok(can_allocate(1), "a reserve that was set aside again helps again");
	failures = 1;
	reserve_refill();
	failures = 0;
	ok(can_allocate(0), "a reserve that cannot be set aside is no failure");
	return tap_done();
}
