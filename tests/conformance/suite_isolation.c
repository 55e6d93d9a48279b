/* No verb sees or touches another user's tasks. */
#include "config.h"

#include "tests/conformance/subject.h"
#include "tests/conformance/suite.h"
#include "tests/support/tap.h"

#define NOW INT64_C(1700000000000000)

/* Every verb of bob's on a task of anna's. */
static void check_hidden(struct subject *subject, const char *user,
			 struct task_key key)
{
	const struct task_changes changes = changes_title("Stolen", NOW + 1);
	struct answer answer;

	get(subject, user, key, &answer);
	is_err(answer.err, ERR_NOT_FOUND, "another user's task is not found");
	update(subject, user, key, &changes, &answer);
	is_err(answer.err, ERR_NOT_FOUND, "nor updated");
	toggle(subject, user, key, NOW + 1, &answer);
	is_err(answer.err, ERR_NOT_FOUND, "nor toggled");
	is_err(delete_task(subject, user, key), ERR_NOT_FOUND, "nor deleted");
}

static void check_untouched(struct subject *subject, struct task_key key)
{
	struct answer answer;

	get(subject, "anna", key, &answer);
	ok(answer.task != NULL && !answer.task->completed &&
		   text_is_equal(answer.task->title, TEXT("Secret")) &&
		   answer.task->updated_at_us == NOW,
	   "and its owner finds it as it was");
	answer_release(&answer);
}

void suite_isolation(struct subject *subject)
{
	static const char *const others[] = {
		"bob", "ann", "annaa", "ANNA", "anna ", " anna", "%", "ann_"
	};
	const struct task_draft draft = draft_of("Secret", NOW);
	const struct storage_list all = { 0 };
	struct page page;
	struct answer answer;
	struct task_key id;
	size_t i;

	create(subject, "anna", &draft, &answer);
	id = key_by_id(answer.task->id);
	answer_release(&answer);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		diag("the other user is \"%s\"", others[i]);
		check_hidden(subject, others[i], id);
		check_hidden(subject, others[i], key_by_uuid(draft.uuid));
		check_untouched(subject, id);
		list(subject, others[i], &all, &page);
		ok(page.err == ERR_OK && page.rows == 0 && !page.more,
		   "another user's list does not have it");
		page_release(&page);
	}
	list(subject, "anna", &all, &page);
	is_int(page.rows, 1, "its owner's list has it");
	page_release(&page);
}
