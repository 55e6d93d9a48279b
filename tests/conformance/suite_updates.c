/* Changing tasks. */
#include "config.h"

#include "tests/conformance/subject.h"
#include "tests/conformance/suite.h"
#include "tests/support/tap.h"

#define NOW	INT64_C(1700000000000000)
#define TOGGLES 25

/* A task that has everything; its id. */
static int64_t make_full(struct subject *subject)
{
	struct task_draft draft = draft_of("Title", NOW);
	struct answer answer;
	int64_t id;

	draft.has_description = true;
	draft.description = TEXT("Description");
	draft.description_folded = TEXT("description");
	create(subject, "anna", &draft, &answer);
	if (answer.task == NULL)
		bail_out("a task was not created");
	id = answer.task->id;
	answer_release(&answer);
	return id;
}

static void check_task(const struct answer *answer, struct text title,
		       const char *description, bool completed,
		       const char *name)
{
	const struct task *task = answer->task;

	ok(task != NULL && text_is_equal(task->title, title) &&
		   task->has_description == (description != NULL) &&
		   text_is_equal(task->description, text_of(description)) &&
		   task->completed == completed,
	   name);
}

/* Updates, looks at what came back, and that it is what was stored. */
static void check_update(struct subject *subject, int64_t id,
			 const struct task_changes *changes, const char *title,
			 const char *description, bool completed,
			 const char *name)
{
	struct answer updated, got;

	update(subject, "anna", key_by_id(id), changes, &updated);
	get(subject, "anna", key_by_id(id), &got);
	check_task(&updated, text_of(title), description, completed, name);
	check_task(&got, text_of(title), description, completed,
		   "and that is stored");
	ok(updated.task != NULL && got.task != NULL &&
		   updated.task->updated_at_us == got.task->updated_at_us &&
		   got.task->created_at_us == NOW,
	   "and the time of its creation stays");
	answer_release(&updated);
	answer_release(&got);
}

static void test_fields(struct subject *subject)
{
	int64_t id = make_full(subject);
	struct task_changes changes = changes_title("New title", NOW + 1);

	check_update(subject, id, &changes, "New title", "Description", false,
		     "a title alone is set");
	changes = changes_at(NOW + 2);
	changes.description = TASK_SET;
	changes.description_text = TEXT("New");
	changes.description_folded = TEXT("new");
	check_update(subject, id, &changes, "New title", "New", false,
		     "a description alone is set");
	changes = changes_at(NOW + 3);
	changes.completed = TASK_SET;
	changes.completed_value = true;
	check_update(subject, id, &changes, "New title", "New", true,
		     "a task alone is completed");
	changes = changes_at(NOW + 4);
	changes.description = TASK_CLEAR;
	check_update(subject, id, &changes, "New title", NULL, true,
		     "a description is cleared");
	changes = changes_at(NOW + 5);
	changes.description = TASK_SET;
	check_update(subject, id, &changes, "New title", "", true,
		     "a description is set to the empty text");
	changes = changes_title("All", NOW + 6);
	changes.description = TASK_SET;
	changes.description_text = TEXT("of it");
	changes.description_folded = TEXT("of it");
	changes.completed = TASK_SET;
	check_update(subject, id, &changes, "All", "of it", false,
		     "everything is set at once");
	changes = changes_at(NOW + 7);
	check_update(subject, id, &changes, "All", "of it", false,
		     "an empty update keeps everything");
}

static int64_t updated_at(struct subject *subject, int64_t id)
{
	struct answer got;
	int64_t at;

	get(subject, "anna", key_by_id(id), &got);
	at = got.task != NULL ? got.task->updated_at_us : -1;
	answer_release(&got);
	return at;
}

static void test_times(struct subject *subject)
{
	int64_t id = make_full(subject);
	struct task_changes changes = changes_at(NOW + 1000);
	struct answer answer;

	update(subject, "anna", key_by_id(id), &changes, &answer);
	answer_release(&answer);
	is_int(updated_at(subject, id), NOW + 1000,
	       "an update sets the time of the change");
	update(subject, "anna", key_by_id(id), &changes, &answer);
	answer_release(&answer);
	is_int(updated_at(subject, id), NOW + 1001,
	       "at the same time it grows all the same");
	changes.now_us = NOW - 5000;
	update(subject, "anna", key_by_id(id), &changes, &answer);
	answer_release(&answer);
	is_int(updated_at(subject, id), NOW + 1002,
	       "with a clock that went back too");
	toggle(subject, "anna", key_by_id(id), NOW, &answer);
	answer_release(&answer);
	is_int(updated_at(subject, id), NOW + 1003, "and with a toggle");
	toggle(subject, "anna", key_by_id(id), NOW + 2000, &answer);
	answer_release(&answer);
	is_int(updated_at(subject, id), NOW + 2000,
	       "a later toggle sets its time");
}

static void test_toggle(struct subject *subject)
{
	int64_t id = make_full(subject);
	struct answer answer;

	toggle(subject, "anna", key_by_id(id), NOW, &answer);
	check_task(&answer, TEXT("Title"), "Description", true,
		   "a toggle completes a task");
	answer_release(&answer);
	toggle(subject, "anna", key_by_id(id), NOW, &answer);
	check_task(&answer, TEXT("Title"), "Description", false,
		   "another reopens it");
	answer_release(&answer);
}

static void test_many_toggles(struct subject *subject)
{
	const struct task_key key = key_by_id(make_full(subject));
	struct answer answers[TOGGLES] = { 0 };
	size_t completed = 0, i;
	int64_t latest = 0;

	for (i = 0; i < TOGGLES; i++)
		if (storage_task_toggle(subject->storage, TEXT("anna"), &key,
					NOW, answer_on_task, &answers[i],
					NULL) != ERR_OK)
			bail_out("a toggle was refused");
	for (i = 0; i < TOGGLES; i++) {
		testloop_run_until_count(subject->loop, &answers[i].count, 1);
		if (answers[i].task == NULL)
			bail_out("a toggle failed");
		completed += answers[i].task->completed ? 1 : 0;
		if (answers[i].task->updated_at_us > latest)
			latest = answers[i].task->updated_at_us;
		answer_release(&answers[i]);
	}
	is_int(completed, (TOGGLES + 1) / 2,
	       "toggles at the same time each flip once");
	is_int(latest, NOW + TOGGLES, "and each moves the time");
}

static void test_by_uuid(struct subject *subject)
{
	const struct task_draft draft = draft_of("By uuid", NOW);
	const struct task_changes changes = changes_title("Changed", NOW + 1);
	struct answer answer;

	create(subject, "anna", &draft, &answer);
	answer_release(&answer);
	update(subject, "anna", key_by_uuid(draft.uuid), &changes, &answer);
	check_task(&answer, TEXT("Changed"), NULL, false,
		   "a task is updated by its uuid");
	answer_release(&answer);
	toggle(subject, "anna", key_by_uuid(draft.uuid), NOW, &answer);
	check_task(&answer, TEXT("Changed"), NULL, true,
		   "a task is toggled by its uuid");
	answer_release(&answer);
}

static void test_missing(struct subject *subject)
{
	const struct task_changes changes = changes_at(NOW);
	struct answer answer;

	update(subject, "anna", key_by_id(123456), &changes, &answer);
	is_err(answer.err, ERR_NOT_FOUND, "no task, no update by id");
	update(subject, "anna", key_by_uuid(uuid_make()), &changes, &answer);
	is_err(answer.err, ERR_NOT_FOUND, "no task, no update by uuid");
	toggle(subject, "anna", key_by_id(123456), NOW, &answer);
	is_err(answer.err, ERR_NOT_FOUND, "no task, no toggle by id");
	toggle(subject, "anna", key_by_uuid(uuid_make()), NOW, &answer);
	is_err(answer.err, ERR_NOT_FOUND, "no task, no toggle by uuid");
}

void suite_updates(struct subject *subject)
{
	test_fields(subject);
	test_times(subject);
	test_toggle(subject);
	test_many_toggles(subject);
	test_by_uuid(subject);
	test_missing(subject);
}
