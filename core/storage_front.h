/*
 * What the two halves of the storage front share: core/storage.c checks and
 * copies the parameters of each verb, core/storage_call.c sees a call through
 * its life.  Nobody else includes this.
 */
#ifndef TODOD_CORE_STORAGE_FRONT_H
#define TODOD_CORE_STORAGE_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/storage.h"
#include "core/storage_backend.h"

struct storage {
	struct loop *loop;
	struct storage_backend *backend;
	int64_t timeout_us;
	struct loop_timer *timer;
	bool timer_is_running;
	/* In flight, somebody waits.  The time-out is the same for all, so the
	 * order of their arrival is that of their deadlines. */
	struct storage_call *oldest, *newest;
	size_t pending;
	/* What the backend has: those in flight and the abandoned. */
	size_t held;
	size_t held_bytes;
	bool is_damaged; /* the backend has said so */
	/* The call that submit() is being given: must not finish in there. */
	const struct storage_call *submitting;
};

/* A zeroed call with room for text_bytes after it; ERR_BUSY, ERR_NO_MEMORY. */
enum err storage_call_new(struct storage *storage, enum storage_verb verb,
			  size_t text_bytes, struct storage_call **call)
	__attribute__((warn_unused_result));

/* Gives a filled call to the backend; on failure it is freed.  *handle (if
 * any) is set on success and cleared when the call ends. */
enum err storage_call_submit(struct storage_call *call,
			     struct storage_call **handle)
	__attribute__((warn_unused_result));

/* Gives every call in flight up, without callbacks. */
void storage_call_abandon_all(struct storage *storage);

/* The timer of the deadlines. */
void storage_call_on_deadline(void *storage);

#endif
