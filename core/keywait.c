/* Calls that wait for keys. */
#include "config.h"

#include "core/keywait.h"

#include <stddef.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/loop.h"

struct keywait {
	struct loop *loop;
	struct loop_timer *timer;
	keywait_woken_fn *woken;
	void *arg;
	/* All wait equally long: the order of their coming is that of their
	 * deadlines. */
	struct keywait_entry *oldest, **end;
	size_t count;
};

static void timer_start(struct keywait *wait,
			const struct keywait_entry *oldest, int64_t now_us)
{
	int64_t left_us = oldest->deadline_us - now_us;

	loop_timer_start(wait->loop, wait->timer,
			 left_us > 0 ? (left_us + 999) / 1000 : 0);
}

static void on_deadline(void *arg)
{
	struct keywait *wait = arg;
	int64_t now_us = clock_monotonic_us();
	struct keywait_entry *entry;

	while (wait->oldest != NULL && wait->oldest->deadline_us <= now_us) {
		entry = wait->oldest;
		wait->oldest = entry->next;
		if (wait->oldest == NULL)
			wait->end = &wait->oldest;
		wait->count--;
		wait->woken(wait->arg, entry);
	}
	if (wait->oldest != NULL)
		timer_start(wait, wait->oldest, now_us);
}

enum err keywait_new(struct loop *loop, keywait_woken_fn *woken, void *arg,
		     struct keywait **out)
{
	struct keywait *wait = calloc(1, sizeof(*wait));

	if (wait == NULL)
		return ERR_NO_MEMORY;
	wait->timer = loop_timer_new(loop, on_deadline, wait);
	if (wait->timer == NULL) {
		free(wait);
		return ERR_NO_MEMORY;
	}
	wait->loop = loop;
	wait->woken = woken;
	wait->arg = arg;
	wait->end = &wait->oldest;
	*out = wait;
	return ERR_OK;
}

void keywait_free(struct keywait **wait)
{
	if (*wait == NULL)
		return;
	loop_timer_free((*wait)->loop, &(*wait)->timer);
	free(*wait);
	*wait = NULL;
}

bool keywait_add(struct keywait *wait, struct keywait_entry *entry)
{
	int64_t now_us = clock_monotonic_us();
	bool was_empty = wait->oldest == NULL;

	if (wait->count >= KEYWAIT_CALLS_MAX)
		return false;
	entry->next = NULL;
	entry->deadline_us = now_us + INT64_C(1000) * KEYWAIT_MS;
	*wait->end = entry;
	wait->end = &entry->next;
	wait->count++;
	if (was_empty)
		timer_start(wait, entry, now_us);
	return true;
}

void keywait_wake(struct keywait *wait)
{
	struct keywait_entry *entry = wait->oldest, *next;

	/* Who is answered may be followed by a request that waits: not for
	 * this waking. */
	wait->oldest = NULL;
	wait->end = &wait->oldest;
	wait->count = 0;
	loop_timer_stop(wait->loop, wait->timer);
	for (; entry != NULL; entry = next) {
		next = entry->next; /* it is gone when woken() returns */
		wait->woken(wait->arg, entry);
	}
}
