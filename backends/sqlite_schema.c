/* The schema's version, and the migrations that are part of the program. */
#include "config.h"

#include "backends/sqlite_schema.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "backends/sqlite_db.h"
#include "core/clock.h"
#include "core/embedded.h"
#include "core/log.h"
#include "core/timestamp.h"

/* NNNN_verb_noun.sql */
#define VERSION_DIGITS 4
#define NAME_SUFFIX    ".sql"

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
static const char sql_newest[] = "SELECT max(version) FROM schema_migrations";
static const char sql_count_known[] =
	"SELECT count(*) FROM schema_migrations WHERE version <= ?1";
static const char sql_is_applied[] =
	"SELECT count(*) FROM schema_migrations WHERE version = ?1";
static const char sql_remember[] =
	"INSERT INTO schema_migrations (version, name, applied_at)"
	" VALUES (?1, ?2, ?3)";

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
	if (embedded_migrations_sqlite_count == 0)
		BUG("there are no migrations");
	return version_of(
		&embedded_migrations_sqlite[embedded_migrations_sqlite_count -
					    1]);
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

/* The newest version that was applied; 0: none, *has_history: the table of
 * migrations is there. */
static enum err version_applied(struct sqlite_db *db, bool *has_history,
				long long *version)
{
	static const char doing[] = "reading the schema's version";
	long long count;
	enum err err;

	*version = 0;
	err = sqlite_db_number(db, sql_has_history, doing, &count);
	if (err != ERR_OK)
		return err;
	*has_history = count > 0;
	if (count == 0)
		return ERR_OK;
	return sqlite_db_number(db, sql_newest, doing, version);
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
	if (err == ERR_OK && !has_log)
		return log_outdated();
	return err;
}

static enum err check(struct sqlite_db *db)
{
	long long version, applied = 0;
	bool has_history = false;
	enum err err = version_applied(db, &has_history, &version);

	if (err != ERR_OK)
		return err;
	if (version > version_known())
		return log_too_new(version);
	if (has_history)
		err = number_for(db, sql_count_known, version_known(),
				 &applied);
	if (err != ERR_OK)
		return err;
	if (applied < (long long)embedded_migrations_sqlite_count)
		return log_outdated();
	return check_format(db);
}

enum err sqlite_schema_check(struct sqlite_db *db)
{
	enum err err = check(db);

	sqlite_failure_log(&db->failure, NULL);
	return err;
}

static enum err remember(struct sqlite_db *db, const struct embedded_file *file)
{
	struct text name = name_of(file);
	sqlite3_stmt *statement = NULL;
	int code;

	code = sqlite3_prepare_v2(db->handle, sql_remember, -1, &statement,
				  NULL);
	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(statement, 1, version_of(file)) |
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

	err = number_for(db, sql_is_applied, version_of(file), &count);
	*did_apply = err == ERR_OK && count == 0;
	if (*did_apply)
		err = sqlite_db_exec(db, (const char *)file->data,
				     "applying a migration");
	if (*did_apply && err == ERR_OK)
		err = remember(db, file);
	return err;
}

static enum err apply_in_transaction(struct sqlite_db *db,
				     const struct embedded_file *file)
{
	bool did_apply = false;
	enum err err;

	err = sqlite_db_exec(db, "BEGIN EXCLUSIVE", "beginning a migration");
	if (err != ERR_OK)
		return err;
	err = sqlite_db_exec(db, sql_create_history,
			     "creating the table of migrations");
	if (err == ERR_OK)
		err = apply_one(db, file, &did_apply);
	if (err == ERR_OK)
		err = sqlite_db_exec(db, "COMMIT", "committing a migration");
	if (err != ERR_OK)
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
	if (err == ERR_OK && did_apply)
		log_event(LOG_INFO, "migration applied",
			  LOG_INT("version", version_of(file)),
			  LOG_TEXT("name", name_of(file)));
	return err;
}

/* Refuses to add our tables to those of somebody else. */
static enum err check_is_ours(struct sqlite_db *db)
{
	long long tables;
	enum err err = sqlite_db_number(db, sql_has_tables,
					"looking for tables", &tables);

	if (err != ERR_OK || tables == 0)
		return err;
	log_event(LOG_ERROR, "database holds tables of another program",
		  LOG_STRING("remedy", "name a file of its own for todod"));
	return ERR_INVALID;
}

static enum err apply(struct sqlite_db *db)
{
	bool has_history = false, has_log = false;
	long long version;
	enum err err;
	size_t i;

	err = version_applied(db, &has_history, &version);
	if (err == ERR_OK && version > version_known())
		return log_too_new(version);
	if (err == ERR_OK && !has_history)
		err = check_is_ours(db);
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
	for (i = 0; err == ERR_OK && i < embedded_migrations_sqlite_count; i++)
		err = apply_in_transaction(db, &embedded_migrations_sqlite[i]);
	return err;
}

enum err sqlite_schema_apply(struct sqlite_db *db)
{
	enum err err = apply(db);

	sqlite_failure_log(&db->failure, NULL);
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

	for (; *next < embedded_migrations_sqlite_count; ++*next) {
		const struct embedded_file *file =
			&embedded_migrations_sqlite[*next];

		if (version_of(file) >= before)
			break;
		print_line(out, version_of(file), name_of(file), NULL, "");
		is_missing = true;
	}
	return is_missing;
}

/* Merges what was applied with what is known, both by version. */
static enum err print_history(struct sqlite_db *db, FILE *out)
{
	sqlite3_stmt *statement = NULL;
	enum err found = ERR_OK;
	size_t next = 0;
	int code;

	code = sqlite3_prepare_v2(db->handle, sql_history, -1, &statement,
				  NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	for (; code == SQLITE_ROW; code = sqlite3_step(statement)) {
		long long version = sqlite3_column_int64(statement, 0);
		int64_t applied_at_us = sqlite3_column_int64(statement, 2);
		bool is_known;

		if (print_pending(out, &next, version) && found == ERR_OK)
			found = ERR_OUTDATED;
		is_known = next < embedded_migrations_sqlite_count &&
			   version_of(&embedded_migrations_sqlite[next]) ==
				   version;
		print_line(out, version,
			   text_of((const char *)sqlite3_column_text(statement,
								     1)),
			   &applied_at_us,
			   is_known ? "" : " (not known to this todod)");
		if (is_known)
			next++;
		else
			found = ERR_TOO_NEW;
	}
	sqlite3_finalize(statement);
	if (code != SQLITE_DONE)
		return sqlite_db_fail(db, code, "reading the migrations");
	if (print_pending(out, &next, version_known() + 1) && found == ERR_OK)
		found = ERR_OUTDATED;
	return found;
}

enum err sqlite_schema_print(struct sqlite_db *db, FILE *out)
{
	bool has_history = false;
	long long version;
	enum err err = ERR_OK;
	size_t next = 0;

	if (db != NULL)
		err = version_applied(db, &has_history, &version);
	if (err == ERR_OK && has_history)
		err = print_history(db, out);
	else if (err == ERR_OK &&
		 print_pending(out, &next, version_known() + 1))
		err = ERR_OUTDATED;
	if (db != NULL)
		sqlite_failure_log(&db->failure, NULL);
	return err;
}
