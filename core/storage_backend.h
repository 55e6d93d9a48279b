/*
 * The storage interface for backends.  The front (core/storage.c) turns every
 * verb into a struct storage_call and gives it to the backend's submit(); the
 * backend carries it out and ends it with storage_call_finish().  The front
 * keeps the promises of core/storage.h (deferral, once, deadline, cancel); a
 * backend promises only to finish every call that it accepted, each exactly
 * once, in the loop's thread, after submit() returned.
 *
 * A call is shared with at most one thread of the backend's.  Its state says
 * who may still answer it:
 *
 *	QUEUED --- storage_call_begin() ---> RUNNING --- finish ---> freed
 *	   |                                    |
 *	   +---------- deadline, cancel --------+---> ABANDONED
 *	                                                 --- finish ---> freed
 */
#ifndef TODOD_CORE_STORAGE_BACKEND_H
#define TODOD_CORE_STORAGE_BACKEND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/health.h"
#include "core/storage.h"

enum storage_verb {
	STORAGE_PING,
	STORAGE_TASK_CREATE,
	STORAGE_TASK_GET,
	STORAGE_TASK_LIST,
	STORAGE_TASK_UPDATE,
	STORAGE_TASK_TOGGLE,
	STORAGE_TASK_DELETE,
	STORAGE_USER_CREATE,
	STORAGE_USER_BY_EMAIL,
	STORAGE_USER_BY_ID,
	STORAGE_USER_SET_PASSWORD,
};

enum storage_call_state {
	STORAGE_CALL_QUEUED,	/* waits for its turn: can be dropped whole */
	STORAGE_CALL_RUNNING,	/* being carried out: its effect may come */
	STORAGE_CALL_ABANDONED, /* nobody waits any more: finish frees it */
};

/* One verb in flight.  The backend reads the parameters of its verb, and may
 * count those of a list down; they belong to the call and live as long as it
 * does. */
struct storage_call {
	enum storage_verb verb;
	_Atomic int state; /* enum storage_call_state */

	struct text user_id; /* the verbs on tasks */
	struct task_key key; /* get, update, toggle, delete */
	union {
		struct task_draft draft;     /* create */
		struct task_changes changes; /* update */
		int64_t now_us;		     /* toggle */
		struct {
			enum task_filter filter;
			bool has_after;
			struct task_cursor after;
			size_t limit; /* 0: the backend's page */
			/* False: what follows narrows nothing.  True: there
			 * is a cursor, within created_to_us. */
			bool is_search;
			struct text keyword;
			int64_t created_from_us;
			int64_t skip;
		} list;
		struct user user; /* user_create: all; by_email: email;
				     by_id: id */
		struct {
			struct uuid id;
			struct text old_hash;
			struct text new_hash;
		} password;
	} in;

	/* For the backend while it has the call; zeroed by the front. */
	struct storage_call *next, *prev;
	enum err backend_err;
	void *backend_data;

	/* The front's. */
	struct storage *storage;
	size_t bytes; /* of this struct and the texts behind it */
	union {
		storage_task_fn *task;
		storage_user_fn *user;
		storage_done_fn *done;
		storage_page_fn *page;
	} on;
	storage_row_fn *on_row;
	void *arg;
	struct storage_call **handle; /* the caller's, cleared at the end */
	int64_t deadline_us;	      /* monotonic */
	struct storage_call *newer, *older;
};

struct storage_backend_ops {
	const char *name;
	/* Accepts the call, or says why not (then it is still the front's). */
	enum err (*submit)(struct storage_backend *backend,
			   struct storage_call *call);
	/* Nobody waits any more for a call that had not begun: the backend may
	 * finish it at once instead of in its turn, so that calls do not pile
	 * up while it is stalled.  NULL: it need not know. */
	void (*abandoned)(struct storage_backend *backend,
			  struct storage_call *call);
	/* Ends all work; finishes every call it still has (the front has
	 * abandoned them all), then frees the backend.  A job that it has
	 * posted runs later all the same: what that job needs stays. */
	void (*close)(struct storage_backend *backend);
};

/* First member of a backend's own struct. */
struct storage_backend {
	const struct storage_backend_ops *ops;
	struct health *health; /* the front's; NULL: nobody wants to know */
};

/* Tells what the backend has seen besides the ends of its calls, which the
 * front reports: HEALTH_UNREACHABLE when a connection could not be made, or
 * broke other than by an orderly end while nothing was in flight.  In the
 * loop's thread. */
void storage_backend_report(struct storage_backend *backend,
			    enum health_state state);

/* Whether the verb writes. */
bool storage_verb_is_write(enum storage_verb verb);

/* Marks the call as being carried out, from any thread; once more is no harm.
 * False: nobody waits for it, skip it and finish it. */
bool storage_call_begin(struct storage_call *call);

/* What is handed out at the end, by verb. */
struct storage_result {
	const struct task *task; /* create, get, update, toggle */
	const struct user *user; /* by_email, by_id */
	bool more;		 /* list */
};

/* Hands one row of a list to the caller, in the loop's thread.  False: nobody
 * waits any more, stop stepping. */
bool storage_call_row(struct storage_call *call, const struct task *task);

/* Ends the call in the loop's thread: answers the caller unless it was
 * abandoned, and frees it.  result may be NULL. */
void storage_call_finish(struct storage_call *call, enum err err,
			 const struct storage_result *result);

#endif
