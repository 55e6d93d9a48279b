/*
 * The front of the storage interface: every verb checks the limits it was
 * promised, copies its parameters into one call and gives that to the backend.
 * How the call goes on is in core/storage_call.c.
 */
#include "config.h"

#include "core/storage.h"

#include <stdlib.h>
#include <string.h>

#include "core/loop.h"
#include "core/storage_front.h"

/* Case folding with composition makes UTF-8 at most three times as long; one
 * more for what a newer Unicode brings. */
#define FOLDED_GROWTH_MAX 4

enum err storage_new(struct loop *loop, struct storage_backend *backend,
		     int64_t timeout_ms, struct storage **storage)
{
	struct storage *made = calloc(1, sizeof(*made));

	if (made != NULL)
		made->timer =
			loop_timer_new(loop, storage_call_on_deadline, made);
	if (made == NULL || made->timer == NULL) {
		free(made);
		backend->ops->close(backend);
		return ERR_NO_MEMORY;
	}
	made->loop = loop;
	made->backend = backend;
	made->timeout_us = timeout_ms * 1000;
	*storage = made;
	return ERR_OK;
}

void storage_close(struct storage **storage)
{
	struct storage *closing = *storage;

	if (closing == NULL)
		return;
	*storage = NULL;
	storage_call_abandon_all(closing);
	loop_timer_free(closing->loop, &closing->timer);
	closing->backend->ops->close(closing->backend);
	if (closing->held != 0)
		BUG("a backend kept calls after its close");
	free(closing);
}

size_t storage_pending(const struct storage *storage)
{
	return storage->pending;
}

void storage_report_to(struct storage *storage, struct health *health)
{
	storage->backend->health = health;
}

bool storage_is_damaged(const struct storage *storage)
{
	return storage->is_damaged;
}

/* The limits that callers keep. */

static void check_bytes(struct text text, size_t min, size_t max)
{
	if (text.len < min || text.len > max)
		BUG("a text for storage is out of its limits");
}

/* Counting is spared where the bytes alone are few enough. */
static void check_length(struct text text, size_t min, size_t max)
{
	if (text.len < min || text.len > 4 * max ||
	    (text.len > max && text_length(text) > max))
		BUG("a text for storage is out of its limits");
}

static void check_folded(struct text folded, struct text text)
{
	check_bytes(folded, 0, FOLDED_GROWTH_MAX * text.len);
}

static void check_user_id(struct text user_id)
{
	check_bytes(user_id, 1, TASK_USER_ID_MAX_BYTES);
	if (text_find_byte(user_id, '\0') != user_id.len)
		BUG("a user id has a NUL");
}

/* Its length is not limited: what is longer than a text is in none. */
static void check_keyword(struct text keyword)
{
	if (text_find_byte(keyword, '\0') != keyword.len)
		BUG("a keyword has a NUL");
}

static void check_title(struct text title, struct text folded)
{
	check_length(title, 1, TASK_TITLE_MAX);
	check_folded(folded, title);
}

static void check_description(struct text description, struct text folded)
{
	check_length(description, 0, TASK_DESCRIPTION_MAX);
	check_folded(folded, description);
}

static void check_changes(const struct task_changes *changes)
{
	if (changes->title == TASK_CLEAR || changes->completed == TASK_CLEAR)
		BUG("a title or a state cannot be cleared");
	if (changes->title == TASK_SET)
		check_title(changes->title_text, changes->title_folded);
	if (changes->description == TASK_SET)
		check_description(changes->description_text,
				  changes->description_folded);
}

static void check_hash(struct text hash)
{
	check_bytes(hash, 1, USER_PASSWORD_HASH_MAX_BYTES);
}

/* Where the copies of a call's texts begin. */
static char *pool_of(struct storage_call *call)
{
	return (char *)(call + 1);
}

/* Moves a borrowed text into the call's own memory, after what is there.  The
 * empty text too gets a pointer: NULL would mean null to a database. */
static void copy_text(char **at, struct text *text)
{
	if (text->len > 0)
		memcpy(*at, text->ptr, text->len);
	text->ptr = *at;
	*at += text->len;
}

enum err storage_ping(struct storage *storage, storage_done_fn *on_done,
		      void *arg, struct storage_call **call)
{
	struct storage_call *made;
	enum err err;

	err = storage_call_new(storage, STORAGE_PING, 0, &made);
	if (err != ERR_OK)
		return err;
	made->on.done = on_done;
	made->arg = arg;
	return storage_call_submit(made, call);
}

enum err storage_task_create(struct storage *storage, struct text user_id,
			     const struct task_draft *draft,
			     storage_task_fn *on_task, void *arg,
			     struct storage_call **call)
{
	struct task_draft kept = *draft;
	struct storage_call *made;
	enum err err;
	char *at;

	if (!kept.has_description) {
		kept.description = TEXT("");
		kept.description_folded = TEXT("");
	}
	check_user_id(user_id);
	check_title(kept.title, kept.title_folded);
	check_description(kept.description, kept.description_folded);
	err = storage_call_new(
		storage, STORAGE_TASK_CREATE,
		user_id.len + kept.title.len + kept.title_folded.len +
			kept.description.len + kept.description_folded.len + 1,
		&made);
	if (err != ERR_OK)
		return err;
	at = pool_of(made);
	copy_text(&at, &user_id);
	copy_text(&at, &kept.title);
	copy_text(&at, &kept.title_folded);
	copy_text(&at, &kept.description);
	copy_text(&at, &kept.description_folded);
	made->user_id = user_id;
	made->in.draft = kept;
	made->on.task = on_task;
	made->arg = arg;
	return storage_call_submit(made, call);
}

/* A call on the one task of a user, with room for text_bytes at *rest. */
static enum err call_on_task(struct storage *storage, enum storage_verb verb,
			     struct text user_id, const struct task_key *key,
			     size_t text_bytes, char **rest,
			     struct storage_call **call)
{
	struct storage_call *made;
	enum err err;

	check_user_id(user_id);
	err = storage_call_new(storage, verb, user_id.len + text_bytes + 1,
			       &made);
	if (err != ERR_OK)
		return err;
	*rest = pool_of(made);
	copy_text(rest, &user_id);
	made->user_id = user_id;
	if (key != NULL)
		made->key = *key;
	*call = made;
	return ERR_OK;
}

enum err storage_task_get(struct storage *storage, struct text user_id,
			  const struct task_key *key, storage_task_fn *on_task,
			  void *arg, struct storage_call **call)
{
	struct storage_call *made;
	enum err err;
	char *at;

	err = call_on_task(storage, STORAGE_TASK_GET, user_id, key, 0, &at,
			   &made);
	if (err != ERR_OK)
		return err;
	made->on.task = on_task;
	made->arg = arg;
	return storage_call_submit(made, call);
}

/* The end of a time span becomes the cursor: rows after it are older, and the
 * whole span is one range of an index. */
static void narrow(struct storage_call *call, const struct task_search *search)
{
	const struct task_cursor end = { search->created_to_us, INT64_MAX };

	if (!call->in.list.has_after ||
	    call->in.list.after.created_at_us > end.created_at_us)
		call->in.list.after = end;
	call->in.list.has_after = true;
	call->in.list.created_from_us = search->created_from_us;
}

enum err storage_task_list(struct storage *storage, struct text user_id,
			   const struct storage_list *list,
			   storage_row_fn *on_row, storage_page_fn *on_page,
			   void *arg, struct storage_call **call)
{
	const struct task_search search =
		list->search != NULL ? *list->search : TASK_SEARCH_ALL;
	struct text keyword = search.keyword;
	struct storage_call *made;
	enum err err;
	char *at;

	check_keyword(keyword);
	if (list->skip < 0)
		BUG("fewer than no rows cannot be passed over");
	err = call_on_task(storage, STORAGE_TASK_LIST, user_id, NULL,
			   keyword.len, &at, &made);
	if (err != ERR_OK)
		return err;
	copy_text(&at, &keyword);
	made->in.list.keyword = keyword;
	made->in.list.filter = list->filter;
	made->in.list.has_after = list->after != NULL;
	if (list->after != NULL)
		made->in.list.after = *list->after;
	made->in.list.limit = list->limit;
	made->in.list.skip = list->skip;
	made->in.list.is_search = list->search != NULL || list->skip > 0;
	if (made->in.list.is_search)
		narrow(made, &search);
	made->on_row = on_row;
	made->on.page = on_page;
	made->arg = arg;
	return storage_call_submit(made, call);
}

enum err storage_task_update(struct storage *storage, struct text user_id,
			     const struct task_key *key,
			     const struct task_changes *changes,
			     storage_task_fn *on_task, void *arg,
			     struct storage_call **call)
{
	struct task_changes kept = *changes;
	struct storage_call *made;
	enum err err;
	char *at;

	check_changes(&kept);
	if (kept.title != TASK_SET)
		kept.title_text = kept.title_folded = TEXT("");
	if (kept.description != TASK_SET)
		kept.description_text = kept.description_folded = TEXT("");
	err = call_on_task(storage, STORAGE_TASK_UPDATE, user_id, key,
			   kept.title_text.len + kept.title_folded.len +
				   kept.description_text.len +
				   kept.description_folded.len,
			   &at, &made);
	if (err != ERR_OK)
		return err;
	copy_text(&at, &kept.title_text);
	copy_text(&at, &kept.title_folded);
	copy_text(&at, &kept.description_text);
	copy_text(&at, &kept.description_folded);
	made->in.changes = kept;
	made->on.task = on_task;
	made->arg = arg;
	return storage_call_submit(made, call);
}

enum err storage_task_toggle(struct storage *storage, struct text user_id,
			     const struct task_key *key, int64_t now_us,
			     storage_task_fn *on_task, void *arg,
			     struct storage_call **call)
{
	struct storage_call *made;
	enum err err;
	char *at;

	err = call_on_task(storage, STORAGE_TASK_TOGGLE, user_id, key, 0, &at,
			   &made);
	if (err != ERR_OK)
		return err;
	made->in.now_us = now_us;
	made->on.task = on_task;
	made->arg = arg;
	return storage_call_submit(made, call);
}

enum err storage_task_delete(struct storage *storage, struct text user_id,
			     const struct task_key *key,
			     storage_done_fn *on_done, void *arg,
			     struct storage_call **call)
{
	struct storage_call *made;
	enum err err;
	char *at;

	err = call_on_task(storage, STORAGE_TASK_DELETE, user_id, key, 0, &at,
			   &made);
	if (err != ERR_OK)
		return err;
	made->on.done = on_done;
	made->arg = arg;
	return storage_call_submit(made, call);
}

enum err storage_user_create(struct storage *storage, const struct user *user,
			     storage_done_fn *on_done, void *arg,
			     struct storage_call **call)
{
	struct user kept = *user;
	struct storage_call *made;
	enum err err;
	char *at;

	check_bytes(kept.email, 1, USER_EMAIL_MAX_BYTES);
	check_length(kept.name, USER_NAME_MIN, USER_NAME_MAX);
	check_hash(kept.password_hash);
	err = storage_call_new(storage, STORAGE_USER_CREATE,
			       kept.email.len + kept.name.len +
				       kept.password_hash.len + 1,
			       &made);
	if (err != ERR_OK)
		return err;
	at = pool_of(made);
	copy_text(&at, &kept.email);
	copy_text(&at, &kept.name);
	copy_text(&at, &kept.password_hash);
	made->in.user = kept;
	made->on.done = on_done;
	made->arg = arg;
	return storage_call_submit(made, call);
}

enum err storage_user_by_email(struct storage *storage, struct text email,
			       storage_user_fn *on_user, void *arg,
			       struct storage_call **call)
{
	struct storage_call *made;
	enum err err;
	char *at;

	err = storage_call_new(storage, STORAGE_USER_BY_EMAIL, email.len + 1,
			       &made);
	if (err != ERR_OK)
		return err;
	at = pool_of(made);
	copy_text(&at, &email);
	made->in.user.email = email;
	made->on.user = on_user;
	made->arg = arg;
	return storage_call_submit(made, call);
}

enum err storage_user_by_id(struct storage *storage, const struct uuid *id,
			    storage_user_fn *on_user, void *arg,
			    struct storage_call **call)
{
	struct storage_call *made;
	enum err err;

	err = storage_call_new(storage, STORAGE_USER_BY_ID, 0, &made);
	if (err != ERR_OK)
		return err;
	made->in.user.id = *id;
	made->on.user = on_user;
	made->arg = arg;
	return storage_call_submit(made, call);
}

enum err storage_user_set_password(struct storage *storage,
				   const struct uuid *id, struct text old_hash,
				   struct text new_hash,
				   storage_done_fn *on_done, void *arg,
				   struct storage_call **call)
{
	struct storage_call *made;
	enum err err;
	char *at;

	check_hash(old_hash);
	check_hash(new_hash);
	err = storage_call_new(storage, STORAGE_USER_SET_PASSWORD,
			       old_hash.len + new_hash.len + 1, &made);
	if (err != ERR_OK)
		return err;
	at = pool_of(made);
	copy_text(&at, &old_hash);
	copy_text(&at, &new_hash);
	made->in.password.id = *id;
	made->in.password.old_hash = old_hash;
	made->in.password.new_hash = new_hash;
	made->on.done = on_done;
	made->arg = arg;
	return storage_call_submit(made, call);
}
