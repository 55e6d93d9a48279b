/* Writes the members that a dialect's table names. */
#include "config.h"

#include "core/dialect.h"
#include "core/item.h"
#include "core/jsonwriter.h"

static void write_uuid(struct jsonwriter *writer, const struct uuid *uuid)
{
	char text[UUID_TEXT_LEN + 1];

	uuid_format(uuid, text);
	jsonwriter_string(writer, (struct text){ text, UUID_TEXT_LEN });
}

static void write_value(struct jsonwriter *writer,
			const struct dialect_member *member,
			const struct task *task)
{
	switch (member->field) {
	case DIALECT_FIELD_ID:
		jsonwriter_int(writer, task->id);
		break;
	case DIALECT_FIELD_UUID:
		write_uuid(writer, &task->uuid);
		break;
	case DIALECT_FIELD_USER_ID:
		jsonwriter_string(writer, task->user_id);
		break;
	case DIALECT_FIELD_TITLE:
		jsonwriter_string(writer, task->title);
		break;
	case DIALECT_FIELD_DESCRIPTION:
		if (task->has_description)
			jsonwriter_string(writer, task->description);
		else
			jsonwriter_null(writer);
		break;
	case DIALECT_FIELD_DONE:
		jsonwriter_bool(writer, task->completed);
		break;
	case DIALECT_FIELD_CREATED_AT:
		jsonwriter_time(writer, task->created_at_us);
		break;
	case DIALECT_FIELD_UPDATED_AT:
		jsonwriter_time(writer, task->updated_at_us);
		break;
	case DIALECT_FIELD_CONSTANT:
		jsonwriter_raw(writer, member->json);
		break;
	case DIALECT_FIELD_END:
		break;
	}
}

void item_write(struct jsonwriter *writer, const struct dialect *dialect,
		const struct task *task)
{
	const struct dialect_member *member;

	jsonwriter_object_begin(writer);
	for (member = dialect->members; member->field != DIALECT_FIELD_END;
	     member++) {
		jsonwriter_key(writer, member->name);
		write_value(writer, member, task);
	}
	jsonwriter_object_end(writer);
}
