/* The dialects' data.  A dialect that is not built yet is not in the table. */
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
		.is_trimmed = true,
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

static const struct {
	struct text text;
	enum dialect_name name;
	const struct dialect *dialect; /* NULL: not built yet */
} dialects[] = {
	{ TEXT("multiuser"), DIALECT_MULTIUSER, &multiuser },
	{ TEXT("todos"), DIALECT_TODOS, NULL },
	{ TEXT("secured"), DIALECT_SECURED, NULL },
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
