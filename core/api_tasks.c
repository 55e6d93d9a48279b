/* One task: create, get, update, toggle, delete. */
#include "config.h"

#include <stdlib.h>

#include "core/api.h"
#include "core/call.h"
#include "core/field.h"
#include "core/item.h"
#include "core/jsonwriter.h"
#include "core/reply.h"
#include "core/storage.h"
#include "core/taskpath.h"

/* An item besides its texts, and with texts of which each byte is escaped. */
#define ITEM_FRAME_BYTES  1024
#define ITEM_ESCAPE_BYTES 6
#define ITEM_BYTES(texts)   \
	(ITEM_FRAME_BYTES + \
	 ITEM_ESCAPE_BYTES * ((texts) + TASK_USER_ID_MAX_BYTES))
#define ITEM_BYTES_MAX ITEM_BYTES(TASK_TITLE_MAX + TASK_DESCRIPTION_MAX)

/* What the answer to a verb on one task depends on; the call's state. */
struct task_answer {
	struct call *call;
	int status;
	const char *not_found;
	/* Holds the item before a verb that writes begins: once something is
	 * written, a lack of memory must not turn the answer into an error. */
	struct buffer body;
};

/* body_bytes is what the item surely fits in; 0: that may fail later. */
static struct task_answer *answer_new(struct call *call, int status,
				      const char *not_found, size_t body_bytes)
{
	struct task_answer *answer = call_state(call, sizeof(*answer));

	if (!answer)
		return NULL;
	answer->call = call;
	answer->status = status;
	answer->not_found = not_found;
	buffer_init(&answer->body);
	if (body_bytes > 0 && !buffer_reserve(&answer->body, body_bytes)) {
		reply_err(call, ERR_NO_MEMORY);
		return NULL;
	}
	return answer;
}

static void reply_failure(struct task_answer *answer, enum err err)
{
	buffer_release(&answer->body);
	if (err == ERR_NOT_FOUND)
		reply_detail(answer->call, 404, answer->not_found);
	else
		reply_err(answer->call, err);
}

static void on_task(void *arg, enum err err, const struct task *task)
{
	struct task_answer *answer = arg;
	struct jsonwriter writer;

	if (err != ERR_OK) {
		reply_failure(answer, err);
		return;
	}
	jsonwriter_init(&writer, &answer->body);
	item_write(&writer, answer->call->dialect, task);
	reply_json(answer->call, answer->status, &answer->body);
}

/*
 * The beginning that all verbs on an existing task share: admission, and 404
 * for an id that cannot exist.  NULL: the call has been answered.
 */
static struct task_answer *begin(struct call *call,
				 const struct taskpath_key *key,
				 const char *not_found, size_t body_bytes)
{
	struct task_answer *answer;

	if (!taskpath_admit(call))
		return NULL;
	answer = answer_new(call, 200, not_found, body_bytes);
	if (answer && !key->is_possible) {
		reply_failure(answer, ERR_NOT_FOUND);
		return NULL;
	}
	return answer;
}

/* Folds a text for the search columns; *owned is the caller's to free. */
static enum err fold(bool is_there, struct text text, char **owned,
		     struct text *folded)
{
	if (!is_there)
		return ERR_OK;
	return text_fold(text, owned, folded);
}

static void read_draft(struct call *call, struct task_draft *draft)
{
	const struct dialect *dialect = call->dialect;
	const struct json_value *body = call_body_object(call);

	if (!body)
		return;
	field_text(call, body, &dialect->title, FIELD_REQUIRED, &draft->title);
	draft->has_description = field_text(call, body, &dialect->description,
					    FIELD_OPTIONAL,
					    &draft->description) == FIELD_VALUE;
	if (dialect->create_sets_done)
		field_bool(call, body, dialect->done_name, &draft->completed);
}

void api_task_create(struct call *call)
{
	struct task_draft draft = { .now_us = call->now_us };
	char *title = NULL, *description = NULL;
	struct task_answer *answer;
	enum err err;

	if (!taskpath_enter(call))
		return;
	read_draft(call, &draft);
	if (!taskpath_admit(call))
		return;
	answer =
		answer_new(call, 201, NULL,
			   ITEM_BYTES(draft.title.len + draft.description.len));
	if (!answer)
		return;
	draft.uuid = uuid_make_at(draft.now_us);
	err = fold(true, draft.title, &title, &draft.title_folded);
	if (err == ERR_OK)
		err = fold(draft.has_description, draft.description,
			   &description, &draft.description_folded);
	if (err == ERR_OK)
		err = storage_task_create(call->services->storage,
					  call->principal.user_id, &draft,
					  on_task, answer, NULL);
	free(title);
	free(description);
	if (err != ERR_OK)
		reply_failure(answer, err);
}

/* A verb that needs nothing but the task's key. */
typedef enum err task_verb_fn(struct call *call, const struct task_key *key,
			      struct task_answer *answer);

/* From the path to storage for such a verb. */
static void run(struct call *call, task_verb_fn *verb, const char *not_found,
		size_t body_bytes)
{
	struct taskpath_key key;
	struct task_answer *answer;
	enum err err;

	if (!taskpath_enter(call))
		return;
	taskpath_key_read(call, &key);
	answer = begin(call, &key, not_found, body_bytes);
	if (!answer)
		return;
	err = verb(call, &key.key, answer);
	if (err != ERR_OK)
		reply_failure(answer, err);
}

static enum err get(struct call *call, const struct task_key *key,
		    struct task_answer *answer)
{
	return storage_task_get(call->services->storage,
				call->principal.user_id, key, on_task, answer,
				NULL);
}

void api_task_get(struct call *call)
{
	run(call, get, call->dialect->not_found, 0);
}

static enum err toggle(struct call *call, const struct task_key *key,
		       struct task_answer *answer)
{
	return storage_task_toggle(call->services->storage,
				   call->principal.user_id, key, call->now_us,
				   on_task, answer, NULL);
}

void api_task_toggle(struct call *call)
{
	run(call, toggle, call->dialect->not_found_toggle, ITEM_BYTES_MAX);
}

static void on_deleted(void *arg, enum err err)
{
	struct task_answer *answer = arg;
	struct call *call = answer->call;

	if (err != ERR_OK) {
		reply_failure(answer, err);
		return;
	}
	buffer_release(&answer->body);
	if (call->dialect->deleted.len > 0)
		reply_constant(call, 200, call->dialect->deleted);
	else
		reply_empty(call);
}

static enum err delete (struct call *call, const struct task_key *key,
			struct task_answer *answer) {
	return storage_task_delete(call->services->storage,
				   call->principal.user_id, key, on_deleted,
				   answer, NULL);
}

void api_task_delete(struct call *call)
{
	run(call, delete, call->dialect->not_found_delete, 0);
}

static enum task_field_change change_of(enum field_state state)
{
	switch (state) {
	case FIELD_VALUE:
		return TASK_SET;
	case FIELD_NULL:
		return TASK_CLEAR;
	case FIELD_ABSENT:
	case FIELD_REFUSED:
		break;
	}
	return TASK_KEEP;
}

static void read_changes(struct call *call, struct task_changes *changes)
{
	const struct dialect *dialect = call->dialect;
	const struct json_value *body = call_body_object(call);
	bool null_clears = dialect->update_null == DIALECT_NULL_CLEARS;
	enum field_state state;

	if (!body)
		return;
	changes->title = change_of(
		field_text(call, body, &dialect->title,
			   null_clears ? FIELD_NOT_NULL : FIELD_OPTIONAL,
			   &changes->title_text));
	if (changes->title == TASK_CLEAR)
		changes->title = TASK_KEEP;
	state = field_text(call, body, &dialect->description, FIELD_OPTIONAL,
			   &changes->description_text);
	if (state == FIELD_NULL && !null_clears)
		state = FIELD_ABSENT;
	changes->description = change_of(state);
	if (dialect->update_sets_done &&
	    field_bool(call, body, dialect->done_name,
		       &changes->completed_value) == FIELD_VALUE)
		changes->completed = TASK_SET;
}

/* What the item will fit in: what is not set is as long as it may be. */
static size_t changed_bytes(const struct task_changes *changes)
{
	size_t title = changes->title == TASK_SET ? changes->title_text.len :
						    TASK_TITLE_MAX;
	size_t description = changes->description == TASK_SET ?
				     changes->description_text.len :
				     TASK_DESCRIPTION_MAX;

	return ITEM_BYTES(title + description);
}

void api_task_update(struct call *call)
{
	struct task_changes changes = { .now_us = call->now_us };
	char *title = NULL, *description = NULL;
	struct taskpath_key key;
	struct task_answer *answer;
	enum err err;

	if (!taskpath_enter(call))
		return;
	taskpath_key_read(call, &key);
	read_changes(call, &changes);
	answer = begin(call, &key, call->dialect->not_found_update,
		       changed_bytes(&changes));
	if (!answer)
		return;
	err = fold(changes.title == TASK_SET, changes.title_text, &title,
		   &changes.title_folded);
	if (err == ERR_OK)
		err = fold(changes.description == TASK_SET,
			   changes.description_text, &description,
			   &changes.description_folded);
	if (err == ERR_OK)
		err = storage_task_update(call->services->storage,
					  call->principal.user_id, &key.key,
					  &changes, on_task, answer, NULL);
	free(title);
	free(description);
	if (err != ERR_OK)
		reply_failure(answer, err);
}
