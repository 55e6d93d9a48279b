/* The reading connection of a process. */
#include "config.h"

#include "backends/sqlite_reader.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>

#include "backends/sqlite_calls.h"
#include "backends/sqlite_db.h"
#include "backends/sqlite_row.h"
#include "core/loop.h"
#include "core/storage_backend.h"
#include "core/wakeup.h"

#define SQLITE_PAGE_ROWS 256

/* What one turn of the loop does at most: so many point reads, and then one
 * page of a list. */
#define TURN_POINTS_MAX 32

/* When another process has the file locked for a moment. */
#define BUSY_RETRY_MS 5

enum {
	SQL_PING,
	SQL_TASK_BY_ID,
	SQL_TASK_BY_UUID,
	SQL_LIST,
	SQL_LIST_AFTER,
	SQL_LIST_FILTERED,
	SQL_LIST_FILTERED_AFTER,
	SQL_SEARCH,
	SQL_SEARCH_FILTERED,
	SQL_USER_BY_EMAIL,
	SQL_USER_BY_ID,
	SQL_BEGIN,
	SQL_END,
	SQL_COUNT
};

/* What a keyword is looked for in; where it is found is not up to a statement,
 * which could then go through any number of rows in one step. */
#define SEARCHED_COLUMNS	  ", title_folded, description_folded"
#define COLUMN_TITLE_FOLDED	  7
#define COLUMN_DESCRIPTION_FOLDED 8

#define NEWEST_FIRST " ORDER BY created_at DESC, id DESC LIMIT ?2"

/* The rows of a list that are completed, or not: a range of an index. */
#define HALF(columns, completed, condition)   \
	"SELECT " SQLITE_TASK_COLUMNS columns \
	" FROM tasks WHERE user_id = ?1 AND completed = " completed condition
/* All rows are merged from two such ranges, without sorting. */
#define WHOLE(columns, condition)     \
	HALF(columns, "0", condition) \
	" UNION ALL " HALF(columns, "1", condition) NEWEST_FIRST
#define FILTERED(columns, condition) HALF(columns, "?5", condition) NEWEST_FIRST

#define AFTER " AND (created_at, id) < (?3, ?4)"
#define SINCE " AND created_at >= ?6"

const char *const sqlite_reader_sql[] = {
	/* Reads a page of the file, unlike SELECT 1. */
	[SQL_PING] = "SELECT 1 FROM tasks WHERE id = 0",
	[SQL_TASK_BY_ID] = "SELECT " SQLITE_TASK_COLUMNS " FROM tasks"
			   " WHERE user_id = ?1 AND id = ?2",
	[SQL_TASK_BY_UUID] = "SELECT " SQLITE_TASK_COLUMNS " FROM tasks"
			     " WHERE user_id = ?1 AND uuid = ?2",
	[SQL_LIST] = WHOLE("", ""),
	[SQL_LIST_AFTER] = WHOLE("", AFTER),
	[SQL_LIST_FILTERED] = FILTERED("", ""),
	[SQL_LIST_FILTERED_AFTER] = FILTERED("", AFTER),
	[SQL_SEARCH] = WHOLE(SEARCHED_COLUMNS, SINCE AFTER),
	[SQL_SEARCH_FILTERED] = FILTERED(SEARCHED_COLUMNS, SINCE AFTER),
	[SQL_USER_BY_EMAIL] = "SELECT " SQLITE_USER_COLUMNS " FROM users"
			      " WHERE email = ?1",
	[SQL_USER_BY_ID] = "SELECT " SQLITE_USER_COLUMNS " FROM users"
			   " WHERE id = ?1",
	[SQL_BEGIN] = "BEGIN",
	[SQL_END] = "COMMIT",
	[SQL_COUNT] = NULL,
};

struct sqlite_reader {
	struct sqlite_db db;
	sqlite3_stmt *statements[SQL_COUNT];
	struct loop *loop;
	struct wakeup *wakeup;
	struct loop_timer *retry;
	struct sqlite_calls points, lists; /* that wait */
	struct sqlite_calls *current;	   /* whose first call is carried out */
	struct loglimit limit;
};

static enum err fail(struct sqlite_reader *reader, int code, const char *doing)
{
	enum err err = sqlite_db_fail(&reader->db, code, doing);

	sqlite_failure_log(&reader->db.failure, &reader->limit);
	return err;
}

/* Ends the first call; the statement that result borrows from is reset only
 * after that. */
static void finish_first(struct sqlite_reader *reader, enum err err,
			 const struct storage_result *result)
{
	storage_call_finish(sqlite_calls_take(reader->current), err, result);
}

static enum err ping(struct sqlite_reader *reader)
{
	sqlite3_stmt *statement = reader->statements[SQL_PING];
	enum err err = fail(reader, sqlite3_step(statement),
			    "asking whether it is there");

	if (err != ERR_BUSY)
		finish_first(reader, err, NULL);
	sqlite3_reset(statement);
	return err;
}

/* Finishes the first call with the row (or none) that statement finds. */
static enum err read_task(struct sqlite_reader *reader,
			  struct storage_call *call)
{
	sqlite3_stmt *statement =
		reader->statements[call->key.kind == TASK_KEY_ID ?
					   SQL_TASK_BY_ID :
					   SQL_TASK_BY_UUID];
	struct storage_result result = { 0 };
	struct task task;
	enum err err;
	int code;

	code = sqlite_bind_text(statement, 1, call->user_id) |
	       sqlite_bind_key(statement, 2, &call->key);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		code = sqlite_row_task(statement, call->user_id, &task);
		result.task = &task;
	}
	err = fail(reader, code, "reading a task");
	if (err == ERR_OK && result.task == NULL)
		err = ERR_NOT_FOUND;
	if (err != ERR_BUSY)
		finish_first(reader, err, &result);
	sqlite3_reset(statement);
	return err;
}

static enum err read_user(struct sqlite_reader *reader,
			  struct storage_call *call)
{
	bool by_id = call->verb == STORAGE_USER_BY_ID;
	sqlite3_stmt *statement =
		reader->statements[by_id ? SQL_USER_BY_ID : SQL_USER_BY_EMAIL];
	const struct user *wanted = &call->in.user;
	struct storage_result result = { 0 };
	struct user user;
	enum err err;
	int code;

	code = by_id ? sqlite_bind_uuid_text(statement, 1, &wanted->id) :
		       sqlite_bind_text(statement, 1, wanted->email);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		code = sqlite_row_user(statement, &user);
		result.user = &user;
	}
	err = fail(reader, code, "reading a user");
	if (err == ERR_OK && result.user == NULL)
		err = ERR_NOT_FOUND;
	if (err != ERR_BUSY)
		finish_first(reader, err, &result);
	sqlite3_reset(statement);
	return err;
}

/* The statement of a list, with its parameters; one row more than the page
 * shows whether there is more. */
static sqlite3_stmt *list_statement(struct sqlite_reader *reader,
				    const struct storage_call *call,
				    size_t limit, int *code)
{
	bool is_filtered = call->in.list.filter != TASK_FILTER_ALL;
	bool has_after = call->in.list.has_after;
	int sql = call->in.list.is_search ? SQL_SEARCH + (is_filtered ? 1 : 0) :
					    SQL_LIST + (has_after ? 1 : 0) +
						    (is_filtered ? 2 : 0);
	sqlite3_stmt *statement = reader->statements[sql];

	*code = sqlite_bind_text(statement, 1, call->user_id) |
		sqlite3_bind_int64(statement, 2, (sqlite3_int64)limit + 1);
	if (has_after)
		*code |= sqlite3_bind_int64(statement, 3,
					    call->in.list.after.created_at_us) |
			 sqlite3_bind_int64(statement, 4,
					    call->in.list.after.id);
	if (is_filtered)
		*code |= sqlite3_bind_int(statement, 5,
					  call->in.list.filter ==
						  TASK_FILTER_COMPLETED);
	if (call->in.list.is_search)
		*code |= sqlite3_bind_int64(statement, 6,
					    call->in.list.created_from_us);
	return statement;
}

/* Hands out rows until the page is full, the list ends or nobody waits. */
static enum err hand_out_rows(struct sqlite_reader *reader,
			      struct storage_call *call,
			      sqlite3_stmt *statement, size_t limit, bool *more)
{
	size_t rows = 0;
	struct task task;
	enum err err;
	int code;

	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		if (rows++ == limit) {
			*more = true;
			return ERR_OK;
		}
		code = sqlite_row_task(statement, call->user_id, &task);
		if (code != SQLITE_OK)
			break;
		if (!storage_call_row(call, &task))
			return ERR_OK;
	}
	err = fail(reader, code, "listing tasks");
	/* Only the first step waits for others; rows are given once. */
	return err == ERR_BUSY && rows > 0 ? ERR_UNAVAILABLE : err;
}

static enum err read_list(struct sqlite_reader *reader,
			  struct storage_call *call)
{
	size_t limit = call->in.list.limit;
	struct storage_result result = { 0 };
	sqlite3_stmt *statement;
	enum err err;
	int code;

	statement = list_statement(reader, call, limit, &code);
	err = fail(reader, code, "listing tasks");
	if (err == ERR_OK)
		err = hand_out_rows(reader, call, statement, limit,
				    &result.more);
	sqlite3_reset(statement);
	if (err != ERR_BUSY)
		finish_first(reader, err, &result);
	return err;
}

/* Whether the row of a search has the keyword; SQLite's code. */
static int row_matches(sqlite3_stmt *statement, struct text keyword,
		       bool *matches)
{
	struct text title, description;
	int code;

	*matches = true;
	if (keyword.len == 0)
		return SQLITE_OK;
	code = sqlite_row_text(statement, COLUMN_TITLE_FOLDED, &title) |
	       sqlite_row_text(statement, COLUMN_DESCRIPTION_FOLDED,
			       &description);
	if (code == SQLITE_OK)
		*matches = text_contains(title, keyword) ||
			   text_contains(description, keyword);
	return code;
}

/* How far a slice of a search has come. */
enum slice {
	SLICE_GOES_ON, /* more rows are to be looked at */
	SLICE_IS_LAST, /* the page is complete, or nobody waits */
};

/*
 * Looks at one row: passes over it, hands it out, or finds that it would be one
 * more than the page holds.  What is left to do is kept in the call itself.
 */
static int look_at_row(struct storage_call *call, sqlite3_stmt *statement,
		       enum slice *slice, bool *more)
{
	struct task task;
	bool matches = false;
	int code;

	code = sqlite_row_task(statement, call->user_id, &task);
	if (code == SQLITE_OK)
		code = row_matches(statement, call->in.list.keyword, &matches);
	if (code != SQLITE_OK)
		return code;
	call->in.list.after.created_at_us = task.created_at_us;
	call->in.list.after.id = task.id;
	if (!matches)
		return SQLITE_OK;
	if (call->in.list.skip > 0) {
		call->in.list.skip--;
	} else if (call->in.list.limit == 0) {
		*more = true;
		*slice = SLICE_IS_LAST;
	} else {
		call->in.list.limit--;
		if (!storage_call_row(call, &task))
			*slice = SLICE_IS_LAST;
	}
	return SQLITE_OK;
}

static enum err read_slice(struct sqlite_reader *reader,
			   struct storage_call *call, sqlite3_stmt *statement,
			   enum slice *slice, bool *more)
{
	size_t rows = 0;
	int code = SQLITE_OK;
	enum err err;

	*slice = SLICE_GOES_ON;
	while (*slice == SLICE_GOES_ON && rows < SQLITE_PAGE_ROWS &&
	       (code = sqlite3_step(statement)) == SQLITE_ROW) {
		rows++;
		code = look_at_row(call, statement, slice, more);
		if (code != SQLITE_OK)
			break;
	}
	if (code == SQLITE_DONE)
		*slice = SLICE_IS_LAST;
	err = fail(reader, code, "searching tasks");
	sqlite3_reset(statement);
	return err;
}

/* One slice of a search a turn: however few rows have the keyword, the loop
 * goes on between, and nothing is held open meanwhile. */
static enum err read_search(struct sqlite_reader *reader,
			    struct storage_call *call)
{
	struct storage_result result = { 0 };
	enum slice slice = SLICE_IS_LAST;
	sqlite3_stmt *statement;
	enum err err;
	int code;

	statement = list_statement(reader, call, SQLITE_PAGE_ROWS, &code);
	err = fail(reader, code, "searching tasks");
	if (err == ERR_OK)
		err = read_slice(reader, call, statement, &slice, &result.more);
	if (err == ERR_OK && slice == SLICE_GOES_ON)
		sqlite_calls_append(reader->current,
				    sqlite_calls_take(reader->current));
	else if (err != ERR_BUSY)
		finish_first(reader, err, &result);
	return err;
}

/* Carries out the first call; ERR_BUSY: it still is the first. */
static enum err carry_out(struct sqlite_reader *reader,
			  struct storage_call *call)
{
	switch (call->verb) {
	case STORAGE_PING:
		return ping(reader);
	case STORAGE_TASK_GET:
		return read_task(reader, call);
	case STORAGE_TASK_LIST:
		return call->in.list.is_search ? read_search(reader, call) :
						 read_list(reader, call);
	case STORAGE_USER_BY_EMAIL:
	case STORAGE_USER_BY_ID:
		return read_user(reader, call);
	case STORAGE_TASK_CREATE:
	case STORAGE_TASK_UPDATE:
	case STORAGE_TASK_TOGGLE:
	case STORAGE_TASK_DELETE:
	case STORAGE_USER_CREATE:
	case STORAGE_USER_SET_PASSWORD:
		break;
	}
	BUG("a verb that writes was given to the reader");
}

/* So many of the queue's calls; ERR_BUSY: the first one has to wait. */
static enum err run_calls(struct sqlite_reader *reader,
			  struct sqlite_calls *calls, int count)
{
	reader->current = calls;
	while (calls->first != NULL && count > 0) {
		if (!storage_call_begin(calls->first)) {
			finish_first(reader, ERR_UNAVAILABLE, NULL);
			continue;
		}
		if (carry_out(reader, calls->first) == ERR_BUSY)
			return ERR_BUSY;
		count--;
	}
	return ERR_OK;
}

static bool has_several(const struct sqlite_reader *reader)
{
	const struct storage_call *point = reader->points.first;

	return point != NULL &&
	       (point->next != NULL || reader->lists.first != NULL);
}

/*
 * The locks of one transaction serve all the calls of a turn.  What it sees is
 * the database when the turn began, and whoever asks in a turn has asked before
 * it began.  Without one each statement has its own, which is right as well:
 * nothing depends on how these two end.
 */
static void control(struct sqlite_reader *reader, int sql)
{
	(void)sqlite3_step(reader->statements[sql]);
	(void)sqlite3_reset(reader->statements[sql]);
}

static void on_turn(void *arg)
{
	struct sqlite_reader *reader = arg;
	enum err err;

	if (has_several(reader))
		control(reader, SQL_BEGIN);
	err = run_calls(reader, &reader->points, TURN_POINTS_MAX);
	if (err == ERR_OK)
		err = run_calls(reader, &reader->lists, 1);
	/* An error may have ended it. */
	if (sqlite3_get_autocommit(reader->db.handle) == 0)
		control(reader, SQL_END);
	if (err == ERR_BUSY)
		loop_timer_start(reader->loop, reader->retry, BUSY_RETRY_MS);
	else if (reader->points.first != NULL || reader->lists.first != NULL)
		wakeup_post(reader->wakeup);
}

enum err sqlite_reader_new(const char *path, struct loop *loop,
			   struct sqlite_reader **reader)
{
	struct sqlite_reader *made = calloc(1, sizeof(*made));
	enum err err;

	if (made == NULL)
		return ERR_NO_MEMORY;
	made->loop = loop;
	err = sqlite_db_open(path, SQLITE_DB_READ_ONLY, &made->db);
	if (err == ERR_OK)
		err = sqlite_db_prepare(&made->db, sqlite_reader_sql, SQL_COUNT,
					made->statements);
	sqlite_failure_log(&made->db.failure, NULL);
	if (err == ERR_OK) {
		/* From here on the loop does the waiting. */
		sqlite3_busy_timeout(made->db.handle, 0);
		err = wakeup_new(loop, on_turn, made, &made->wakeup);
	}
	if (err == ERR_OK) {
		made->retry = loop_timer_new(loop, on_turn, made);
		err = made->retry != NULL ? ERR_OK : ERR_NO_MEMORY;
	}
	if (err != ERR_OK) {
		sqlite_reader_free(&made);
		return err;
	}
	*reader = made;
	return ERR_OK;
}

static void fail_all(struct sqlite_reader *reader, struct sqlite_calls *calls)
{
	reader->current = calls;
	while (calls->first != NULL)
		finish_first(reader, ERR_UNAVAILABLE, NULL);
}

void sqlite_reader_free(struct sqlite_reader **reader)
{
	struct sqlite_reader *freed = *reader;

	if (freed == NULL)
		return;
	*reader = NULL;
	fail_all(freed, &freed->points);
	fail_all(freed, &freed->lists);
	loop_timer_free(freed->loop, &freed->retry);
	wakeup_free(&freed->wakeup);
	sqlite_db_finalize(freed->statements, SQL_COUNT);
	sqlite_db_close(&freed->db);
	free(freed);
}

void sqlite_reader_submit(struct sqlite_reader *reader,
			  struct storage_call *call)
{
	size_t *limit = &call->in.list.limit;

	if (call->verb != STORAGE_TASK_LIST) {
		sqlite_calls_append(&reader->points, call);
	} else {
		if (*limit == 0 || *limit > SQLITE_PAGE_ROWS)
			*limit = SQLITE_PAGE_ROWS;
		/* A list that has begun is ended before others begin: taking
		 * turns, many would all be late. */
		if (call->in.list.has_after && !call->in.list.is_search)
			sqlite_calls_prepend(&reader->lists, call);
		else
			sqlite_calls_append(&reader->lists, call);
	}
	wakeup_post(reader->wakeup);
}
