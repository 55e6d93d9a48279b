/* Lists and their pages. */
#include "config.h"

#include <stdlib.h>

#include "tests/conformance/subject.h"
#include "tests/conformance/suite.h"
#include "tests/support/tap.h"

#define NOW   INT64_C(1700000000000000)
#define TASKS 24
#define MANY  2100

/* Tasks of which three each have the same time, every second completed, and
 * some of another user's among them. */
static void fill(struct subject *subject, const char *user)
{
	struct answer answer;
	int i;

	for (i = 0; i < TASKS; i++) {
		struct task_draft draft = draft_of("Task", NOW + i / 3);

		draft.completed = i % 2 == 0;
		create(subject, user, &draft, &answer);
		answer_release(&answer);
		if (i % 5 == 0)
			create_id(subject, "somebody", "Else", NOW + i / 3);
	}
}

static bool comes_after(const struct task *newer, const struct task *older)
{
	if (newer->created_at_us != older->created_at_us)
		return newer->created_at_us > older->created_at_us;
	return newer->id > older->id;
}

static bool is_newest_first(const struct page *page)
{
	size_t i;

	for (i = 1; i < page->rows; i++)
		if (!comes_after(page->tasks[i - 1], page->tasks[i]))
			return false;
	return true;
}

static void test_empty(struct subject *subject)
{
	const struct storage_list all = { 0 };
	struct page page;

	list(subject, "nobody", &all, &page);
	is_err(page.err, ERR_OK,
	       "the list of a user without tasks is no "
	       "error");
	ok(page.rows == 0 && !page.more, "it is empty");
}

static void test_order(struct subject *subject)
{
	const struct storage_list all = { 0 };
	struct page page;
	size_t own = 0, i;

	list(subject, "lea", &all, &page);
	is_err(page.err, ERR_OK, "a list is given");
	is_int(page.rows, TASKS, "it has all of the user's tasks");
	ok(!page.more, "and that is all");
	ok(is_newest_first(&page), "newest first, then the greater id");
	for (i = 0; i < page.rows; i++)
		own += text_is_equal(page.tasks[i]->user_id, TEXT("lea"));
	is_int(own, TASKS, "each is the user's own");
	page_release(&page);
}

/* Walks through a list; what its pages have together, in all. */
static void walk(struct subject *subject, const char *user,
		 struct storage_list wanted, struct page *all)
{
	struct task_cursor after;
	struct page page;

	all->rows = 0;
	do {
		size_t i;

		list(subject, user, &wanted, &page);
		if (page.err != ERR_OK || all->rows + page.rows > PAGE_ROWS_MAX)
			bail_out("a page of a list failed");
		if (page.more && (page.rows == 0 || (wanted.limit != 0 &&
						     page.rows > wanted.limit)))
			bail_out("a page has a wrong number of rows");
		for (i = 0; i < page.rows; i++)
			all->tasks[all->rows++] = page.tasks[i];
		if (page.rows > 0)
			after = page_end(&page);
		wanted.after = &after;
	} while (page.more);
}

static void test_pages(struct subject *subject)
{
	static const size_t limits[] = { 1, 2, 3, 5, 7, 8, 12, 23, 24, 25 };
	struct storage_list wanted = { 0 };
	struct page all;
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		diag("pages of %zu", limits[i]);
		wanted.limit = limits[i];
		walk(subject, "lea", wanted, &all);
		is_int(all.rows, TASKS, "the pages have every task once");
		ok(is_newest_first(&all), "in the order of the list");
		page_release(&all);
	}
}

static void test_last_page(struct subject *subject)
{
	const struct task_cursor start = { INT64_MAX, INT64_MAX };
	const struct task_cursor end = { NOW, 1 };
	struct storage_list wanted = { .limit = TASKS };
	struct page page;

	list(subject, "lea", &wanted, &page);
	ok(page.rows == TASKS && !page.more,
	   "a page that ends with the list says so");
	page_release(&page);
	wanted.limit = TASKS - 1;
	list(subject, "lea", &wanted, &page);
	ok(page.rows == TASKS - 1 && page.more,
	   "a page that leaves one task says so");
	page_release(&page);
	wanted.limit = 0;
	wanted.after = &start;
	list(subject, "lea", &wanted, &page);
	is_int(page.rows, TASKS, "a cursor before the newest gives all");
	page_release(&page);
	wanted.after = &end;
	list(subject, "lea", &wanted, &page);
	ok(page.err == ERR_OK && page.rows == 0 && !page.more,
	   "a cursor after the oldest gives none");
	page_release(&page);
}

static void test_filters(struct subject *subject)
{
	static const struct {
		enum task_filter filter;
		bool completed;
		const char *name;
	} filters[] = {
		{ TASK_FILTER_PENDING, false, "pending tasks alone" },
		{ TASK_FILTER_COMPLETED, true, "completed tasks alone" },
	};
	size_t i, limit;

	for (i = 0; i < 2; i++) {
		for (limit = 0; limit < 15; limit++) {
			const struct storage_list wanted = {
				.filter = filters[i].filter,
				.limit = limit,
			};
			size_t right = 0, row;
			struct page all;

			walk(subject, "lea", wanted, &all);
			for (row = 0; row < all.rows; row++)
				right += all.tasks[row]->completed ==
					 filters[i].completed;
			ok(all.rows == TASKS / 2 && right == all.rows &&
				   is_newest_first(&all),
			   filters[i].name);
			page_release(&all);
		}
	}
}

/* What comes and goes between two pages disturbs neither. */
static void test_changes_between_pages(struct subject *subject)
{
	struct storage_list wanted = { .limit = 4 };
	struct page first, second;
	struct task_cursor after;
	struct answer answer;
	size_t i;

	for (i = 0; i < 8; i++)
		create_id(subject, "max", "Task", NOW + (int64_t)i);
	list(subject, "max", &wanted, &first);
	after = page_end(&first);
	create_id(subject, "max", "Newer", NOW + 100);
	toggle(subject, "max", key_by_id(first.tasks[0]->id), NOW, &answer);
	answer_release(&answer);
	if (delete_task(subject, "max", key_by_id(after.id)) != ERR_OK)
		bail_out("the last of the page is gone");
	wanted.after = &after;
	list(subject, "max", &wanted, &second);
	ok(second.rows == 4 && !second.more &&
		   second.tasks[0]->created_at_us == NOW + 3,
	   "the next page goes on where the last ended");
	page_release(&first);
	page_release(&second);
}

static void test_long_list(struct subject *subject)
{
	const struct task_draft draft = draft_of("One", NOW);
	struct storage_list wanted = { 0 };
	struct answer *answers = calloc(MANY, sizeof(*answers));
	struct task_cursor after = { INT64_MAX, INT64_MAX };
	size_t total = 0, pages = 0, i;
	struct page page;

	if (answers == NULL)
		bail_out("no memory");
	create_many(subject, "many", &draft, answers, MANY);
	for (i = 0; i < MANY; i++)
		answer_release(&answers[i]);
	free(answers);
	do {
		wanted.limit = pages == 0 ? 0 : MANY;
		wanted.after = pages == 0 ? NULL : &after;
		list(subject, "many", &wanted, &page);
		if (page.rows == 0)
			break;
		total += page.rows;
		pages++;
		after = page_end(&page);
		page_release(&page);
	} while (page.more);
	is_int(total, MANY, "a long list is given in pages of the backend's");
	ok(pages > 1, "however many rows are asked for");
}

/* Cancels its own call at the second row. */
struct cancelling {
	struct storage *storage;
	struct storage_call *call;
	size_t rows;
	size_t ends;
};

static void on_row_cancel(void *arg, const struct task *task)
{
	struct cancelling *cancelling = arg;

	(void)task;
	if (++cancelling->rows == 2)
		storage_cancel(cancelling->storage, &cancelling->call);
}

static void on_end_count(void *arg, enum err err, bool more)
{
	struct cancelling *cancelling = arg;

	(void)err;
	(void)more;
	cancelling->ends++;
}

static void test_cancel_in_row(struct subject *subject)
{
	struct cancelling cancelling = { .storage = subject->storage };
	const struct storage_list all = { 0 };
	struct page page;

	if (storage_task_list(subject->storage, TEXT("lea"), &all,
			      on_row_cancel, on_end_count, &cancelling,
			      &cancelling.call) != ERR_OK)
		bail_out("a list was refused");
	list(subject, "lea", &all, &page);
	page_release(&page);
	is_int(cancelling.rows, 2, "a list can be cancelled at a row");
	is_int(cancelling.ends, 0, "and then has no end");
}

void suite_lists(struct subject *subject)
{
	test_empty(subject);
	fill(subject, "lea");
	test_order(subject);
	test_pages(subject);
	test_last_page(subject);
	test_filters(subject);
	test_changes_between_pages(subject);
	test_long_list(subject);
	test_cancel_in_row(subject);
}
