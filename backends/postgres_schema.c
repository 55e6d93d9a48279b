/* The schema's version, and the migrations that are part of the program. */
#include "config.h"

#include "backends/postgres_schema.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "backends/postgres_session.h"
#include "core/buffer.h"
#include "core/clock.h"
#include "core/embedded.h"
#include "core/log.h"
#include "core/text.h"
#include "core/timestamp.h"

/* NNNN_verb_noun.sql */
#define VERSION_DIGITS 4
#define NAME_SUFFIX    ".sql"

/* A migration may rebuild a table; who waits for one may too. */
#define MIGRATION_TIMEOUT_MS 3600000
#define QUICK_TIMEOUT_MS     30000

#define TWICE_AT_ONCE "23505"
#define CREATE_TRIES  5

static const char sql_has_history[] =
	"SELECT count(*) FROM information_schema.tables"
	" WHERE table_schema = 'todod' AND table_name = 'schema_migrations'";
static const char sql_has_tables[] =
	"SELECT count(*) FROM information_schema.tables"
	" WHERE table_schema = 'todod' AND table_name <> 'schema_migrations'";
static const char sql_create_history[] =
	"CREATE SCHEMA IF NOT EXISTS todod;"
	"CREATE TABLE IF NOT EXISTS todod.schema_migrations ("
	" version bigint PRIMARY KEY,"
	" name text NOT NULL,"
	" applied_at bigint NOT NULL)";
static const char sql_history[] =
	"SELECT version, name, applied_at FROM todod.schema_migrations"
	" ORDER BY version";
/* Readers may go on; who applies too must wait. */
static const char sql_begin[] =
	"BEGIN; SET LOCAL statement_timeout = 0;"
	"LOCK TABLE todod.schema_migrations IN SHARE ROW EXCLUSIVE MODE";

static long long version_of(const struct embedded_file *file)
{
	return strtoll(file->name, NULL, 10);
}

/* verb_noun */
static struct text name_of(const struct embedded_file *file)
{
	size_t prefix = VERSION_DIGITS + 1, suffix = sizeof(NAME_SUFFIX) - 1;
	struct text name = text_of(file->name);

	return text_slice(name, prefix, name.len - prefix - suffix);
}

/* The newest version that the program knows. */
static long long version_known(void)
{
	size_t count = embedded_migrations_postgres_count;

	if (count == 0)
		BUG("there are no migrations");
	return version_of(&embedded_migrations_postgres[count - 1]);
}

static enum err log_too_new(long long version)
{
	log_event(LOG_ERROR, "database schema is too new",
		  LOG_INT("schema", version), LOG_INT("known", version_known()),
		  LOG_STRING("remedy", "start the newer todod that migrated "
				       "it, or restore a back-up"));
	return ERR_TOO_NEW;
}

static enum err log_outdated(void)
{
	log_event(LOG_ERROR, "database schema is outdated",
		  LOG_INT("known", version_known()),
		  LOG_STRING("remedy", "run todod migrate"));
	return ERR_OUTDATED;
}

static long long number_at(const PGresult *result, int row, int field)
{
	return strtoll(PQgetvalue(result, row, field), NULL, 10);
}

/* The one number that a statement gives. */
static enum err number(PGconn *conn, const char *sql, int64_t timeout_ms,
		       long long *value)
{
	PGresult *result = NULL;
	enum err err = postgres_session_run(conn, sql,
					    "reading the schema's version",
					    NULL, timeout_ms, &result);

	if (err != ERR_OK)
		return err;
	*value = PQntuples(result) > 0 ? number_at(result, 0, 0) : 0;
	PQclear(result);
	return ERR_OK;
}

/* What was applied, by version; *history is NULL when there is no table. */
static enum err read_history(PGconn *conn, int64_t timeout_ms,
			     PGresult **history)
{
	long long count = 0;
	enum err err = number(conn, sql_has_history, timeout_ms, &count);

	*history = NULL;
	if (err != ERR_OK || count == 0)
		return err;
	return postgres_session_run(conn, sql_history, "reading the migrations",
				    NULL, timeout_ms, history);
}

static bool is_applied(const PGresult *history, long long version)
{
	int row, rows = history != NULL ? PQntuples(history) : 0;

	for (row = 0; row < rows; row++)
		if (number_at(history, row, 0) == version)
			return true;
	return false;
}

static long long newest_of(const PGresult *history)
{
	int rows = history != NULL ? PQntuples(history) : 0;

	return rows > 0 ? number_at(history, rows - 1, 0) : 0;
}

enum err postgres_schema_check(struct pg_conn *conn, int64_t timeout_ms)
{
	PGresult *history;
	enum err err = read_history(conn, timeout_ms, &history);
	size_t i;

	if (err != ERR_OK)
		return err;
	if (newest_of(history) > version_known())
		err = log_too_new(newest_of(history));
	for (i = 0; err == ERR_OK && i < embedded_migrations_postgres_count;
	     i++)
		if (!is_applied(history,
				version_of(&embedded_migrations_postgres[i])))
			err = log_outdated();
	PQclear(history);
	return err;
}

/* Two that create the same at once: the second is told that it is there. */
static enum err create_history(PGconn *conn)
{
	enum err err;
	int tries = 0;

	do
		err = postgres_session_run(conn, sql_create_history,
					   "creating the table of migrations",
					   TWICE_AT_ONCE, QUICK_TIMEOUT_MS,
					   NULL);
	while (err == ERR_CONFLICT && ++tries < CREATE_TRIES);
	return err;
}

static void append_number(struct buffer *sql, long long value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%lld", value);
	buffer_append_text(sql, text_of(text));
}

/* The migration and the line in the history that says so, in one go. */
static enum err run_migration(PGconn *conn, const struct embedded_file *file)
{
	struct buffer sql;
	enum err err;

	buffer_init(&sql);
	buffer_append(&sql, file->data, file->len);
	buffer_append_text(&sql, TEXT(";\nINSERT INTO todod.schema_migrations"
				      " (version, name, applied_at) VALUES ("));
	append_number(&sql, version_of(file));
	/* The names of files hold nothing that would need to be quoted. */
	buffer_append_text(&sql, TEXT(", '"));
	buffer_append_text(&sql, name_of(file));
	buffer_append_text(&sql, TEXT("', "));
	append_number(&sql, clock_wall_us());
	buffer_append(&sql, "); COMMIT", sizeof("); COMMIT"));
	if (buffer_is_failed(&sql))
		err = ERR_NO_MEMORY;
	else
		err = postgres_session_run(conn, sql.ptr,
					   "applying a migration", NULL,
					   MIGRATION_TIMEOUT_MS, NULL);
	buffer_release(&sql);
	return err;
}

static void rollback(PGconn *conn)
{
	enum err err = ERR_OK;

	if (PQstatus(conn) == CONNECTION_OK &&
	    PQtransactionStatus(conn) != PQTRANS_IDLE)
		err = postgres_session_run(conn, "ROLLBACK",
					   "taking a migration back", NULL,
					   QUICK_TIMEOUT_MS, NULL);
	(void)err;
}

static enum err apply_one(PGconn *conn, const struct embedded_file *file)
{
	PGresult *history = NULL;
	bool is_there = false;
	enum err err;

	err = postgres_session_run(conn, sql_begin, "beginning a migration",
				   NULL, MIGRATION_TIMEOUT_MS, NULL);
	if (err == ERR_OK)
		err = read_history(conn, QUICK_TIMEOUT_MS, &history);
	if (err == ERR_OK)
		is_there = is_applied(history, version_of(file));
	PQclear(history);
	if (err == ERR_OK && !is_there)
		err = run_migration(conn, file);
	rollback(conn);
	if (err == ERR_OK && !is_there)
		log_event(LOG_INFO, "migration applied",
			  LOG_INT("version", version_of(file)),
			  LOG_TEXT("name", name_of(file)));
	return err;
}

/* Refuses to add our tables to those of somebody else. */
static enum err check_is_ours(PGconn *conn)
{
	long long tables = 0;
	enum err err = number(conn, sql_has_tables, QUICK_TIMEOUT_MS, &tables);

	if (err != ERR_OK || tables == 0)
		return err;
	log_event(LOG_ERROR, "database holds tables of another program",
		  LOG_STRING("remedy", "the schema todod must be todod's own: "
				       "name another database"));
	return ERR_INVALID;
}

enum err postgres_schema_apply(struct pg_conn *conn)
{
	PGresult *history;
	enum err err = read_history(conn, QUICK_TIMEOUT_MS, &history);
	bool has_history = history != NULL;
	size_t i;

	if (err == ERR_OK && newest_of(history) > version_known())
		err = log_too_new(newest_of(history));
	PQclear(history);
	if (err == ERR_OK && !has_history)
		err = check_is_ours(conn);
	if (err == ERR_OK && !has_history)
		err = create_history(conn);
	for (i = 0; err == ERR_OK && i < embedded_migrations_postgres_count;
	     i++)
		err = apply_one(conn, &embedded_migrations_postgres[i]);
	return err;
}

static void print_line(FILE *out, long long version, struct text name,
		       const int64_t *applied_at_us, const char *remark)
{
	char time[TIMESTAMP_LEN];

	fprintf(out, "%0*lld %.*s ", VERSION_DIGITS, version, (int)name.len,
		name.ptr);
	if (applied_at_us != NULL) {
		timestamp_format(*applied_at_us, time);
		fprintf(out, "applied %.*s%s\n", TIMESTAMP_LEN, time, remark);
	} else {
		fprintf(out, "pending\n");
	}
}

/* Those that come before a version in the program's list are missing. */
static bool print_pending(FILE *out, size_t *next, long long before)
{
	bool is_missing = false;

	for (; *next < embedded_migrations_postgres_count; ++*next) {
		const struct embedded_file *file =
			&embedded_migrations_postgres[*next];

		if (version_of(file) >= before)
			break;
		print_line(out, version_of(file), name_of(file), NULL, "");
		is_missing = true;
	}
	return is_missing;
}

enum err postgres_schema_print(struct pg_conn *conn, FILE *out)
{
	PGresult *history;
	enum err err = read_history(conn, QUICK_TIMEOUT_MS, &history);
	int row, rows = history != NULL ? PQntuples(history) : 0;
	enum err found = ERR_OK;
	size_t next = 0;

	for (row = 0; err == ERR_OK && row < rows; row++) {
		long long version = number_at(history, row, 0);
		int64_t applied_at_us = number_at(history, row, 2);
		bool is_known;

		if (print_pending(out, &next, version) && found == ERR_OK)
			found = ERR_OUTDATED;
		is_known = next < embedded_migrations_postgres_count &&
			   version_of(&embedded_migrations_postgres[next]) ==
				   version;
		print_line(out, version, text_of(PQgetvalue(history, row, 1)),
			   &applied_at_us,
			   is_known ? "" : " (not known to this todod)");
		if (is_known)
			next++;
		else
			found = ERR_TOO_NEW;
	}
	PQclear(history);
	if (err == ERR_OK && print_pending(out, &next, version_known() + 1) &&
	    found == ERR_OK)
		found = ERR_OUTDATED;
	return err != ERR_OK ? err : found;
}
