/* A storage under test, and verbs that wait for their answer. */
#include "config.h"

#include "tests/conformance/subject.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/task_copy.h"
#include "tests/support/logtrap.h"
#include "tests/support/pgfixture.h"
#include "tests/support/tap.h"

/* For a connection of a busy machine to become free. */
#define WAIT_TIMEOUT_MS 20000

static char *join(const char *folder, const char *name)
{
	size_t size = strlen(folder) + strlen(name) + 2;
	char *path = malloc(size);

	if (path == NULL)
		bail_out("no memory");
	(void)snprintf(path, size, "%s/%s", folder, name);
	return path;
}

static const struct backend *backend_find(const char *name)
{
	size_t i;

	for (i = 0; backends_table[i] != NULL; i++)
		if (strcmp(backends_table[i]->name, name) == 0)
			return backends_table[i];
	bail_out("no backend %s", name);
}

void subject_init_closed(struct subject *subject, const char *backend)
{
	static const struct subject empty;
	const char *tmp = getenv("TMPDIR");

	*subject = empty;
	if (strcmp(backend, "postgres") == 0) {
		pgfixture_locate(&subject->location);
		/* What the machine does beside is no fault of the backend. */
		subject->location.tuning.wait_timeout_ms = WAIT_TIMEOUT_MS;
		return;
	}
	subject->location.backend = backend_find(backend);
	if (!subject->location.backend->is_shared)
		return;
	subject->folder = join(tmp != NULL ? tmp : "/tmp", "todod-test-XXXXXX");
	if (mkdtemp(subject->folder) == NULL)
		bail_out("no folder for the test: %m");
	subject->location.path = join(subject->folder, "todod.db");
}

void subject_open(struct subject *subject, int64_t timeout_ms)
{
	const struct backend *backend = subject->location.backend;
	struct storage_backend *opened;
	enum err err;

	subject->loop = testloop_new();
	err = backend->open(&subject->location, testloop_port(subject->loop),
			    &opened);
	if (err != ERR_OK) {
		(void)logtrap_warnings();
		bail_out("%s does not open: %s", backend->name, err_text(err));
	}
	if (storage_new(testloop_port(subject->loop), opened, timeout_ms,
			&subject->storage) != ERR_OK)
		bail_out("no storage");
}

enum err subject_migrate(struct subject *subject)
{
	return subject->location.backend->migrate(&subject->location,
						  BACKEND_MIGRATE_APPLY, NULL);
}

enum err subject_print_migrations(struct subject *subject,
				  enum backend_migrate_mode mode,
				  char output[SUBJECT_OUTPUT_BYTES])
{
	FILE *out = fmemopen(output, SUBJECT_OUTPUT_BYTES, "w");
	enum err err;

	if (out == NULL)
		bail_out("no memory");
	output[0] = '\0';
	err = subject->location.backend->migrate(&subject->location, mode, out);
	fclose(out);
	return err;
}

void subject_init(struct subject *subject, const char *backend)
{
	subject_init_closed(subject, backend);
	if (subject_migrate(subject) != ERR_OK)
		bail_out("%s does not migrate", backend);
	subject_open(subject, SUBJECT_TIMEOUT_MS);
}

void subject_close(struct subject *subject)
{
	storage_close(&subject->storage);
	testloop_free(&subject->loop);
}

static void remove_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char *path = join(folder, entry->d_name);

		(void)unlink(path);
		free(path);
	}
	if (dir != NULL)
		closedir(dir);
	(void)rmdir(folder);
}

void subject_release(struct subject *subject)
{
	subject_close(subject);
	if (subject->folder != NULL)
		remove_folder(subject->folder);
	free(subject->folder);
	subject->folder = NULL;
	backend_location_release(&subject->location);
}

char *subject_path(const struct subject *subject, const char *name)
{
	return join(subject->folder, name);
}

void answer_release(struct answer *answer)
{
	free(answer->task);
	answer->task = NULL;
}

void answer_on_task(void *arg, enum err err, const struct task *task)
{
	struct answer *answer = arg;

	answer->count++;
	answer->err = err;
	if ((task != NULL) != (err == ERR_OK))
		bail_out("a task and its err do not agree");
	free(answer->task);
	answer->task = task != NULL ? task_copy(task) : NULL;
}

static void keep_text(char **at, struct text *text)
{
	memcpy(*at, text->ptr, text->len);
	text->ptr = *at;
	*at += text->len;
}

void answer_on_user(void *arg, enum err err, const struct user *user)
{
	struct answer *answer = arg;
	char *at = answer->user_texts;

	answer->count++;
	answer->err = err;
	if ((user != NULL) != (err == ERR_OK))
		bail_out("a user and its err do not agree");
	if (user == NULL)
		return;
	answer->user = *user;
	keep_text(&at, &answer->user.email);
	keep_text(&at, &answer->user.name);
	keep_text(&at, &answer->user.password_hash);
}

void answer_on_done(void *arg, enum err err)
{
	struct answer *answer = arg;

	answer->count++;
	answer->err = err;
}

void page_release(struct page *page)
{
	while (page->rows > 0)
		free(page->tasks[--page->rows]);
}

void page_on_row(void *arg, const struct task *task)
{
	struct page *page = arg;

	if (page->rows == PAGE_ROWS_MAX)
		bail_out("a page is longer than any may be");
	page->tasks[page->rows++] = task_copy(task);
}

void page_on_end(void *arg, enum err err, bool more)
{
	struct page *page = arg;

	page->count++;
	page->err = err;
	page->more = more;
}

struct task_cursor page_end(const struct page *page)
{
	const struct task *last = page->tasks[page->rows - 1];

	return (struct task_cursor){ last->created_at_us, last->id };
}

struct task_draft draft_of(const char *title, int64_t now_us)
{
	return (struct task_draft){
		.uuid = uuid_make(),
		.title = text_of(title),
		.title_folded = text_of(title),
		.now_us = now_us,
	};
}

struct task_key key_by_id(int64_t id)
{
	return (struct task_key){ .kind = TASK_KEY_ID, .id = id };
}

struct task_key key_by_uuid(struct uuid uuid)
{
	return (struct task_key){ .kind = TASK_KEY_UUID, .uuid = uuid };
}

struct task_changes changes_at(int64_t now_us)
{
	return (struct task_changes){ .now_us = now_us };
}

struct task_changes changes_title(const char *title, int64_t now_us)
{
	return (struct task_changes){
		.title = TASK_SET,
		.title_text = text_of(title),
		.title_folded = text_of(title),
		.now_us = now_us,
	};
}

/* Runs the loop until the answer is there. */
static void await(struct subject *subject, enum err started,
		  const size_t *count, enum err *err)
{
	if (started != ERR_OK) {
		*err = started;
		return;
	}
	if (!testloop_run_until_count(subject->loop, count, 1))
		bail_out("an answer never came");
}

static void answer_init(struct answer *answer)
{
	static const struct answer empty;

	*answer = empty;
}

void create(struct subject *subject, const char *user,
	    const struct task_draft *draft, struct answer *answer)
{
	answer_init(answer);
	await(subject,
	      storage_task_create(subject->storage, text_of(user), draft,
				  answer_on_task, answer, NULL),
	      &answer->count, &answer->err);
}

void get(struct subject *subject, const char *user, struct task_key key,
	 struct answer *answer)
{
	answer_init(answer);
	await(subject,
	      storage_task_get(subject->storage, text_of(user), &key,
			       answer_on_task, answer, NULL),
	      &answer->count, &answer->err);
}

void update(struct subject *subject, const char *user, struct task_key key,
	    const struct task_changes *changes, struct answer *answer)
{
	answer_init(answer);
	await(subject,
	      storage_task_update(subject->storage, text_of(user), &key,
				  changes, answer_on_task, answer, NULL),
	      &answer->count, &answer->err);
}

void toggle(struct subject *subject, const char *user, struct task_key key,
	    int64_t now_us, struct answer *answer)
{
	answer_init(answer);
	await(subject,
	      storage_task_toggle(subject->storage, text_of(user), &key, now_us,
				  answer_on_task, answer, NULL),
	      &answer->count, &answer->err);
}

enum err ping(struct subject *subject)
{
	struct answer answer = { 0 };

	await(subject,
	      storage_ping(subject->storage, answer_on_done, &answer, NULL),
	      &answer.count, &answer.err);
	return answer.err;
}

enum err delete_task(struct subject *subject, const char *user,
		     struct task_key key)
{
	struct answer answer = { 0 };

	await(subject,
	      storage_task_delete(subject->storage, text_of(user), &key,
				  answer_on_done, &answer, NULL),
	      &answer.count, &answer.err);
	return answer.err;
}

void list(struct subject *subject, const char *user,
	  const struct storage_list *wanted, struct page *page)
{
	page->count = 0;
	page->rows = 0;
	await(subject,
	      storage_task_list(subject->storage, text_of(user), wanted,
				page_on_row, page_on_end, page, NULL),
	      &page->count, &page->err);
}

enum err user_create(struct subject *subject, const struct user *user)
{
	struct answer answer = { 0 };

	await(subject,
	      storage_user_create(subject->storage, user, answer_on_done,
				  &answer, NULL),
	      &answer.count, &answer.err);
	return answer.err;
}

void user_by_email(struct subject *subject, struct text email,
		   struct answer *answer)
{
	answer_init(answer);
	await(subject,
	      storage_user_by_email(subject->storage, email, answer_on_user,
				    answer, NULL),
	      &answer->count, &answer->err);
}

void user_by_id(struct subject *subject, struct uuid id, struct answer *answer)
{
	answer_init(answer);
	await(subject,
	      storage_user_by_id(subject->storage, &id, answer_on_user, answer,
				 NULL),
	      &answer->count, &answer->err);
}

enum err user_set_password(struct subject *subject, struct uuid id,
			   const char *old_hash, const char *new_hash)
{
	struct answer answer = { 0 };

	await(subject,
	      storage_user_set_password(subject->storage, &id,
					text_of(old_hash), text_of(new_hash),
					answer_on_done, &answer, NULL),
	      &answer.count, &answer.err);
	return answer.err;
}

int64_t create_id(struct subject *subject, const char *user, const char *title,
		  int64_t now_us)
{
	const struct task_draft draft = draft_of(title, now_us);
	struct answer answer;
	int64_t id;

	create(subject, user, &draft, &answer);
	if (answer.task == NULL)
		bail_out("a task was not created: %s", err_text(answer.err));
	id = answer.task->id;
	answer_release(&answer);
	return id;
}

void create_many(struct subject *subject, const char *user,
		 const struct task_draft *like, struct answer *answers,
		 size_t count)
{
	struct task_draft draft = *like;
	size_t i;

	for (i = 0; i < count; i++) {
		draft.uuid = uuid_make();
		if (storage_task_create(subject->storage, text_of(user), &draft,
					answer_on_task, &answers[i],
					NULL) != ERR_OK)
			bail_out("a create was refused");
	}
	for (i = 0; i < count; i++)
		if (!testloop_run_until_count(subject->loop, &answers[i].count,
					      1))
			bail_out("an answer never came");
}
