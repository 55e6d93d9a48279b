/*
 * Storage in the memory of one process, made to be obviously right: two arrays
 * that are searched from end to end.
 */
#include "config.h"

#include "backends/memory.h"

#include <stdlib.h>
#include <string.h>

#include "backends/backends.h"
#include "core/storage_backend.h"
#include "core/wakeup.h"

#define MEMORY_PAGE_ROWS 256

/* A task with what a search looks at; all texts behind it. */
struct memory_task {
	struct task task;
	struct text title_folded;
	struct text description_folded;
};

struct memory {
	struct storage_backend backend; /* first: the front's handle */
	struct wakeup *wakeup;
	struct storage_call *first, **last; /* the calls that wait */
	struct memory_task **tasks;	    /* oldest first, each from malloc */
	size_t task_count, task_room;
	int64_t last_id;
	struct user **users;
	size_t user_count, user_room;
};

/* The array with room for one more pointer than count, moved perhaps; NULL
 * when memory is exhausted, and then it is as it was. */
static void *with_room(void *array, size_t count, size_t *room)
{
	size_t more = *room > 0 ? *room * 2 : 64;
	void *grown;

	if (count < *room)
		return array;
	grown = realloc(array, more * sizeof(void *));
	if (grown != NULL)
		*room = more;
	return grown;
}

/* Whether a task comes after a place in the order newest first. */
static bool is_older(const struct task *task, const struct task_cursor *place)
{
	if (task->created_at_us != place->created_at_us)
		return task->created_at_us < place->created_at_us;
	return task->id < place->id;
}

static bool task_has_key(const struct task *task, const struct task_key *key)
{
	switch (key->kind) {
	case TASK_KEY_ID:
		return task->id == key->id;
	case TASK_KEY_UUID:
		return uuid_is_equal(&task->uuid, &key->uuid);
	}
	BUG("no such key of a task");
}

/* Position of the user's task, task_count when there is none. */
static size_t task_find(const struct memory *memory, struct text user_id,
			const struct task_key *key)
{
	size_t i;

	for (i = 0; i < memory->task_count; i++)
		if (text_is_equal(memory->tasks[i]->task.user_id, user_id) &&
		    task_has_key(&memory->tasks[i]->task, key))
			break;
	return i;
}

/* From malloc, with copies of the texts; NULL when memory is exhausted. */
static struct memory_task *memory_task_copy(const struct memory_task *from)
{
	struct memory_task *copy;
	struct text *texts[5];
	size_t i;
	char *at;

	copy = malloc(sizeof(*copy) + from->task.user_id.len +
		      from->task.title.len + from->task.description.len +
		      from->title_folded.len + from->description_folded.len);
	if (copy == NULL)
		return NULL;
	*copy = *from;
	texts[0] = &copy->task.user_id;
	texts[1] = &copy->task.title;
	texts[2] = &copy->task.description;
	texts[3] = &copy->title_folded;
	texts[4] = &copy->description_folded;
	at = (char *)(copy + 1);
	for (i = 0; i < 5; i++) {
		if (texts[i]->len > 0)
			memcpy(at, texts[i]->ptr, texts[i]->len);
		texts[i]->ptr = at;
		at += texts[i]->len;
	}
	return copy;
}

static enum err task_create(struct memory *memory,
			    const struct storage_call *call,
			    struct storage_result *result)
{
	const struct task_draft *draft = &call->in.draft;
	const struct task_key key = { TASK_KEY_UUID, 0, draft->uuid };
	const struct memory_task made = {
		.task = {
			.id = memory->last_id + 1,
			.uuid = draft->uuid,
			.user_id = call->user_id,
			.title = draft->title,
			.has_description = draft->has_description,
			.description = draft->description,
			.completed = draft->completed,
			.created_at_us = draft->now_us,
			.updated_at_us = draft->now_us,
		},
		.title_folded = draft->title_folded,
		.description_folded = draft->description_folded,
	};
	const struct task_cursor place = { draft->now_us, made.task.id };
	size_t i = task_find(memory, call->user_id, &key);
	struct memory_task **tasks, *copy;

	if (i < memory->task_count) {
		result->task = &memory->tasks[i]->task;
		return ERR_OK;
	}
	tasks = with_room(memory->tasks, i, &memory->task_room);
	if (tasks == NULL)
		return ERR_NO_MEMORY;
	memory->tasks = tasks;
	copy = memory_task_copy(&made);
	if (copy == NULL)
		return ERR_NO_MEMORY;
	for (; i > 0; i--) {
		if (is_older(&tasks[i - 1]->task, &place))
			break;
		tasks[i] = tasks[i - 1];
	}
	tasks[i] = copy;
	memory->task_count++;
	memory->last_id = copy->task.id;
	result->task = &copy->task;
	return ERR_OK;
}

static enum err task_get(struct memory *memory, const struct storage_call *call,
			 struct storage_result *result)
{
	size_t i = task_find(memory, call->user_id, &call->key);

	if (i == memory->task_count)
		return ERR_NOT_FOUND;
	result->task = &memory->tasks[i]->task;
	return ERR_OK;
}

static bool task_is_found(const struct memory_task *stored,
			  const struct storage_call *call)
{
	struct text keyword = call->in.list.keyword;

	return stored->task.created_at_us >= call->in.list.created_from_us &&
	       (text_contains(stored->title_folded, keyword) ||
		text_contains(stored->description_folded, keyword));
}

static bool task_is_listed(const struct memory_task *stored,
			   const struct storage_call *call)
{
	const struct task *task = &stored->task;

	if (!text_is_equal(task->user_id, call->user_id))
		return false;
	if (call->in.list.has_after && !is_older(task, &call->in.list.after))
		return false;
	if (call->in.list.is_search && !task_is_found(stored, call))
		return false;
	switch (call->in.list.filter) {
	case TASK_FILTER_ALL:
		return true;
	case TASK_FILTER_PENDING:
		return !task->completed;
	case TASK_FILTER_COMPLETED:
		return task->completed;
	}
	BUG("no such filter of tasks");
}

static void task_list(const struct memory *memory, struct storage_call *call,
		      struct storage_result *result)
{
	size_t left = call->in.list.limit;
	int64_t skip = call->in.list.skip;
	size_t i;

	if (left == 0 || left > MEMORY_PAGE_ROWS)
		left = MEMORY_PAGE_ROWS;
	for (i = memory->task_count; i > 0; i--) {
		if (!task_is_listed(memory->tasks[i - 1], call))
			continue;
		if (skip-- > 0)
			continue;
		if (left-- == 0) {
			result->more = true;
			return;
		}
		if (!storage_call_row(call, &memory->tasks[i - 1]->task))
			return;
	}
}

/* Puts a changed task in the place of the one at i. */
static enum err task_replace(struct memory *memory, size_t i,
			     struct memory_task *changed, int64_t now_us,
			     struct storage_result *result)
{
	struct memory_task *copy;

	changed->task.updated_at_us = now_us > changed->task.updated_at_us ?
					      now_us :
					      changed->task.updated_at_us + 1;
	copy = memory_task_copy(changed);
	if (copy == NULL)
		return ERR_NO_MEMORY;
	free(memory->tasks[i]);
	memory->tasks[i] = copy;
	result->task = &copy->task;
	return ERR_OK;
}

static enum err task_update(struct memory *memory,
			    const struct storage_call *call,
			    struct storage_result *result)
{
	const struct task_changes *changes = &call->in.changes;
	size_t i = task_find(memory, call->user_id, &call->key);
	struct memory_task changed;

	if (i == memory->task_count)
		return ERR_NOT_FOUND;
	changed = *memory->tasks[i];
	if (changes->title == TASK_SET) {
		changed.task.title = changes->title_text;
		changed.title_folded = changes->title_folded;
	}
	if (changes->description != TASK_KEEP) {
		changed.task.has_description = changes->description == TASK_SET;
		changed.task.description = changes->description_text;
		changed.description_folded = changes->description_folded;
	}
	if (changes->completed == TASK_SET)
		changed.task.completed = changes->completed_value;
	return task_replace(memory, i, &changed, changes->now_us, result);
}

static enum err task_toggle(struct memory *memory,
			    const struct storage_call *call,
			    struct storage_result *result)
{
	size_t i = task_find(memory, call->user_id, &call->key);
	struct memory_task changed;

	if (i == memory->task_count)
		return ERR_NOT_FOUND;
	changed = *memory->tasks[i];
	changed.task.completed = !changed.task.completed;
	return task_replace(memory, i, &changed, call->in.now_us, result);
}

static enum err task_delete(struct memory *memory,
			    const struct storage_call *call)
{
	size_t i = task_find(memory, call->user_id, &call->key);

	if (i == memory->task_count)
		return ERR_NOT_FOUND;
	free(memory->tasks[i]);
	memory->task_count--;
	memmove(&memory->tasks[i], &memory->tasks[i + 1],
		(memory->task_count - i) * sizeof(*memory->tasks));
	return ERR_OK;
}

static size_t user_find(const struct memory *memory, const struct uuid *id)
{
	size_t i;

	for (i = 0; i < memory->user_count; i++)
		if (uuid_is_equal(&memory->users[i]->id, id))
			break;
	return i;
}

static size_t user_find_email(const struct memory *memory, struct text email)
{
	size_t i;

	for (i = 0; i < memory->user_count; i++)
		if (text_is_equal(memory->users[i]->email, email))
			break;
	return i;
}

/* A user with its texts in one piece of memory. */
static struct user *user_copy(const struct user *user)
{
	struct text *texts[3];
	struct user *copy;
	char *at;
	size_t i;

	copy = malloc(sizeof(*copy) + user->email.len + user->name.len +
		      user->password_hash.len + 1);
	if (copy == NULL)
		return NULL;
	*copy = *user;
	at = (char *)(copy + 1);
	texts[0] = &copy->email;
	texts[1] = &copy->name;
	texts[2] = &copy->password_hash;
	for (i = 0; i < 3; i++) {
		memcpy(at, texts[i]->ptr, texts[i]->len);
		texts[i]->ptr = at;
		at += texts[i]->len;
	}
	return copy;
}

static enum err user_create(struct memory *memory,
			    const struct storage_call *call)
{
	const struct user *user = &call->in.user;
	size_t count = memory->user_count;
	struct user **users;

	if (user_find_email(memory, user->email) < count ||
	    user_find(memory, &user->id) < count)
		return ERR_CONFLICT;
	users = with_room(memory->users, count, &memory->user_room);
	if (users == NULL)
		return ERR_NO_MEMORY;
	memory->users = users;
	users[count] = user_copy(user);
	if (users[count] == NULL)
		return ERR_NO_MEMORY;
	memory->user_count++;
	return ERR_OK;
}

static enum err user_get(const struct memory *memory, size_t i,
			 struct storage_result *result)
{
	if (i == memory->user_count)
		return ERR_NOT_FOUND;
	result->user = memory->users[i];
	return ERR_OK;
}

static enum err user_set_password(struct memory *memory,
				  const struct storage_call *call)
{
	size_t i = user_find(memory, &call->in.password.id);
	struct user changed, *copy;

	if (i == memory->user_count ||
	    !text_is_equal(memory->users[i]->password_hash,
			   call->in.password.old_hash))
		return ERR_NOT_FOUND;
	changed = *memory->users[i];
	changed.password_hash = call->in.password.new_hash;
	copy = user_copy(&changed);
	if (copy == NULL)
		return ERR_NO_MEMORY;
	free(memory->users[i]);
	memory->users[i] = copy;
	return ERR_OK;
}

static enum err carry_out(struct memory *memory, struct storage_call *call,
			  struct storage_result *result)
{
	switch (call->verb) {
	case STORAGE_PING:
		return ERR_OK;
	case STORAGE_TASK_CREATE:
		return task_create(memory, call, result);
	case STORAGE_TASK_GET:
		return task_get(memory, call, result);
	case STORAGE_TASK_LIST:
		task_list(memory, call, result);
		return ERR_OK;
	case STORAGE_TASK_UPDATE:
		return task_update(memory, call, result);
	case STORAGE_TASK_TOGGLE:
		return task_toggle(memory, call, result);
	case STORAGE_TASK_DELETE:
		return task_delete(memory, call);
	case STORAGE_USER_CREATE:
		return user_create(memory, call);
	case STORAGE_USER_BY_EMAIL:
		return user_get(memory,
				user_find_email(memory, call->in.user.email),
				result);
	case STORAGE_USER_BY_ID:
		return user_get(memory, user_find(memory, &call->in.user.id),
				result);
	case STORAGE_USER_SET_PASSWORD:
		return user_set_password(memory, call);
	}
	BUG("no such verb");
}

static struct storage_call *take_first(struct memory *memory)
{
	struct storage_call *call = memory->first;

	if (call != NULL) {
		memory->first = call->next;
		if (memory->first == NULL)
			memory->last = &memory->first;
	}
	return call;
}

/* Carries out one call a turn of the loop. */
static void on_wakeup(void *arg)
{
	struct memory *memory = arg;
	struct storage_call *call = take_first(memory);
	struct storage_result result = { 0 };
	enum err err = ERR_UNAVAILABLE;

	if (memory->first != NULL)
		wakeup_post(memory->wakeup);
	if (call == NULL)
		return;
	if (storage_call_begin(call))
		err = carry_out(memory, call, &result);
	storage_call_finish(call, err, &result);
}

static enum err memory_submit(struct storage_backend *backend,
			      struct storage_call *call)
{
	struct memory *memory = (struct memory *)backend;

	call->next = NULL;
	*memory->last = call;
	memory->last = &call->next;
	wakeup_post(memory->wakeup);
	return ERR_OK;
}

static void memory_close(struct storage_backend *backend)
{
	struct memory *memory = (struct memory *)backend;
	struct storage_call *call;
	size_t i;

	while ((call = take_first(memory)) != NULL)
		storage_call_finish(call, ERR_UNAVAILABLE, NULL);
	wakeup_free(&memory->wakeup);
	for (i = 0; i < memory->task_count; i++)
		free(memory->tasks[i]);
	for (i = 0; i < memory->user_count; i++)
		free(memory->users[i]);
	free(memory->tasks);
	free(memory->users);
	free(memory);
}

static const struct storage_backend_ops memory_ops = {
	.name = "memory",
	.submit = memory_submit,
	.close = memory_close,
};

static enum err memory_open(const struct backend_location *location,
			    struct loop *loop, struct storage_backend **backend)
{
	struct memory *memory = calloc(1, sizeof(*memory));

	(void)location;
	if (memory == NULL ||
	    wakeup_new(loop, on_wakeup, memory, &memory->wakeup) != ERR_OK) {
		free(memory);
		return ERR_NO_MEMORY;
	}
	memory->backend.ops = &memory_ops;
	memory->last = &memory->first;
	*backend = &memory->backend;
	return ERR_OK;
}

static enum err memory_migrate(const struct backend_location *location,
			       enum backend_migrate_mode mode, FILE *out)
{
	(void)location;
	(void)mode;
	(void)out;
	return ERR_OK;
}

const struct backend memory_backend = {
	.name = "memory",
	.is_shared = false,
	.migrates_at_start = true,
	.open = memory_open,
	.migrate = memory_migrate,
};
