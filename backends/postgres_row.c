/* Binary parameters and results. */
#include "config.h"

#include "backends/postgres_row.h"

#include <endian.h>
#include <libpq-fe.h>
#include <string.h>

#include "core/task.h"
#include "core/user.h"
#include "core/uuid.h"

#define TASK_FIELDS 7
#define USER_FIELDS 5

static void add(struct postgres_parameters *to, const void *value, size_t len)
{
	if (to->count == POSTGRES_PARAMETERS_MAX)
		BUG("too many parameters");
	to->values[to->count] = value;
	to->lengths[to->count] = (int)len;
	to->formats[to->count] = 1;
	to->count++;
}

/* Keeps a copy of bytes that nobody else keeps. */
static void add_copy(struct postgres_parameters *to, const void *bytes,
		     size_t len)
{
	unsigned char *at = to->bytes + to->used;

	memcpy(at, bytes, len);
	to->used += len;
	add(to, at, len);
}

void postgres_add_text(struct postgres_parameters *to, struct text text)
{
	/* NULL would be null. */
	add(to, text.ptr != NULL ? text.ptr : "", text.len);
}

void postgres_add_null(struct postgres_parameters *to)
{
	add(to, NULL, 0);
}

void postgres_add_int(struct postgres_parameters *to, int64_t number)
{
	const uint64_t bytes = htobe64((uint64_t)number);

	add_copy(to, &bytes, sizeof(bytes));
}

void postgres_add_bool(struct postgres_parameters *to, bool value)
{
	const unsigned char byte = value ? 1 : 0;

	add_copy(to, &byte, 1);
}

void postgres_add_uuid(struct postgres_parameters *to, const struct uuid *uuid)
{
	add_copy(to, uuid->bytes, UUID_BYTES);
}

void postgres_add_key(struct postgres_parameters *to,
		      const struct task_key *key)
{
	switch (key->kind) {
	case TASK_KEY_ID:
		postgres_add_int(to, key->id);
		return;
	case TASK_KEY_UUID:
		postgres_add_uuid(to, &key->uuid);
		return;
	}
	BUG("no such key of a task");
}

static bool is_null(const PGresult *result, int row, int field)
{
	return PQgetisnull(result, row, field) != 0;
}

static struct text field_text(const PGresult *result, int row, int field)
{
	return (struct text){
		PQgetvalue(result, row, field),
		(size_t)PQgetlength(result, row, field),
	};
}

/* False: the field has another size. */
static bool field_int(const PGresult *result, int row, int field,
		      int64_t *number)
{
	const struct text text = field_text(result, row, field);
	uint64_t value;

	if (text.len != sizeof(value))
		return false;
	memcpy(&value, text.ptr, sizeof(value));
	*number = (int64_t)be64toh(value);
	return true;
}

static bool field_bool(const PGresult *result, int row, int field, bool *value)
{
	const struct text text = field_text(result, row, field);

	if (text.len != 1)
		return false;
	*value = text.ptr[0] != 0;
	return true;
}

static bool field_uuid(const PGresult *result, int row, int field,
		       struct uuid *uuid)
{
	const struct text text = field_text(result, row, field);

	if (text.len != UUID_BYTES)
		return false;
	memcpy(uuid->bytes, text.ptr, UUID_BYTES);
	return true;
}

enum err postgres_row_task(const struct pg_result *result, int row,
			   struct text user_id, struct task *task)
{
	static const struct task empty;

	*task = empty;
	task->user_id = user_id;
	if (PQnfields(result) < TASK_FIELDS ||
	    !field_int(result, row, 0, &task->id) ||
	    !field_uuid(result, row, 1, &task->uuid) ||
	    !field_bool(result, row, 4, &task->completed) ||
	    !field_int(result, row, 5, &task->created_at_us) ||
	    !field_int(result, row, 6, &task->updated_at_us))
		return ERR_CORRUPT;
	task->title = field_text(result, row, 2);
	task->has_description = !is_null(result, row, 3);
	task->description = field_text(result, row, 3);
	return ERR_OK;
}

enum err postgres_row_user(const struct pg_result *result, int row,
			   struct user *user)
{
	if (PQnfields(result) < USER_FIELDS ||
	    !field_uuid(result, row, 0, &user->id) ||
	    !field_int(result, row, 4, &user->created_at_us))
		return ERR_CORRUPT;
	user->email = field_text(result, row, 1);
	user->name = field_text(result, row, 2);
	user->password_hash = field_text(result, row, 3);
	return ERR_OK;
}

enum err postgres_row_uuid(const struct pg_result *result, int row,
			   struct uuid *uuid)
{
	return PQnfields(result) < TASK_FIELDS ||
			       !field_uuid(result, row, 1, uuid) ?
		       ERR_CORRUPT :
		       ERR_OK;
}

enum err postgres_row_last_write(const struct pg_result *result, int row,
				 int64_t *number)
{
	if (PQnfields(result) <= TASK_FIELDS ||
	    !field_int(result, row, TASK_FIELDS, number))
		return ERR_CORRUPT;
	return ERR_OK;
}
