/* SQLite: what is bounded, what is seen when, and what a full disk does. */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/sqlite_reader.h"
#include "backends/sqlite_write.h"
#include "core/health.h"
#include "tests/conformance/sql.h"
#include "tests/conformance/subject.h"
#include "tests/support/child.h"
#include "tests/support/logtrap.h"
#include "tests/support/tap.h"

#define NOW	 INT64_C(1700000000000000)
#define MEBIBYTE ((int64_t)1 << 20)

/* Lists that are asked for at once. */
#define LISTS ((size_t)20)

static int64_t size_of(struct subject *subject, const char *name)
{
	char *path = subject_path(subject, name);
	struct stat info;
	int64_t size = stat(path, &info) == 0 ? (int64_t)info.st_size : -1;

	free(path);
	return size;
}

/* Creates count tasks with a long description, many at once; how many were
 * not created. */
static size_t fill(struct subject *subject, size_t count, enum err *err)
{
	static char description[TASK_DESCRIPTION_MAX];
	struct answer *answers = calloc(count, sizeof(*answers));
	struct task_draft draft = draft_of("Long", NOW);
	size_t failed = 0, i;

	if (answers == NULL)
		bail_out("no memory");
	memset(description, 'd', sizeof(description));
	draft.has_description = true;
	draft.description = (struct text){ description, sizeof(description) };
	draft.description_folded = draft.description;
	create_many(subject, "u", &draft, answers, count);
	for (i = 0; i < count; i++) {
		if (answers[i].err != ERR_OK) {
			failed++;
			*err = answers[i].err;
		}
		answer_release(&answers[i]);
	}
	free(answers);
	return failed;
}

/* Two ranges in the same order are merged as they are read. */
static bool is_merge(const char *step)
{
	return strcmp(step, "MERGE (UNION ALL)") == 0 ||
	       strcmp(step, "LEFT") == 0 || strcmp(step, "RIGHT") == 0;
}

static void test_plans(void)
{
	const char *const *const tables[] = { sqlite_reader_sql,
					      sqlite_write_sql };
	size_t scans = 0, searches = 0, t, i;
	struct subject subject;
	struct sqlite3 *db;

	subject_init(&subject, "sqlite");
	db = sql_open(subject.location.path);
	for (t = 0; t < 2; t++) {
		for (i = 0; tables[t][i] != NULL; i++) {
			char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s",
						    tables[t][i]);
			sqlite3_stmt *plan;

			if (sqlite3_prepare_v2(db, sql, -1, &plan, NULL) !=
			    SQLITE_OK)
				bail_out("%s: %s", sql, sqlite3_errmsg(db));
			while (sqlite3_step(plan) == SQLITE_ROW) {
				const char *step =
					(const char *)sqlite3_column_text(plan,
									  3);

				if (strncmp(step, "SEARCH ", 7) == 0) {
					searches++;
				} else if (!is_merge(step)) {
					diag("%s: %s", tables[t][i], step);
					scans++;
				}
			}
			sqlite3_finalize(plan);
			sqlite3_free(sql);
		}
	}
	is_int(scans, 0, "no statement scans or sorts");
	ok(searches >= 14, "each searches an index");
	sql_close(&db);
	subject_release(&subject);
}

static void test_ids(void)
{
	const struct task_draft draft = draft_of("t", NOW);
	struct subject subject;
	struct answer answer;

	subject_init(&subject, "sqlite");
	create_id(&subject, "u", "t", NOW);
	sql_run_in(subject.location.path,
		   "UPDATE sqlite_sequence SET seq = 9007199254740990"
		   " WHERE name = 'tasks'");
	is_int(create_id(&subject, "u", "t", NOW), TASK_ID_MAX,
	       "the greatest id is given");
	create(&subject, "u", &draft, &answer);
	is_err(answer.err, ERR_SYSTEM, "a greater one is not");
	ok(logtrap_has("CHECK constraint failed"), "and the log says so");
	logtrap_clear();
	subject_release(&subject);
}

/* The number of tasks, as another connection sees it at that moment. */
struct witness {
	const char *path;
	size_t count;
	int64_t seen;
};

static void on_created(void *arg, enum err err, const struct task *task)
{
	struct witness *witness = arg;

	(void)err;
	(void)task;
	witness->seen =
		sql_number_in(witness->path, "SELECT count(*) FROM tasks");
	witness->count++;
}

static void test_visibility(void)
{
	const struct task_draft draft = draft_of("t", NOW);
	const struct storage_list all = { 0 };
	struct witness witness = { 0 };
	struct subject subject;
	struct sqlite3 *other;
	struct page page;

	subject_init(&subject, "sqlite");
	witness.path = subject.location.path;
	other = sql_open(subject.location.path);
	sql_run(other, "BEGIN IMMEDIATE;"
		       "INSERT INTO tasks VALUES (1, x'001122334455667788990011"
		       "22334455', 'u', 't', 't', NULL, NULL, 0, 1, 1)");
	list(&subject, "u", &all, &page);
	is_int(page.rows, 0, "a reader does not see what is not committed");
	page_release(&page);
	if (storage_task_create(subject.storage, TEXT("u"), &draft, on_created,
				&witness, NULL) != ERR_OK)
		bail_out("a create was refused");
	testloop_run_for(subject.loop, 50);
	is_int(witness.count, 0, "a writer waits for a foreign one");
	list(&subject, "u", &all, &page);
	is_err(page.err, ERR_OK, "a reader does not");
	page_release(&page);
	sql_run(other, "COMMIT");
	testloop_run_until_count(subject.loop, &witness.count, 1);
	is_int(witness.seen, 2, "a write is answered when it is committed");
	list(&subject, "u", &all, &page);
	is_int(page.rows, 2, "and then the reader sees it");
	page_release(&page);
	sql_close(&other);
	subject_release(&subject);
}

static void test_foreign_writer(void)
{
	const struct task_draft draft = draft_of("t", NOW);
	struct subject subject;
	struct sqlite3 *other;
	struct answer answer;

	subject_init(&subject, "sqlite");
	other = sql_open(subject.location.path);
	sql_run(other, "BEGIN IMMEDIATE");
	create(&subject, "u", &draft, &answer);
	is_err(answer.err, ERR_UNAVAILABLE,
	       "a foreign program that does not end its write is given up on");
	ok(logtrap_has("another program"), "and the log says so");
	sql_run(other, "ROLLBACK");
	sql_close(&other);
	logtrap_clear();
	create(&subject, "u", &draft, &answer);
	is_err(answer.err, ERR_OK, "after it writes go on");
	answer_release(&answer);
	subject_release(&subject);
}

static void test_log_size(void)
{
	int64_t largest = 0;
	enum err err = ERR_OK;
	struct subject subject;
	int i;

	subject_init(&subject, "sqlite");
	for (i = 0; i < 30; i++) {
		if (fill(&subject, 256, &err) != 0)
			bail_out("a create failed");
		if (size_of(&subject, "todod.db-wal") > largest)
			largest = size_of(&subject, "todod.db-wal");
	}
	diag("the log had %lld bytes at most", (long long)largest);
	ok(largest > 0 && largest < 24 * MEBIBYTE,
	   "the log does not grow with the database");
	ok(size_of(&subject, "todod.db") > 24 * MEBIBYTE,
	   "the database itself has grown");
	subject_release(&subject);
}

/* A foreign reader that does not end keeps the log from starting anew. */
static void test_log_pinned(void)
{
	enum err err = ERR_OK;
	struct subject subject;
	struct sqlite3 *other;
	int rounds;

	subject_init(&subject, "sqlite");
	create_id(&subject, "u", "t", NOW);
	other = sql_open(subject.location.path);
	sql_run(other, "BEGIN; SELECT count(*) FROM tasks");
	for (rounds = 0; rounds < 60; rounds++) {
		if (fill(&subject, 256, &err) != 0)
			bail_out("a create failed");
		if (size_of(&subject, "todod.db-wal") > 70 * MEBIBYTE)
			break;
	}
	ok(rounds < 60, "a foreign reader keeps the log growing");
	sql_run(other, "COMMIT");
	sql_close(&other);
	for (rounds = 0; rounds < 60; rounds++) {
		if (fill(&subject, 256, &err) != 0)
			bail_out("a create failed");
		if (size_of(&subject, "todod.db-wal") < 24 * MEBIBYTE)
			break;
	}
	ok(rounds < 60, "once it has left the log is cut back");
	is_int(logtrap_warnings(), 0, "and nobody is warned");
	subject_release(&subject);
}

/* What is tried on a disk that has become full, and then has room again. */
static void check_full(struct subject *subject, void (*make_room)(void *arg),
		       void *arg)
{
	static struct health health; /* lives as long as the storage */
	int64_t id = create_id(subject, "u", "First", NOW);
	enum err err = ERR_OK;
	struct answer answer;
	size_t failed = 0, refused = 0;
	int64_t before;
	int i;

	memset(&health, 0, sizeof(health));
	storage_report_to(subject->storage, &health);

	/* Some may fit in yet when others do not. */
	for (i = 0; i < 40 && failed < 64; i++) {
		failed = fill(subject, 64, &err);
		refused += failed;
	}
	ok(failed == 64, "the disk becomes full");
	is_err(err, ERR_UNAVAILABLE, "then writes are unavailable");
	is_int(health_state(&health), HEALTH_UNREACHABLE,
	       "so is the database, for all that is known");
	ok(logtrap_has("database error"), "and the log says why");
	get(subject, "u", key_by_id(id), &answer);
	is_err(answer.err, ERR_OK, "and reads go on");
	is_int(health_state(&health), HEALTH_REACHABLE, "which is known too");
	answer_release(&answer);
	before = sql_number_in(subject->location.path,
			       "SELECT count(*) FROM tasks");
	is_int(before, 1 + i * 64 - (int64_t)refused,
	       "what was unavailable is not there");
	make_room(arg);
	is_int(fill(subject, 64, &err), 0, "with room again writes go on");
	ok(sql_is_intact(subject->location.path), "and the file is whole");
	logtrap_clear();
}

static void remove_ballast(void *arg)
{
	if (unlink(arg) != 0)
		bail_out("the ballast stays: %m");
}

static char *make_ballast(struct subject *subject, size_t bytes)
{
	char *path = subject_path(subject, "ballast");
	FILE *file = fopen(path, "w");
	size_t i;

	for (i = 0; file != NULL && i < bytes; i += 4096)
		(void)fprintf(file, "%4096d", 0);
	if (file == NULL || fclose(file) != 0)
		bail_out("no ballast: %m");
	return path;
}

/* A small file system, which ends with this process whatever happens. */
static bool mount_small(const char *folder)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", folder, "tmpfs", 0, "size=8m") == 0;
}

/* Where that is allowed. */
static void test_disk_full(void)
{
	struct subject subject;
	char *ballast;

	subject_init_closed(&subject, "sqlite");
	if (!mount_small(subject.folder)) {
		skip("a full disk", strerror(errno));
		subject_release(&subject);
		return;
	}
	ballast = make_ballast(&subject, 6 * (size_t)MEBIBYTE);
	if (subject_migrate(&subject) != ERR_OK)
		bail_out("it does not migrate");
	logtrap_clear();
	subject_open(&subject, SUBJECT_TIMEOUT_MS);
	check_full(&subject, remove_ballast, ballast);
	free(ballast);
	subject_close(&subject);
	if (umount2(subject.folder, MNT_DETACH) != 0)
		bail_out("the file system stays mounted: %m");
	subject_release(&subject);
}

static void set_file_limit(rlim_t bytes)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
		bail_out("no limit");
	limit.rlim_cur = bytes;
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		bail_out("no limit: %m");
}

static void lift_file_limit(void *arg)
{
	(void)arg;
	set_file_limit(RLIM_INFINITY);
}

/* The same by a limit of this process, which needs no privilege. */
static void test_file_limit(void)
{
	struct subject subject;

	subject_init(&subject, "sqlite");
	(void)signal(SIGXFSZ, SIG_IGN);
	set_file_limit((rlim_t)MEBIBYTE);
	check_full(&subject, lift_file_limit, NULL);
	subject_release(&subject);
}

static int backup_in_child(const struct parent *parent, void *arg)
{
	struct subject *subject = arg;
	enum err err;
	char *path;

	child_say_ready(parent);
	child_wait_told(parent);
	path = subject_path(subject, "copy.db");
	err = subject->location.backend->backup(&subject->location, path);
	free(path);
	child_say_ready(parent);
	return (int)err;
}

/* A database with so many tasks that a list has pages; the oldest one. */
static struct task_key init_full(struct subject *subject)
{
	enum err err = ERR_OK;
	struct task_key key;

	subject_init(subject, "sqlite");
	key = key_by_id(create_id(subject, "u", "First", NOW));
	if (fill(subject, 1024, &err) != 0)
		bail_out("a create failed");
	return key;
}

/* A search for what is nowhere looks at every row; who comes after it does
 * not wait for that. */
static void test_search_in_slices(void)
{
	struct task_search search = TASK_SEARCH_ALL;
	const struct storage_list wanted = { .search = &search };
	struct answer answer = { 0 };
	struct page page = { 0 };
	struct subject subject;
	struct task_key key;

	key = init_full(&subject);
	search.keyword = TEXT("nowhere");
	if (storage_task_list(subject.storage, TEXT("u"), &wanted, page_on_row,
			      page_on_end, &page, NULL) != ERR_OK ||
	    storage_task_get(subject.storage, TEXT("u"), &key, answer_on_task,
			     &answer, NULL) != ERR_OK)
		bail_out("a call was refused");
	if (!testloop_run_until_count(subject.loop, &answer.count, 1))
		bail_out("an answer never came");
	is_err(answer.err, ERR_OK, "a task is read during a long search");
	is_int(page.count, 0, "which goes on meanwhile");
	if (!testloop_run_until_count(subject.loop, &page.count, 1))
		bail_out("the search never ended");
	ok(page.err == ERR_OK && page.rows == 0 && !page.more,
	   "and then ends without a row");
	answer_release(&answer);
	subject_release(&subject);
}

/* One of several lists that are read to their ends at the same time. */
struct reading {
	struct subject *subject;
	size_t *begun, begun_at_end; /* lists; how many when this one ended */
	size_t rows, ended;
	struct task_cursor last;
};

static void on_reading_row(void *arg, const struct task *task)
{
	struct reading *reading = arg;

	*reading->begun += reading->rows++ == 0;
	reading->last = (struct task_cursor){ task->created_at_us, task->id };
}

static void on_reading_end(void *arg, enum err err, bool more)
{
	struct reading *reading = arg;
	const struct storage_list next = { .after = &reading->last };

	if (err != ERR_OK)
		bail_out("a list failed");
	if (!more) {
		reading->begun_at_end = *reading->begun;
		reading->ended = 1;
	} else if (storage_task_list(reading->subject->storage, TEXT("u"),
				     &next, on_reading_row, on_reading_end,
				     reading, NULL) != ERR_OK) {
		bail_out("a list was refused");
	}
}

/* Of many lists few are under way, and who wants one task waits for none. */
static void test_many_lists(void)
{
	const struct storage_list all = { 0 };
	struct reading readings[LISTS] = { 0 };
	struct answer answer = { 0 };
	struct subject subject;
	size_t begun = 0, rows = 0, most = 0, i;
	struct task_key key;

	key = init_full(&subject);
	for (i = 0; i < LISTS; i++) {
		readings[i].subject = &subject;
		readings[i].begun = &begun;
		if (storage_task_list(subject.storage, TEXT("u"), &all,
				      on_reading_row, on_reading_end,
				      &readings[i], NULL) != ERR_OK)
			bail_out("a list was refused");
	}
	if (storage_task_get(subject.storage, TEXT("u"), &key, answer_on_task,
			     &answer, NULL) != ERR_OK ||
	    !testloop_run_until_count(subject.loop, &answer.count, 1))
		bail_out("an answer never came");
	ok(answer.err == ERR_OK && begun <= 1,
	   "a task that is asked for after many lists is read before them");
	for (i = 0; i < LISTS; i++) {
		if (!testloop_run_until_count(subject.loop, &readings[i].ended,
					      1))
			bail_out("a list never ended");
		rows += readings[i].rows;
		if (readings[i].begun_at_end > i + most)
			most = readings[i].begun_at_end - i;
	}
	is_int(rows, LISTS * 1025, "each list has all its rows");
	ok(most <= 2, "one that has begun is ended before others begin");
	answer_release(&answer);
	subject_release(&subject);
}

static void test_backup_under_load(void)
{
	struct subject subject;
	struct child child;
	enum err err = ERR_OK;
	int64_t before, copied;
	char *copy;

	subject_init_closed(&subject, "sqlite");
	if (subject_migrate(&subject) != ERR_OK)
		bail_out("it does not migrate");
	child_start(&child, backup_in_child, &subject);
	if (!child_wait_ready(&child))
		bail_out("the child has ended");
	subject_open(&subject, SUBJECT_TIMEOUT_MS);
	if (fill(&subject, 512, &err) != 0)
		bail_out("a create failed");
	before = sql_number_in(subject.location.path,
			       "SELECT count(*) FROM tasks");
	child_tell(&child);
	is_int(fill(&subject, 2048, &err), 0, "writes go on during a back-up");
	if (!child_wait_ready(&child))
		bail_out("the child has ended");
	is_int(child_end(&child), ERR_OK, "which is made meanwhile");
	copy = subject_path(&subject, "copy.db");
	copied = sql_number_in(copy, "SELECT count(*) FROM tasks");
	ok(copied >= before && copied <= before + 2048,
	   "and has at least what was there before");
	ok(sql_is_intact(copy), "and is whole");
	free(copy);
	subject_release(&subject);
}

int main(void)
{
	logtrap_start();
	test_plans();
	test_ids();
	test_visibility();
	test_foreign_writer();
	test_log_size();
	test_log_pinned();
	test_search_in_slices();
	test_many_lists();
	test_backup_under_load();
	test_disk_full();
	test_file_limit();
	return tap_done();
}
