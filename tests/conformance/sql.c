/* SQL of the test's own on a SQLite file. */
#include "config.h"

#include "tests/conformance/sql.h"

#include <sqlite3.h>
#include <string.h>

#include "tests/support/tap.h"

struct sqlite3 *sql_open(const char *path)
{
	sqlite3 *db;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) !=
	    SQLITE_OK)
		bail_out("%s does not open: %s", path, sqlite3_errmsg(db));
	/* It must not interfere: checkpoints are for who holds the lock. */
	sqlite3_wal_autocheckpoint(db, 0);
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_busy_timeout(db, 10000);
	return db;
}

void sql_close(struct sqlite3 **db)
{
	if (sqlite3_close(*db) != SQLITE_OK)
		bail_out("the test's connection does not close");
	*db = NULL;
}

void sql_run(struct sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		bail_out("%s: %s", sql, sqlite3_errmsg(db));
}

int64_t sql_number(struct sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement;
	int64_t number;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW)
		bail_out("%s: %s", sql, sqlite3_errmsg(db));
	number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return number;
}

int64_t sql_number_in(const char *path, const char *sql)
{
	sqlite3 *db = sql_open(path);
	int64_t number = sql_number(db, sql);

	sql_close(&db);
	return number;
}

void sql_run_in(const char *path, const char *sql)
{
	sqlite3 *db = sql_open(path);

	sql_run(db, sql);
	sql_close(&db);
}

bool sql_is_intact(const char *path)
{
	sqlite3 *db = sql_open(path);
	sqlite3_stmt *statement;
	const char *said = NULL;
	bool is_intact;

	if (sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement,
			       NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		said = (const char *)sqlite3_column_text(statement, 0);
	is_intact = said != NULL && strcmp(said, "ok") == 0;
	if (!is_intact)
		diag("%s", said != NULL ? said : sqlite3_errmsg(db));
	sqlite3_finalize(statement);
	sql_close(&db);
	return is_intact;
}
