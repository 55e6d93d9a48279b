/*
 * A connection to the SQLite file with the settings that all of todod's have,
 * and the one place where SQLite's codes become ours.
 *
 * A connection belongs to one thread at a time.  What went wrong on it is kept
 * with it until somebody who may write to the log does so: the writer's thread
 * may not.
 */
#ifndef TODOD_BACKENDS_SQLITE_DB_H
#define TODOD_BACKENDS_SQLITE_DB_H

#include <stddef.h>

#include "core/err.h"
#include "core/loglimit.h"

struct sqlite3;
struct sqlite3_stmt;

/* The first thing that went wrong since the last line in the log. */
struct sqlite_failure {
	enum err err; /* ERR_OK: nothing did */
	int code;     /* SQLite's, extended */
	const char *doing;
	char reason[200];
};

struct sqlite_db {
	struct sqlite3 *handle;
	struct sqlite_failure failure;
};

enum sqlite_db_mode { SQLITE_DB_READ_ONLY, SQLITE_DB_READ_WRITE };

/* Waits so long at most for other connections, unless it is set otherwise. */
#define SQLITE_BUSY_TIMEOUT_MS 5000

/*
 * Opens the file, which must exist.  The connection makes no checkpoint on its
 * own, also when it is closed, until sqlite_db_allow_checkpoint().  ERR_… as
 * sqlite_db_fail(); the failure has been logged.
 */
enum err sqlite_db_open(const char *path, enum sqlite_db_mode mode,
			struct sqlite_db *db)
	__attribute__((warn_unused_result));

/* Nothing happens when it was closed before. */
void sqlite_db_close(struct sqlite_db *db);

/* Only for a caller that holds the lock until after the close: if this is the
 * last connection, the close leaves one complete file. */
void sqlite_db_allow_checkpoint(struct sqlite_db *db);

/*
 * Our number for one of SQLite's, which the connection has just given for
 * doing (a constant: "reading a task").  It is remembered in db->failure, but
 * for what is no failure: ERR_OK, ERR_CONFLICT, ERR_BUSY (somebody else has
 * the file locked: try again).
 *
 * ERR_UNAVAILABLE: disk full or failing; ERR_CORRUPT; ERR_NO_MEMORY;
 * ERR_SYSTEM: the rest, which is ours to mend.
 */
enum err sqlite_db_fail(struct sqlite_db *db, int code, const char *doing);

/* Remembers a failure that is not SQLite's; reason NULL: errno. */
void sqlite_failure_note(struct sqlite_failure *failure, const char *doing,
			 const char *reason);

/* Writes the failure (if any) to the log and forgets it; limit may be NULL. */
void sqlite_failure_log(struct sqlite_failure *failure, struct loglimit *limit);

/* For who has waited long enough: ERR_BUSY becomes ERR_UNAVAILABLE and is
 * logged, the others stay. */
enum err sqlite_db_give_up(enum err err, const char *path);

/* Runs statements that give no rows. */
enum err sqlite_db_exec(struct sqlite_db *db, const char *sql,
			const char *doing) __attribute__((warn_unused_result));

/* The integer in the first column of the first row; 0 when there is none. */
enum err sqlite_db_number(struct sqlite_db *db, const char *sql,
			  const char *doing, long long *number)
	__attribute__((warn_unused_result));

/* Prepares count statements that are kept; on failure those that were made are
 * still to be finalized. */
enum err sqlite_db_prepare(struct sqlite_db *db, const char *const *sql,
			   size_t count, struct sqlite3_stmt **statements)
	__attribute__((warn_unused_result));
void sqlite_db_finalize(struct sqlite3_stmt **statements, size_t count);

#endif
