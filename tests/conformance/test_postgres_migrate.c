/* PostgreSQL: migrations, their lock, and what they leave behind. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/backends.h"
#include "backends/postgres_schema.h"
#include "core/buffer.h"
#include "tests/conformance/subject.h"
#include "tests/support/child.h"
#include "tests/support/logtrap.h"
#include "tests/support/pgfixture.h"
#include "tests/support/tap.h"

#define NOW	  INT64_C(1700000000000000)
#define MIGRATORS 4
#define ASKED_MAX 2000

static int64_t number(const char *sql)
{
	const char *answer = pgfixture_tell("sql %s", sql);

	while (*answer == ' ' || *answer == '"')
		answer++;
	return strtoll(answer, NULL, 10);
}

/* Asks until it is so. */
static void wait_for(const char *sql, int64_t wanted)
{
	int i;

	for (i = 0; i < ASKED_MAX; i++)
		if (number(sql) == wanted)
			return;
	bail_out("it does not come to this: %s", sql);
}

/* Everything that is in our schema, or could be. */
static int64_t count_things(void)
{
	return number("SELECT (SELECT count(*) FROM pg_namespace"
		      " WHERE nspname = 'todod') +"
		      " (SELECT count(*) FROM pg_class"
		      " WHERE relnamespace::regnamespace::text = 'todod') +"
		      " (SELECT count(*) FROM pg_type"
		      " WHERE typnamespace::regnamespace::text = 'todod')");
}

/* As after the first migration. */
static void forget_tasks(void)
{
	pgfixture_tell("sql DELETE FROM todod.schema_migrations"
		       " WHERE version >= 2; DROP TABLE todod.tasks");
}

static void begin(struct subject *subject)
{
	logtrap_clear();
	subject_init_closed(subject, "postgres");
}

static void begin_migrated(struct subject *subject)
{
	begin(subject);
	if (subject_migrate(subject) != ERR_OK)
		bail_out("it does not migrate");
	logtrap_clear();
}

static void test_status(void)
{
	char output[SUBJECT_OUTPUT_BYTES];
	struct subject subject;

	begin(&subject);
	is_err(subject_print_migrations(&subject, BACKEND_MIGRATE_STATUS,
					output),
	       ERR_OUTDATED, "at first migrations are missing");
	is_string(output,
		  "0001 create_users pending\n"
		  "0002 create_tasks pending\n"
		  "0003 lead_with_uuid pending\n",
		  "all of them are pending");
	is_int(count_things(), 0, "to ask makes no schema");
	is_err(subject_migrate(&subject), ERR_OK, "they are applied");
	is_err(subject_print_migrations(&subject, BACKEND_MIGRATE_STATUS,
					output),
	       ERR_OK, "and then none is missing");
	ok(strncmp(output, "0001 create_users applied 20", 28) == 0 &&
		   strstr(output, "Z\n0002 create_tasks applied 20") != NULL &&
		   strstr(output, "pending") == NULL,
	   "with the time of each");
	is_err(subject_migrate(&subject), ERR_OK,
	       "to apply them again is no harm");
	forget_tasks();
	is_err(subject_print_migrations(&subject, BACKEND_MIGRATE_STATUS,
					output),
	       ERR_OUTDATED, "some may be missing");
	ok(strstr(output, "Z\n0002 create_tasks pending\n") != NULL,
	   "and are named");
	is_err(subject_migrate(&subject), ERR_OK, "what is missing is applied");
	is_int(logtrap_warnings(), 0, "and nothing is warned of");
	subject_open(&subject, SUBJECT_TIMEOUT_MS);
	ok(create_id(&subject, "u", "t", NOW) > 0, "and then all is served");
	subject_release(&subject);
}

static void test_dry_run(void)
{
	char output[SUBJECT_OUTPUT_BYTES];
	struct subject subject;
	int64_t before;

	begin(&subject);
	is_err(subject_print_migrations(&subject, BACKEND_MIGRATE_DRY_RUN,
					output),
	       ERR_OK, "a dry run needs no schema");
	ok(strncmp(output, "-- 0001_create_users.sql\n", 25) == 0 &&
		   strstr(output, "CREATE TABLE todod.users (") != NULL &&
		   strstr(output, "\n-- 0002_create_tasks.sql\n") != NULL &&
		   strstr(output, "CREATE TABLE todod.tasks (") != NULL,
	   "and prints each migration's name and text");
	is_int(count_things(), 0, "and makes no schema");
	is_err(subject_migrate(&subject), ERR_OK, "they are applied");
	is_err(subject_print_migrations(&subject, BACKEND_MIGRATE_DRY_RUN,
					output),
	       ERR_OK, "then nothing is left");
	is_string(output, "", "and nothing is printed");
	forget_tasks();
	before = count_things();
	is_err(subject_print_migrations(&subject, BACKEND_MIGRATE_DRY_RUN,
					output),
	       ERR_OK, "some may be missing");
	ok(strncmp(output, "-- 0002_create_tasks.sql\n", 25) == 0,
	   "and they alone are printed");
	is_int(count_things(), before, "and not applied");
	subject_release(&subject);
}

static void test_failed(void)
{
	struct subject subject;
	int64_t before;

	begin_migrated(&subject);
	forget_tasks();
	pgfixture_tell("sql CREATE TABLE todod.tasks_by_completed (a int)");
	before = count_things();
	is_err(subject_migrate(&subject), ERR_SYSTEM,
	       "a migration may fail at its last statement");
	ok(logtrap_has("0002_create_tasks.sql"), "the log names its file");
	ok(logtrap_has("tasks_by_completed") && logtrap_has("42P07"),
	   "and says why");
	is_int(logtrap_warnings(), 1, "in one line");
	is_int(count_things(), before, "nothing of it is left behind");
	is_int(number("SELECT count(*) FROM todod.schema_migrations"), 1,
	       "and it is not remembered");
	pgfixture_tell("sql DROP TABLE todod.tasks_by_completed");
	is_err(subject_migrate(&subject), ERR_OK,
	       "without the cause it is applied");
	subject_release(&subject);
}

static void test_refused(void)
{
	char output[SUBJECT_OUTPUT_BYTES];
	struct subject subject;

	begin_migrated(&subject);
	pgfixture_tell("sql INSERT INTO todod.schema_migrations VALUES"
		       " (9999, 'from_the_future', 0)");
	is_err(subject_migrate(&subject), ERR_TOO_NEW,
	       "a newer schema is refused");
	is_err(subject_print_migrations(&subject, BACKEND_MIGRATE_DRY_RUN,
					output),
	       ERR_TOO_NEW, "by a dry run, too");
	is_err(subject_print_migrations(&subject, BACKEND_MIGRATE_STATUS,
					output),
	       ERR_TOO_NEW, "the status says so");
	ok(strstr(output, "9999 from_the_future applied 1970-01-01T00:00:00."
			  "000000Z (not known") != NULL,
	   "and names it");
	subject_release(&subject);
	begin(&subject);
	pgfixture_tell("sql CREATE SCHEMA todod CREATE TABLE users (id int)");
	is_err(subject_migrate(&subject), ERR_INVALID,
	       "tables of another program are refused");
	is_err(subject_print_migrations(&subject, BACKEND_MIGRATE_DRY_RUN,
					output),
	       ERR_INVALID, "by a dry run, too");
	ok(logtrap_has("another program"), "and the log says so");
	is_int(number("SELECT count(*) FROM information_schema.tables"
		      " WHERE table_schema = 'todod'"),
	       1, "and they are left alone");
	subject_release(&subject);
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

static void test_not_served(void)
{
	struct subject subject;

	begin(&subject);
	is_err(try_open(&subject), ERR_OUTDATED, "no schema, no service");
	ok(logtrap_has("todod migrate"), "and the log says what to do");
	if (subject_migrate(&subject) != ERR_OK)
		bail_out("it does not migrate");
	forget_tasks();
	is_err(try_open(&subject), ERR_OUTDATED, "nor with half of it");
	pgfixture_tell("sql DROP SCHEMA todod CASCADE; CREATE SCHEMA todod"
		       " CREATE TABLE schema_migrations (version int)");
	logtrap_clear();
	is_err(try_open(&subject), ERR_DENIED, "nor with one of another role");
	ok(logtrap_has("permission denied"), "and the log says so");
	is_err(subject_migrate(&subject), ERR_DENIED,
	       "which is not migrated either");
	subject_release(&subject);
}

/* The administrator may have made it, for a role that makes none. */
static void test_schema_given(void)
{
	struct subject subject;

	begin(&subject);
	pgfixture_tell("sql CREATE SCHEMA todod AUTHORIZATION %s",
		       pgfixture_get("user"));
	pgfixture_tell("sql ALTER DATABASE %s OWNER TO CURRENT_USER",
		       pgfixture_get("database"));
	is_err(subject_migrate(&subject), ERR_OK,
	       "who may not create schemas can use one that is there");
	pgfixture_tell("sql ALTER DATABASE %s OWNER TO %s",
		       pgfixture_get("database"), pgfixture_get("user"));
	is_int(logtrap_warnings(), 0, "without a warning");
	subject_release(&subject);
}

static int migrate_in_child(const struct parent *parent, void *arg)
{
	child_say_ready(parent);
	child_wait_told(parent);
	return (int)subject_migrate(arg);
}

static void start_migrators(struct child *children, size_t count,
			    struct subject *subject)
{
	size_t i;

	for (i = 0; i < count; i++) {
		child_start(&children[i], migrate_in_child, subject);
		child_wait_ready(&children[i]);
	}
	for (i = 0; i < count; i++)
		child_tell(&children[i]);
}

static void end_migrators(struct child *children, size_t count)
{
	size_t i, done = 0;

	for (i = 0; i < count; i++)
		done += child_end(&children[i]) == 0;
	is_int(done, count, "and all of them succeed");
	is_int(number("SELECT count(*) FROM todod.schema_migrations"), 3,
	       "each migration is applied once");
}

static void test_together(void)
{
	struct child children[MIGRATORS];
	struct subject subject;
	int i;

	for (i = 0; i < 5; i++) {
		begin(&subject);
		diag("several may migrate at the same time");
		start_migrators(children, MIGRATORS, &subject);
		end_migrators(children, MIGRATORS);
		subject_release(&subject);
	}
}

/* Whatever isolation the role prefers. */
static void test_serializable(void)
{
	pgfixture_tell("sql ALTER ROLE %s SET default_transaction_isolation"
		       " = 'serializable'",
		       pgfixture_get("user"));
	test_together();
	pgfixture_tell("sql ALTER ROLE %s RESET ALL", pgfixture_get("user"));
}

/* Two wait for one that holds the lock, and go on when its connection ends. */
static void test_lock(void)
{
	struct child children[2];
	struct subject subject;

	begin_migrated(&subject);
	forget_tasks();
	pgfixture_tell("background BEGIN; UPDATE todod.migration_lock"
		       " SET taken = taken + 1; SELECT pg_sleep(3600)");
	wait_for("SELECT count(*) FROM pg_stat_activity"
		 " WHERE wait_event = 'PgSleep'",
		 1);
	start_migrators(children, 2, &subject);
	wait_for("SELECT count(*) FROM pg_stat_activity"
		 " WHERE wait_event_type = 'Lock'"
		 " AND query LIKE '%migration_lock%'",
		 2);
	is_int(number("SELECT count(*) FROM todod.schema_migrations"), 1,
	       "who migrates waits for another who does");
	pgfixture_tell("sql SELECT pg_terminate_backend(pid)"
		       " FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
	end_migrators(children, 2);
	subject_release(&subject);
}

static void test_spelling(void)
{
	const struct text sql = TEXT("a text COLLATE \"C\" NOT NULL,"
				     " b text COLLATE \"C\"");
	struct buffer spelt;

	buffer_init(&spelt);
	postgres_schema_spell(sql, NULL, &spelt);
	ok(text_is_equal(buffer_text(&spelt), sql),
	   "a migration is run as it is written");
	buffer_release(&spelt);
	buffer_init(&spelt);
	postgres_schema_spell(sql, "v25.2.1", &spelt);
	ok(text_is_equal(buffer_text(&spelt), TEXT("a text NOT NULL, b text")),
	   "but without collations on a CockroachDB");
	buffer_release(&spelt);
}

int main(void)
{
	static const char *const urls[] = { "url", "pgbouncer_url" };
	size_t i;
	int status;

	logtrap_start();
	test_spelling();
	if (!pgfixture_start())
		return tap_done();
	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		tap_prefix(urls[i]);
		pgfixture_use(urls[i]);
		test_status();
		test_dry_run();
		test_failed();
		test_refused();
		test_not_served();
		test_schema_given();
		test_together();
		test_lock();
	}
	pgfixture_use("url");
	tap_prefix("serializable");
	test_serializable();
	status = tap_done();
	pgfixture_stop();
	return status;
}
