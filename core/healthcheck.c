/* One worker's health check. */
#include "config.h"

#include "core/healthcheck.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/storage.h"

struct healthcheck {
	struct loop *loop;
	struct storage *storage;
	struct health *health;
	int64_t max_age_us;
	struct loop_timer *timer;   /* runs while somebody waits */
	struct storage_call *probe; /* NULL: none is under way */
	healthcheck_fn *on_state;   /* who waits; NULL: nobody */
	void *arg;
};

/* Storage has reported by now what the probe has shown. */
static void answer(struct healthcheck *check)
{
	healthcheck_fn *on_state = check->on_state;

	if (on_state == NULL)
		return;
	check->on_state = NULL;
	loop_timer_stop(check->loop, check->timer);
	on_state(check->arg, health_state(check->health));
}

static void on_probed(void *arg, enum err err)
{
	(void)err;
	answer(arg);
}

/* The probe goes on: a database that wakes up slowly is known to be there from
 * its answer on. */
static void on_wait_end(void *arg)
{
	answer(arg);
}

enum err healthcheck_new(struct loop *loop, struct storage *storage,
			 struct health *health, int64_t max_age_ms,
			 struct healthcheck **check)
{
	struct healthcheck *made = calloc(1, sizeof(*made));

	if (made != NULL)
		made->timer = loop_timer_new(loop, on_wait_end, made);
	if (made == NULL || made->timer == NULL) {
		free(made);
		return ERR_NO_MEMORY;
	}
	made->loop = loop;
	made->storage = storage;
	made->health = health;
	made->max_age_us = max_age_ms * 1000;
	*check = made;
	return ERR_OK;
}

void healthcheck_free(struct healthcheck **check)
{
	struct healthcheck *freed = *check;

	if (freed == NULL)
		return;
	*check = NULL;
	storage_cancel(freed->storage, &freed->probe);
	loop_timer_free(freed->loop, &freed->timer);
	free(freed);
}

/* Begins to ask the database; false: not now. */
static bool begin_probe(struct healthcheck *check)
{
	if (check->probe != NULL ||
	    !health_may_probe(check->health, clock_monotonic_us(),
			      check->max_age_us))
		return false;
	return storage_ping(check->storage, on_probed, check, &check->probe) ==
	       ERR_OK;
}

void healthcheck_ask(struct healthcheck *check, healthcheck_fn *on_state,
		     void *arg)
{
	if (!begin_probe(check)) {
		on_state(arg, health_state(check->health));
		return;
	}
	check->on_state = on_state;
	check->arg = arg;
	loop_timer_start(check->loop, check->timer, HEALTHCHECK_WAIT_MS);
}
