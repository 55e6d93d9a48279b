/* What core/storage.h promises of every call, whatever its verb. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/health.h"
#include "tests/conformance/subject.h"
#include "tests/conformance/suite.h"
#include "tests/support/tap.h"

#define NOW  INT64_C(1700000000000000)
#define MANY 1000

/* Creates at once, and one in how many of them is a repetition. */
#define TOGETHER 300
#define REPEATED 7

static const struct text user_id = { "carl", 4 };

/* One call of every verb, all at once, all of them deferred. */
static void test_deferred(struct subject *subject)
{
	const struct task_draft draft = draft_of("Deferred", NOW);
	const struct task_changes changes = changes_at(NOW);
	const struct task_key key = key_by_uuid(draft.uuid);
	const struct storage_list all = { 0 };
	const struct user user = {
		.id = uuid_make(),
		.email = TEXT("carl@example.org"),
		.name = TEXT("Carl"),
		.password_hash = TEXT("hash"),
	};
	struct storage *storage = subject->storage;
	struct answer a[10] = { 0 };
	struct page page = { 0 };
	size_t started = 0, i;

#define STARTED(call) (started += (call) == ERR_OK ? 1 : 0)
	STARTED(storage_task_create(storage, user_id, &draft, answer_on_task,
				    &a[0], NULL));
	STARTED(storage_task_get(storage, user_id, &key, answer_on_task, &a[1],
				 NULL));
	STARTED(storage_task_update(storage, user_id, &key, &changes,
				    answer_on_task, &a[2], NULL));
	STARTED(storage_task_toggle(storage, user_id, &key, NOW, answer_on_task,
				    &a[3], NULL));
	STARTED(storage_task_list(storage, user_id, &all, page_on_row,
				  page_on_end, &page, NULL));
	STARTED(storage_task_delete(storage, user_id, &key, answer_on_done,
				    &a[4], NULL));
	STARTED(storage_user_create(storage, &user, answer_on_done, &a[5],
				    NULL));
	STARTED(storage_user_by_email(storage, user.email, answer_on_user,
				      &a[6], NULL));
	STARTED(storage_user_by_id(storage, &user.id, answer_on_user, &a[7],
				   NULL));
	STARTED(storage_user_set_password(storage, &user.id, TEXT("hash"),
					  TEXT("new"), answer_on_done, &a[8],
					  NULL));
	STARTED(storage_ping(storage, answer_on_done, &a[9], NULL));
#undef STARTED
	is_int(started, 11, "every verb starts");
	is_int(storage_pending(storage), 11, "as many calls are pending");
	for (i = 0; i < 10; i++)
		if (a[i].count != 0)
			break;
	ok(i == 10 && page.count == 0 && page.rows == 0,
	   "no callback runs before its verb returned");
	for (i = 0; i < 10; i++)
		testloop_run_until_count(subject->loop, &a[i].count, 1);
	testloop_run_until_count(subject->loop, &page.count, 1);
	testloop_run_for(subject->loop, 20);
	for (i = 0; i < 10; i++) {
		if (a[i].count != 1)
			break;
		answer_release(&a[i]);
	}
	ok(i == 10 && page.count == 1, "each runs exactly once");
	is_int(storage_pending(storage), 0, "no call is pending any more");
	ok(a[0].err == ERR_OK && a[2].err == ERR_OK && a[3].err == ERR_OK &&
		   a[4].err == ERR_OK && a[5].err == ERR_OK &&
		   a[8].err == ERR_OK,
	   "writes of one caller happen in the order of their calls");
	page_release(&page);
}

/* Texts that are overwritten as soon as the verb has returned. */
static void test_copied(struct subject *subject)
{
	char user[] = "dora", title[] = "Title", description[] = "Description";
	struct task_draft draft = draft_of(title, NOW);
	struct task_key key = key_by_uuid(draft.uuid);
	struct task_changes changes;
	struct answer answer = { 0 };
	struct uuid uuid = draft.uuid;

	draft.has_description = true;
	draft.description = draft.description_folded = text_of(description);
	if (storage_task_create(subject->storage, text_of(user), &draft,
				answer_on_task, &answer, NULL) != ERR_OK)
		bail_out("a create was refused");
	memset(user, 'x', 4);
	memset(title, 'x', 5);
	memset(description, 'x', 11);
	memset(&draft, 0xff, sizeof(draft));
	testloop_run_until_count(subject->loop, &answer.count, 1);
	ok(answer.task != NULL &&
		   text_is_equal(answer.task->user_id, TEXT("dora")) &&
		   text_is_equal(answer.task->title, TEXT("Title")) &&
		   text_is_equal(answer.task->description, TEXT("Description")),
	   "a create copies what it is given");
	answer_release(&answer);

	memcpy(user, "dora", 4);
	memcpy(title, "Other", 5);
	changes = changes_title(title, NOW + 1);
	answer.count = 0;
	if (storage_task_update(subject->storage, text_of(user), &key, &changes,
				answer_on_task, &answer, NULL) != ERR_OK)
		bail_out("an update was refused");
	memset(user, 'x', 4);
	memset(title, 'x', 5);
	memset(&key, 0xff, sizeof(key));
	memset(&changes, 0xff, sizeof(changes));
	testloop_run_until_count(subject->loop, &answer.count, 1);
	ok(answer.task != NULL &&
		   text_is_equal(answer.task->title, TEXT("Other")) &&
		   uuid_is_equal(&answer.task->uuid, &uuid),
	   "so does an update");
	answer_release(&answer);
}

static void test_list_copied(struct subject *subject)
{
	struct task_cursor after = { NOW + 5, TASK_ID_MAX };
	struct storage_list wanted = { .after = &after };
	struct page page = { 0 };

	create_id(subject, "emil", "Older", NOW);
	create_id(subject, "emil", "Newer", NOW + 10);
	if (storage_task_list(subject->storage, TEXT("emil"), &wanted,
			      page_on_row, page_on_end, &page, NULL) != ERR_OK)
		bail_out("a list was refused");
	memset(&after, 0, sizeof(after));
	memset(&wanted, 0xff, sizeof(wanted));
	testloop_run_until_count(subject->loop, &page.count, 1);
	is_int(page.rows, 1, "a list copies its cursor");
	page_release(&page);
}

static void test_cancel(struct subject *subject)
{
	const struct task_draft draft = draft_of("Cancelled", NOW);
	const struct task_key key = key_by_uuid(draft.uuid);
	struct storage_call *create_call = NULL, *get_call = NULL;
	struct answer created = { 0 }, got = { 0 }, other;

	if (storage_task_create(subject->storage, user_id, &draft,
				answer_on_task, &created,
				&create_call) != ERR_OK ||
	    storage_task_get(subject->storage, user_id, &key, answer_on_task,
			     &got, &get_call) != ERR_OK)
		bail_out("a call was refused");
	ok(create_call != NULL && get_call != NULL,
	   "the caller can hold on to a call");
	storage_cancel(subject->storage, &create_call);
	storage_cancel(subject->storage, &get_call);
	ok(create_call == NULL && get_call == NULL,
	   "a cancel leaves NULL behind");
	is_int(storage_pending(subject->storage), 0,
	       "a cancelled call is not pending");
	storage_cancel(subject->storage, &get_call);
	/* Writes happen in order, so the cancelled one is over after this. */
	create_id(subject, "carl", "After", NOW);
	get(subject, "carl", key_by_id(1), &other);
	answer_release(&other);
	testloop_run_for(subject->loop, 20);
	ok(created.count == 0 && got.count == 0,
	   "no callback runs after a cancel");
}

/* Looks at its handle, and makes the next call, from within the callback. */
struct chain {
	struct subject *subject;
	struct storage_call *call;
	size_t left;
	size_t done;
	size_t handles_left;
};

static void on_link(void *arg, enum err err, const struct task *task)
{
	struct chain *chain = arg;
	struct task_draft draft = draft_of("Link", NOW);

	(void)task;
	if (chain->call != NULL)
		chain->handles_left++;
	if (err != ERR_OK || chain->left-- == 0) {
		chain->done = 1;
		return;
	}
	if (storage_task_create(chain->subject->storage, user_id, &draft,
				on_link, chain, &chain->call) != ERR_OK)
		bail_out("a create was refused");
}

static void test_chain(struct subject *subject)
{
	struct chain chain = { .subject = subject, .left = 20 };

	on_link(&chain, ERR_OK, NULL);
	ok(testloop_run_until_count(subject->loop, &chain.done, 1),
	   "a callback may make the next call");
	is_int(chain.handles_left, 0,
	       "the handle is cleared before the callback");
}

static int compare_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void test_many(struct subject *subject)
{
	const struct task_draft draft = draft_of("Many", NOW);
	struct answer *answers = calloc(MANY, sizeof(*answers));
	int64_t *ids = calloc(MANY, sizeof(*ids));
	size_t found = 0, distinct = 1, i;
	struct answer got;

	if (answers == NULL || ids == NULL)
		bail_out("no memory");
	create_many(subject, "many", &draft, answers, MANY);
	for (i = 0; i < MANY; i++) {
		ids[i] = answers[i].task != NULL ? answers[i].task->id : 0;
		answer_release(&answers[i]);
		get(subject, "many", key_by_id(ids[i]), &got);
		found += got.err == ERR_OK;
		answer_release(&got);
	}
	is_int(found, MANY, "what is acknowledged is found at once");
	qsort(ids, MANY, sizeof(*ids), compare_ids);
	for (i = 1; i < MANY; i++)
		distinct += ids[i] != ids[i - 1];
	is_int(distinct, MANY, "each has an id of its own");
	free(answers);
	free(ids);
}

/* One of many drafts, no two alike; texts must hold what it borrows. */
static struct task_draft draft_number(size_t i, char texts[2][32])
{
	struct task_draft draft;

	(void)snprintf(texts[0], 32, "Title %zu", i);
	(void)snprintf(texts[1], 32, "Description %zu", i);
	draft = draft_of(texts[0], NOW + (int64_t)i);
	draft.completed = i % 2 != 0;
	if (i % 3 != 0) {
		draft.has_description = true;
		draft.description = text_of(i % 3 == 1 ? texts[1] : "");
		draft.description_folded = draft.description;
	}
	return draft;
}

static bool is_made_of(const struct task *task, const struct task_draft *draft)
{
	return task != NULL && uuid_is_equal(&task->uuid, &draft->uuid) &&
	       text_is_equal(task->title, draft->title) &&
	       task->has_description == draft->has_description &&
	       (!draft->has_description ||
		text_is_equal(task->description, draft->description)) &&
	       task->completed == draft->completed &&
	       task->created_at_us == draft->now_us &&
	       task->updated_at_us == draft->now_us;
}

/* A backend may make one statement of them; some are there already. */
static void test_together(struct subject *subject)
{
	static char texts[TOGETHER][2][32];
	static struct task_draft drafts[TOGETHER];
	static struct answer answers[TOGETHER];
	static int64_t ids[TOGETHER];
	size_t made = 0, again = 0, kept = 0, i;
	struct answer got;

	memset(answers, 0, sizeof(answers));
	memset(ids, 0, sizeof(ids));
	for (i = 0; i < TOGETHER; i++)
		drafts[i] = draft_number(i, texts[i]);
	for (i = 0; i < TOGETHER; i += REPEATED) {
		create(subject, i % 2 ? "ann" : "ben", &drafts[i], &got);
		ids[i] = got.task != NULL ? got.task->id : 0;
		answer_release(&got);
	}
	for (i = 0; i < TOGETHER; i++)
		if (storage_task_create(subject->storage,
					i % 2 ? TEXT("ann") : TEXT("ben"),
					&drafts[i], answer_on_task, &answers[i],
					NULL) != ERR_OK)
			bail_out("a create was refused");
	for (i = 0; i < TOGETHER; i++) {
		const struct task *task;

		if (!testloop_run_until_count(subject->loop, &answers[i].count,
					      1))
			bail_out("an answer never came");
		task = answers[i].task;
		made += is_made_of(task, &drafts[i]);
		again += ids[i] != 0 && task != NULL && task->id == ids[i];
		get(subject, i % 2 ? "ann" : "ben",
		    key_by_id(task != NULL ? task->id : 0), &got);
		kept += is_made_of(got.task, &drafts[i]);
		answer_release(&got);
		answer_release(&answers[i]);
	}
	is_int(made, TOGETHER, "each of many creates gets its own task");
	is_int(again, (TOGETHER + REPEATED - 1) / REPEATED,
	       "one that is there already is not made again");
	is_int(kept, TOGETHER, "and each is kept as it was told");
}

static void test_ping(struct subject *subject)
{
	struct storage_call *call = NULL;
	struct answer answer = { 0 };

	is_err(ping(subject), ERR_OK, "a database that is there is found");
	if (storage_ping(subject->storage, answer_on_done, &answer, &call) !=
	    ERR_OK)
		bail_out("a ping was refused");
	storage_cancel(subject->storage, &call);
	is_err(ping(subject), ERR_OK, "so it is again");
	testloop_run_for(subject->loop, 20);
	is_int(answer.count, 0, "a cancelled ping is not answered");
}

/* Runs just before the last: what it gives the storage lives as long. */
static void test_report(struct subject *subject)
{
	static struct health health;
	struct answer answer;

	memset(&health, 0, sizeof(health));
	storage_report_to(subject->storage, &health);
	is_int(health_state(&health), HEALTH_UNKNOWN,
	       "before the first call nothing is known");
	get(subject, "nobody", key_by_id(1), &answer);
	is_err(answer.err, ERR_NOT_FOUND, "a call finds nothing");
	is_int(health_state(&health), HEALTH_REACHABLE,
	       "but where it looked can be reached");
	health_report(&health, HEALTH_UNREACHABLE);
	create_id(subject, "carl", "Reported", NOW);
	is_int(health_state(&health), HEALTH_REACHABLE,
	       "a write reports as a read does");
	health_report(&health, HEALTH_UNREACHABLE);
	is_err(ping(subject), ERR_OK, "a ping is answered");
	is_int(health_state(&health), HEALTH_REACHABLE,
	       "and reports that it was");
}

/* Runs last: the storage is closed at the end, with calls in flight. */
static void test_close(struct subject *subject)
{
	const struct task_draft draft = draft_of("Lost", NOW);
	const struct task_key key = key_by_uuid(draft.uuid);
	const struct storage_list all = { 0 };
	struct storage_call *call = NULL;
	struct answer answer = { 0 };
	struct page page = { 0 };
	size_t started = 0, i;
	enum err err = ERR_OK;

	for (i = 0; i < 50; i++) {
		started += storage_task_create(subject->storage, user_id,
					       &draft, answer_on_task, &answer,
					       &call) == ERR_OK;
		started += storage_task_get(subject->storage, user_id, &key,
					    answer_on_task, &answer,
					    NULL) == ERR_OK;
		started += storage_task_list(subject->storage, user_id, &all,
					     page_on_row, page_on_end, &page,
					     NULL) == ERR_OK;
	}
	is_int(started, 150, "many calls are in flight");
	for (i = started; i < STORAGE_CALLS_MAX && err == ERR_OK; i++)
		err = storage_task_get(subject->storage, user_id, &key,
				       answer_on_task, &answer, NULL);
	is_err(err, ERR_OK, "as many are taken as are promised");
	is_err(storage_task_get(subject->storage, user_id, &key, answer_on_task,
				&answer, NULL),
	       ERR_BUSY, "one more is refused");
	storage_close(&subject->storage);
	ok(subject->storage == NULL, "a close leaves NULL behind");
	ok(call == NULL, "and clears the handles");
	testloop_run_for(subject->loop, 20);
	ok(answer.count == 0 && page.count == 0 && page.rows == 0,
	   "no callback runs after the close");
}

void suite_calls(struct subject *subject)
{
	test_deferred(subject);
	test_copied(subject);
	test_list_copied(subject);
	test_cancel(subject);
	test_chain(subject);
	test_many(subject);
	test_together(subject);
	test_ping(subject);
	test_report(subject);
	test_close(subject);
}
