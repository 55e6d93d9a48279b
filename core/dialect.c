/* The dialects' data. */
#include "config.h"

#include "core/dialect.h"

static const struct dialect_member multiuser_members[] = {
	{ DIALECT_FIELD_ID, TEXT("id"), TEXT("") },
	{ DIALECT_FIELD_USER_ID, TEXT("user_id"), TEXT("") },
	{ DIALECT_FIELD_TITLE, TEXT("title"), TEXT("") },
	{ DIALECT_FIELD_DESCRIPTION, TEXT("description"), TEXT("") },
	{ DIALECT_FIELD_DONE, TEXT("completed"), TEXT("") },
	{ DIALECT_FIELD_CREATED_AT, TEXT("created_at"), TEXT("") },
	{ DIALECT_FIELD_UPDATED_AT, TEXT("updated_at"), TEXT("") },
	{ DIALECT_FIELD_END, TEXT(""), TEXT("") },
};

static const struct dialect multiuser = {
	.name = DIALECT_MULTIUSER,
	.error_form = DIALECT_ERRORS_SENTENCE,
	.members = multiuser_members,
	.list_form = DIALECT_LIST_ARRAY,
	.title = {
		.name = TEXT("title"),
		.min = 1,
		.max = 200,
		.trim = DIALECT_TRIM_THEN_MEASURE,
		.too_short = "Title cannot be empty",
		.too_long = "Title must be 200 characters or less",
	},
	.description = {
		.name = TEXT("description"),
		.min = 0,
		.max = 1000,
		.too_long = "Description must be 1000 characters or less",
	},
	.done_name = TEXT("completed"),
	.create_sets_done = false,
	.update_sets_done = false,
	.update_null = DIALECT_NULL_KEEPS,
	.list_has_status = true,
	.key_kind = TASK_KEY_ID,
	.key_name = "task_id",
	.path_user = DIALECT_PATH_USER_AFTER_BODY,
	.health = TEXT("{\"status\":\"ok\","
		       "\"message\":\"Todo API is running\"}"),
	.not_found = "Task not found",
	.not_found_update = "Task not found",
	.not_found_delete = "Task not found",
	.not_found_toggle = "Task not found",
	.other_user = "Access denied",
	.no_token = "Invalid or expired token",
	.bad_token = "Invalid or expired token",
	.expired_token = "Invalid or expired token",
	.deleted = TEXT("{\"message\":\"Task deleted successfully\"}"),
};

static const struct dialect_member todos_members[] = {
	{ DIALECT_FIELD_UUID, TEXT("id"), TEXT("") },
	{ DIALECT_FIELD_TITLE, TEXT("title"), TEXT("") },
	{ DIALECT_FIELD_DESCRIPTION, TEXT("description"), TEXT("") },
	{ DIALECT_FIELD_DONE, TEXT("is_completed"), TEXT("") },
	{ DIALECT_FIELD_CREATED_AT, TEXT("created_at"), TEXT("") },
	{ DIALECT_FIELD_UPDATED_AT, TEXT("updated_at"), TEXT("") },
	{ DIALECT_FIELD_END, TEXT(""), TEXT("") },
};

static const struct dialect todos = {
	.name = DIALECT_TODOS,
	.error_form = DIALECT_ERRORS_LIST,
	.members = todos_members,
	.list_form = DIALECT_LIST_ARRAY,
	.title = {
		.name = TEXT("title"),
		.min = 1,
		.max = 500,
		.trim = DIALECT_TRIM_NONE,
	},
	.description = {
		.name = TEXT("description"),
		.min = 0,
		.max = 2000,
	},
	.done_name = TEXT("is_completed"),
	.create_sets_done = true,
	.update_sets_done = true,
	.update_null = DIALECT_NULL_CLEARS,
	.key_kind = TASK_KEY_UUID,
	.key_name = "todo_id",
	.path_user = DIALECT_PATH_USER_NONE,
	.not_found = "Todo not found",
	.not_found_update = "Todo not found",
	.not_found_delete = "Todo not found",
	.no_token = "Not authenticated",
	.bad_token = "Could not validate credentials",
	.expired_token = "Token has expired",
	.deleted = TEXT(""),
};

/* What is not stored yet is always the same: C's own page wants it there. */
static const struct dialect_member secured_members[] = {
	{ DIALECT_FIELD_ID, TEXT("id"), TEXT("") },
	{ DIALECT_FIELD_TITLE, TEXT("title"), TEXT("") },
	{ DIALECT_FIELD_DESCRIPTION, TEXT("description"), TEXT("") },
	{ DIALECT_FIELD_DONE, TEXT("completed"), TEXT("") },
	{ DIALECT_FIELD_USER_ID, TEXT("user_id"), TEXT("") },
	{ DIALECT_FIELD_CONSTANT, TEXT("category"), TEXT("\"other\"") },
	{ DIALECT_FIELD_CONSTANT, TEXT("priority"), TEXT("\"medium\"") },
	{ DIALECT_FIELD_CONSTANT, TEXT("due_date"), TEXT("null") },
	{ DIALECT_FIELD_CONSTANT, TEXT("reminder_time"), TEXT("null") },
	{ DIALECT_FIELD_CONSTANT, TEXT("is_recurring"), TEXT("false") },
	{ DIALECT_FIELD_CONSTANT, TEXT("recurrence_pattern"), TEXT("null") },
	{ DIALECT_FIELD_CONSTANT, TEXT("recurrence_interval"), TEXT("null") },
	{ DIALECT_FIELD_CONSTANT, TEXT("next_occurrence"), TEXT("null") },
	{ DIALECT_FIELD_CONSTANT, TEXT("recurrence_end_date"), TEXT("null") },
	{ DIALECT_FIELD_CONSTANT, TEXT("max_occurrences"), TEXT("null") },
	{ DIALECT_FIELD_CREATED_AT, TEXT("created_at"), TEXT("") },
	{ DIALECT_FIELD_UPDATED_AT, TEXT("updated_at"), TEXT("") },
	{ DIALECT_FIELD_END, TEXT(""), TEXT("") },
};

#define SECURED_NOT_FOUND "Task not found or you don't have permission to "

static const struct dialect secured = {
	.name = DIALECT_SECURED,
	.error_form = DIALECT_ERRORS_LIST,
	.members = secured_members,
	.list_form = DIALECT_LIST_COUNTED,
	.title = {
		.name = TEXT("title"),
		.min = 1,
		.max = 255,
		.trim = DIALECT_TRIM_AFTER_MEASURE,
		.blank = "Task title is required and cannot be empty",
	},
	.description = {
		.name = TEXT("description"),
		.min = 0,
		.max = 1000,
	},
	.done_name = TEXT("completed"),
	.create_sets_done = false,
	.update_sets_done = true,
	.update_null = DIALECT_NULL_CLEARS,
	.list_has_status = true,
	.list_has_search = true,
	.list_limit = 100,
	.key_kind = TASK_KEY_ID,
	.key_name = "task_id",
	.path_user = DIALECT_PATH_USER_BEFORE_BODY,
	.health = TEXT("{\"status\":\"healthy\"}"),
	.not_found = "Task not found",
	.not_found_update = SECURED_NOT_FOUND "update it",
	.not_found_delete = SECURED_NOT_FOUND "delete it",
	.not_found_toggle = SECURED_NOT_FOUND "modify it",
	.other_user = "You can only access tasks for yourself",
	.no_token = "Not authenticated",
	.bad_token = "Invalid token or expired token.",
	.expired_token = "Invalid token or expired token.",
	.bad_user_id = "Invalid user ID format",
	.bad_id = "Task ID must be a positive integer",
	.deleted = TEXT("{\"message\":\"Task deleted successfully\"}"),
};

static const struct {
	struct text text;
	enum dialect_name name;
	const struct dialect *dialect;
} dialects[] = {
	{ TEXT("multiuser"), DIALECT_MULTIUSER, &multiuser },
	{ TEXT("todos"), DIALECT_TODOS, &todos },
	{ TEXT("secured"), DIALECT_SECURED, &secured },
};

const struct dialect *dialect_find(enum dialect_name name)
{
	return dialects[name].dialect;
}

enum err dialect_parse(struct text text, enum dialect_name *name)
{
	for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++) {
		if (text_is_equal(text, dialects[i].text)) {
			*name = dialects[i].name;
			return ERR_OK;
		}
	}
	return ERR_INVALID;
}
