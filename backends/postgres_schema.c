/* The schema's version, and the migrations that are part of the program. */
#include "config.h"

#include "backends/postgres_schema.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/migration.h"
#include "backends/postgres_error.h"
#include "backends/postgres_session.h"
#include "core/buffer.h"
#include "core/clock.h"
#include "core/embedded.h"

/* A migration may rebuild a table; who waits for one may too. */
#define MIGRATION_TIMEOUT_MS 3600000
#define QUICK_TIMEOUT_MS     30000

/* What others make impossible at the same time is tried again, after pauses
 * that double; all of them are 6 s. */
#define TRIES_MAX      8
#define PAUSE_FIRST_NS 50000000L

/* Tables in the schema: the one of migrations, and all; also those that we may
 * not look at, which information_schema would not tell of. */
static const char sql_count_tables[] =
	"SELECT count(CASE WHEN c.relname = 'schema_migrations' THEN 1 END),"
	" count(*) FROM pg_catalog.pg_class AS c"
	" JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
	" WHERE n.nspname = 'todod' AND c.relkind IN ('r', 'p')";
static const char sql_history[] =
	"SELECT version, name, applied_at FROM todod.schema_migrations"
	" ORDER BY version";
static const char sql_count_schemas[] =
	"SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname = 'todod'";
static const char sql_create_schema[] = "CREATE SCHEMA IF NOT EXISTS todod";

/* What must be there before a migration; one by one, because not every server
 * takes them in one transaction. */
static const char sql_create_history[] =
	"CREATE TABLE IF NOT EXISTS todod.schema_migrations ("
	" version bigint NOT NULL PRIMARY KEY,"
	" name text NOT NULL,"
	" applied_at bigint NOT NULL)";
static const char sql_create_lock[] =
	"CREATE TABLE IF NOT EXISTS todod.migration_lock ("
	" id bigint NOT NULL PRIMARY KEY,"
	" taken bigint NOT NULL)";
static const char sql_fill_lock[] =
	"INSERT INTO todod.migration_lock (id, taken) VALUES (1, 0)"
	" ON CONFLICT (id) DO NOTHING";

/*
 * Who applies too must wait at the row.  It is written, not only locked: who
 * has waited must not go on with what it saw before, at whatever isolation.
 * The setting is CockroachDB's, which else commits before every CREATE; in
 * PostgreSQL there is no such row.
 */
static const char sql_begin[] =
	"BEGIN; SET LOCAL statement_timeout = 0;"
	"SELECT set_config(name, 'off', true) FROM pg_catalog.pg_settings"
	" WHERE name = 'autocommit_before_ddl';"
	"UPDATE todod.migration_lock SET taken = taken + 1 WHERE id = 1";

/* Two that create the same at once: the second is told that it is there. */
static const char *const states_twice[] = { "23505", "42P06", "42P07", "42710",
					    NULL };

static struct migration_set known_set(void)
{
	const struct migration_set set = {
		embedded_migrations_postgres,
		embedded_migrations_postgres_count,
	};

	return set;
}

static bool is_state(const struct postgres_failure *failure,
		     const char *const *states)
{
	for (; *states != NULL; states++)
		if (strcmp(failure->state, *states) == 0)
			return true;
	return false;
}

static bool is_repeatable(const struct postgres_failure *failure)
{
	return failure->state[0] != '\0' &&
	       err_from_sqlstate(failure->state).remedy ==
		       POSTGRES_REMEDY_REPEAT;
}

static void pause_before(int tries)
{
	const long long pause_ns = PAUSE_FIRST_NS << tries;
	const struct timespec pause = { (time_t)(pause_ns / 1000000000),
					(long)(pause_ns % 1000000000) };

	nanosleep(&pause, NULL);
}

static int64_t number_at(const PGresult *result, int row, int field)
{
	return strtoll(PQgetvalue(result, row, field), NULL, 10);
}

/* *is_foreign: there are tables, but none of migrations.  Both are counted by
 * one statement, so that who migrates meanwhile is not taken for another. */
static enum err count_tables(PGconn *conn, int64_t timeout_ms,
			     struct migration_history *history,
			     bool *is_foreign, struct postgres_failure *failure)
{
	PGresult *result = NULL;
	enum err err = postgres_session_try(conn, sql_count_tables, timeout_ms,
					    &result, failure);

	if (err != ERR_OK)
		return err;
	history->is_there = number_at(result, 0, 0) > 0;
	*is_foreign = !history->is_there && number_at(result, 0, 1) > 0;
	PQclear(result);
	return ERR_OK;
}

static enum err read_records(PGconn *conn, int64_t timeout_ms,
			     struct migration_history *history,
			     struct postgres_failure *failure)
{
	PGresult *result = NULL;
	enum err err = postgres_session_try(conn, sql_history, timeout_ms,
					    &result, failure);
	int row, rows = result != NULL ? PQntuples(result) : 0;

	for (row = 0; err == ERR_OK && row < rows; row++)
		err = migration_history_add(history, number_at(result, row, 0),
					    text_of(PQgetvalue(result, row, 1)),
					    number_at(result, row, 2));
	PQclear(result);
	return err;
}

/* What was applied, within timeout_ms; the caller releases it whatever comes
 * back.  Logged. */
static enum err read_history(PGconn *conn, int64_t timeout_ms,
			     struct migration_history *history,
			     bool *is_foreign)
{
	static const struct migration_history empty;
	int64_t end_us = clock_monotonic_us() + timeout_ms * 1000;
	struct postgres_failure failure = { 0 };
	enum err err;

	*history = empty;
	err = count_tables(conn, timeout_ms, history, is_foreign, &failure);
	if (err == ERR_OK && history->is_there)
		err = read_records(conn, (end_us - clock_monotonic_us()) / 1000,
				   history, &failure);
	if (err != ERR_OK)
		postgres_session_log(&failure, "reading the migrations");
	return err;
}

enum err postgres_schema_check(struct pg_conn *conn, int64_t timeout_ms)
{
	const struct migration_set set = known_set();
	struct migration_history history;
	bool is_foreign;
	enum err err = read_history(conn, timeout_ms, &history, &is_foreign);

	if (err == ERR_OK)
		err = migration_check(&set, &history);
	migration_history_release(&history);
	return err;
}

/* Runs one that others may run at the same moment. */
static enum err create(PGconn *conn, const char *sql)
{
	struct postgres_failure failure;
	enum err err;
	int tries = 0;

	while ((err = postgres_session_try(conn, sql, QUICK_TIMEOUT_MS, NULL,
					   &failure)) != ERR_OK) {
		if (tries == TRIES_MAX - 1 ||
		    (!is_state(&failure, states_twice) &&
		     !is_repeatable(&failure)))
			break;
		pause_before(tries++);
	}
	if (err != ERR_OK)
		postgres_session_log(&failure, "preparing to migrate");
	return err;
}

/* Who may not create schemas can still migrate in one that is there. */
static enum err create_schema(PGconn *conn)
{
	PGresult *result = NULL;
	bool is_there;
	enum err err = postgres_session_run(conn, sql_count_schemas,
					    "looking for the schema",
					    QUICK_TIMEOUT_MS, &result);

	if (err != ERR_OK)
		return err;
	is_there = number_at(result, 0, 0) > 0;
	PQclear(result);
	return is_there ? ERR_OK : create(conn, sql_create_schema);
}

static enum err prepare(PGconn *conn)
{
	enum err err = create_schema(conn);

	if (err == ERR_OK)
		err = create(conn, sql_create_history);
	if (err == ERR_OK)
		err = create(conn, sql_create_lock);
	if (err == ERR_OK)
		err = create(conn, sql_fill_lock);
	return err;
}

/* CockroachDB has no column of a collation "C", and compares all text by its
 * bytes anyway. */
void postgres_schema_spell(struct text sql, const char *cockroach,
			   struct buffer *spelt)
{
	const struct text left_out = TEXT(" COLLATE \"C\"");
	size_t from = 0, i = 0;

	while (cockroach != NULL && i < sql.len) {
		if (text_has_prefix(text_slice(sql, i, sql.len), left_out)) {
			buffer_append(spelt, sql.ptr + from, i - from);
			i += left_out.len;
			from = i;
		} else {
			i++;
		}
	}
	buffer_append_text(spelt, text_slice(sql, from, sql.len));
}

static void append_file(PGconn *conn, const struct embedded_file *file,
			struct buffer *sql)
{
	const struct text text = { (const char *)file->data, file->len };

	postgres_schema_spell(text, PQparameterStatus(conn, "crdb_version"),
			      sql);
}

static void append_number(struct buffer *sql, long long value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%lld", value);
	buffer_append_text(sql, text_of(text));
}

/* The migration and the line in the history that says so, in one go. */
static enum err run_migration(PGconn *conn, const struct embedded_file *file,
			      struct postgres_failure *failure)
{
	struct buffer sql;
	enum err err = ERR_NO_MEMORY;

	buffer_init(&sql);
	append_file(conn, file, &sql);
	buffer_append_text(&sql, TEXT(";\nINSERT INTO todod.schema_migrations"
				      " (version, name, applied_at) VALUES ("));
	append_number(&sql, migration_version(file));
	/* The names of files hold nothing that would need to be quoted. */
	buffer_append_text(&sql, TEXT(", '"));
	buffer_append_text(&sql, migration_name(file));
	buffer_append_text(&sql, TEXT("', "));
	append_number(&sql, clock_wall_us());
	buffer_append(&sql, "); COMMIT", sizeof("); COMMIT"));
	if (!buffer_is_failed(&sql))
		err = postgres_session_try(conn, sql.ptr, MIGRATION_TIMEOUT_MS,
					   NULL, failure);
	buffer_release(&sql);
	return err;
}

static void rollback(PGconn *conn)
{
	PGTransactionStatusType status = PQtransactionStatus(conn);
	enum err err = ERR_OK;

	if (status == PQTRANS_INTRANS || status == PQTRANS_INERROR)
		err = postgres_session_run(conn, "ROLLBACK",
					   "taking a migration back",
					   QUICK_TIMEOUT_MS, NULL);
	/* The server does it itself when the connection ends. */
	(void)err;
}

/* Begins a transaction as the only one that migrates. */
static enum err begin(PGconn *conn, struct postgres_failure *failure)
{
	PGresult *result = NULL;
	enum err err = postgres_session_try(
		conn, sql_begin, MIGRATION_TIMEOUT_MS, &result, failure);
	bool is_locked = err == ERR_OK && strcmp(PQcmdTuples(result), "1") == 0;

	PQclear(result);
	if (err != ERR_OK || is_locked)
		return err;
	(void)snprintf(failure->reason, sizeof(failure->reason), "%s",
		       "todod.migration_lock has lost its row");
	return ERR_SYSTEM;
}

/* *did_apply: it was not there, and is now. */
static enum err try_one(PGconn *conn, const struct embedded_file *file,
			bool *did_apply, struct postgres_failure *failure)
{
	const struct migration_set only = { file, 1 };
	struct migration_history history = { 0 };
	size_t next = 0;
	enum err err = begin(conn, failure);

	*did_apply = false;
	if (err == ERR_OK)
		err = read_records(conn, QUICK_TIMEOUT_MS, &history, failure);
	if (err == ERR_OK && migration_pending(&only, &history, &next)) {
		err = run_migration(conn, file, failure);
		*did_apply = err == ERR_OK;
	}
	migration_history_release(&history);
	rollback(conn);
	return err;
}

static enum err apply_one(PGconn *conn, const struct embedded_file *file)
{
	struct postgres_failure failure = { 0 };
	bool did_apply = false;
	int tries = 0;
	enum err err;

	while ((err = try_one(conn, file, &did_apply, &failure)) != ERR_OK &&
	       is_repeatable(&failure) && tries < TRIES_MAX - 1)
		pause_before(tries++);
	if (did_apply)
		migration_log_applied(file);
	if (err == ERR_OK)
		return ERR_OK;
	migration_log_failed(file,
			     failure.reason[0] != '\0' ? failure.reason :
							 err_text(err),
			     failure.state);
	/* To the caller it is not what it would be to a request. */
	return err == ERR_OUTDATED || err == ERR_CONFLICT ? ERR_SYSTEM : err;
}

/* What was applied, of a database that may be migrated. */
static enum err read_ours(PGconn *conn, struct migration_history *history)
{
	const struct migration_set set = known_set();
	bool is_foreign = false;
	enum err err =
		read_history(conn, QUICK_TIMEOUT_MS, history, &is_foreign);

	if (err == ERR_OK)
		err = migration_check_newest(&set, history);
	if (err != ERR_OK || !is_foreign)
		return err;
	migration_log_foreign("the schema todod must be todod's own: name "
			      "another database");
	return ERR_INVALID;
}

enum err postgres_schema_apply(struct pg_conn *conn)
{
	const struct migration_set set = known_set();
	struct migration_history history;
	const struct embedded_file *file;
	size_t first = 0, next = 0;
	enum err err = read_ours(conn, &history);

	if (err == ERR_OK && migration_pending(&set, &history, &first) != NULL)
		err = prepare(conn);
	while (err == ERR_OK &&
	       (file = migration_pending(&set, &history, &next)) != NULL)
		err = apply_one(conn, file);
	migration_history_release(&history);
	return err;
}

enum err postgres_schema_print_status(struct pg_conn *conn, FILE *out)
{
	const struct migration_set set = known_set();
	struct migration_history history;
	bool is_foreign;
	enum err err =
		read_history(conn, QUICK_TIMEOUT_MS, &history, &is_foreign);

	if (err == ERR_OK)
		err = migration_print_status(&set, &history, out);
	migration_history_release(&history);
	return err;
}

static enum err print_sql(PGconn *conn, const struct embedded_file *file,
			  FILE *out)
{
	struct buffer sql;
	enum err err = ERR_NO_MEMORY;

	buffer_init(&sql);
	append_file(conn, file, &sql);
	if (!buffer_is_failed(&sql)) {
		migration_print_sql(file, buffer_text(&sql), out);
		err = ERR_OK;
	}
	buffer_release(&sql);
	return err;
}

enum err postgres_schema_print_pending(struct pg_conn *conn, FILE *out)
{
	const struct migration_set set = known_set();
	struct migration_history history;
	const struct embedded_file *file;
	size_t next = 0;
	enum err err = read_ours(conn, &history);

	while (err == ERR_OK &&
	       (file = migration_pending(&set, &history, &next)) != NULL)
		err = print_sql(conn, file, out);
	migration_history_release(&history);
	return err;
}
