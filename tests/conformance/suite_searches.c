/* Lists that are narrowed: by keyword, by time, by how many are skipped. */
#include "config.h"

#include <stdlib.h>

#include "tests/conformance/subject.h"
#include "tests/conformance/suite.h"
#include "tests/support/tap.h"

#define NOW  INT64_C(1700000000000000)
#define MANY 1100 /* more than a page of any backend's */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What is stored, oldest first; some at the same time. */
static const struct {
	const char *title;
	const char *description; /* NULL: null */
	int64_t created_at_us;
	bool completed;
} stored[] = {
	{ "buy milk", "two bottles", NOW, false },
	{ "call the bank", NULL, NOW, true },
	{ "100% done", "", NOW + 1, true },
	{ "snake_case", "milk", NOW + 2, false },
	{ "ab", "cd", NOW + 2, true },
	{ "\xd0\xbc\xd0\xbe\xd0\xbb\xd0\xbe\xd0\xba\xd0\xbe",
	  "\xf0\x9f\xa5\x9b", NOW + 3, false },
	{ "milk", "milk", NOW + 5, true },
	{ "\\ ' \" ; --", "*", NOW + 5, false },
	{ "oat milk", NULL, NOW + 6, true },
};

static const char *const keywords[] = {
	"",    "milk", "bottles", "%",	"_",
	"bcd", "Milk", "\\",	  "'",	"\xd0\xbb\xd0\xbe",
	"m%k", "*",    "k",	  "zz", "two bottles and more than that",
};

/* Each of them; the last is empty. */
static const struct {
	int64_t from_us, to_us;
} spans[] = {
	{ INT64_MIN, INT64_MAX }, { NOW + 2, INT64_MAX },
	{ INT64_MIN, NOW + 2 },	  { NOW + 1, NOW + 5 },
	{ NOW + 2, NOW + 2 },	  { NOW + 5, NOW + 1 },
};

static void fill(struct subject *subject)
{
	struct answer answer;
	size_t i;

	for (i = 0; i < COUNT(stored); i++) {
		struct task_draft draft =
			draft_of(stored[i].title, stored[i].created_at_us);

		draft.has_description = stored[i].description != NULL;
		draft.description = text_of(stored[i].description);
		draft.description_folded = draft.description;
		draft.completed = stored[i].completed;
		create(subject, "lea", &draft, &answer);
		answer_release(&answer);
		create(subject, "max", &draft, &answer);
		answer_release(&answer);
	}
}

/* What the front promises, said once more in the simplest way. */
static bool is_wanted(size_t i, const struct storage_list *wanted)
{
	const struct task_search *search = wanted->search;

	if (wanted->filter != TASK_FILTER_ALL &&
	    stored[i].completed != (wanted->filter == TASK_FILTER_COMPLETED))
		return false;
	return stored[i].created_at_us >= search->created_from_us &&
	       stored[i].created_at_us <= search->created_to_us &&
	       (text_contains(text_of(stored[i].title), search->keyword) ||
		text_contains(text_of(stored[i].description), search->keyword));
}

/* Whether a page is what it should be. */
static bool is_right(const struct storage_list *wanted, const struct page *page)
{
	int64_t skip = wanted->skip;
	size_t rows = 0, i;

	for (i = COUNT(stored); i > 0; i--) {
		if (!is_wanted(i - 1, wanted) || skip-- > 0)
			continue;
		if (wanted->limit > 0 && rows == wanted->limit)
			return page->more && page->rows == rows;
		if (rows == page->rows ||
		    !text_is_equal(page->tasks[rows]->title,
				   text_of(stored[i - 1].title)))
			return false;
		rows++;
	}
	return !page->more && page->rows == rows;
}

/* The lists of one keyword and span with every filter, skip and limit; how
 * many were wrong. */
static size_t check_search(struct subject *subject,
			   const struct task_search *search)
{
	static const int64_t skips[] = { 0, 1, 3, 9, INT64_MAX };
	static const size_t limits[] = { 0, 1, 3 };
	size_t wrong = 0, filter, skip, limit;

	for (filter = 0; filter < 3; filter++)
		for (skip = 0; skip < COUNT(skips); skip++)
			for (limit = 0; limit < COUNT(limits); limit++) {
				const struct storage_list wanted = {
					.filter = (enum task_filter)filter,
					.search = search,
					.skip = skips[skip],
					.limit = limits[limit],
				};
				struct page page;

				list(subject, "lea", &wanted, &page);
				if (page.err == ERR_OK &&
				    is_right(&wanted, &page)) {
					page_release(&page);
					continue;
				}
				wrong++;
				diag("%zu, skip %zu, limit %zu: %zu rows, %s",
				     filter, skip, limit, page.rows,
				     err_text(page.err));
				page_release(&page);
			}
	return wrong;
}

static void test_combinations(struct subject *subject)
{
	size_t keyword, span;

	for (keyword = 0; keyword < COUNT(keywords); keyword++) {
		size_t wrong = 0;

		for (span = 0; span < COUNT(spans); span++) {
			const struct task_search search = {
				.keyword = text_of(keywords[keyword]),
				.created_from_us = spans[span].from_us,
				.created_to_us = spans[span].to_us,
			};

			wrong += check_search(subject, &search);
		}
		diag("the keyword '%s'", keywords[keyword]);
		is_int(wrong, 0,
		       "a search gives the tasks that have the keyword, in "
		       "time, newest first, whatever is skipped");
	}
}

/* All the pages of a search have what the search as a whole has. */
static void test_pages(struct subject *subject)
{
	struct task_search search = TASK_SEARCH_ALL;
	struct storage_list wanted = { .search = &search };
	struct task_cursor after;
	struct page whole, page;
	size_t rows = 0;
	bool is_same = true;

	search.keyword = TEXT("milk");
	search.created_to_us = NOW + 5;
	list(subject, "lea", &wanted, &whole);
	wanted.limit = 1;
	do {
		list(subject, "lea", &wanted, &page);
		if (page.rows != 1 || rows == whole.rows)
			bail_out("a page of a search is wrong");
		is_same = is_same && page.tasks[0]->id == whole.tasks[rows]->id;
		rows++;
		after = page_end(&page);
		wanted.after = &after;
		page_release(&page);
	} while (page.more);
	ok(is_same && rows == whole.rows && rows == 3,
	   "a search goes on after a cursor");
	page_release(&whole);
}

static size_t count_found(struct subject *subject, const char *user,
			  const char *keyword)
{
	struct task_search search = TASK_SEARCH_ALL;
	const struct storage_list wanted = { .search = &search };
	struct page page;
	size_t rows;

	search.keyword = text_of(keyword);
	list(subject, user, &wanted, &page);
	rows = page.rows;
	page_release(&page);
	return rows;
}

static void test_updates(struct subject *subject)
{
	struct task_draft draft = draft_of("first", NOW);
	struct task_changes changes = changes_title("second", NOW);
	struct answer made, answer;
	struct task_key key;

	draft.has_description = true;
	draft.description = draft.description_folded = TEXT("text");
	create(subject, "eve", &draft, &made);
	key = key_by_id(made.task->id);
	update(subject, "eve", key, &changes, &answer);
	answer_release(&answer);
	ok(count_found(subject, "eve", "first") == 0 &&
		   count_found(subject, "eve", "second") == 1 &&
		   count_found(subject, "eve", "text") == 1,
	   "a new title is found, the old one is not");
	changes = changes_at(NOW);
	changes.description = TASK_CLEAR;
	update(subject, "eve", key, &changes, &answer);
	answer_release(&answer);
	ok(count_found(subject, "eve", "text") == 0 &&
		   count_found(subject, "eve", "second") == 1,
	   "a description that was cleared is not found");
	changes.description = TASK_SET;
	changes.description_text = TEXT("New");
	changes.description_folded = TEXT("new");
	update(subject, "eve", key, &changes, &answer);
	answer_release(&answer);
	toggle(subject, "eve", key, NOW, &answer);
	answer_release(&answer);
	ok(count_found(subject, "eve", "new") == 1 &&
		   count_found(subject, "eve", "New") == 0 &&
		   count_found(subject, "eve", "second") == 1,
	   "what is searched is the folded text");
	answer_release(&made);
}

/* Far from the newest, beyond what is looked at in one go. */
static void test_long_search(struct subject *subject)
{
	const struct task_draft hay = draft_of("hay", NOW + 1);
	struct answer *answers = calloc(MANY, sizeof(*answers));
	struct task_search search = TASK_SEARCH_ALL;
	struct storage_list wanted = { .search = &search, .limit = 5 };
	int64_t needle = create_id(subject, "many", "needle", NOW);
	struct page page;
	size_t i;

	if (answers == NULL)
		bail_out("no memory");
	create_many(subject, "many", &hay, answers, MANY);
	for (i = 0; i < MANY; i++)
		answer_release(&answers[i]);
	free(answers);
	search.keyword = TEXT("needle");
	list(subject, "many", &wanted, &page);
	ok(page.rows == 1 && page.tasks[0]->id == needle && !page.more,
	   "a keyword is found however far it is");
	page_release(&page);
	is_int(count_found(subject, "many", "nothing"), 0,
	       "or not at all, when it is nowhere");
	search = TASK_SEARCH_ALL;
	wanted.skip = MANY - 2;
	list(subject, "many", &wanted, &page);
	ok(page.rows == 3 && page.tasks[2]->id == needle && !page.more,
	   "any number of tasks can be skipped");
	page_release(&page);
	wanted.search = NULL;
	wanted.filter = TASK_FILTER_PENDING;
	list(subject, "many", &wanted, &page);
	ok(page.rows == 3 && page.tasks[2]->id == needle && !page.more,
	   "without a search too");
	page_release(&page);
}

void suite_searches(struct subject *subject)
{
	fill(subject);
	test_combinations(subject);
	test_pages(subject);
	test_updates(subject);
	test_long_search(subject);
}
