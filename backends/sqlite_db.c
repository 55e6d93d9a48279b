/* A connection to the SQLite file, and SQLite's codes in our words. */
#include "config.h"

#include "backends/sqlite_db.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"

/* Kibibytes of pages that a connection remembers. */
#define CACHE_PRAGMA "PRAGMA cache_size = -8000"

/* The log is cut back to this when it starts anew. */
#define LOG_SIZE_PRAGMA "PRAGMA journal_size_limit = 67108864"

static const char *const open_pragmas[] = {
	CACHE_PRAGMA,
	LOG_SIZE_PRAGMA,
	/* A commit is on the disk before it is acknowledged. */
	"PRAGMA synchronous = FULL",
	/* A page that another process changes must not change under us. */
	"PRAGMA mmap_size = 0",
	"PRAGMA cell_size_check = ON",
	"PRAGMA temp_store = MEMORY",
};

static const struct {
	int option;
	int value;
} open_options[] = {
	{ SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
	{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
	{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
	{ SQLITE_DBCONFIG_DQS_DML, 0 },
	{ SQLITE_DBCONFIG_DQS_DDL, 0 },
	{ SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1 },
};

/* By the primary code; the few extended ones that differ come before. */
static enum err err_from_sqlite(int code)
{
	switch (code) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
		return ERR_CONFLICT;
	case SQLITE_IOERR_NOMEM:
		return ERR_NO_MEMORY;
	case SQLITE_IOERR_CORRUPTFS:
		return ERR_CORRUPT;
	default:
		break;
	}
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return ERR_OK;
	case SQLITE_BUSY:
		return ERR_BUSY;
	case SQLITE_NOMEM:
		return ERR_NO_MEMORY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_CORRUPT;
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
	case SQLITE_INTERRUPT:
		return ERR_UNAVAILABLE;
	default:
		return ERR_SYSTEM;
	}
}

enum err sqlite_db_fail(struct sqlite_db *db, int code, const char *doing)
{
	enum err err = err_from_sqlite(code);
	struct sqlite_failure *failure = &db->failure;

	if (err == ERR_OK || err == ERR_CONFLICT || err == ERR_BUSY)
		return err;
	/* The first is the cause, what follows mostly its consequence; but
	 * nothing hides damage. */
	if (failure->err == ERR_CORRUPT ||
	    (failure->err != ERR_OK && err != ERR_CORRUPT))
		return err;
	failure->err = err;
	failure->code = code;
	failure->doing = doing;
	(void)snprintf(failure->reason, sizeof(failure->reason), "%s",
		       sqlite3_extended_errcode(db->handle) == code ?
			       sqlite3_errmsg(db->handle) :
			       sqlite3_errstr(code));
	return err;
}

void sqlite_failure_note(struct sqlite_failure *failure, const char *doing,
			 const char *reason)
{
	failure->err = ERR_SYSTEM;
	failure->code = reason == NULL ? errno : 0;
	failure->doing = doing;
	if (reason != NULL)
		(void)snprintf(failure->reason, sizeof(failure->reason), "%s",
			       reason);
	else
		(void)snprintf(failure->reason, sizeof(failure->reason), "%m");
}

void sqlite_failure_log(struct sqlite_failure *failure, struct loglimit *limit)
{
	int64_t suppressed = 0;

	if (failure->err == ERR_OK)
		return;
	if (limit == NULL ||
	    loglimit_is_open(limit, clock_monotonic_us(), &suppressed))
		log_event(LOG_ERROR, "database error",
			  LOG_STRING("doing", failure->doing),
			  LOG_STRING("reason", failure->reason),
			  LOG_INT("code", failure->code),
			  LOG_INT("suppressed", suppressed));
	failure->err = ERR_OK;
}

enum err sqlite_db_give_up(enum err err, const char *path)
{
	if (err != ERR_BUSY)
		return err;
	log_event(LOG_ERROR, "another program keeps the database locked",
		  LOG_STRING("path", path));
	return ERR_UNAVAILABLE;
}

enum err sqlite_db_exec(struct sqlite_db *db, const char *sql,
			const char *doing)
{
	return sqlite_db_fail(
		db, sqlite3_exec(db->handle, sql, NULL, NULL, NULL), doing);
}

enum err sqlite_db_number(struct sqlite_db *db, const char *sql,
			  const char *doing, long long *number)
{
	sqlite3_stmt *statement = NULL;
	int code;

	*number = 0;
	code = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return sqlite_db_fail(db, code, doing);
}

/*
 * How SQLite reads.  It takes these errors for a damaged file system, and says
 * of that what it says of a damaged database, for which todod stops.  But a
 * disk that is away for a moment damages nothing: with any other error the call
 * fails and the next one may succeed.  Damage shows in what is read.
 */
static ssize_t read_at(int fd, void *bytes, size_t len, off_t offset)
{
	ssize_t got = pread(fd, bytes, len, offset);

	if (got < 0 && (errno == EIO || errno == ENXIO || errno == ERANGE))
		errno = EREMOTEIO;
	return got;
}

/* For all connections of the process; once, before there are threads. */
static void replace_reading(void)
{
	static const char *const names[] = { "pread", "pread64" };
	const sqlite3_syscall_ptr ours = (sqlite3_syscall_ptr)read_at;
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	size_t i;

	if (vfs == NULL || vfs->iVersion < 3)
		return;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		sqlite3_syscall_ptr now = vfs->xGetSystemCall(vfs, names[i]);

		/* Of two names it has the one that it was built with. */
		if (now != NULL && now != ours)
			(void)vfs->xSetSystemCall(vfs, names[i], ours);
	}
}

static enum err configure(struct sqlite_db *db)
{
	enum err err = ERR_OK;
	size_t i;

	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, SQLITE_BUSY_TIMEOUT_MS);
	for (i = 0; i < sizeof(open_options) / sizeof(open_options[0]); i++)
		if (sqlite3_db_config(db->handle, open_options[i].option,
				      open_options[i].value, NULL) != SQLITE_OK)
			BUG("SQLite lacks an option");
	/* Checkpoints are for whoever holds the lock. */
	sqlite3_wal_autocheckpoint(db->handle, 0);
	for (i = 0; i < sizeof(open_pragmas) / sizeof(open_pragmas[0]) &&
		    err == ERR_OK;
	     i++)
		err = sqlite_db_exec(db, open_pragmas[i],
				     "preparing the connection");
	return err;
}

enum err sqlite_db_open(const char *path, enum sqlite_db_mode mode,
			struct sqlite_db *db)
{
	static const struct sqlite_db closed;
	int flags = mode == SQLITE_DB_READ_WRITE ? SQLITE_OPEN_READWRITE :
						   SQLITE_OPEN_READONLY;
	enum err err;
	int code;

	*db = closed;
	replace_reading();
	code = sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX,
			       NULL);
	err = sqlite_db_fail(db, code, "opening the database");
	if (err == ERR_OK)
		err = configure(db);
	sqlite_failure_log(&db->failure, NULL);
	if (err != ERR_OK)
		sqlite_db_close(db);
	return err;
}

void sqlite_db_close(struct sqlite_db *db)
{
	if (sqlite3_close(db->handle) != SQLITE_OK)
		BUG("a statement outlives its connection");
	db->handle = NULL;
}

void sqlite_db_allow_checkpoint(struct sqlite_db *db)
{
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0,
			  NULL);
}

enum err sqlite_db_prepare(struct sqlite_db *db, const char *const *sql,
			   size_t count, struct sqlite3_stmt **statements)
{
	size_t i;

	for (i = 0; i < count; i++) {
		int code = sqlite3_prepare_v3(db->handle, sql[i], -1,
					      SQLITE_PREPARE_PERSISTENT,
					      &statements[i], NULL);

		if (code != SQLITE_OK)
			return sqlite_db_fail(db, code,
					      "preparing a statement");
	}
	return ERR_OK;
}

void sqlite_db_finalize(struct sqlite3_stmt **statements, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		sqlite3_finalize(statements[i]);
		statements[i] = NULL;
	}
}
