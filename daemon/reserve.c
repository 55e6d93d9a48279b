/* libevent's allocator: malloc() with something to fall back on. */
#include "config.h"

#include "daemon/reserve.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/log.h"
#include "daemon/heap.h"
#include "daemon/logsink.h"

/* What some requests in flight take in libevent until they are answered. */
#define RESERVE_BYTES ((size_t)256 * 1024)

/* The allocator is the process's own, as malloc()'s state is. */
static void *reserve;

static bool release(void)
{
	if (!reserve)
		return false;
	free(reserve);
	reserve = NULL;
	heap_empty();
	log_write(LOG_WARN, "out of memory: using the reserve", NULL, 0);
	return true;
}

/* The connections end, and no write is acknowledged that is not done. */
__attribute__((noreturn)) static void give_up(void)
{
	log_write(LOG_ERROR, "out of memory: ending this process", NULL, 0);
	logsink_flush();
	_exit(EX_OSERR);
}

void *reserve_take(size_t size)
{
	void *got = heap_take(size);

	if (!got && release())
		got = heap_take(size);
	if (!got)
		give_up();
	return got;
}

static void *reallocate(void *old, size_t size)
{
	void *got = heap_resize(old, size);

	if (!got && release())
		got = heap_resize(old, size);
	if (!got)
		give_up();
	return got;
}

void reserve_init(void)
{
	reserve_refill();
	event_set_mem_functions(reserve_take, reallocate, heap_give);
}

void reserve_refill(void)
{
	if (!reserve)
		reserve = malloc(RESERVE_BYTES);
}
