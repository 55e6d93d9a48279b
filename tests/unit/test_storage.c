/*
 * The storage front over a backend that does nothing until it is told to: who
 * is answered what when the deadline or a cancel comes first, and what is
 * refused.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/health.h"
#include "core/storage.h"
#include "core/storage_backend.h"
#include "tests/support/tap.h"
#include "tests/support/testloop.h"

#define DEADLINE_MS 40
#define HELD_MAX    16

/* Holds what it is given. */
struct stalled {
	struct storage_backend backend;
	struct storage_call *held[HELD_MAX];
	size_t count;
	size_t abandoned; /* calls it was told of */
	enum err refusal;
	bool finishes_at_once;
	bool *is_closed;
};

static enum err stalled_submit(struct storage_backend *backend,
			       struct storage_call *call)
{
	struct stalled *stalled = (struct stalled *)backend;

	if (stalled->refusal != ERR_OK)
		return stalled->refusal;
	if (stalled->finishes_at_once)
		storage_call_finish(call, ERR_OK, NULL);
	else
		stalled->held[stalled->count++] = call;
	return ERR_OK;
}

static void stalled_abandoned(struct storage_backend *backend,
			      struct storage_call *call)
{
	struct stalled *stalled = (struct stalled *)backend;

	(void)call;
	stalled->abandoned++;
}

static void stalled_close(struct storage_backend *backend)
{
	struct stalled *stalled = (struct stalled *)backend;

	while (stalled->count > 0)
		storage_call_finish(stalled->held[--stalled->count], ERR_OK,
				    NULL);
	*stalled->is_closed = true;
	free(stalled);
}

static const struct storage_backend_ops stalled_ops = {
	.name = "stalled",
	.submit = stalled_submit,
	.abandoned = stalled_abandoned,
	.close = stalled_close,
};

struct fixture {
	struct testloop *loop;
	struct storage *storage;
	struct stalled *stalled;
	bool is_closed;
};

static void fixture_init(struct fixture *fixture)
{
	fixture->loop = testloop_new();
	fixture->is_closed = false;
	fixture->stalled = calloc(1, sizeof(*fixture->stalled));
	if (fixture->stalled == NULL)
		bail_out("no memory");
	fixture->stalled->backend.ops = &stalled_ops;
	fixture->stalled->is_closed = &fixture->is_closed;
	if (storage_new(testloop_port(fixture->loop),
			&fixture->stalled->backend, DEADLINE_MS,
			&fixture->storage) != ERR_OK)
		bail_out("no storage");
}

static void fixture_release(struct fixture *fixture)
{
	storage_close(&fixture->storage);
	testloop_free(&fixture->loop);
}

/* What came back. */
struct answer {
	size_t count;
	enum err err;
	bool more;
	int64_t at_us;
};

static void on_task(void *arg, enum err err, const struct task *task)
{
	struct answer *answer = arg;

	(void)task;
	answer->count++;
	answer->err = err;
	answer->at_us = clock_monotonic_us();
}

static void on_done(void *arg, enum err err)
{
	on_task(arg, err, NULL);
}

static void on_row(void *arg, const struct task *task)
{
	(void)arg;
	(void)task;
}

static void on_page(void *arg, enum err err, bool more)
{
	struct answer *answer = arg;

	answer->more = more;
	on_task(arg, err, NULL);
}

static const struct task_key key = { TASK_KEY_ID, 1, { { 0 } } };

static void start_get(struct fixture *fixture, struct answer *answer,
		      struct storage_call **call)
{
	if (storage_task_get(fixture->storage, TEXT("u"), &key, on_task, answer,
			     call) != ERR_OK)
		bail_out("a get was refused");
}

static void start_delete(struct fixture *fixture, struct answer *answer,
			 struct storage_call **call)
{
	if (storage_task_delete(fixture->storage, TEXT("u"), &key, on_done,
				answer, call) != ERR_OK)
		bail_out("a delete was refused");
}

static void test_deadline_queued(void)
{
	struct answer read = { 0 }, write = { 0 };
	struct storage_call *call = NULL;
	struct fixture fixture;

	fixture_init(&fixture);
	start_get(&fixture, &read, NULL);
	start_delete(&fixture, &write, &call);
	testloop_run_until_count(fixture.loop, &write.count, 1);
	ok(read.count == 1 && read.err == ERR_UNAVAILABLE,
	   "a read that never began is unavailable at the deadline");
	is_err(write.err, ERR_UNAVAILABLE, "so is a write");
	ok(call == NULL, "its handle is cleared");
	is_int(storage_pending(fixture.storage), 0, "nothing is pending");
	is_int(fixture.stalled->abandoned, 2, "the backend is told of both");
	ok(!storage_call_begin(fixture.stalled->held[1]),
	   "and can no longer begin them");
	storage_call_finish(fixture.stalled->held[1], ERR_OK, NULL);
	storage_call_finish(fixture.stalled->held[0], ERR_OK, NULL);
	fixture.stalled->count = 0;
	ok(read.count == 1 && write.count == 1, "a late answer goes nowhere");
	fixture_release(&fixture);
	ok(fixture.is_closed, "a close closes the backend");
}

static void test_deadline_running(void)
{
	const struct storage_list all = { 0 };
	struct answer read = { 0 }, page = { 0 }, write = { 0 };
	struct fixture fixture;
	size_t i;

	fixture_init(&fixture);
	start_get(&fixture, &read, NULL);
	if (storage_task_list(fixture.storage, TEXT("u"), &all, on_row, on_page,
			      &page, NULL) != ERR_OK)
		bail_out("a list was refused");
	start_delete(&fixture, &write, NULL);
	for (i = 0; i < 3; i++)
		if (!storage_call_begin(fixture.stalled->held[i]) ||
		    !storage_call_begin(fixture.stalled->held[i]))
			bail_out("a call does not begin");
	testloop_run_until_count(fixture.loop, &write.count, 1);
	is_err(read.err, ERR_UNAVAILABLE, "a read under way is unavailable");
	ok(page.err == ERR_UNAVAILABLE && page.count == 1 && !page.more,
	   "so is a list");
	is_err(write.err, ERR_UNCERTAIN, "a write under way is uncertain");
	is_int(fixture.stalled->abandoned, 0,
	       "the backend is not told of what it has begun");
	ok(!storage_call_row(fixture.stalled->held[1], NULL),
	   "a row finds nobody who waits");
	fixture_release(&fixture);
	ok(read.count == 1 && page.count == 1 && write.count == 1,
	   "each is answered once");
}

static void test_deadline_of_each(void)
{
	struct answer first = { 0 }, second = { 0 };
	struct fixture fixture;
	int64_t started_us;

	fixture_init(&fixture);
	start_get(&fixture, &first, NULL);
	testloop_run_for(fixture.loop, DEADLINE_MS / 2);
	started_us = clock_monotonic_us();
	start_get(&fixture, &second, NULL);
	testloop_run_until_count(fixture.loop, &second.count, 1);
	is_int(first.count, 1, "the earlier of two calls is answered too");
	ok(first.at_us <= second.at_us, "and not after the later one");
	/* However late a busy machine is, this must not be early. */
	ok(second.at_us - started_us >= DEADLINE_MS * 1000,
	   "a later call has a later deadline");
	first.count = 0;
	start_get(&fixture, &first, NULL);
	ok(testloop_run_until_count(fixture.loop, &first.count, 1),
	   "after a rest deadlines are kept again");
	fixture_release(&fixture);
}

static void test_answer_in_time(void)
{
	struct answer answer = { 0 };
	struct fixture fixture;

	fixture_init(&fixture);
	start_delete(&fixture, &answer, NULL);
	storage_call_finish(fixture.stalled->held[--fixture.stalled->count],
			    ERR_CONFLICT, NULL);
	ok(answer.count == 1 && answer.err == ERR_CONFLICT,
	   "the backend's err reaches the caller");
	testloop_run_for(fixture.loop, 2 * DEADLINE_MS);
	is_int(answer.count, 1, "the deadline of an answered call is void");
	ok(!storage_is_damaged(fixture.storage), "the storage is not damaged");
	start_delete(&fixture, &answer, NULL);
	storage_call_finish(fixture.stalled->held[--fixture.stalled->count],
			    ERR_CORRUPT, NULL);
	ok(storage_is_damaged(fixture.storage),
	   "when a call says that it is the storage remembers");
	fixture_release(&fixture);
}

static void test_cancel(void)
{
	struct storage_call *queued = NULL, *running = NULL, *none = NULL;
	struct answer a = { 0 }, b = { 0 };
	struct fixture fixture;

	fixture_init(&fixture);
	start_delete(&fixture, &a, &queued);
	start_delete(&fixture, &b, &running);
	if (!storage_call_begin(fixture.stalled->held[1]))
		bail_out("a call does not begin");
	storage_cancel(fixture.storage, &queued);
	storage_cancel(fixture.storage, &running);
	storage_cancel(fixture.storage, &none);
	ok(queued == NULL && running == NULL, "a cancel clears the handle");
	is_int(storage_pending(fixture.storage), 0, "nothing is pending");
	is_int(fixture.stalled->abandoned, 1,
	       "the backend is told of what had not begun");
	ok(!storage_call_begin(fixture.stalled->held[0]),
	   "a cancelled call cannot begin");
	testloop_run_for(fixture.loop, 2 * DEADLINE_MS);
	fixture_release(&fixture);
	ok(a.count == 0 && b.count == 0, "neither is answered");
}

/* Cancels the next call in the callback of the first. */
struct pair {
	struct fixture *fixture;
	struct storage_call *other;
	size_t count;
};

static void on_first(void *arg, enum err err, const struct task *task)
{
	struct pair *pair = arg;

	(void)err;
	(void)task;
	pair->count++;
	storage_cancel(pair->fixture->storage, &pair->other);
}

static void test_cancel_in_callback(void)
{
	struct answer answer = { 0 };
	struct pair pair = { 0 };
	struct fixture fixture;

	fixture_init(&fixture);
	pair.fixture = &fixture;
	if (storage_task_get(fixture.storage, TEXT("u"), &key, on_first, &pair,
			     NULL) != ERR_OK)
		bail_out("a get was refused");
	start_get(&fixture, &answer, &pair.other);
	testloop_run_until_count(fixture.loop, &pair.count, 1);
	testloop_run_for(fixture.loop, DEADLINE_MS);
	ok(pair.count == 1 && answer.count == 0,
	   "a call can be cancelled while another meets its deadline");
	fixture_release(&fixture);
}

static void test_refused(void)
{
	struct storage_call *call = NULL;
	struct answer answer = { 0 };
	struct fixture fixture;

	fixture_init(&fixture);
	fixture.stalled->refusal = ERR_BUSY;
	is_err(storage_task_get(fixture.storage, TEXT("u"), &key, on_task,
				&answer, &call),
	       ERR_BUSY, "what the backend refuses is refused");
	ok(call == NULL && storage_pending(fixture.storage) == 0,
	   "and leaves nothing behind");
	testloop_run_for(fixture.loop, 2 * DEADLINE_MS);
	is_int(answer.count, 0, "no callback runs for it");
	fixture_release(&fixture);
}

/* What is reported when a delete ends with err. */
static int reported(struct fixture *fixture, enum err err)
{
	struct health health = { 0 };
	struct answer answer = { 0 };

	storage_report_to(fixture->storage, &health);
	start_delete(fixture, &answer, NULL);
	storage_call_finish(fixture->stalled->held[--fixture->stalled->count],
			    err, NULL);
	storage_report_to(fixture->storage, NULL);
	return (int)health_state(&health);
}

static void test_reports(void)
{
	static const struct {
		enum err err;
		enum health_state state;
	} cases[] = {
		{ ERR_OK, HEALTH_REACHABLE },
		{ ERR_NOT_FOUND, HEALTH_REACHABLE },
		{ ERR_CONFLICT, HEALTH_REACHABLE },
		{ ERR_UNAVAILABLE, HEALTH_UNREACHABLE },
		{ ERR_UNCERTAIN, HEALTH_UNREACHABLE },
		{ ERR_CORRUPT, HEALTH_UNREACHABLE },
		{ ERR_NO_MEMORY, HEALTH_UNKNOWN },
		{ ERR_SYSTEM, HEALTH_UNKNOWN },
	};
	struct fixture fixture;
	size_t i;

	fixture_init(&fixture);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (!is_int(reported(&fixture, cases[i].err), cases[i].state,
			    "the end of a call tells what it shows"))
			diag("%s", err_text(cases[i].err));
	fixture_release(&fixture);
}

static void test_reports_of_no_end(void)
{
	struct health health = { 0 };
	struct storage_call *call = NULL;
	struct answer answer = { 0 };
	struct fixture fixture;

	fixture_init(&fixture);
	storage_report_to(fixture.storage, &health);
	start_delete(&fixture, &answer, &call);
	storage_cancel(fixture.storage, &call);
	storage_call_finish(fixture.stalled->held[--fixture.stalled->count],
			    ERR_UNAVAILABLE, NULL);
	is_int(health_state(&health), HEALTH_UNKNOWN,
	       "a call that was cancelled says nothing");
	fixture.stalled->refusal = ERR_UNAVAILABLE;
	if (storage_ping(fixture.storage, on_done, &answer, NULL) !=
	    ERR_UNAVAILABLE)
		bail_out("a refusal was not told");
	is_int(health_state(&health), HEALTH_UNKNOWN,
	       "nor does one that was refused");
	fixture.stalled->refusal = ERR_OK;
	start_get(&fixture, &answer, NULL);
	testloop_run_until_count(fixture.loop, &answer.count, 1);
	is_int(health_state(&health), HEALTH_UNREACHABLE,
	       "one that meets its deadline does");
	storage_backend_report(&fixture.stalled->backend, HEALTH_REACHABLE);
	is_int(health_state(&health), HEALTH_REACHABLE,
	       "and a backend can say more");
	fixture_release(&fixture);
}

static void on_user(void *arg, enum err err, const struct user *user)
{
	(void)user;
	on_task(arg, err, NULL);
}

static enum err start_large(struct fixture *fixture, struct answer *answer)
{
	static char email[8 << 20];

	return storage_user_by_email(fixture->storage,
				     (struct text){ email, sizeof(email) },
				     on_user, answer, NULL);
}

static void test_bytes(void)
{
	struct answer answer = { 0 };
	struct fixture fixture;
	struct stalled *stalled;
	size_t started = 0;

	fixture_init(&fixture);
	stalled = fixture.stalled;
	while (started < HELD_MAX && start_large(&fixture, &answer) == ERR_OK)
		started++;
	is_int(started, 7, "the bytes of the calls held are bounded by 64 MiB");
	is_err(start_large(&fixture, &answer), ERR_BUSY,
	       "more of them is refused");
	storage_call_finish(stalled->held[--stalled->count], ERR_NOT_FOUND,
			    NULL);
	is_err(start_large(&fixture, &answer), ERR_OK,
	       "what has ended makes room");
	fixture_release(&fixture);
}

/* Limits that callers keep. */

static char long_text[8192];

static struct text of_len(size_t len)
{
	return (struct text){ long_text, len };
}

static void do_create(struct fixture *fixture, struct text user_id,
		      struct text title, struct text description)
{
	const struct task_draft draft = {
		.title = title,
		.title_folded = title,
		.has_description = true,
		.description = description,
		.description_folded = description,
	};

	if (storage_task_create(fixture->storage, user_id, &draft, on_task,
				NULL, NULL) != ERR_OK)
		_exit(EXIT_FAILURE);
}

static void break_user_id(struct fixture *fixture)
{
	do_create(fixture, of_len(TASK_USER_ID_MAX_BYTES + 1), TEXT("t"),
		  TEXT(""));
}

static void break_user_id_empty(struct fixture *fixture)
{
	do_create(fixture, TEXT(""), TEXT("t"), TEXT(""));
}

static void break_user_id_nul(struct fixture *fixture)
{
	do_create(fixture, TEXT("a\0b"), TEXT("t"), TEXT(""));
}

static void break_title(struct fixture *fixture)
{
	do_create(fixture, TEXT("u"), of_len(TASK_TITLE_MAX + 1), TEXT(""));
}

static void break_title_empty(struct fixture *fixture)
{
	do_create(fixture, TEXT("u"), TEXT(""), TEXT(""));
}

static void break_description(struct fixture *fixture)
{
	do_create(fixture, TEXT("u"), TEXT("t"),
		  of_len(TASK_DESCRIPTION_MAX + 1));
}

static void do_update(struct fixture *fixture,
		      const struct task_changes *changes)
{
	if (storage_task_update(fixture->storage, TEXT("u"), &key, changes,
				on_task, NULL, NULL) != ERR_OK)
		_exit(EXIT_FAILURE);
}

static void break_title_cleared(struct fixture *fixture)
{
	const struct task_changes changes = { .title = TASK_CLEAR };

	do_update(fixture, &changes);
}

static void break_completed_cleared(struct fixture *fixture)
{
	const struct task_changes changes = { .completed = TASK_CLEAR };

	do_update(fixture, &changes);
}

static void break_email(struct fixture *fixture)
{
	const struct user user = {
		.email = of_len(USER_EMAIL_MAX_BYTES + 1),
		.name = TEXT("name"),
		.password_hash = TEXT("hash"),
	};

	if (storage_user_create(fixture->storage, &user, on_done, NULL, NULL) !=
	    ERR_OK)
		_exit(EXIT_FAILURE);
}

static void break_hash(struct fixture *fixture)
{
	const struct uuid id = { { 0 } };

	if (storage_user_set_password(fixture->storage, &id, TEXT("old"),
				      of_len(USER_PASSWORD_HASH_MAX_BYTES + 1),
				      on_done, NULL, NULL) != ERR_OK)
		_exit(EXIT_FAILURE);
}

static void break_deferral(struct fixture *fixture)
{
	fixture->stalled->finishes_at_once = true;
	start_get(fixture, NULL, NULL);
}

static const struct {
	void (*run)(struct fixture *fixture);
	const char *name;
} breaks[] = {
	{ break_user_id, "a user id that is too long is a bug" },
	{ break_user_id_empty, "an empty user id is a bug" },
	{ break_user_id_nul, "a user id with a NUL is a bug" },
	{ break_title, "a title that is too long is a bug" },
	{ break_title_empty, "an empty title is a bug" },
	{ break_description, "a description that is too long is a bug" },
	{ break_title_cleared, "to clear a title is a bug" },
	{ break_completed_cleared, "to clear a state is a bug" },
	{ break_email, "an e-mail address that is too long is a bug" },
	{ break_hash, "a password hash that is too long is a bug" },
	{ break_deferral, "a backend that answers at once is a bug" },
};

/* Each in a child, which is to abort. */
static void test_limits(void)
{
	const struct rlimit no_core = { 0, 0 };
	size_t i;

	memset(long_text, 'x', sizeof(long_text));
	for (i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		struct fixture fixture;
		int status = 0;
		pid_t child;

		fflush(NULL);
		child = fork();
		if (child < 0)
			bail_out("no child");
		if (child == 0) {
			(void)setrlimit(RLIMIT_CORE, &no_core);
			(void)signal(SIGABRT, SIG_DFL);
			close(STDERR_FILENO);
			fixture_init(&fixture);
			breaks[i].run(&fixture);
			_exit(EXIT_SUCCESS);
		}
		if (waitpid(child, &status, 0) != child)
			bail_out("the child is lost");
		ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
		   breaks[i].name);
	}
}

int main(void)
{
	test_deadline_queued();
	test_deadline_running();
	test_deadline_of_each();
	test_answer_in_time();
	test_cancel();
	test_cancel_in_callback();
	test_refused();
	test_reports();
	test_reports_of_no_end();
	test_bytes();
	test_limits();
	return tap_done();
}
