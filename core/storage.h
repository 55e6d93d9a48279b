/*
 * The storage interface for callers: domain verbs over whichever backend was
 * opened.
 *
 * Contract of every verb: it copies what it is given.  ERR_OK means that the
 * callback will run exactly once, from the loop, never before the verb
 * returned and never after storage_cancel(); any other result means that no
 * callback will run.  A call that is not finished when the time-out ends is
 * answered ERR_UNAVAILABLE when nothing was or will be written, ERR_UNCERTAIN
 * when that cannot be known.  An acknowledged write survives a power cut (the
 * memory backend excepted).  Pointers handed to a callback are borrowed for
 * its duration.
 *
 * Every verb on tasks names the user: no verb takes a task id alone.
 * user_id is at most TASK_USER_ID_MAX_BYTES of UTF-8 without NUL, other texts
 * are within the limits of core/task.h and core/user.h: more is a BUG().
 * What an account is looked up by may be longer: it is not found.
 */
#ifndef TODOD_CORE_STORAGE_H
#define TODOD_CORE_STORAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/task.h"
#include "core/text.h"
#include "core/user.h"

/* Calls that a backend has, per worker, and the memory they take (texts of
 * tasks above all); one more is ERR_BUSY. */
#define STORAGE_CALLS_MAX 10000
#define STORAGE_BYTES_MAX ((size_t)64 << 20)

struct health;
struct loop;
struct storage;
struct storage_backend;
struct storage_call; /* one verb in flight */

/* task is NULL unless err is ERR_OK. */
typedef void storage_task_fn(void *arg, enum err err, const struct task *task);
/* user is NULL unless err is ERR_OK. */
typedef void storage_user_fn(void *arg, enum err err, const struct user *user);
typedef void storage_done_fn(void *arg, enum err err);
/* One row of a list, in order. */
typedef void storage_row_fn(void *arg, const struct task *task);
/* The end of a page; more says that the list goes on after the last row. */
typedef void storage_page_fn(void *arg, enum err err, bool more);

/* A page of a user's tasks, newest first. */
struct storage_list {
	enum task_filter filter;
	const struct task_search *search; /* NULL: everything */
	const struct task_cursor *after;  /* NULL: from the newest on */
	int64_t skip; /* so many of what is left are passed over, >= 0 */
	size_t limit; /* at most so many rows; 0: the backend's page, which is
		       * also the most that one page ever has */
};

/*
 * Takes over an open backend (also on failure).  timeout_ms is the deadline of
 * each call.
 */
enum err storage_new(struct loop *loop, struct storage_backend *backend,
		     int64_t timeout_ms, struct storage **storage)
	__attribute__((warn_unused_result));

/* Ends every call in flight without its callback, closes the backend.  Not
 * from within a callback of a call. */
void storage_close(struct storage **storage);

/* No callback will run for the call.  A write may still happen.  Leaves NULL
 * behind; *call may be NULL. */
void storage_cancel(struct storage *storage, struct storage_call **call);

/* Calls in flight: a drain waits until it is 0. */
size_t storage_pending(const struct storage *storage);

/* Whether a call has ended with ERR_CORRUPT: the process should stop, and not
 * be started again before somebody has looked at the database. */
bool storage_is_damaged(const struct storage *storage);

/*
 * Reports from here on to health, which is borrowed until storage_close(),
 * whether the database did what was wanted of it: each call at its end, before
 * its callback, and the backend when a connection breaks or cannot be made.
 * What is refused without asking the database, and what the caller has
 * cancelled, says nothing.
 */
void storage_report_to(struct storage *storage, struct health *health);

/* call may be NULL when the caller never cancels. */

/* Has the database do next to nothing, to learn whether it can be reached.  It
 * is tried even while other calls are refused because the database is away, so
 * whoever asks sees to it that pings are few. */
enum err storage_ping(struct storage *storage, storage_done_fn *on_done,
		      void *arg, struct storage_call **call)
	__attribute__((warn_unused_result));

/* ERR_CONFLICT never: the same user_id and uuid again gives the task that is
 * there. */
enum err storage_task_create(struct storage *storage, struct text user_id,
			     const struct task_draft *draft,
			     storage_task_fn *on_task, void *arg,
			     struct storage_call **call)
	__attribute__((warn_unused_result));

/* ERR_NOT_FOUND when the user has no such task; so too the verbs below. */
enum err storage_task_get(struct storage *storage, struct text user_id,
			  const struct task_key *key, storage_task_fn *on_task,
			  void *arg, struct storage_call **call)
	__attribute__((warn_unused_result));

/* One page: on_row for each task, then on_page once. */
enum err storage_task_list(struct storage *storage, struct text user_id,
			   const struct storage_list *list,
			   storage_row_fn *on_row, storage_page_fn *on_page,
			   void *arg, struct storage_call **call)
	__attribute__((warn_unused_result));

/* Hands out the task as it is after the update. */
enum err storage_task_update(struct storage *storage, struct text user_id,
			     const struct task_key *key,
			     const struct task_changes *changes,
			     storage_task_fn *on_task, void *arg,
			     struct storage_call **call)
	__attribute__((warn_unused_result));

/* Flips completed in one atomic step and hands out the result; now_us as in
 * struct task_changes. */
enum err storage_task_toggle(struct storage *storage, struct text user_id,
			     const struct task_key *key, int64_t now_us,
			     storage_task_fn *on_task, void *arg,
			     struct storage_call **call)
	__attribute__((warn_unused_result));

enum err storage_task_delete(struct storage *storage, struct text user_id,
			     const struct task_key *key,
			     storage_done_fn *on_done, void *arg,
			     struct storage_call **call)
	__attribute__((warn_unused_result));

/* ERR_CONFLICT when the e-mail address is taken. */
enum err storage_user_create(struct storage *storage, const struct user *user,
			     storage_done_fn *on_done, void *arg,
			     struct storage_call **call)
	__attribute__((warn_unused_result));

/* email is in lower case; ERR_NOT_FOUND. */
enum err storage_user_by_email(struct storage *storage, struct text email,
			       storage_user_fn *on_user, void *arg,
			       struct storage_call **call)
	__attribute__((warn_unused_result));

enum err storage_user_by_id(struct storage *storage, const struct uuid *id,
			    storage_user_fn *on_user, void *arg,
			    struct storage_call **call)
	__attribute__((warn_unused_result));

/* Replaces old_hash by new_hash; ERR_NOT_FOUND when the user's hash is no
 * longer old_hash. */
enum err storage_user_set_password(struct storage *storage,
				   const struct uuid *id, struct text old_hash,
				   struct text new_hash,
				   storage_done_fn *on_done, void *arg,
				   struct storage_call **call)
	__attribute__((warn_unused_result));

#endif
