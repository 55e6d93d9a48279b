/* Tasks and users in the columns and parameters of SQLite statements. */
#include "config.h"

#include "backends/sqlite_row.h"

#include <sqlite3.h>
#include <string.h>

#include "core/err.h"
#include "core/task.h"
#include "core/user.h"
#include "core/uuid.h"

/* As a blob: asked for a text SQLite copies it to put a NUL at its end. */
int sqlite_row_text(struct sqlite3_stmt *statement, int at, struct text *text)
{
	text->ptr = sqlite3_column_blob(statement, at);
	text->len = (size_t)sqlite3_column_bytes(statement, at);
	if (text->ptr == NULL && text->len > 0)
		return SQLITE_NOMEM;
	return SQLITE_OK;
}

int sqlite_row_task(struct sqlite3_stmt *statement, struct text user_id,
		    struct task *task)
{
	static const struct task empty;
	struct text uuid;

	*task = empty;
	task->user_id = user_id;
	task->id = sqlite3_column_int64(statement, 0);
	task->has_description = sqlite3_column_type(statement, 3) !=
				SQLITE_NULL;
	task->completed = sqlite3_column_int(statement, 4) != 0;
	task->created_at_us = sqlite3_column_int64(statement, 5);
	task->updated_at_us = sqlite3_column_int64(statement, 6);
	if (sqlite_row_text(statement, 1, &uuid) != SQLITE_OK ||
	    sqlite_row_text(statement, 2, &task->title) != SQLITE_OK ||
	    sqlite_row_text(statement, 3, &task->description) != SQLITE_OK)
		return SQLITE_NOMEM;
	if (uuid.len != UUID_BYTES)
		return SQLITE_CORRUPT;
	memcpy(task->uuid.bytes, uuid.ptr, UUID_BYTES);
	return SQLITE_OK;
}

int sqlite_row_user(struct sqlite3_stmt *statement, struct user *user)
{
	struct text id;

	user->created_at_us = sqlite3_column_int64(statement, 4);
	if (sqlite_row_text(statement, 0, &id) != SQLITE_OK ||
	    sqlite_row_text(statement, 1, &user->email) != SQLITE_OK ||
	    sqlite_row_text(statement, 2, &user->name) != SQLITE_OK ||
	    sqlite_row_text(statement, 3, &user->password_hash) != SQLITE_OK)
		return SQLITE_NOMEM;
	if (uuid_parse(id, &user->id) != ERR_OK)
		return SQLITE_CORRUPT;
	return SQLITE_OK;
}

int sqlite_bind_text(struct sqlite3_stmt *statement, int at, struct text text)
{
	return sqlite3_bind_text(statement, at, text.ptr, (int)text.len,
				 SQLITE_STATIC);
}

int sqlite_bind_uuid_text(struct sqlite3_stmt *statement, int at,
			  const struct uuid *uuid)
{
	char text[UUID_TEXT_LEN + 1];

	uuid_format(uuid, text);
	return sqlite3_bind_text(statement, at, text, UUID_TEXT_LEN,
				 SQLITE_TRANSIENT);
}

int sqlite_bind_uuid(struct sqlite3_stmt *statement, int at,
		     const struct uuid *uuid)
{
	return sqlite3_bind_blob(statement, at, uuid->bytes, UUID_BYTES,
				 SQLITE_STATIC);
}

int sqlite_bind_key(struct sqlite3_stmt *statement, int at,
		    const struct task_key *key)
{
	switch (key->kind) {
	case TASK_KEY_ID:
		return sqlite3_bind_int64(statement, at, key->id);
	case TASK_KEY_UUID:
		return sqlite_bind_uuid(statement, at, &key->uuid);
	}
	BUG("no such key of a task");
}
