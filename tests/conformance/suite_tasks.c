/* Creating, reading and deleting tasks. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tests/conformance/subject.h"
#include "tests/conformance/suite.h"
#include "tests/support/tap.h"

#define NOW INT64_C(1700000000000000)

static void test_create(struct subject *subject)
{
	struct task_draft draft = draft_of("Buy milk", NOW);
	struct answer answer;

	draft.has_description = true;
	draft.description = TEXT("Two litres");
	draft.description_folded = TEXT("two litres");
	draft.completed = true;
	create(subject, "anna", &draft, &answer);
	is_err(answer.err, ERR_OK, "a task is created");
	if (answer.task == NULL)
		return;
	ok(answer.task->id > 0 && answer.task->id <= TASK_ID_MAX,
	   "its id is positive and fits into a double");
	ok(uuid_is_equal(&answer.task->uuid, &draft.uuid),
	   "its uuid is the draft's");
	is_text(answer.task->user_id, TEXT("anna"), "its user is the caller's");
	is_text(answer.task->title, draft.title, "its title is the draft's");
	ok(answer.task->has_description, "it has a description");
	is_text(answer.task->description, draft.description,
		"its description is the draft's");
	ok(answer.task->completed, "it is completed as the draft is");
	is_int(answer.task->created_at_us, NOW, "it was created at that time");
	is_int(answer.task->updated_at_us, NOW, "it was updated at that time");
	answer_release(&answer);
}

static void check_same(const struct task *got, const struct task *want,
		       const char *name)
{
	ok(got != NULL && want != NULL && got->id == want->id &&
		   uuid_is_equal(&got->uuid, &want->uuid) &&
		   text_is_equal(got->user_id, want->user_id) &&
		   text_is_equal(got->title, want->title) &&
		   got->has_description == want->has_description &&
		   text_is_equal(got->description, want->description) &&
		   got->completed == want->completed &&
		   got->created_at_us == want->created_at_us &&
		   got->updated_at_us == want->updated_at_us,
	   name);
}

static void test_get(struct subject *subject)
{
	const struct task_draft draft = draft_of("Read", NOW);
	struct answer created, got;

	create(subject, "anna", &draft, &created);
	get(subject, "anna", key_by_id(created.task->id), &got);
	check_same(got.task, created.task, "a task is found by its id");
	answer_release(&got);
	get(subject, "anna", key_by_uuid(draft.uuid), &got);
	check_same(got.task, created.task, "a task is found by its uuid");
	ok(!got.task->has_description, "a task without a description has none");
	answer_release(&got);
	get(subject, "anna", key_by_id(created.task->id + 1000), &got);
	is_err(got.err, ERR_NOT_FOUND,
	       "an id that was never given is not "
	       "found");
	get(subject, "anna", key_by_id(TASK_ID_MAX), &got);
	is_err(got.err, ERR_NOT_FOUND, "the greatest id is not found");
	get(subject, "anna", key_by_id(INT64_MAX), &got);
	is_err(got.err, ERR_NOT_FOUND, "an impossible id is not found");
	get(subject, "anna", key_by_id(-1), &got);
	is_err(got.err, ERR_NOT_FOUND, "a negative id is not found");
	get(subject, "anna", key_by_uuid(uuid_make()), &got);
	is_err(got.err, ERR_NOT_FOUND,
	       "a uuid that was never used is not "
	       "found");
	answer_release(&created);
}

/* The same create again, as after a lost connection. */
static void test_create_again(struct subject *subject)
{
	struct task_draft draft = draft_of("Once", NOW);
	struct answer first, again, other;

	create(subject, "anna", &draft, &first);
	draft.title = TEXT("Twice");
	draft.now_us = NOW + 5;
	create(subject, "anna", &draft, &again);
	is_err(again.err, ERR_OK, "a create may be repeated");
	check_same(again.task, first.task,
		   "repeated it gives the task that is "
		   "there");
	create(subject, "bob", &draft, &other);
	is_err(other.err, ERR_OK, "another user may use the same uuid");
	ok(other.task != NULL && other.task->id != first.task->id,
	   "and has a task of its own");
	answer_release(&first);
	answer_release(&again);
	answer_release(&other);
}

static void test_delete(struct subject *subject)
{
	int64_t id = create_id(subject, "anna", "Gone", NOW);
	struct answer got;
	int64_t next;

	is_err(delete_task(subject, "anna", key_by_id(id)), ERR_OK,
	       "a task is deleted by its id");
	get(subject, "anna", key_by_id(id), &got);
	is_err(got.err, ERR_NOT_FOUND, "a deleted task is not found");
	is_err(delete_task(subject, "anna", key_by_id(id)), ERR_NOT_FOUND,
	       "it cannot be deleted twice");
	next = create_id(subject, "anna", "Next", NOW);
	ok(next > id, "its id is not used again");
}

static void test_delete_by_uuid(struct subject *subject)
{
	const struct task_draft draft = draft_of("Gone too", NOW);
	struct answer answer;

	create(subject, "anna", &draft, &answer);
	answer_release(&answer);
	is_err(delete_task(subject, "anna", key_by_uuid(draft.uuid)), ERR_OK,
	       "a task is deleted by its uuid");
	is_err(delete_task(subject, "anna", key_by_uuid(draft.uuid)),
	       ERR_NOT_FOUND, "that too cannot be done twice");
	create(subject, "anna", &draft, &answer);
	is_err(answer.err, ERR_OK, "the uuid of a deleted task can be used");
	answer_release(&answer);
}

/* Whether a text comes back as it was stored, as title and description. */
static void check_text(struct subject *subject, struct text text,
		       const char *name)
{
	struct task_draft draft = draft_of("", NOW);
	struct answer created, got;

	draft.title = text;
	draft.title_folded = text;
	draft.has_description = true;
	draft.description = text;
	draft.description_folded = text;
	create(subject, "anna", &draft, &created);
	get(subject, "anna", key_by_uuid(draft.uuid), &got);
	ok(got.task != NULL && text_is_equal(got.task->title, text) &&
		   text_is_equal(got.task->description, text),
	   name);
	answer_release(&created);
	answer_release(&got);
}

static void test_texts(struct subject *subject)
{
	static const char *const texts[][2] = {
		{ " \t ", "white space is kept" },
		{ "'; DROP TABLE tasks; --", "SQL in a text is only text" },
		{ "100 % _ \\ \" ' ?1 :a @b $c", "signs of SQL are kept" },
		{ "<b>&amp;</b>", "HTML is kept" },
		{ "\xc3\x84\xc3\x96 \xc3\x9f \xe6\x97\xa5\xe6\x9c\xac "
		  "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb",
		  "all of Unicode is kept" },
		{ "e\xcc\x81 \xc3\xa9", "no form is normalised" },
		{ "\x01\x1f\x7f\r\n", "control characters are kept" },
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check_text(subject, text_of(texts[i][0]), texts[i][1]);
}

/* count times the four bytes of U+1F600. */
static struct text repeated(size_t count)
{
	char *ptr = malloc(count * 4);
	size_t i;

	if (ptr == NULL)
		bail_out("no memory");
	for (i = 0; i < count; i++)
		memcpy(ptr + i * 4, "\xf0\x9f\x98\x80", 4);
	return (struct text){ ptr, count * 4 };
}

static void test_longest(struct subject *subject)
{
	struct text title = repeated(TASK_TITLE_MAX);
	struct text description = repeated(TASK_DESCRIPTION_MAX);
	struct task_draft draft = draft_of("", NOW);
	char user[TASK_USER_ID_MAX_BYTES + 1];
	struct answer created, got;

	memset(user, 'u', sizeof(user) - 1);
	user[sizeof(user) - 1] = '\0';
	draft.title = draft.title_folded = title;
	draft.has_description = true;
	draft.description = draft.description_folded = description;
	create(subject, user, &draft, &created);
	is_err(created.err, ERR_OK, "the longest texts are accepted");
	get(subject, user, key_by_uuid(draft.uuid), &got);
	if (ok(got.task != NULL, "and found by the longest user id")) {
		is_text(got.task->title, title, "the longest title is whole");
		is_text(got.task->description, description,
			"the longest description is whole");
		is_text(got.task->user_id, text_of(user),
			"the longest user id is whole");
	}
	answer_release(&created);
	answer_release(&got);
	free((char *)(uintptr_t)title.ptr);
	free((char *)(uintptr_t)description.ptr);
}

static void test_empty_description(struct subject *subject)
{
	struct task_draft draft = draft_of("Empty", NOW);
	struct answer created, got;

	draft.has_description = true;
	create(subject, "anna", &draft, &created);
	get(subject, "anna", key_by_uuid(draft.uuid), &got);
	ok(got.task != NULL && got.task->has_description &&
		   got.task->description.len == 0,
	   "an empty description is not the same as none");
	answer_release(&created);
	answer_release(&got);
}

void suite_tasks(struct subject *subject)
{
	test_create(subject);
	test_get(subject);
	test_create_again(subject);
	test_delete(subject);
	test_delete_by_uuid(subject);
	test_texts(subject);
	test_longest(subject);
	test_empty_description(subject);
}
