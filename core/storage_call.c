/*
 * The life of a storage call: given to the backend, answered once, by the
 * backend or by the deadline, whichever is first, and freed when the backend
 * lets go of it.
 */
#include "config.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/storage_front.h"

enum err storage_call_new(struct storage *storage, enum storage_verb verb,
			  size_t text_bytes, struct storage_call **call)
{
	size_t bytes = sizeof(**call) + text_bytes;
	struct storage_call *made;

	if (storage->held >= STORAGE_CALLS_MAX ||
	    storage->held_bytes + bytes > STORAGE_BYTES_MAX)
		return ERR_BUSY;
	made = calloc(1, bytes);
	if (made == NULL)
		return ERR_NO_MEMORY;
	made->verb = verb;
	made->storage = storage;
	made->bytes = bytes;
	*call = made;
	return ERR_OK;
}

/* Adds the call to those in flight. */
static void link_newest(struct storage *storage, struct storage_call *call)
{
	call->older = storage->newest;
	if (storage->newest != NULL)
		storage->newest->newer = call;
	else
		storage->oldest = call;
	storage->newest = call;
	storage->pending++;
}

/* Takes the call out of those in flight: nobody waits for it after this. */
static void unlink_call(struct storage_call *call)
{
	struct storage *storage = call->storage;

	if (call->older != NULL)
		call->older->newer = call->newer;
	else
		storage->oldest = call->newer;
	if (call->newer != NULL)
		call->newer->older = call->older;
	else
		storage->newest = call->older;
	storage->pending--;
	if (call->handle != NULL)
		*call->handle = NULL;
	call->handle = NULL;
}

/* The timer is left running when the last call ends, which is cheaper than a
 * stop and a start with each: it then finds nothing to do and rests. */
static void timer_start(struct storage *storage, int64_t now_us)
{
	int64_t left_us = storage->oldest->deadline_us - now_us;

	storage->timer_is_running = true;
	loop_timer_start(storage->loop, storage->timer,
			 left_us > 0 ? (left_us + 999) / 1000 : 0);
}

enum err storage_call_submit(struct storage_call *call,
			     struct storage_call **handle)
{
	struct storage *storage = call->storage;
	struct storage_backend *backend = storage->backend;
	int64_t now_us = clock_monotonic_us();
	enum err err;

	storage->submitting = call;
	err = backend->ops->submit(backend, call);
	storage->submitting = NULL;
	if (err != ERR_OK) {
		free(call);
		return err;
	}
	storage->held++;
	storage->held_bytes += call->bytes;
	call->deadline_us = now_us + storage->timeout_us;
	link_newest(storage, call);
	call->handle = handle;
	if (handle != NULL)
		*handle = call;
	if (!storage->timer_is_running)
		timer_start(storage, now_us);
	return ERR_OK;
}

void storage_backend_report(struct storage_backend *backend,
			    enum health_state state)
{
	if (backend->health != NULL)
		health_report(backend->health, state);
}

/* What the end of a call says about the database; nothing when it is about us,
 * or an error of a kind that nobody has foreseen. */
static enum health_state state_from(enum err err)
{
	switch (err) {
	case ERR_OK:
	case ERR_INVALID:
	case ERR_NOT_FOUND:
	case ERR_CONFLICT:
		return HEALTH_REACHABLE;
	case ERR_UNAVAILABLE:
	case ERR_UNCERTAIN:
	case ERR_OUTDATED:
	case ERR_TOO_NEW:
	case ERR_CORRUPT:
		return HEALTH_UNREACHABLE;
	case ERR_DENIED:
	case ERR_EXPIRED:
	case ERR_BUSY:
	case ERR_NO_MEMORY:
	case ERR_SYSTEM:
		break;
	}
	return HEALTH_UNKNOWN;
}

static void report(const struct storage_call *call, enum err err)
{
	enum health_state state = state_from(err);

	if (state != HEALTH_UNKNOWN)
		storage_backend_report(call->storage->backend, state);
}

/* Runs the callback of a call that ends. */
static void answer(const struct storage_call *call, enum err err,
		   const struct storage_result *result)
{
	switch (call->verb) {
	case STORAGE_TASK_CREATE:
	case STORAGE_TASK_GET:
	case STORAGE_TASK_UPDATE:
	case STORAGE_TASK_TOGGLE:
		if (err == ERR_OK && result->task == NULL)
			BUG("a backend gave no task");
		call->on.task(call->arg, err,
			      err == ERR_OK ? result->task : NULL);
		break;
	case STORAGE_USER_BY_EMAIL:
	case STORAGE_USER_BY_ID:
		if (err == ERR_OK && result->user == NULL)
			BUG("a backend gave no user");
		call->on.user(call->arg, err,
			      err == ERR_OK ? result->user : NULL);
		break;
	case STORAGE_TASK_LIST:
		call->on.page(call->arg, err, err == ERR_OK && result->more);
		break;
	case STORAGE_PING:
	case STORAGE_TASK_DELETE:
	case STORAGE_USER_CREATE:
	case STORAGE_USER_SET_PASSWORD:
		call->on.done(call->arg, err);
		break;
	}
}

/* Gives a call up; returns the state it was in. */
static int abandon(struct storage_call *call)
{
	unlink_call(call);
	return atomic_exchange(&call->state, STORAGE_CALL_ABANDONED);
}

/* Lets the backend drop a call that will never begin; may free it. */
static void tell_backend(struct storage_call *call, int state)
{
	struct storage_backend *backend = call->storage->backend;

	if (state == STORAGE_CALL_QUEUED && backend->ops->abandoned != NULL)
		backend->ops->abandoned(backend, call);
}

static void expire(struct storage_call *call)
{
	int state = abandon(call);
	enum err err = ERR_UNAVAILABLE;

	/* A write that has begun may yet be kept; one that has not never
	 * will, and reading leaves nothing behind. */
	if (state == STORAGE_CALL_RUNNING && storage_verb_is_write(call->verb))
		err = ERR_UNCERTAIN;
	report(call, err);
	answer(call, err, NULL);
	tell_backend(call, state);
}

void storage_call_on_deadline(void *arg)
{
	struct storage *storage = arg;
	int64_t now_us = clock_monotonic_us();

	storage->timer_is_running = false;
	while (storage->oldest != NULL &&
	       storage->oldest->deadline_us <= now_us)
		expire(storage->oldest);
	/* A callback may have made a call, and that started the timer. */
	if (storage->oldest != NULL && !storage->timer_is_running)
		timer_start(storage, now_us);
}

void storage_call_abandon_all(struct storage *storage)
{
	while (storage->oldest != NULL)
		(void)abandon(storage->oldest);
}

void storage_cancel(struct storage *storage, struct storage_call **call)
{
	struct storage_call *given_up = *call;

	(void)storage;
	if (given_up == NULL)
		return;
	*call = NULL;
	tell_backend(given_up, abandon(given_up));
}

bool storage_verb_is_write(enum storage_verb verb)
{
	switch (verb) {
	case STORAGE_TASK_CREATE:
	case STORAGE_TASK_UPDATE:
	case STORAGE_TASK_TOGGLE:
	case STORAGE_TASK_DELETE:
	case STORAGE_USER_CREATE:
	case STORAGE_USER_SET_PASSWORD:
		return true;
	case STORAGE_PING:
	case STORAGE_TASK_GET:
	case STORAGE_TASK_LIST:
	case STORAGE_USER_BY_EMAIL:
	case STORAGE_USER_BY_ID:
		return false;
	}
	BUG("no such verb");
}

bool storage_call_begin(struct storage_call *call)
{
	int state = STORAGE_CALL_QUEUED;

	return atomic_compare_exchange_strong(&call->state, &state,
					      STORAGE_CALL_RUNNING) ||
	       state == STORAGE_CALL_RUNNING;
}

bool storage_call_row(struct storage_call *call, const struct task *task)
{
	if (atomic_load(&call->state) == STORAGE_CALL_ABANDONED)
		return false;
	call->on_row(call->arg, task);
	/* The caller may have cancelled while it looked at the row. */
	return atomic_load(&call->state) != STORAGE_CALL_ABANDONED;
}

void storage_call_finish(struct storage_call *call, enum err err,
			 const struct storage_result *result)
{
	static const struct storage_result nothing;
	struct storage *storage = call->storage;

	if (call == storage->submitting)
		BUG("a backend finished a call within submit");
	if (err == ERR_CORRUPT)
		storage->is_damaged = true;
	if (atomic_load(&call->state) != STORAGE_CALL_ABANDONED) {
		report(call, err);
		unlink_call(call);
		answer(call, err, result != NULL ? result : &nothing);
	}
	storage->held--;
	storage->held_bytes -= call->bytes;
	free(call);
}
