/*
 * A storage under test, on any backend, with a loop of its own; and verbs that
 * run the loop until the answer is there.  SQLite's file is in a fresh folder.
 */
#ifndef TODOD_TESTS_SUBJECT_H
#define TODOD_TESTS_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/backends.h"
#include "core/err.h"
#include "core/storage.h"
#include "core/task.h"
#include "core/user.h"
#include "tests/support/testloop.h"

/* Longer than anything here takes. */
#define SUBJECT_TIMEOUT_MS 20000

struct subject {
	struct testloop *loop;
	struct storage *storage;
	struct backend_location location;
	char *folder; /* NULL: none */
};

/* Opens an empty storage on the named backend; ends the program when it
 * cannot. */
void subject_init(struct subject *subject, const char *backend);
/* Only prepares the folder and the location. */
void subject_init_closed(struct subject *subject, const char *backend);
/* Opens what subject_init_closed() has prepared, with a deadline. */
void subject_open(struct subject *subject, int64_t timeout_ms);
void subject_close(struct subject *subject);
/* Closes and removes everything. */
void subject_release(struct subject *subject);

/* Applies what is missing. */
enum err subject_migrate(struct subject *subject);

/* What the other modes print. */
#define SUBJECT_OUTPUT_BYTES 8192
enum err subject_print_migrations(struct subject *subject,
				  enum backend_migrate_mode mode,
				  char output[SUBJECT_OUTPUT_BYTES]);

/* A path beside the database, from malloc. */
char *subject_path(const struct subject *subject, const char *name);

/* What came back from a verb that hands out one thing. */
struct answer {
	size_t count;	   /* callbacks that have run */
	enum err err;	   /* of the last */
	struct task *task; /* a copy; NULL: none was handed out */
	struct user user;  /* valid when err is ERR_OK; texts in user_texts */
	char user_texts[1024];
};
void answer_release(struct answer *answer);
storage_task_fn answer_on_task;
storage_user_fn answer_on_user;
storage_done_fn answer_on_done;

/* What came back from a list. */
#define PAGE_ROWS_MAX 2048
struct page {
	size_t count; /* ends of the page that were told */
	enum err err;
	bool more;
	size_t rows;
	struct task *tasks[PAGE_ROWS_MAX]; /* copies */
};
void page_release(struct page *page);
storage_row_fn page_on_row;
storage_page_fn page_on_end;
/* The place after the last row. */
struct task_cursor page_end(const struct page *page);

/* Parts of parameters. */
struct task_draft draft_of(const char *title, int64_t now_us);
struct task_key key_by_id(int64_t id);
struct task_key key_by_uuid(struct uuid uuid);
struct task_changes changes_at(int64_t now_us);
struct task_changes changes_title(const char *title, int64_t now_us);

/* What a ping is answered. */
enum err ping(struct subject *subject);

/* The verbs, answered.  The answer is zeroed first, not released. */
void create(struct subject *subject, const char *user,
	    const struct task_draft *draft, struct answer *answer);
void get(struct subject *subject, const char *user, struct task_key key,
	 struct answer *answer);
void update(struct subject *subject, const char *user, struct task_key key,
	    const struct task_changes *changes, struct answer *answer);
void toggle(struct subject *subject, const char *user, struct task_key key,
	    int64_t now_us, struct answer *answer);
enum err delete_task(struct subject *subject, const char *user,
		     struct task_key key);
void list(struct subject *subject, const char *user,
	  const struct storage_list *list, struct page *page);
enum err user_create(struct subject *subject, const struct user *user);
void user_by_email(struct subject *subject, struct text email,
		   struct answer *answer);
void user_by_id(struct subject *subject, struct uuid id, struct answer *answer);
enum err user_set_password(struct subject *subject, struct uuid id,
			   const char *old_hash, const char *new_hash);

/* Creates a task and gives its id; ends the program when it cannot. */
int64_t create_id(struct subject *subject, const char *user, const char *title,
		  int64_t now_us);

/* Creates count tasks like one, each with a uuid of its own, all at once, and
 * waits for all of the zeroed answers, which are to be released. */
void create_many(struct subject *subject, const char *user,
		 const struct task_draft *like, struct answer *answers,
		 size_t count);

#endif
