/*
 * SQLite without memory: each of its allocations fails in turn, for every
 * verb.  A call that says so has done nothing, and the next one works.
 */
#include "config.h"

#include <sqlite3.h>
#include <stdatomic.h>

#include "tests/conformance/sql.h"
#include "tests/conformance/subject.h"
#include "tests/support/logtrap.h"
#include "tests/support/tap.h"

#define NOW	  INT64_C(1700000000000000)
#define STEPS_MAX 400
#define TASKS	  20

static sqlite3_mem_methods real;

/* Allocations that still succeed; below 0: all of them. */
static atomic_int left = -1;
static atomic_bool has_refused;

static bool is_refused(void)
{
	if (atomic_load(&left) < 0 || atomic_fetch_sub(&left, 1) > 0)
		return false;
	atomic_store(&has_refused, true);
	return true;
}

static void *failing_malloc(int size)
{
	return is_refused() ? NULL : real.xMalloc(size);
}

static void *failing_realloc(void *memory, int size)
{
	return is_refused() ? NULL : real.xRealloc(memory, size);
}

/* Before anything else uses SQLite. */
static void install(void)
{
	sqlite3_mem_methods methods;

	if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real) != SQLITE_OK)
		bail_out("SQLite does not say how it allocates");
	methods = real;
	methods.xMalloc = failing_malloc;
	methods.xRealloc = failing_realloc;
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK)
		bail_out("SQLite does not take another allocator");
}

/* One of the verbs, with a check of what it has left behind. */
typedef enum err attempt_fn(struct subject *subject);

static int64_t count_tasks(struct subject *subject)
{
	return sql_number_in(subject->location.path,
			     "SELECT count(*) FROM tasks");
}

static enum err attempt_create(struct subject *subject)
{
	const struct task_draft draft = draft_of("Title", NOW);
	int before = atomic_exchange(&left, -1);
	int64_t tasks = count_tasks(subject);
	struct answer answer;

	atomic_store(&left, before);
	create(subject, "u", &draft, &answer);
	atomic_store(&left, -1);
	if (count_tasks(subject) != tasks + (answer.err == ERR_OK))
		bail_out("a create is neither done nor refused");
	answer_release(&answer);
	return answer.err;
}

static enum err attempt_toggle(struct subject *subject)
{
	int before = atomic_exchange(&left, -1);
	struct answer then, now, answer;

	get(subject, "u", key_by_id(1), &then);
	atomic_store(&left, before);
	toggle(subject, "u", key_by_id(1), NOW, &answer);
	atomic_store(&left, -1);
	get(subject, "u", key_by_id(1), &now);
	if (then.task == NULL || now.task == NULL ||
	    (then.task->completed != now.task->completed) !=
		    (answer.err == ERR_OK))
		bail_out("a toggle is neither done nor refused");
	answer_release(&then);
	answer_release(&now);
	answer_release(&answer);
	return answer.err;
}

static enum err attempt_update(struct subject *subject)
{
	const struct task_changes changes = changes_title("New", NOW);
	struct answer answer;

	update(subject, "u", key_by_id(2), &changes, &answer);
	answer_release(&answer);
	return answer.err;
}

static enum err attempt_delete(struct subject *subject)
{
	enum err err = delete_task(subject, "u", key_by_id(1000000));

	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err attempt_get(struct subject *subject)
{
	struct answer answer;

	get(subject, "u", key_by_id(1), &answer);
	answer_release(&answer);
	return answer.err;
}

static enum err attempt_list(struct subject *subject)
{
	const struct storage_list first = { .limit = TASKS };
	struct page page;

	list(subject, "u", &first, &page);
	if (page.err == ERR_OK && page.rows != TASKS)
		bail_out("a list is not whole and does not say so");
	page_release(&page);
	return page.err;
}

static enum err attempt_search(struct subject *subject)
{
	struct task_search search = TASK_SEARCH_ALL;
	const struct storage_list wanted = {
		.search = &search,
		.skip = 1,
		.limit = TASKS,
	};
	struct page page;

	search.keyword = TEXT("itl");
	list(subject, "u", &wanted, &page);
	if (page.err == ERR_OK && page.rows < TASKS - 2)
		bail_out("a search is not whole and does not say so");
	page_release(&page);
	return page.err;
}

static enum err attempt_user(struct subject *subject)
{
	struct answer answer;

	user_by_email(subject, TEXT("eva@example.org"), &answer);
	return answer.err;
}

static enum err attempt_password(struct subject *subject)
{
	static const char *const hashes[] = { "hash", "other" };
	static int current;
	struct answer answer;
	int before = atomic_exchange(&left, -1);
	enum err err;

	user_by_email(subject, TEXT("eva@example.org"), &answer);
	if (!text_is_equal(answer.user.password_hash, text_of(hashes[current])))
		bail_out("a password is neither changed nor kept");
	atomic_store(&left, before);
	err = user_set_password(subject, answer.user.id, hashes[current],
				hashes[!current]);
	if (err == ERR_OK)
		current = !current;
	return err;
}

/* Lets the allocations of one verb fail, the first, the second, … until all
 * that it makes succeed. */
static void try_all(struct subject *subject, attempt_fn *attempt,
		    const char *name)
{
	int refused = 0, others = 0, step;
	bool is_through = false;

	for (step = 0; step < STEPS_MAX && !is_through; step++) {
		enum err err;

		atomic_store(&has_refused, false);
		atomic_store(&left, step);
		err = attempt(subject);
		atomic_store(&left, -1);
		is_through = !atomic_load(&has_refused);
		refused += err == ERR_NO_MEMORY;
		others += err != ERR_NO_MEMORY && err != ERR_OK;
		if (attempt(subject) != ERR_OK)
			break;
	}
	diag("%s: %d of %d failed allocations refused it", name, refused,
	     step - 1);
	ok(is_through && refused > 0, "without memory a call is refused");
	is_int(others, 0, "and says just that");
	ok(attempt(subject) == ERR_OK, "and the next one works");
}

static const struct {
	attempt_fn *attempt;
	const char *name;
} attempts[] = {
	{ attempt_create, "create" },	  { attempt_toggle, "toggle" },
	{ attempt_update, "update" },	  { attempt_delete, "delete" },
	{ attempt_get, "get" },		  { attempt_list, "list" },
	{ attempt_search, "search" },	  { attempt_user, "user by email" },
	{ attempt_password, "password" },
};

int main(void)
{
	const struct user user = {
		.id = uuid_make(),
		.email = TEXT("eva@example.org"),
		.name = TEXT("Eva"),
		.password_hash = TEXT("hash"),
		.created_at_us = NOW,
	};
	struct subject subject;
	size_t i;

	install();
	logtrap_start();
	subject_init(&subject, "sqlite");
	for (i = 0; i < TASKS; i++)
		create_id(&subject, "u", "Title", NOW + (int64_t)i);
	if (user_create(&subject, &user) != ERR_OK)
		bail_out("a user was not created");
	for (i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		try_all(&subject, attempts[i].attempt, attempts[i].name);
	subject_close(&subject);
	ok(sql_is_intact(subject.location.path), "the file is whole");
	subject_release(&subject);
	return tap_done();
}
