/* The schema's version, and the migrations that are part of the program. */
#include "config.h"

#include "backends/sqlite_schema.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "backends/migration.h"
#include "backends/sqlite_db.h"
#include "core/clock.h"
#include "core/embedded.h"
#include "core/log.h"

static const char sql_has_history[] =
	"SELECT count(*) FROM sqlite_schema"
	" WHERE type = 'table' AND name = 'schema_migrations'";
static const char sql_has_tables[] =
	"SELECT count(*) FROM sqlite_schema"
	" WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
static const char sql_create_history[] =
	"CREATE TABLE IF NOT EXISTS schema_migrations ("
	" version INTEGER PRIMARY KEY,"
	" name TEXT NOT NULL,"
	" applied_at INTEGER NOT NULL) STRICT";
static const char sql_history[] =
	"SELECT version, name, applied_at FROM schema_migrations"
	" ORDER BY version";
static const char sql_is_applied[] =
	"SELECT count(*) FROM schema_migrations WHERE version = ?1";
static const char sql_remember[] =
	"INSERT INTO schema_migrations (version, name, applied_at)"
	" VALUES (?1, ?2, ?3)";

static struct migration_set known_set(void)
{
	const struct migration_set set = {
		embedded_migrations_sqlite,
		embedded_migrations_sqlite_count,
	};

	return set;
}

/* The one number that a statement with the parameter value gives. */
static enum err number_for(struct sqlite_db *db, const char *sql,
			   long long value, long long *number)
{
	sqlite3_stmt *statement = NULL;
	int code;

	code = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(statement, 1, value);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return sqlite_db_fail(db, code, "reading the schema's version");
}

static enum err read_records(struct sqlite_db *db,
			     struct migration_history *history)
{
	static const char doing[] = "reading the migrations";
	sqlite3_stmt *statement = NULL;
	enum err err = ERR_OK;
	int code;

	code = sqlite3_prepare_v2(db->handle, sql_history, -1, &statement,
				  NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	for (; code == SQLITE_ROW && err == ERR_OK;
	     code = sqlite3_step(statement)) {
		const void *name = sqlite3_column_text(statement, 1);

		err = migration_history_add(history,
					    sqlite3_column_int64(statement, 0),
					    text_of(name),
					    sqlite3_column_int64(statement, 2));
	}
	sqlite3_finalize(statement);
	return err != ERR_OK ? err : sqlite_db_fail(db, code, doing);
}

/* What was applied; the caller releases it whatever comes back. */
static enum err read_history(struct sqlite_db *db,
			     struct migration_history *history)
{
	static const struct migration_history empty;
	long long count;
	enum err err = sqlite_db_number(db, sql_has_history,
					"looking for migrations", &count);

	*history = empty;
	if (err != ERR_OK || count == 0)
		return err;
	history->is_there = true;
	return read_records(db, history);
}

/* Whether a pragma has a value. */
static enum err pragma_is(struct sqlite_db *db, const char *sql,
			  const char *wanted, bool *is_so)
{
	sqlite3_stmt *statement = NULL;
	const char *value = NULL;
	int code;

	code = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		value = (const char *)sqlite3_column_text(statement, 0);
	*is_so = value != NULL && strcmp(value, wanted) == 0;
	sqlite3_finalize(statement);
	return sqlite_db_fail(db, code, "reading a pragma");
}

/* A back-up comes without the log; the migration switches it on again. */
static enum err check_format(struct sqlite_db *db)
{
	bool has_log = false, is_utf8 = false;
	enum err err;

	err = pragma_is(db, "PRAGMA journal_mode", "wal", &has_log);
	if (err == ERR_OK)
		err = pragma_is(db, "PRAGMA encoding", "UTF-8", &is_utf8);
	if (err == ERR_OK && !is_utf8) {
		log_event(LOG_ERROR, "database is not in UTF-8",
			  LOG_STRING("remedy", "name another file"));
		return ERR_INVALID;
	}
	if (err == ERR_OK && !has_log) {
		log_event(LOG_ERROR, "database is without a write-ahead log",
			  LOG_STRING("remedy", "run todod migrate"));
		return ERR_OUTDATED;
	}
	return err;
}

static enum err check(struct sqlite_db *db)
{
	const struct migration_set set = known_set();
	struct migration_history history;
	enum err err = read_history(db, &history);

	if (err == ERR_OK)
		err = migration_check(&set, &history);
	migration_history_release(&history);
	return err == ERR_OK ? check_format(db) : err;
}

enum err sqlite_schema_check(struct sqlite_db *db)
{
	enum err err = check(db);

	sqlite_failure_log(&db->failure, NULL);
	return err;
}

static enum err remember(struct sqlite_db *db, const struct embedded_file *file)
{
	struct text name = migration_name(file);
	sqlite3_stmt *statement = NULL;
	int code;

	code = sqlite3_prepare_v2(db->handle, sql_remember, -1, &statement,
				  NULL);
	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(statement, 1,
					  migration_version(file)) |
		       sqlite3_bind_text(statement, 2, name.ptr, (int)name.len,
					 SQLITE_STATIC) |
		       sqlite3_bind_int64(statement, 3, clock_wall_us());
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	sqlite3_finalize(statement);
	return sqlite_db_fail(db, code, "remembering a migration");
}

/* Applies one migration unless it is there; in a transaction. */
static enum err apply_one(struct sqlite_db *db,
			  const struct embedded_file *file, bool *did_apply)
{
	long long count = 0;
	enum err err;

	err = number_for(db, sql_is_applied, migration_version(file), &count);
	*did_apply = err == ERR_OK && count == 0;
	if (*did_apply)
		err = sqlite_db_exec(db, (const char *)file->data,
				     "applying a migration");
	if (*did_apply && err == ERR_OK)
		err = remember(db, file);
	return err;
}

/* In one line of the log with its file; who waits for a lock failed at
 * nothing. */
static void log_failed(struct sqlite_db *db, const struct embedded_file *file,
		       enum err err)
{
	struct sqlite_failure *failure = &db->failure;
	char code[16];

	if (err == ERR_BUSY)
		return;
	(void)snprintf(code, sizeof(code), "%d", failure->code);
	if (failure->err == ERR_OK)
		migration_log_failed(file, err_text(err), NULL);
	else
		migration_log_failed(file, failure->reason, code);
	failure->err = ERR_OK;
}

static enum err apply_in_transaction(struct sqlite_db *db,
				     const struct embedded_file *file)
{
	bool did_apply = false;
	enum err err;

	err = sqlite_db_exec(db, "BEGIN EXCLUSIVE", "beginning a migration");
	if (err == ERR_OK)
		err = sqlite_db_exec(db, sql_create_history,
				     "creating the table of migrations");
	if (err == ERR_OK)
		err = apply_one(db, file, &did_apply);
	if (err == ERR_OK)
		err = sqlite_db_exec(db, "COMMIT", "committing a migration");
	if (err != ERR_OK && sqlite3_get_autocommit(db->handle) == 0)
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
	if (err != ERR_OK)
		log_failed(db, file, err);
	else if (did_apply)
		migration_log_applied(file);
	/* To the caller it is not what it would be to a request. */
	return err == ERR_CONFLICT ? ERR_SYSTEM : err;
}

/* Refuses to add our tables to those of somebody else. */
static enum err check_is_ours(struct sqlite_db *db)
{
	long long tables;
	enum err err = sqlite_db_number(db, sql_has_tables,
					"looking for tables", &tables);

	if (err != ERR_OK || tables == 0)
		return err;
	migration_log_foreign("name a file of its own for todod");
	return ERR_INVALID;
}

/* What was applied, of a database that may be migrated. */
static enum err read_ours(struct sqlite_db *db,
			  struct migration_history *history)
{
	const struct migration_set set = known_set();
	enum err err = read_history(db, history);

	if (err == ERR_OK)
		err = migration_check_newest(&set, history);
	if (err == ERR_OK && !history->is_there)
		err = check_is_ours(db);
	return err;
}

static enum err apply(struct sqlite_db *db)
{
	const struct migration_set set = known_set();
	struct migration_history history;
	const struct embedded_file *file;
	bool has_log = false;
	size_t next = 0;
	enum err err = read_ours(db, &history);

	/* Has its effect in an empty file, and is no harm in others. */
	if (err == ERR_OK)
		err = sqlite_db_exec(db, "PRAGMA encoding = 'UTF-8'",
				     "choosing the encoding");
	if (err == ERR_OK)
		err = pragma_is(db, "PRAGMA journal_mode = WAL", "wal",
				&has_log);
	/* It says what it is when it cannot be what it should. */
	if (err == ERR_OK && !has_log)
		err = ERR_BUSY;
	while (err == ERR_OK &&
	       (file = migration_pending(&set, &history, &next)) != NULL)
		err = apply_in_transaction(db, file);
	migration_history_release(&history);
	return err;
}

enum err sqlite_schema_apply(struct sqlite_db *db)
{
	enum err err = apply(db);

	sqlite_failure_log(&db->failure, NULL);
	return err;
}

enum err sqlite_schema_print_status(struct sqlite_db *db, FILE *out)
{
	const struct migration_set set = known_set();
	struct migration_history history = { 0 };
	enum err err = ERR_OK;

	if (db != NULL)
		err = read_history(db, &history);
	if (err == ERR_OK)
		err = migration_print_status(&set, &history, out);
	migration_history_release(&history);
	if (db != NULL)
		sqlite_failure_log(&db->failure, NULL);
	return err;
}

enum err sqlite_schema_print_pending(struct sqlite_db *db, FILE *out)
{
	const struct migration_set set = known_set();
	struct migration_history history = { 0 };
	const struct embedded_file *file;
	enum err err = ERR_OK;
	size_t next = 0;

	if (db != NULL)
		err = read_ours(db, &history);
	while (err == ERR_OK &&
	       (file = migration_pending(&set, &history, &next)) != NULL)
		migration_print_sql(file, text_of((const char *)file->data),
				    out);
	migration_history_release(&history);
	if (db != NULL)
		sqlite_failure_log(&db->failure, NULL);
	return err;
}
