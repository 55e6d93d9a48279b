/* SQLite: several processes on one file, and processes that die. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/clock.h"
#include "tests/conformance/sql.h"
#include "tests/conformance/subject.h"
#include "tests/support/child.h"
#include "tests/support/logtrap.h"
#include "tests/support/tap.h"

#define NOW	  INT64_C(1700000000000000)
#define WRITERS	  3
#define WRITES	  200
#define IN_FLIGHT 8
#define KILLS	  8

/* Creates tasks one after the other, several at once. */
struct writer {
	struct subject *subject;
	size_t left;
	size_t running;
	size_t failed;
	int report_fd; /* >= 0: each acknowledged id is written there */
};

static void next_write(struct writer *writer);

static void on_written(void *arg, enum err err, const struct task *task)
{
	struct writer *writer = arg;

	writer->running--;
	writer->failed += err != ERR_OK;
	if (task != NULL && writer->report_fd >= 0 &&
	    write(writer->report_fd, &task->id, sizeof(task->id)) !=
		    sizeof(task->id))
		_exit(EXIT_FAILURE);
	if (writer->left > 0)
		next_write(writer);
}

static void next_write(struct writer *writer)
{
	const struct task_draft draft = draft_of("Task", NOW);

	writer->left--;
	writer->running++;
	if (storage_task_create(writer->subject->storage, TEXT("u"), &draft,
				on_written, writer, NULL) != ERR_OK)
		_exit(EXIT_FAILURE);
}

static bool is_idle(const void *arg)
{
	return ((const struct writer *)arg)->running == 0;
}

/* Opens, writes, closes; how many failed. */
static size_t write_many(struct subject *subject, size_t count, int report_fd)
{
	struct writer writer = {
		.subject = subject,
		.left = count,
		.report_fd = report_fd,
	};
	size_t i;

	subject_open(subject, SUBJECT_TIMEOUT_MS);
	for (i = 0; i < IN_FLIGHT; i++)
		next_write(&writer);
	if (!testloop_run_until(subject->loop, is_idle, &writer,
				TESTLOOP_PATIENCE_MS))
		return count;
	subject_close(subject);
	return writer.failed;
}

static void prepare(struct subject *subject)
{
	subject_init_closed(subject, "sqlite");
	if (subject_migrate(subject) != ERR_OK)
		bail_out("it does not migrate");
}

static int write_in_child(const struct parent *parent, void *arg)
{
	child_say_ready(parent);
	child_wait_told(parent);
	return write_many(arg, WRITES, -1) == 0 ? 0 : 1;
}

static void test_together(void)
{
	struct child children[WRITERS];
	struct subject subject;
	size_t i, done = 0;

	prepare(&subject);
	for (i = 0; i < WRITERS; i++) {
		child_start(&children[i], write_in_child, &subject);
		child_wait_ready(&children[i]);
	}
	for (i = 0; i < WRITERS; i++)
		child_tell(&children[i]);
	for (i = 0; i < WRITERS; i++)
		done += child_end(&children[i]) == 0;
	is_int(done, WRITERS, "processes write at the same time");
	is_int(sql_number_in(subject.location.path,
			     "SELECT count(*) FROM tasks"),
	       WRITERS * WRITES, "and each of their tasks is there");
	ok(sql_is_intact(subject.location.path), "and the file is whole");
	subject_release(&subject);
}

/* Writes without end and reports what was acknowledged. */
static int write_until_killed(const struct parent *parent, void *arg)
{
	return write_many(arg, 1000000, parent->to) == 0 ? 0 : 1;
}

/* The ids that children have reported. */
struct ids {
	int64_t *ids;
	size_t count;
	size_t room;
};

/* Reads one; false: the child has ended. */
static bool read_id(const struct child *child, struct ids *ids)
{
	int64_t id;

	if (read(child->from, &id, sizeof(id)) != sizeof(id))
		return false;
	if (ids->count == ids->room) {
		ids->room = ids->room * 2 + 64;
		ids->ids = realloc(ids->ids, ids->room * sizeof(id));
		if (ids->ids == NULL)
			bail_out("no memory");
	}
	ids->ids[ids->count++] = id;
	return true;
}

/* Two write at once; one is killed, the other goes on and is killed too. */
static size_t kill_two(struct subject *subject, size_t after, struct ids *ids)
{
	struct child child, other;
	size_t killed, i;

	child_start(&child, write_until_killed, subject);
	child_start(&other, write_until_killed, subject);
	for (i = 0; i < after; i++)
		if (!read_id(&child, ids))
			bail_out("the child has ended");
	child_kill(&child);
	for (i = 0; i < 20; i++)
		if (!read_id(&other, ids))
			bail_out("the other child has ended");
	child_kill(&other);
	while (read_id(&child, ids) || read_id(&other, ids))
		continue;
	killed = child_end(&child) == 128 + SIGKILL;
	killed += child_end(&other) == 128 + SIGKILL;
	return killed;
}

static size_t count_lost(const struct ids *ids, const char *path)
{
	struct sqlite3 *db = sql_open(path);
	size_t lost = 0, i;

	for (i = 0; i < ids->count; i++) {
		char sql[80];

		(void)snprintf(sql, sizeof(sql),
			       "SELECT count(*) FROM tasks WHERE id = %lld",
			       (long long)ids->ids[i]);
		lost += sql_number(db, sql) != 1;
	}
	sql_close(&db);
	return lost;
}

static void test_killed(void)
{
	size_t killed = 0, intact = 0, i;
	struct ids ids = { NULL, 0, 0 };
	struct subject subject;

	prepare(&subject);
	for (i = 0; i < KILLS; i++) {
		killed += kill_two(&subject, 20 + 37 * i, &ids);
		intact += sql_is_intact(subject.location.path);
	}
	is_int(killed, 2 * KILLS, "processes are killed while they write");
	diag("%zu tasks were acknowledged", ids.count);
	is_int(count_lost(&ids, subject.location.path), 0,
	       "and no acknowledged task is lost");
	is_int(intact, KILLS, "and the file stays whole");
	is_err(subject.location.backend->settle(&subject.location), ERR_OK,
	       "and settles");
	subject_open(&subject, SUBJECT_TIMEOUT_MS);
	ok(create_id(&subject, "u", "t", NOW) > 0, "and is served again");
	subject_release(&subject);
	free(ids.ids);
}

/* Holds the lock beside the database, as a stopped process does.  A shared one
 * is enough: whoever writes must have it for himself. */
static int hold_lock(const struct parent *parent, void *arg)
{
	struct subject *subject = arg;
	char *path = subject_path(subject, "todod.db-lock");
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	if (fd < 0 || flock(fd, LOCK_SH) != 0)
		return 1;
	child_say_ready(parent);
	child_wait_told(parent);
	return 0;
}

static void test_lock_held(void)
{
	const struct task_draft draft = draft_of("t", NOW);
	struct answer late = { 0 }, answer;
	struct subject subject;
	struct child child;
	int64_t before_us, id;

	prepare(&subject);
	child_start(&child, hold_lock, &subject);
	if (!child_wait_ready(&child))
		bail_out("the lock is not held");
	sql_run_in(subject.location.path,
		   "INSERT INTO tasks VALUES (7, x'00112233445566778899"
		   "aabbccddeeff', 'u', 'here', 'here', NULL, NULL, 0, 1, 1)");
	subject_open(&subject, 200);
	before_us = clock_monotonic_us();
	create(&subject, "u", &draft, &answer);
	is_err(answer.err, ERR_UNAVAILABLE,
	       "while another holds the lock a write is unavailable");
	ok(clock_monotonic_us() - before_us >= 200000, "at its deadline");
	if (storage_task_create(subject.storage, TEXT("u"), &draft,
				answer_on_task, &late, NULL) != ERR_OK)
		bail_out("a create was refused");
	get(&subject, "u", key_by_id(7), &answer);
	ok(answer.err == ERR_OK && late.count == 0, "reads go on meanwhile");
	answer_release(&answer);
	child_tell(&child);
	is_int(child_end(&child), 0, "the holder lets go");
	testloop_run_until_count(subject.loop, &late.count, 1);
	is_err(late.err, ERR_OK, "a write that waited is carried out");
	id = late.task != NULL ? late.task->id : 0;
	is_int(id, 8, "what was unavailable has left nothing");
	is_int(sql_number_in(subject.location.path,
			     "SELECT count(*) FROM tasks"),
	       2, "neither then nor later");
	answer_release(&late);
	subject_release(&subject);
}

static void test_close_while_locked(void)
{
	const struct task_draft draft = draft_of("t", NOW);
	struct answer answer = { 0 };
	struct subject subject;
	struct child child;
	int64_t before_us;

	prepare(&subject);
	child_start(&child, hold_lock, &subject);
	if (!child_wait_ready(&child))
		bail_out("the lock is not held");
	subject_open(&subject, SUBJECT_TIMEOUT_MS);
	if (storage_task_create(subject.storage, TEXT("u"), &draft,
				answer_on_task, &answer, NULL) != ERR_OK)
		bail_out("a create was refused");
	testloop_run_for(subject.loop, 20);
	before_us = clock_monotonic_us();
	subject_close(&subject);
	ok(clock_monotonic_us() - before_us < 5000000,
	   "a close does not wait for the lock");
	is_int(answer.count, 0, "the call that waited is not answered");
	child_tell(&child);
	(void)child_end(&child);
	is_int(sql_number_in(subject.location.path,
			     "SELECT count(*) FROM tasks"),
	       0, "and never carried out");
	subject_release(&subject);
}

/* The file of the lock goes while somebody waits for it. */
static void test_lock_removed(void)
{
	const struct task_draft draft = draft_of("t", NOW);
	struct answer answer = { 0 };
	struct subject subject;
	struct child first, second;
	char *path;

	prepare(&subject);
	child_start(&first, hold_lock, &subject);
	if (!child_wait_ready(&first))
		bail_out("the lock is not held");
	subject_open(&subject, SUBJECT_TIMEOUT_MS);
	if (storage_task_create(subject.storage, TEXT("u"), &draft,
				answer_on_task, &answer, NULL) != ERR_OK)
		bail_out("a create was refused");
	testloop_run_for(subject.loop, 50);
	path = subject_path(&subject, "todod.db-lock");
	(void)unlink(path);
	free(path);
	child_start(&second, hold_lock, &subject);
	if (!child_wait_ready(&second))
		bail_out("the new lock is not held");
	child_tell(&first);
	(void)child_end(&first);
	testloop_run_for(subject.loop, 100);
	is_int(answer.count, 0,
	       "a lock whose file was removed lets nobody write");
	child_tell(&second);
	(void)child_end(&second);
	testloop_run_until_count(subject.loop, &answer.count, 1);
	is_err(answer.err, ERR_OK, "its successor does");
	answer_release(&answer);
	subject_release(&subject);
}

/* Another process recovers the log, or seems to: it has broken the index of
 * the log and holds the locks of who repairs it. */
static int recover(const struct parent *parent, void *arg)
{
	struct flock locks = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = 120,
		.l_len = 3,
	};
	char *path = subject_path(arg, "todod.db-shm");
	int fd = open(path, O_RDWR);
	char zeros[96];

	child_say_ready(parent);
	child_wait_told(parent);
	memset(zeros, 0, sizeof(zeros));
	if (fd < 0 || fcntl(fd, F_SETLK, &locks) != 0 ||
	    pwrite(fd, zeros, sizeof(zeros), 0) != sizeof(zeros))
		return 1;
	child_say_ready(parent);
	child_wait_told(parent);
	return 0;
}

static void test_recovery(void)
{
	struct answer answer = { 0 }, second = { 0 };
	struct subject subject;
	struct task_key key;
	struct sqlite3 *db;
	struct child child;

	prepare(&subject);
	db = sql_open(subject.location.path);
	sql_run(db, "SELECT 1 FROM tasks");
	sql_close(&db);
	child_start(&child, recover, &subject);
	if (!child_wait_ready(&child))
		bail_out("the child has ended");
	subject_open(&subject, SUBJECT_TIMEOUT_MS);
	key = key_by_id(create_id(&subject, "u", "t", NOW));
	get(&subject, "u", key, &answer);
	answer_release(&answer);
	child_tell(&child);
	if (!child_wait_ready(&child))
		bail_out("the index cannot be locked");
	answer.count = 0;
	if (storage_task_get(subject.storage, TEXT("u"), &key, answer_on_task,
			     &answer, NULL) != ERR_OK ||
	    storage_task_get(subject.storage, TEXT("u"), &key, answer_on_task,
			     &second, NULL) != ERR_OK)
		bail_out("a get was refused");
	testloop_run_for(subject.loop, 50);
	is_int(answer.count + second.count, 0,
	       "a read waits while another process recovers the log");
	child_tell(&child);
	is_int(child_end(&child), 0, "the other is done");
	testloop_run_until_count(subject.loop, &second.count, 1);
	ok(answer.err == ERR_OK && second.err == ERR_OK,
	   "the read is carried out");
	answer_release(&answer);
	answer_release(&second);
	subject_release(&subject);
}

int main(void)
{
	logtrap_start();
	test_together();
	test_killed();
	test_lock_held();
	test_close_while_locked();
	test_lock_removed();
	test_recovery();
	is_int(logtrap_warnings(), 0, "nothing was warned of");
	return tap_done();
}
