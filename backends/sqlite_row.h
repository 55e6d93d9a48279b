/* Tasks and users in the columns and parameters of SQLite statements. */
#ifndef TODOD_BACKENDS_SQLITE_ROW_H
#define TODOD_BACKENDS_SQLITE_ROW_H

#include "core/text.h"

struct sqlite3_stmt;
struct task;
struct task_key;
struct user;
struct uuid;

/* The columns that sqlite_row_task() reads, in its order. */
#define SQLITE_TASK_COLUMNS \
	"id, uuid, title, description, completed, created_at, updated_at"

/* The columns that sqlite_row_user() reads. */
#define SQLITE_USER_COLUMNS "id, email, name, password_hash, created_at"

/*
 * The row that a statement stands on.  Texts are SQLite's own memory, borrowed
 * until the statement goes on; user_id is the caller's.  Both give SQLite's
 * codes: SQLITE_NOMEM; SQLITE_CORRUPT when a value cannot be what was stored.
 */
int sqlite_row_task(struct sqlite3_stmt *statement, struct text user_id,
		    struct task *task) __attribute__((warn_unused_result));
int sqlite_row_user(struct sqlite3_stmt *statement, struct user *user)
	__attribute__((warn_unused_result));

/* One text of the row, borrowed likewise; null is the empty one.
 * SQLITE_NOMEM. */
int sqlite_row_text(struct sqlite3_stmt *statement, int at, struct text *text)
	__attribute__((warn_unused_result));

/*
 * Parameters are numbered from 1.  Texts are not copied: they must stay until
 * the statement is reset.  SQLite's code, which is not 0 only for want of
 * memory: the codes of several may be or-ed together.
 */
int sqlite_bind_text(struct sqlite3_stmt *statement, int at, struct text text);
int sqlite_bind_uuid_text(struct sqlite3_stmt *statement, int at,
			  const struct uuid *uuid);
int sqlite_bind_uuid(struct sqlite3_stmt *statement, int at,
		     const struct uuid *uuid);

/* The id or the uuid of a key. */
int sqlite_bind_key(struct sqlite3_stmt *statement, int at,
		    const struct task_key *key);

#endif
