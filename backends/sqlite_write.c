/* The verbs that write, each on a transaction that its caller has begun. */
#include "config.h"

#include "backends/sqlite_write.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "backends/sqlite_db.h"
#include "backends/sqlite_row.h"
#include "backends/task_copy.h"
#include "core/storage_backend.h"

enum {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_TASK_CREATE,
	SQL_TASK_CREATED,
	SQL_TASK_UPDATE_BY_ID,
	SQL_TASK_UPDATE_BY_UUID,
	SQL_TASK_TOGGLE_BY_ID,
	SQL_TASK_TOGGLE_BY_UUID,
	SQL_TASK_DELETE_BY_ID,
	SQL_TASK_DELETE_BY_UUID,
	SQL_USER_CREATE,
	SQL_USER_SET_PASSWORD,
	SQL_COUNT
};

/* Those on one task have the user in ?1 and the key in ?2. */
#define BY_ID	       " WHERE user_id = ?1 AND id = ?2"
#define BY_UUID	       " WHERE user_id = ?1 AND uuid = ?2"
#define RETURNING_TASK " RETURNING " SQLITE_TASK_COLUMNS

#define UPDATE                                                   \
	"UPDATE tasks SET title = iif(?3, ?4, title),"           \
	" title_folded = iif(?3, ?5, title_folded),"             \
	" description = iif(?6, ?7, description),"               \
	" description_folded = iif(?6, ?8, description_folded)," \
	" completed = iif(?9, ?10, completed),"                  \
	" updated_at = max(?11, updated_at + 1)"

#define TOGGLE                                        \
	"UPDATE tasks SET completed = 1 - completed," \
	" updated_at = max(?3, updated_at + 1)"

const char *const sqlite_write_sql[] = {
	/* At once: a transaction that begins to write later fails when
	 * another has written since. */
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_TASK_CREATE] =
		"INSERT INTO tasks (user_id, uuid, title, title_folded,"
		" description, description_folded, completed, created_at,"
		" updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)"
		" ON CONFLICT (user_id, uuid) DO NOTHING" RETURNING_TASK,
	[SQL_TASK_CREATED] = "SELECT " SQLITE_TASK_COLUMNS
			     " FROM tasks" BY_UUID,
	[SQL_TASK_UPDATE_BY_ID] = UPDATE BY_ID RETURNING_TASK,
	[SQL_TASK_UPDATE_BY_UUID] = UPDATE BY_UUID RETURNING_TASK,
	[SQL_TASK_TOGGLE_BY_ID] = TOGGLE BY_ID RETURNING_TASK,
	[SQL_TASK_TOGGLE_BY_UUID] = TOGGLE BY_UUID RETURNING_TASK,
	[SQL_TASK_DELETE_BY_ID] = "DELETE FROM tasks" BY_ID,
	[SQL_TASK_DELETE_BY_UUID] = "DELETE FROM tasks" BY_UUID,
	[SQL_USER_CREATE] = "INSERT INTO users (id, email, name, password_hash,"
			    " created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
	[SQL_USER_SET_PASSWORD] = "UPDATE users SET password_hash = ?3"
				  " WHERE id = ?1 AND password_hash = ?2",
	[SQL_COUNT] = NULL,
};

struct sqlite_write {
	struct sqlite_db *db;
	sqlite3_stmt *statements[SQL_COUNT];
};

enum err sqlite_write_new(struct sqlite_db *db, struct sqlite_write **write)
{
	struct sqlite_write *made = calloc(1, sizeof(*made));
	enum err err;

	if (made == NULL)
		return ERR_NO_MEMORY;
	made->db = db;
	err = sqlite_db_prepare(db, sqlite_write_sql, SQL_COUNT,
				made->statements);
	if (err != ERR_OK) {
		sqlite_write_free(&made);
		return err;
	}
	*write = made;
	return ERR_OK;
}

void sqlite_write_free(struct sqlite_write **write)
{
	if (*write == NULL)
		return;
	sqlite_db_finalize((*write)->statements, SQL_COUNT);
	free(*write);
	*write = NULL;
}

/* Runs one of the statements without parameters. */
static enum err control(struct sqlite_write *write, int sql, const char *doing)
{
	int code = sqlite3_step(write->statements[sql]);
	enum err err = sqlite_db_fail(write->db, code, doing);

	sqlite3_reset(write->statements[sql]);
	return err;
}

enum err sqlite_write_begin(struct sqlite_write *write)
{
	return control(write, SQL_BEGIN, "beginning a transaction");
}

enum err sqlite_write_commit(struct sqlite_write *write)
{
	enum err err = control(write, SQL_COMMIT, "committing");

	/* The transaction is in the log, whole, but perhaps not on the disk:
	 * if the machine stops before something else is written in its place,
	 * it may be found there. */
	if (err == ERR_UNAVAILABLE &&
	    sqlite3_extended_errcode(write->db->handle) == SQLITE_IOERR_FSYNC)
		return ERR_UNCERTAIN;
	return err;
}

bool sqlite_write_is_lost(const struct sqlite_write *write)
{
	return sqlite3_get_autocommit(write->db->handle) != 0;
}

void sqlite_write_rollback(struct sqlite_write *write)
{
	if (!sqlite_write_is_lost(write))
		(void)control(write, SQL_ROLLBACK, "rolling back");
}

/* Runs a statement whose row (if any) is the task: ERR_NOT_FOUND when there is
 * none.  code is that of the bindings. */
static enum err run_for_task(struct sqlite_write *write, int sql, int code,
			     const struct storage_call *call,
			     struct task **handed_out, const char *doing)
{
	sqlite3_stmt *statement = write->statements[sql];
	struct task *copy = NULL;
	struct task task;
	enum err err;

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_DONE) {
		err = ERR_NOT_FOUND;
	} else {
		if (code == SQLITE_ROW)
			code = sqlite_row_task(statement, call->user_id, &task);
		if (code == SQLITE_OK) {
			copy = task_copy(&task);
			code = copy != NULL ? SQLITE_OK : SQLITE_NOMEM;
		}
		err = sqlite_db_fail(write->db, code, doing);
	}
	sqlite3_reset(statement);
	*handed_out = copy;
	return err;
}

/* Runs a statement that gives no rows: ERR_NOT_FOUND when it changed none. */
static enum err run_for_count(struct sqlite_write *write, int sql, int code,
			      const char *doing)
{
	sqlite3_stmt *statement = write->statements[sql];
	enum err err;

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	err = sqlite_db_fail(write->db, code, doing);
	if (err == ERR_OK && sqlite3_changes(write->db->handle) == 0)
		err = ERR_NOT_FOUND;
	sqlite3_reset(statement);
	return err;
}

static int bind_text_or_null(sqlite3_stmt *statement, int at, bool is_text,
			     struct text text)
{
	if (!is_text)
		return sqlite3_bind_null(statement, at);
	return sqlite_bind_text(statement, at, text);
}

/* The user and the key of a verb on one task. */
static int bind_task(struct sqlite_write *write, int sql,
		     const struct storage_call *call)
{
	sqlite3_stmt *statement = write->statements[sql];

	return sqlite_bind_text(statement, 1, call->user_id) |
	       sqlite_bind_key(statement, 2, &call->key);
}

static enum err task_create(struct sqlite_write *write,
			    const struct storage_call *call, struct task **task)
{
	const struct task_draft *draft = &call->in.draft;
	sqlite3_stmt *statement = write->statements[SQL_TASK_CREATE];
	enum err err;
	int code;

	code = sqlite_bind_text(statement, 1, call->user_id) |
	       sqlite_bind_uuid(statement, 2, &draft->uuid) |
	       sqlite_bind_text(statement, 3, draft->title) |
	       sqlite_bind_text(statement, 4, draft->title_folded) |
	       bind_text_or_null(statement, 5, draft->has_description,
				 draft->description) |
	       bind_text_or_null(statement, 6, draft->has_description,
				 draft->description_folded) |
	       sqlite3_bind_int(statement, 7, draft->completed) |
	       sqlite3_bind_int64(statement, 8, draft->now_us);
	err = run_for_task(write, SQL_TASK_CREATE, code, call, task,
			   "creating a task");
	if (err != ERR_NOT_FOUND)
		return err;
	/* It is there already: this is the same create again. */
	statement = write->statements[SQL_TASK_CREATED];
	code = sqlite_bind_text(statement, 1, call->user_id) |
	       sqlite_bind_uuid(statement, 2, &draft->uuid);
	return run_for_task(write, SQL_TASK_CREATED, code, call, task,
			    "reading a created task");
}

static enum err task_update(struct sqlite_write *write,
			    const struct storage_call *call, struct task **task)
{
	const struct task_changes *changes = &call->in.changes;
	bool sets_description = changes->description == TASK_SET;
	int sql = call->key.kind == TASK_KEY_ID ? SQL_TASK_UPDATE_BY_ID :
						  SQL_TASK_UPDATE_BY_UUID;
	sqlite3_stmt *statement = write->statements[sql];
	int code;

	code = bind_task(write, sql, call) |
	       sqlite3_bind_int(statement, 3, changes->title == TASK_SET) |
	       sqlite_bind_text(statement, 4, changes->title_text) |
	       sqlite_bind_text(statement, 5, changes->title_folded) |
	       sqlite3_bind_int(statement, 6,
				changes->description != TASK_KEEP) |
	       bind_text_or_null(statement, 7, sets_description,
				 changes->description_text) |
	       bind_text_or_null(statement, 8, sets_description,
				 changes->description_folded) |
	       sqlite3_bind_int(statement, 9, changes->completed == TASK_SET) |
	       sqlite3_bind_int(statement, 10, changes->completed_value) |
	       sqlite3_bind_int64(statement, 11, changes->now_us);
	return run_for_task(write, sql, code, call, task, "updating a task");
}

static enum err task_toggle(struct sqlite_write *write,
			    const struct storage_call *call, struct task **task)
{
	int sql = call->key.kind == TASK_KEY_ID ? SQL_TASK_TOGGLE_BY_ID :
						  SQL_TASK_TOGGLE_BY_UUID;
	int code;

	code = bind_task(write, sql, call) |
	       sqlite3_bind_int64(write->statements[sql], 3, call->in.now_us);
	return run_for_task(write, sql, code, call, task, "toggling a task");
}

static enum err task_delete(struct sqlite_write *write,
			    const struct storage_call *call)
{
	int sql = call->key.kind == TASK_KEY_ID ? SQL_TASK_DELETE_BY_ID :
						  SQL_TASK_DELETE_BY_UUID;

	return run_for_count(write, sql, bind_task(write, sql, call),
			     "deleting a task");
}

static enum err user_create(struct sqlite_write *write,
			    const struct storage_call *call)
{
	const struct user *user = &call->in.user;
	sqlite3_stmt *statement = write->statements[SQL_USER_CREATE];
	int code;

	code = sqlite_bind_uuid_text(statement, 1, &user->id) |
	       sqlite_bind_text(statement, 2, user->email) |
	       sqlite_bind_text(statement, 3, user->name) |
	       sqlite_bind_text(statement, 4, user->password_hash) |
	       sqlite3_bind_int64(statement, 5, user->created_at_us);
	return run_for_count(write, SQL_USER_CREATE, code, "creating a user");
}

static enum err user_set_password(struct sqlite_write *write,
				  const struct storage_call *call)
{
	sqlite3_stmt *statement = write->statements[SQL_USER_SET_PASSWORD];
	int code;

	code = sqlite_bind_uuid_text(statement, 1, &call->in.password.id) |
	       sqlite_bind_text(statement, 2, call->in.password.old_hash) |
	       sqlite_bind_text(statement, 3, call->in.password.new_hash);
	return run_for_count(write, SQL_USER_SET_PASSWORD, code,
			     "changing a password");
}

static enum err run_verb(struct sqlite_write *write,
			 const struct storage_call *call, struct task **task)
{
	switch (call->verb) {
	case STORAGE_TASK_CREATE:
		return task_create(write, call, task);
	case STORAGE_TASK_UPDATE:
		return task_update(write, call, task);
	case STORAGE_TASK_TOGGLE:
		return task_toggle(write, call, task);
	case STORAGE_TASK_DELETE:
		return task_delete(write, call);
	case STORAGE_USER_CREATE:
		return user_create(write, call);
	case STORAGE_USER_SET_PASSWORD:
		return user_set_password(write, call);
	case STORAGE_PING:
	case STORAGE_TASK_GET:
	case STORAGE_TASK_LIST:
	case STORAGE_USER_BY_EMAIL:
	case STORAGE_USER_BY_ID:
		break;
	}
	BUG("a verb that reads was given to the writer");
}

enum err sqlite_write_run(struct sqlite_write *write,
			  const struct storage_call *call, struct task **task)
{
	enum err err;

	*task = NULL;
	err = run_verb(write, call, task);
	if (err == ERR_OK)
		return ERR_OK;
	/* A statement that finds nothing, or breaks a constraint, has changed
	 * nothing.  After anything else that is not certain: its row may be
	 * there, and only the copy of it not to be had. */
	if (err != ERR_NOT_FOUND && err != ERR_CONFLICT)
		sqlite_write_rollback(write);
	free(*task);
	*task = NULL;
	return err;
}
