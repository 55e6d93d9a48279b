/*
 * The list of a user's tasks, page by page from storage straight into JSON.  A
 * list that ends within LIST_WHOLE_BYTES goes out complete, with its length; a
 * longer one is sent in chunks, the next page read when the last chunk is on
 * its way, so that memory does not grow with the list.
 */
#include "config.h"

#include "core/api.h"
#include "core/call.h"
#include "core/item.h"
#include "core/jsonwriter.h"
#include "core/query.h"
#include "core/reply.h"
#include "core/storage.h"
#include "core/taskpath.h"

#define LIST_WHOLE_BYTES (256 * 1024)
#define LIST_FIRST_BYTES 4096

/* The call's state while a list is on its way. */
struct list {
	struct call *call;
	struct storage_list page;
	struct task_cursor last; /* of the rows written so far */
	struct buffer body;
	struct jsonwriter writer;
	int64_t count;
	bool is_started; /* status and headers are out */
};

static void on_page(void *arg, enum err err, bool more);
static void on_row(void *arg, const struct task *task);

static enum err next_page(struct list *list)
{
	const struct call *call = list->call;

	return storage_task_list(call->services->storage,
				 call->principal.user_id, &list->page, on_row,
				 on_page, list, NULL);
}

static void write_head(struct list *list)
{
	if (list->call->dialect->list_form == DIALECT_LIST_COUNTED) {
		jsonwriter_object_begin(&list->writer);
		jsonwriter_key(&list->writer, TEXT("tasks"));
	}
	jsonwriter_array_begin(&list->writer);
}

static void write_tail(struct list *list)
{
	jsonwriter_array_end(&list->writer);
	if (list->call->dialect->list_form == DIALECT_LIST_COUNTED) {
		jsonwriter_key(&list->writer, TEXT("count"));
		jsonwriter_int(&list->writer, list->count);
		jsonwriter_object_end(&list->writer);
	}
}

/* The list cannot go on: an error when nothing is out yet, else the
 * connection ends without the last chunk. */
static void list_fail(struct list *list, enum err err)
{
	struct call *call = list->call;

	buffer_release(&list->body);
	if (!list->is_started) {
		reply_err(call, err);
		return;
	}
	jsonreader_free(&call->body);
	call->exchange->ops->abort(call->exchange);
}

static void on_last_drained(void *arg)
{
	struct list *list = arg;

	list->call->exchange->ops->finish(list->call->exchange);
}

static void on_drained(void *arg)
{
	struct list *list = arg;
	struct http_exchange *exchange = list->call->exchange;
	enum err err;

	if (exchange->ops->is_gone(exchange)) {
		list_fail(list, ERR_UNAVAILABLE);
		return;
	}
	err = next_page(list);
	if (err != ERR_OK)
		list_fail(list, err);
}

static void send_chunk(struct list *list, http_drained_fn *on_sent)
{
	struct call *call = list->call;
	struct http_response response = { .status = 200 };

	if (!list->is_started) {
		http_response_header(&response, TEXT("Content-Type"),
				     TEXT("application/json"));
		reply_common_headers(call, &response);
		call->exchange->ops->start(call->exchange, &response);
		list->is_started = true;
	}
	call->exchange->ops->write(call->exchange, &list->body, on_sent, list);
}

static void on_row(void *arg, const struct task *task)
{
	struct list *list = arg;

	item_write(&list->writer, list->call->dialect, task);
	list->last.created_at_us = task->created_at_us;
	list->last.id = task->id;
	list->count++;
}

static void on_page(void *arg, enum err err, bool more)
{
	struct list *list = arg;
	const struct http_exchange *exchange = list->call->exchange;

	/* Many lists may have been let in before the first of them was read. */
	if (err == ERR_OK && exchange->ops->is_crowded(exchange))
		err = ERR_BUSY;
	if (err == ERR_OK && !more)
		write_tail(list);
	if (err == ERR_OK && buffer_is_failed(&list->body))
		err = ERR_NO_MEMORY;
	if (err == ERR_OK && more) {
		list->page.after = &list->last;
		if (list->body.len >= LIST_WHOLE_BYTES)
			send_chunk(list, on_drained);
		else
			err = next_page(list);
	} else if (err == ERR_OK) {
		if (list->is_started)
			send_chunk(list, on_last_drained);
		else
			reply_json(list->call, 200, &list->body);
	}
	if (err != ERR_OK)
		list_fail(list, err);
}

/* ?status=…; adds a problem when it is none of the three. */
static enum err read_status(struct call *call, enum task_filter *filter)
{
	static const struct {
		struct text text;
		enum task_filter filter;
	} names[] = {
		{ TEXT("all"), TASK_FILTER_ALL },
		{ TEXT("pending"), TASK_FILTER_PENDING },
		{ TEXT("completed"), TASK_FILTER_COMPLETED },
	};
	struct problem problem = {
		.type = PROBLEM_STATUS,
		.place = PROBLEM_IN_QUERY,
		.member = TEXT("status"),
		.input = PROBLEM_INPUT_TEXT,
	};
	enum err err;

	*filter = TASK_FILTER_ALL;
	err = query_find(&call->exchange->arena, call->query, TEXT("status"),
			 &problem.text);
	if (err != ERR_OK)
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (text_is_equal(problem.text, names[i].text)) {
			*filter = names[i].filter;
			return ERR_OK;
		}
	}
	problems_add(&call->problems, &problem);
	return ERR_OK;
}

void api_tasks_list(struct call *call)
{
	enum task_filter filter = TASK_FILTER_ALL;
	struct list *list;
	enum err err;

	if (!taskpath_enter(call))
		return;
	if (call->dialect->list_has_status) {
		err = read_status(call, &filter);
		if (err != ERR_OK) {
			reply_err(call, err);
			return;
		}
	}
	if (!taskpath_admit(call))
		return;
	list = call_state(call, sizeof(*list));
	if (!list)
		return;
	list->call = call;
	list->page.filter = filter;
	buffer_init(&list->body);
	buffer_reserve(&list->body, LIST_FIRST_BYTES);
	jsonwriter_init(&list->writer, &list->body);
	write_head(list);
	err = next_page(list);
	if (err != ERR_OK)
		list_fail(list, err);
}
