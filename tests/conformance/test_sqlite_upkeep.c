/* SQLite: migrations, what a stop leaves behind, back-ups. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/conformance/sql.h"
#include "tests/conformance/subject.h"
#include "tests/support/child.h"
#include "tests/support/logtrap.h"
#include "tests/support/tap.h"

#define NOW	  INT64_C(1700000000000000)
#define MIGRATORS 4

static enum err status(struct subject *subject,
		       char output[SUBJECT_OUTPUT_BYTES])
{
	return subject_print_migrations(subject, BACKEND_MIGRATE_STATUS,
					output);
}

static enum err dry_run(struct subject *subject,
			char output[SUBJECT_OUTPUT_BYTES])
{
	return subject_print_migrations(subject, BACKEND_MIGRATE_DRY_RUN,
					output);
}

static enum err try_open(struct subject *subject)
{
	struct testloop *loop = testloop_new();
	struct storage_backend *backend;
	enum err err;

	err = subject->location.backend->open(&subject->location,
					      testloop_port(loop), &backend);
	if (err == ERR_OK)
		bail_out("it opened");
	testloop_free(&loop);
	return err;
}

static bool has_file(struct subject *subject, const char *name)
{
	char *path = subject_path(subject, name);
	bool has = access(path, F_OK) == 0;

	free(path);
	return has;
}

/* The permission bits of a file. */
static int mode_of(struct subject *subject, const char *name)
{
	char *path = subject_path(subject, name);
	struct stat info = { 0 };

	if (stat(path, &info) != 0)
		diag("%s is not there", path);
	free(path);
	return (int)(info.st_mode & 0777);
}

static void write_file(const char *path, const char *content)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fputs(content, file) < 0 || fclose(file) != 0)
		bail_out("%s cannot be written", path);
}

/* As after the first migration. */
static void forget_tasks(struct subject *subject)
{
	sql_run_in(subject->location.path,
		   "DELETE FROM schema_migrations WHERE version >= 2;"
		   "DROP TABLE tasks");
}

static void test_status(void)
{
	char output[SUBJECT_OUTPUT_BYTES] = "";
	struct subject subject;

	subject_init_closed(&subject, "sqlite");
	is_err(status(&subject, output), ERR_OUTDATED,
	       "without a database migrations are missing");
	is_string(output,
		  "0001 create_users pending\n"
		  "0002 create_tasks pending\n"
		  "0003 lead_with_uuid pending\n",
		  "all of them are pending");
	ok(!has_file(&subject, "todod.db"), "to ask makes no database");
	is_err(subject_migrate(&subject), ERR_OK, "they are applied");
	is_err(status(&subject, output), ERR_OK, "and then none is missing");
	ok(strncmp(output, "0001 create_users applied 20", 28) == 0 &&
		   strstr(output, "Z\n0002 create_tasks applied 20") != NULL &&
		   strstr(output, "pending") == NULL,
	   "with the time of each");
	is_err(subject_migrate(&subject), ERR_OK,
	       "to apply them again is no harm");
	forget_tasks(&subject);
	is_err(status(&subject, output), ERR_OUTDATED, "some may be missing");
	ok(strstr(output, "Z\n0002 create_tasks pending\n") != NULL,
	   "and are named");
	is_err(try_open(&subject), ERR_OUTDATED, "and then nothing is served");
	is_err(subject_migrate(&subject), ERR_OK, "what is missing is applied");
	subject_open(&subject, SUBJECT_TIMEOUT_MS);
	ok(create_id(&subject, "u", "t", NOW) > 0, "and then all is served");
	subject_release(&subject);
}

static void test_dry_run(void)
{
	char output[SUBJECT_OUTPUT_BYTES];
	struct subject subject;

	subject_init_closed(&subject, "sqlite");
	is_err(dry_run(&subject, output), ERR_OK,
	       "a dry run needs no database");
	ok(strncmp(output, "-- 0001_create_users.sql\n", 25) == 0 &&
		   strstr(output, "CREATE TABLE users (") != NULL &&
		   strstr(output, "\n-- 0002_create_tasks.sql\n") != NULL &&
		   strstr(output, "CREATE TABLE tasks (") != NULL,
	   "and prints each migration's name and text");
	ok(!has_file(&subject, "todod.db") &&
		   !has_file(&subject, "todod.db-lock"),
	   "and makes no file");
	is_err(subject_migrate(&subject), ERR_OK, "they are applied");
	is_err(dry_run(&subject, output), ERR_OK, "then nothing is left");
	is_string(output, "", "and nothing is printed");
	forget_tasks(&subject);
	is_err(dry_run(&subject, output), ERR_OK, "some may be missing");
	ok(strncmp(output, "-- 0002_create_tasks.sql\n", 25) == 0,
	   "and they alone are printed");
	is_int(sql_number_in(subject.location.path,
			     "SELECT count(*) FROM sqlite_schema"
			     " WHERE name = 'tasks'"),
	       0, "and not applied");
	subject_release(&subject);
}

static void test_failed(void)
{
	struct subject subject;

	subject_init_closed(&subject, "sqlite");
	if (subject_migrate(&subject) != ERR_OK)
		bail_out("it does not migrate");
	forget_tasks(&subject);
	sql_run_in(subject.location.path,
		   "CREATE TABLE tasks_by_completed (a INTEGER)");
	logtrap_clear();
	is_err(subject_migrate(&subject), ERR_SYSTEM,
	       "a migration may fail at its last statement");
	ok(logtrap_has("0002_create_tasks.sql"), "the log names its file");
	ok(logtrap_has("tasks_by_completed"), "and says why");
	is_int(logtrap_warnings(), 1, "in one line");
	is_int(sql_number_in(subject.location.path,
			     "SELECT count(*) FROM sqlite_schema"
			     " WHERE tbl_name = 'tasks'") +
		       sql_number_in(subject.location.path,
				     "SELECT count(*) FROM schema_migrations"
				     " WHERE version = 2"),
	       0, "and nothing of it is left behind");
	sql_run_in(subject.location.path, "DROP TABLE tasks_by_completed");
	is_err(subject_migrate(&subject), ERR_OK,
	       "without the cause it is applied");
	logtrap_clear();
	subject_release(&subject);
}

static void test_refused(void)
{
	char output[SUBJECT_OUTPUT_BYTES] = "";
	struct subject subject;

	subject_init_closed(&subject, "sqlite");
	is_err(try_open(&subject), ERR_OUTDATED, "no database, no service");
	ok(logtrap_has("todod migrate"), "and the log says what to do");
	write_file(subject.location.path, "");
	is_err(try_open(&subject), ERR_OUTDATED, "nor with an empty one");
	is_err(subject_migrate(&subject), ERR_OK, "an empty file becomes one");
	logtrap_clear();
	sql_run_in(subject.location.path, "INSERT INTO schema_migrations VALUES"
					  " (9999, 'from_the_future', 0)");
	is_err(try_open(&subject), ERR_TOO_NEW, "a newer schema is refused");
	ok(logtrap_has("\"schema\":9999") && logtrap_has("\"known\":3") &&
		   logtrap_has("remedy"),
	   "and the log names both versions and a remedy");
	is_err(subject_migrate(&subject), ERR_TOO_NEW, "nor is it migrated");
	is_err(status(&subject, output), ERR_TOO_NEW, "the status says so");
	ok(strstr(output, "9999 from_the_future applied 1970-01-01T00:00:00."
			  "000000Z (not known") != NULL,
	   "and names it");
	logtrap_clear();
	subject_release(&subject);
}

static void test_foreign(void)
{
	char output[SUBJECT_OUTPUT_BYTES];
	struct subject subject;

	subject_init_closed(&subject, "sqlite");
	write_file(subject.location.path, "");
	sql_run_in(subject.location.path,
		   "CREATE TABLE users (id INTEGER PRIMARY KEY)");
	is_err(dry_run(&subject, output), ERR_INVALID,
	       "a dry run refuses a database of another program");
	is_err(subject_migrate(&subject), ERR_INVALID, "so does a migration");
	ok(logtrap_has("another program"), "and the log says so");
	is_int(sql_number_in(subject.location.path,
			     "SELECT count(*) FROM sqlite_schema"),
	       1, "and it is left alone");
	write_file(subject.location.path,
		   "This is a text of more than a hundred characters, which "
		   "is no database at all, however long one looks at it. "
		   "And it is longer than the header of a database.");
	is_err(subject_migrate(&subject), ERR_CORRUPT,
	       "a text file is refused");
	is_err(try_open(&subject), ERR_CORRUPT, "and not served");
	if (unlink(subject.location.path) != 0 ||
	    mkdir(subject.location.path, 0700) != 0)
		bail_out("no folder");
	is_err(subject_migrate(&subject), ERR_SYSTEM, "a folder is refused");
	(void)rmdir(subject.location.path);
	free(subject.location.path);
	subject.location.path = subject_path(&subject, "none/todod.db");
	logtrap_clear();
	is_err(subject_migrate(&subject), ERR_SYSTEM,
	       "the folder of the database must exist");
	ok(logtrap_has("folder must exist"), "and the log says so");
	logtrap_clear();
	subject_release(&subject);
}

/* Overwrites the first page of the table of tasks and of its indices. */
static void damage_tasks(const char *path)
{
	static const char sql[] = "SELECT min(rootpage) FROM sqlite_schema"
				  " WHERE tbl_name = 'tasks'";
	int64_t pages = sql_number_in(path, "SELECT count(*) FROM sqlite_schema"
					    " WHERE tbl_name = 'tasks'");
	int64_t first = sql_number_in(path, sql), i;
	FILE *file = fopen(path, "r+");

	if (file == NULL || fseek(file, (first - 1) * 4096, SEEK_SET) != 0)
		bail_out("the database cannot be damaged");
	for (i = 0; i < pages * 4096; i++)
		fputc(0xa5, file);
	fclose(file);
}

static void test_corrupt(void)
{
	const struct storage_list all = { 0 };
	const struct task_draft draft = draft_of("t", NOW);
	struct subject subject;
	struct answer answer;
	struct page page;

	subject_init(&subject, "sqlite");
	create_id(&subject, "u", "t", NOW);
	subject_close(&subject);
	if (subject.location.backend->settle(&subject.location) != ERR_OK)
		bail_out("it does not settle");
	damage_tasks(subject.location.path);
	logtrap_clear();
	subject_open(&subject, SUBJECT_TIMEOUT_MS);
	list(&subject, "u", &all, &page);
	is_err(page.err, ERR_CORRUPT, "a read finds damage");
	ok(logtrap_has("listing tasks"), "and the log says so");
	page_release(&page);
	create(&subject, "u", &draft, &answer);
	is_err(answer.err, ERR_CORRUPT, "so does a write");
	ok(logtrap_has("creating a task"), "and the log says so");
	logtrap_clear();
	subject_release(&subject);
}

static int migrate_in_child(const struct parent *parent, void *arg)
{
	child_say_ready(parent);
	child_wait_told(parent);
	return (int)subject_migrate(arg);
}

static void test_migrate_together(void)
{
	struct child children[MIGRATORS];
	struct subject subject;
	size_t i, done = 0;

	subject_init_closed(&subject, "sqlite");
	for (i = 0; i < MIGRATORS; i++) {
		child_start(&children[i], migrate_in_child, &subject);
		child_wait_ready(&children[i]);
	}
	for (i = 0; i < MIGRATORS; i++)
		child_tell(&children[i]);
	for (i = 0; i < MIGRATORS; i++)
		done += child_end(&children[i]) == 0;
	is_int(done, MIGRATORS, "several may migrate at the same time");
	is_int(sql_number_in(subject.location.path,
			     "SELECT count(*) FROM schema_migrations"),
	       3, "each migration is applied once");
	subject_release(&subject);
}

static void test_migrate_locked(void)
{
	struct subject subject;
	struct sqlite3 *other;

	subject_init_closed(&subject, "sqlite");
	if (subject_migrate(&subject) != ERR_OK)
		bail_out("it does not migrate");
	forget_tasks(&subject);
	other = sql_open(subject.location.path);
	sql_run(other, "BEGIN IMMEDIATE");
	logtrap_clear();
	is_err(subject_migrate(&subject), ERR_UNAVAILABLE,
	       "nothing is migrated while another program writes");
	ok(logtrap_has("another program keeps"), "and the log says so");
	logtrap_clear();
	sql_close(&other);
	subject_release(&subject);
}

static void test_files(void)
{
	mode_t before = umask(0);
	struct subject subject;

	subject_init(&subject, "sqlite");
	create_id(&subject, "u", "t", NOW);
	is_int(mode_of(&subject, "todod.db"), 0600,
	       "only its owner may read the database");
	is_int(mode_of(&subject, "todod.db-wal"), 0600, "and its log");
	is_int(mode_of(&subject, "todod.db-shm"), 0600, "and its index");
	is_int(mode_of(&subject, "todod.db-lock"), 0600, "and its lock");
	subject_release(&subject);
	umask(before);
}

static size_t count_tasks(struct subject *subject)
{
	return (size_t)sql_number_in(subject->location.path,
				     "SELECT count(*) FROM tasks");
}

static void test_settle(void)
{
	struct subject subject;
	struct sqlite3 *other;

	subject_init_closed(&subject, "sqlite");
	is_err(subject.location.backend->settle(&subject.location), ERR_OK,
	       "without a database there is nothing to settle");
	ok(!has_file(&subject, "todod.db"), "and none is made");
	if (subject_migrate(&subject) != ERR_OK)
		bail_out("it does not migrate");
	subject_open(&subject, SUBJECT_TIMEOUT_MS);
	create_id(&subject, "u", "t", NOW);
	subject_close(&subject);
	other = sql_open(subject.location.path);
	sql_run(other, "SELECT 1 FROM tasks");
	is_err(subject.location.backend->settle(&subject.location), ERR_OK,
	       "it may be settled while others have it open");
	ok(has_file(&subject, "todod.db-lock"), "the lock stays for them");
	is_int(sql_number(other, "SELECT count(*) FROM tasks"), 1,
	       "and they go on");
	sql_close(&other);
	is_err(subject.location.backend->settle(&subject.location), ERR_OK,
	       "it is settled after the last");
	ok(!has_file(&subject, "todod.db-wal") &&
		   !has_file(&subject, "todod.db-shm") &&
		   !has_file(&subject, "todod.db-lock"),
	   "and one file is left");
	is_int(count_tasks(&subject), 1, "which is complete");
	if (subject_migrate(&subject) != ERR_OK)
		bail_out("it does not migrate");
	subject_open(&subject, SUBJECT_TIMEOUT_MS);
	ok(create_id(&subject, "u", "t", NOW) == 2, "and can be served again");
	subject_release(&subject);
}

static enum err backup(struct subject *subject, const char *name)
{
	char *path = subject_path(subject, name);
	enum err err;

	err = subject->location.backend->backup(&subject->location, path);
	free(path);
	return err;
}

static void test_backup(void)
{
	struct subject subject;
	char *copy;
	int i;

	subject_init(&subject, "sqlite");
	for (i = 0; i < 20; i++)
		create_id(&subject, "u", "t", NOW + i);
	is_err(backup(&subject, "copy.db"), ERR_OK,
	       "a back-up is made while it serves");
	create_id(&subject, "u", "later", NOW);
	is_int(mode_of(&subject, "copy.db"), 0600,
	       "only its owner may read it");
	copy = subject_path(&subject, "copy.db");
	is_int(sql_number_in(copy, "SELECT count(*) FROM tasks"), 20,
	       "it has everything up to then");
	logtrap_clear();
	is_err(backup(&subject, "copy.db"), ERR_CONFLICT,
	       "a file that exists is not written over");
	ok(logtrap_has("the file exists"), "and the log says so");
	is_int(sql_number_in(copy, "SELECT count(*) FROM tasks"), 20,
	       "it stays as it was");
	is_err(backup(&subject, "none/copy.db"), ERR_SYSTEM,
	       "the folder of a back-up must exist");
	logtrap_clear();
	subject_close(&subject);
	if (rename(copy, subject.location.path) != 0)
		bail_out("the back-up cannot be put back");
	free(copy);
	copy = subject_path(&subject, "todod.db-wal");
	(void)unlink(copy);
	free(copy);
	is_err(try_open(&subject), ERR_OUTDATED,
	       "a back-up is served only after it was migrated");
	logtrap_clear();
	is_err(subject_migrate(&subject), ERR_OK,
	       "it is migrated like any other");
	subject_open(&subject, SUBJECT_TIMEOUT_MS);
	is_int(create_id(&subject, "u", "t", NOW), 21,
	       "and goes on where it was made");
	subject_release(&subject);
}

static void test_backup_of_nothing(void)
{
	struct subject subject;

	subject_init_closed(&subject, "sqlite");
	is_err(backup(&subject, "copy.db"), ERR_NOT_FOUND,
	       "without a database there is no back-up");
	ok(!has_file(&subject, "copy.db") && !has_file(&subject, "todod.db"),
	   "and no file is made");
	logtrap_clear();
	subject_release(&subject);
}

int main(void)
{
	logtrap_start();
	test_status();
	logtrap_clear();
	test_dry_run();
	test_failed();
	test_refused();
	test_foreign();
	test_corrupt();
	test_migrate_together();
	test_migrate_locked();
	test_files();
	test_settle();
	test_backup();
	is_int(logtrap_warnings(), 0, "nothing else was warned of");
	test_backup_of_nothing();
	return tap_done();
}
