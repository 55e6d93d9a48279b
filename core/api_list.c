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
#include "core/listquery.h"
#include "core/reply.h"
#include "core/storage.h"
#include "core/taskpath.h"

#define LIST_WHOLE_BYTES (256 * 1024)
#define LIST_FIRST_BYTES 4096

/* The call's state while a list is on its way. */
struct list {
	struct call *call;
	struct listquery query;
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

	if (list->query.limit > 0)
		list->page.limit = list->query.limit - (size_t)list->count;
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

	if (list->query.limit > 0 && (size_t)list->count == list->query.limit)
		more = false;
	/* Many lists may have been let in before the first of them was read. */
	if (err == ERR_OK && exchange->ops->is_crowded(exchange))
		err = ERR_BUSY;
	if (err == ERR_OK && !more)
		write_tail(list);
	if (err == ERR_OK && buffer_is_failed(&list->body))
		err = ERR_NO_MEMORY;
	if (err == ERR_OK && more) {
		list->page.after = &list->last;
		list->page.skip = 0;
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

void api_tasks_list(struct call *call)
{
	struct list *list;
	enum err err;

	if (!taskpath_enter(call))
		return;
	list = call_state(call, sizeof(*list));
	if (!list)
		return;
	list->call = call;
	err = listquery_read(call, &list->query);
	if (err != ERR_OK) {
		reply_err(call, err);
		return;
	}
	if (!taskpath_admit(call))
		return;
	list->page.filter = list->query.filter;
	list->page.skip = list->query.skip;
	if (list->query.is_search)
		list->page.search = &list->query.search;
	buffer_init(&list->body);
	buffer_reserve(&list->body, LIST_FIRST_BYTES);
	jsonwriter_init(&list->writer, &list->body);
	write_head(list);
	if (list->query.is_void) {
		write_tail(list);
		reply_json(call, 200, &list->body);
		return;
	}
	err = next_page(list);
	if (err != ERR_OK)
		list_fail(list, err);
}
