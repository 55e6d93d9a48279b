/* One storage call on its way through PostgreSQL. */
#include "config.h"

#include "backends/postgres_work.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/log.h"
#include "core/storage_backend.h"

/* Connections that may be lost with a read, and tries after other errors. */
#define LOSSES_MAX  1
#define REPEATS_MAX 3

/* The parts of a write's number. */
#define NUMBER_COUNT	((INT64_C(1) << 23) - 1)
#define NUMBER_REPEATED (INT64_C(1) << 23)
#define NUMBER_REST	(NUMBER_COUNT | NUMBER_REPEATED)

void postgres_works_init(struct postgres_works *works)
{
	works->first = NULL;
	works->last = &works->first;
	works->count = 0;
}

void postgres_works_append(struct postgres_works *works,
			   struct postgres_work *work)
{
	work->next = NULL;
	*works->last = work;
	works->last = &work->next;
	works->count++;
}

struct postgres_work *postgres_works_take(struct postgres_works *works)
{
	struct postgres_work *work = works->first;

	if (work == NULL)
		return NULL;
	works->first = work->next;
	if (works->first == NULL)
		works->last = &works->first;
	works->count--;
	work->next = NULL;
	return work;
}

void postgres_works_prepend(struct postgres_works *works,
			    struct postgres_works *front)
{
	if (front->first == NULL)
		return;
	*front->last = works->first;
	if (works->first == NULL)
		works->last = front->last;
	works->first = front->first;
	works->count += front->count;
	postgres_works_init(front);
}

static int64_t random_number(void)
{
	int64_t number;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		BUG("no random numbers");
	return number;
}

/* FNV-1a. */
static uint32_t hash_of(const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	uint32_t hash = 2166136261U;

	for (; len > 0; len--)
		hash = (hash ^ *at++) * 16777619U;
	return hash;
}

static uint32_t owner_of(const struct storage_call *call)
{
	switch (call->verb) {
	case STORAGE_USER_CREATE:
	case STORAGE_USER_BY_ID:
		return hash_of(&call->in.user.id, sizeof(call->in.user.id));
	case STORAGE_USER_SET_PASSWORD:
		return hash_of(&call->in.password.id,
			       sizeof(call->in.password.id));
	case STORAGE_PING:
	case STORAGE_USER_BY_EMAIL:
		return 0;
	case STORAGE_TASK_CREATE:
	case STORAGE_TASK_GET:
	case STORAGE_TASK_LIST:
	case STORAGE_TASK_UPDATE:
	case STORAGE_TASK_TOGGLE:
	case STORAGE_TASK_DELETE:
		return hash_of(call->user_id.ptr, call->user_id.len);
	}
	BUG("no such verb");
}

/* Only updates and toggles ask. */
static int64_t time_of(const struct storage_call *call)
{
	return call->verb == STORAGE_TASK_TOGGLE ? call->in.now_us :
						   call->in.changes.now_us;
}

static bool is_change(const struct storage_call *call)
{
	return call->verb == STORAGE_TASK_UPDATE ||
	       call->verb == STORAGE_TASK_TOGGLE;
}

struct postgres_work *postgres_work_new(struct storage_call *call,
					int64_t now_us)
{
	struct postgres_work *work = calloc(1, sizeof(*work));

	if (work == NULL)
		return NULL;
	work->call = call;
	work->since_us = now_us;
	work->is_write = storage_verb_is_write(call->verb);
	if (work->is_write)
		work->owner = owner_of(call);
	if (is_change(call))
		work->at_us = time_of(call);
	return work;
}

void postgres_works_number(struct postgres_works *works, int64_t *next)
{
	int64_t last = (int64_t)works->count - 1;
	struct postgres_work *work;

	if (*next == 0 || (*next & NUMBER_COUNT) + last >= NUMBER_COUNT)
		*next = random_number() & ~NUMBER_REST;
	last += *next;
	for (work = works->first; work != NULL; work = work->next) {
		if (work->is_write && !work->is_uncertain) {
			work->number = *next;
			work->first = last - (int64_t)works->count + 1;
			work->last = last;
		}
		++*next;
	}
}

/* Of a create that looks something is there. */
static bool may_be_written(const struct postgres_work *work)
{
	return work->is_uncertain || (work->phase == POSTGRES_PHASE_LOOK &&
				      work->call->verb == STORAGE_TASK_CREATE);
}

static bool says_not_written(enum err err)
{
	return err == ERR_UNAVAILABLE || err == ERR_NO_MEMORY ||
	       err == ERR_SYSTEM;
}

static void finish_with(struct postgres_work *work, enum err err,
			const struct storage_result *result)
{
	/* Only what surely was not written may be called so. */
	if (may_be_written(work) && says_not_written(err))
		err = ERR_UNCERTAIN;
	if (work->is_uncertain)
		--*work->uncertain;
	storage_call_finish(work->call, err, result);
	PQclear(work->result);
	free(work);
}

void postgres_work_finish(struct postgres_work *work, enum err err)
{
	finish_with(work, err, NULL);
}

bool postgres_work_is_joinable(const struct postgres_work *work)
{
	if (work->is_alone || work->phase != POSTGRES_PHASE_RUN)
		return false;
	switch (work->call->verb) {
	case STORAGE_TASK_CREATE:
		return true;
	case STORAGE_TASK_UPDATE:
	case STORAGE_TASK_TOGGLE:
	case STORAGE_TASK_DELETE:
		/* By uuid the order of the rows is not known. */
		return work->call->key.kind == TASK_KEY_ID;
	case STORAGE_PING:
	case STORAGE_USER_CREATE:
	case STORAGE_USER_SET_PASSWORD:
	case STORAGE_TASK_GET:
	case STORAGE_TASK_LIST:
	case STORAGE_USER_BY_EMAIL:
	case STORAGE_USER_BY_ID:
		return false;
	}
	BUG("no such verb");
}

static int compare(const struct postgres_work *a, const struct postgres_work *b)
{
	const struct storage_call *x = a->call, *y = b->call;
	bool x_creates = x->verb == STORAGE_TASK_CREATE;
	bool y_creates = y->verb == STORAGE_TASK_CREATE;
	size_t len = x->user_id.len < y->user_id.len ? x->user_id.len :
						       y->user_id.len;
	int order;

	/* Creates lock nothing that others want, and come first. */
	if (x_creates || y_creates)
		return (int)y_creates - (int)x_creates;
	order = memcmp(x->user_id.ptr, y->user_id.ptr, len);
	if (order == 0)
		order = (x->user_id.len > y->user_id.len) -
			(x->user_id.len < y->user_id.len);
	if (order == 0)
		order = (x->key.id > y->key.id) - (x->key.id < y->key.id);
	return order;
}

/* Sorts by merging, so that equals stay in their order. */
static struct postgres_work *sort(struct postgres_work *list, size_t count)
{
	struct postgres_work *left = list, *right, *merged = NULL;
	struct postgres_work **end = &merged;
	size_t half = count / 2, i;

	if (count < 2)
		return list;
	right = list;
	for (i = 1; i < half; i++)
		right = right->next;
	list = right->next;
	right->next = NULL;
	left = sort(left, half);
	right = sort(list, count - half);
	while (left != NULL && right != NULL) {
		struct postgres_work **least =
			compare(right, left) < 0 ? &right : &left;

		*end = *least;
		*least = (*least)->next;
		end = &(*end)->next;
	}
	*end = left != NULL ? left : right;
	return merged;
}

void postgres_works_sort(struct postgres_works *works)
{
	struct postgres_work *work = sort(works->first, works->count);

	postgres_works_init(works);
	while (work != NULL) {
		struct postgres_work *next = work->next;

		postgres_works_append(works, work);
		work = next;
	}
}

/* The statement's parameters, by verb. */

static void add_text_or_null(struct postgres_parameters *to, bool is_text,
			     struct text text)
{
	if (is_text)
		postgres_add_text(to, text);
	else
		postgres_add_null(to);
}

static enum postgres_sql add_create(const struct postgres_work *work,
				    struct postgres_parameters *to)
{
	const struct task_draft *draft = &work->call->in.draft;

	postgres_add_text(to, work->call->user_id);
	postgres_add_uuid(to, &draft->uuid);
	if (work->phase == POSTGRES_PHASE_LOOK)
		return POSTGRES_SQL_LOOK_BY_UUID;
	postgres_add_int(to, work->number);
	postgres_add_int(to, draft->now_us);
	postgres_add_text(to, draft->title);
	postgres_add_text(to, draft->title_folded);
	add_text_or_null(to, draft->has_description, draft->description);
	add_text_or_null(to, draft->has_description, draft->description_folded);
	postgres_add_bool(to, draft->completed);
	return POSTGRES_SQL_TASK_CREATE;
}

static enum postgres_sql add_list(const struct postgres_work *work,
				  struct postgres_parameters *to)
{
	const struct storage_call *call = work->call;
	bool is_filtered = call->in.list.filter != TASK_FILTER_ALL;
	size_t limit = call->in.list.limit;

	if (limit == 0 || limit > POSTGRES_PAGE_ROWS)
		limit = POSTGRES_PAGE_ROWS;
	postgres_add_text(to, call->user_id);
	/* One more shows whether there is more. */
	postgres_add_int(to, (int64_t)limit + 1);
	if (call->in.list.has_after) {
		postgres_add_int(to, call->in.list.after.created_at_us);
		postgres_add_int(to, call->in.list.after.id);
	}
	if (call->in.list.is_search) {
		postgres_add_int(to, call->in.list.created_from_us);
		postgres_add_text(to, call->in.list.keyword);
		postgres_add_int(to, call->in.list.skip);
	}
	if (is_filtered)
		postgres_add_bool(to, call->in.list.filter ==
					      TASK_FILTER_COMPLETED);
	if (call->in.list.is_search)
		return is_filtered ? POSTGRES_SQL_SEARCH_FILTERED :
				     POSTGRES_SQL_SEARCH;
	if (is_filtered)
		return call->in.list.has_after ?
			       POSTGRES_SQL_LIST_FILTERED_AFTER :
			       POSTGRES_SQL_LIST_FILTERED;
	return call->in.list.has_after ? POSTGRES_SQL_LIST_AFTER :
					 POSTGRES_SQL_LIST;
}

static void add_changes(const struct task_changes *changes,
			struct postgres_parameters *to)
{
	bool sets_description = changes->description == TASK_SET;

	postgres_add_bool(to, changes->title == TASK_SET);
	postgres_add_text(to, changes->title_text);
	postgres_add_text(to, changes->title_folded);
	postgres_add_bool(to, changes->description != TASK_KEEP);
	add_text_or_null(to, sets_description, changes->description_text);
	add_text_or_null(to, sets_description, changes->description_folded);
	postgres_add_bool(to, changes->completed == TASK_SET);
	postgres_add_bool(to, changes->completed_value);
}

/* What updates and toggles have after user and key. */
static enum postgres_sql add_change(const struct postgres_work *work,
				    struct postgres_parameters *to)
{
	/* By whether it is by uuid, and whether it is a repetition. */
	static const enum postgres_sql toggles[2][2] = {
		{ POSTGRES_SQL_TOGGLE_BY_ID, POSTGRES_SQL_TOGGLE_AGAIN_BY_ID },
		{ POSTGRES_SQL_TOGGLE_BY_UUID,
		  POSTGRES_SQL_TOGGLE_AGAIN_BY_UUID },
	};
	static const enum postgres_sql updates[2][2] = {
		{ POSTGRES_SQL_UPDATE_BY_ID, POSTGRES_SQL_UPDATE_AGAIN_BY_ID },
		{ POSTGRES_SQL_UPDATE_BY_UUID,
		  POSTGRES_SQL_UPDATE_AGAIN_BY_UUID },
	};
	const struct storage_call *call = work->call;
	bool is_toggle = call->verb == STORAGE_TASK_TOGGLE;
	bool by_uuid = call->key.kind != TASK_KEY_ID;
	bool is_again = work->is_uncertain;

	postgres_add_int(to, work->number | (is_again ? NUMBER_REPEATED : 0));
	postgres_add_int(to, work->at_us);
	if (!is_toggle)
		add_changes(&call->in.changes, to);
	if (is_again)
		postgres_add_int(to, work->seen);
	return is_toggle ? toggles[by_uuid][is_again] :
			   updates[by_uuid][is_again];
}

/* Verbs on one task: user and key first, then what the verb has. */
static enum postgres_sql add_on_task(const struct postgres_work *work,
				     struct postgres_parameters *to)
{
	const struct storage_call *call = work->call;
	bool by_id = call->key.kind == TASK_KEY_ID;

	postgres_add_text(to, call->user_id);
	postgres_add_key(to, &call->key);
	if (call->verb == STORAGE_TASK_GET)
		return by_id ? POSTGRES_SQL_TASK_BY_ID :
			       POSTGRES_SQL_TASK_BY_UUID;
	if (call->verb == STORAGE_TASK_DELETE)
		return by_id ? POSTGRES_SQL_DELETE_BY_ID :
			       POSTGRES_SQL_DELETE_BY_UUID;
	if (work->phase == POSTGRES_PHASE_LOOK)
		return by_id ? POSTGRES_SQL_LOOK_BY_ID :
			       POSTGRES_SQL_LOOK_BY_UUID;
	return add_change(work, to);
}

static enum postgres_sql add_user_create(const struct postgres_work *work,
					 struct postgres_parameters *to)
{
	const struct user *user = &work->call->in.user;

	postgres_add_uuid(to, &user->id);
	if (work->phase == POSTGRES_PHASE_LOOK)
		return POSTGRES_SQL_USER_BY_ID;
	postgres_add_text(to, user->email);
	postgres_add_text(to, user->name);
	postgres_add_text(to, user->password_hash);
	postgres_add_int(to, user->created_at_us);
	return POSTGRES_SQL_USER_CREATE;
}

static enum postgres_sql add_set_password(const struct postgres_work *work,
					  struct postgres_parameters *to)
{
	postgres_add_uuid(to, &work->call->in.password.id);
	if (work->phase == POSTGRES_PHASE_LOOK)
		return POSTGRES_SQL_USER_BY_ID;
	postgres_add_text(to, work->call->in.password.old_hash);
	postgres_add_text(to, work->call->in.password.new_hash);
	return POSTGRES_SQL_USER_SET_PASSWORD;
}

enum postgres_sql postgres_work_statement(const struct postgres_work *work,
					  struct postgres_parameters *to)
{
	const struct storage_call *call = work->call;

	to->count = 0;
	to->used = 0;
	switch (call->verb) {
	case STORAGE_PING:
		return POSTGRES_SQL_PING;
	case STORAGE_TASK_CREATE:
		return add_create(work, to);
	case STORAGE_TASK_LIST:
		return add_list(work, to);
	case STORAGE_TASK_GET:
	case STORAGE_TASK_UPDATE:
	case STORAGE_TASK_TOGGLE:
	case STORAGE_TASK_DELETE:
		return add_on_task(work, to);
	case STORAGE_USER_CREATE:
		return add_user_create(work, to);
	case STORAGE_USER_BY_EMAIL:
		postgres_add_text(to, call->in.user.email);
		return POSTGRES_SQL_USER_BY_EMAIL;
	case STORAGE_USER_BY_ID:
		postgres_add_uuid(to, &call->in.user.id);
		return POSTGRES_SQL_USER_BY_ID;
	case STORAGE_USER_SET_PASSWORD:
		return add_set_password(work, to);
	}
	BUG("no such verb");
}

/* What results mean. */

static enum postgres_next end(struct postgres_work *work, enum err err)
{
	postgres_work_finish(work, err);
	return POSTGRES_FINISHED;
}

static void drop_result(struct postgres_work *work)
{
	PQclear(work->result);
	work->result = NULL;
	work->rows = NULL;
	work->row = 0;
}

void postgres_work_keep(struct postgres_work *work,
			const struct pg_result *rows, int *row)
{
	struct uuid uuid;

	drop_result(work);
	work->rows = rows;
	if (rows == NULL || row == NULL)
		return;
	work->row = -1;
	if (*row < PQntuples(rows) &&
	    postgres_row_uuid(rows, *row, &uuid) == ERR_OK &&
	    uuid_is_equal(&uuid, &work->call->in.draft.uuid))
		work->row = (*row)++;
}

static enum postgres_next go_to(struct postgres_work *work,
				enum postgres_phase phase)
{
	drop_result(work);
	if (phase == POSTGRES_PHASE_RUN && ++work->repeats > REPEATS_MAX)
		return end(work, ERR_UNAVAILABLE);
	work->phase = phase;
	work->is_alone = true;
	return POSTGRES_AGAIN;
}

static enum postgres_next hand_out_task(struct postgres_work *work,
					const PGresult *rows)
{
	struct storage_result result = { 0 };
	struct task task;
	enum err err =
		postgres_row_task(rows, work->row, work->call->user_id, &task);

	result.task = &task;
	finish_with(work, err, &result);
	return POSTGRES_FINISHED;
}

static enum postgres_next hand_out_user(struct postgres_work *work,
					const PGresult *rows)
{
	struct storage_result result = { 0 };
	struct user user;
	enum err err;

	if (PQntuples(rows) == 0)
		return end(work, ERR_NOT_FOUND);
	err = postgres_row_user(rows, 0, &user);
	result.user = &user;
	finish_with(work, err, &result);
	return POSTGRES_FINISHED;
}

static enum postgres_next hand_out_list(struct postgres_work *work,
					const PGresult *rows)
{
	struct storage_call *call = work->call;
	size_t limit = call->in.list.limit;
	struct storage_result result = { 0 };
	int count = PQntuples(rows), row;
	enum err err = ERR_OK;

	if (limit == 0 || limit > POSTGRES_PAGE_ROWS)
		limit = POSTGRES_PAGE_ROWS;
	if ((size_t)count > limit) {
		result.more = true;
		count = (int)limit;
	}
	for (row = 0; row < count && err == ERR_OK; row++) {
		struct task task;

		err = postgres_row_task(rows, row, call->user_id, &task);
		if (err == ERR_OK && !storage_call_row(call, &task))
			break;
	}
	finish_with(work, err, &result);
	return POSTGRES_FINISHED;
}

/* Whether the number in a row shows that the write has happened. */
static bool is_proof(const struct postgres_work *work, int64_t number)
{
	return (number >= work->first && number <= work->last) ||
	       number == (work->number | NUMBER_REPEATED);
}

/* Whether it shows that the write has not, and never will. */
static bool is_disproof(const struct postgres_work *work, int64_t number)
{
	/* The repetition too was lost: it changes only what was seen. */
	if (work->is_repeated)
		return number == work->seen;
	/* What was sent later over the same connection proves nothing: this
	 * one's transaction may have failed by itself. */
	return (number & ~NUMBER_REST) == (work->number & ~NUMBER_REST) &&
	       (number & ~NUMBER_REPEATED) <= work->last;
}

/* A look at the task that an update or a toggle is for, since a try was lost or
 * has found no task as old as it should be. */
static enum postgres_next settle_look(struct postgres_work *work,
				      const PGresult *rows)
{
	struct task task;
	int64_t number;

	if (PQntuples(rows) == 0)
		return end(work, ERR_NOT_FOUND);
	if (postgres_row_last_write(rows, 0, &number) != ERR_OK ||
	    postgres_row_task(rows, 0, work->call->user_id, &task) != ERR_OK)
		return end(work, ERR_CORRUPT);
	if (!work->is_uncertain) {
		if (work->at_us < task.updated_at_us)
			work->at_us = task.updated_at_us;
		return go_to(work, POSTGRES_PHASE_RUN);
	}
	if (is_proof(work, number))
		return hand_out_task(work, rows);
	if (is_disproof(work, number) || task.updated_at_us < work->at_us) {
		work->seen = number;
		return go_to(work, POSTGRES_PHASE_RUN);
	}
	log_write(LOG_WARN, "outcome of a write is unknown", NULL, 0);
	return end(work, ERR_UNCERTAIN);
}

static enum postgres_next settle_task_write(struct postgres_work *work,
					    const PGresult *rows)
{
	bool is_create = work->call->verb == STORAGE_TASK_CREATE;
	bool is_there = work->row >= 0 && work->row < PQntuples(rows);

	if (work->phase == POSTGRES_PHASE_LOOK && !is_create)
		return settle_look(work, rows);
	if (is_there)
		return hand_out_task(work, rows);
	if (is_create)
		/* It was there already, so it is looked up; if it has gone by
		 * then, it is created after all. */
		return go_to(work, work->phase == POSTGRES_PHASE_RUN ?
					   POSTGRES_PHASE_LOOK :
					   POSTGRES_PHASE_RUN);
	return go_to(work, POSTGRES_PHASE_LOOK);
}

static bool has_changed_rows(const PGresult *result)
{
	/* libpq says "0", "1", … */
	const char *count = PQcmdTuples((PGresult *)(uintptr_t)result);

	return count[0] != '\0' && strcmp(count, "0") != 0;
}

static enum postgres_next settle_set_password(struct postgres_work *work,
					      const PGresult *result)
{
	struct user user;

	if (work->phase == POSTGRES_PHASE_RUN) {
		if (has_changed_rows(result))
			return end(work, ERR_OK);
		return work->is_uncertain ? go_to(work, POSTGRES_PHASE_LOOK) :
					    end(work, ERR_NOT_FOUND);
	}
	if (PQntuples(result) == 0)
		return end(work, ERR_NOT_FOUND);
	if (postgres_row_user(result, 0, &user) != ERR_OK)
		return end(work, ERR_CORRUPT);
	return end(work, text_is_equal(user.password_hash,
				       work->call->in.password.new_hash) ?
				 ERR_OK :
				 ERR_NOT_FOUND);
}

enum postgres_next postgres_work_settle(struct postgres_work *work,
					const struct pg_result *result)
{
	switch (work->call->verb) {
	case STORAGE_PING:
		return end(work, ERR_OK);
	case STORAGE_TASK_GET:
		return PQntuples(result) > 0 ? hand_out_task(work, result) :
					       end(work, ERR_NOT_FOUND);
	case STORAGE_TASK_LIST:
		return hand_out_list(work, result);
	case STORAGE_USER_BY_EMAIL:
	case STORAGE_USER_BY_ID:
		return hand_out_user(work, result);
	case STORAGE_TASK_CREATE:
	case STORAGE_TASK_UPDATE:
	case STORAGE_TASK_TOGGLE:
		return settle_task_write(work, result);
	case STORAGE_TASK_DELETE:
		/* When the first try may have deleted it, nothing is left to
		 * tell the two cases apart: it is gone, as was asked. */
		return end(work,
			   has_changed_rows(result) || work->is_uncertain ?
				   ERR_OK :
				   ERR_NOT_FOUND);
	case STORAGE_USER_CREATE:
		if (work->phase == POSTGRES_PHASE_LOOK)
			return end(work, PQntuples(result) > 0 ? ERR_OK :
								 ERR_CONFLICT);
		return end(work, ERR_OK);
	case STORAGE_USER_SET_PASSWORD:
		return settle_set_password(work, result);
	}
	BUG("no such verb");
}

enum postgres_next postgres_work_refuse(struct postgres_work *work,
					enum err err)
{
	/* Taken perhaps by the first try of the same. */
	if (err == ERR_CONFLICT && work->call->verb == STORAGE_USER_CREATE &&
	    work->is_uncertain)
		return go_to(work, POSTGRES_PHASE_LOOK);
	/* Other databases' tables; the one who asks can do nothing. */
	if (err == ERR_OUTDATED)
		err = ERR_UNAVAILABLE;
	return end(work, err);
}

enum postgres_next postgres_work_lose(struct postgres_work *work,
				      int64_t now_us)
{
	drop_result(work);
	work->since_us = now_us;
	if (!work->is_write)
		return ++work->losses > LOSSES_MAX ?
			       end(work, ERR_UNAVAILABLE) :
			       POSTGRES_AGAIN;
	if (work->phase == POSTGRES_PHASE_RUN) {
		work->is_repeated = work->is_uncertain;
		*work->uncertain += !work->is_uncertain;
		work->is_uncertain = true;
	}
	work->is_alone = true;
	if (is_change(work->call))
		work->phase = POSTGRES_PHASE_LOOK;
	return POSTGRES_AGAIN;
}
