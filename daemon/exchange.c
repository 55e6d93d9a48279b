/*
 * Between evhttp and the application.  What holds for evhttp's request while
 * the application has it: evhttp reads nothing more from the connection, the
 * request stays valid whatever happens to the client, and it must be answered
 * exactly once, after which it is evhttp's again.
 */
#include "config.h"

#include "daemon/exchange.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/app.h"
#include "core/clock.h"
#include "core/http.h"
#include "core/log.h"
#include "core/loop.h"
#include "daemon/connection.h"
#include "daemon/framing.h"
#include "daemon/httpdate.h"

#define COPIED_BODY_BYTES 1024 /* cheaper to copy than to refer to */
#define PIECE_BLOCK_BYTES (16 * 1024)
#define POOL_MAX	  256

enum exchange_state {
	EXCHANGE_HANDLING,  /* the application has it, nothing was sent */
	EXCHANGE_STREAMING, /* the head was sent, the next piece may come */
	EXCHANGE_WRITING,   /* a piece is on its way, on_drained waits for it */
	EXCHANGE_ABORTED,   /* given up: the connection is about to be closed */
};

struct exchange {
	struct http_exchange port; /* must be first */
	struct exchanges *owner;
	enum exchange_state state;
	struct evhttp_request *request;
	struct connection *connection; /* NULL: not known, or gone */
	bool is_gone;
	bool closes; /* the connection ends with this answer */
	int64_t started_us;
	int status; /* 0: none was sent */
	char client[INET6_ADDRSTRLEN];
	http_drained_fn *on_drained;
	void *drained_arg;
	struct loop_job job;   /* tells on_drained, or aborts */
	struct exchange *next; /* in the pool */
};

struct exchanges {
	struct exchanges_options options;
	size_t pending;
	struct exchange *pool;
	size_t pool_count;
	struct evbuffer *piece; /* of a stream, empty between uses */
	struct httpdate date;
};

static struct exchange *of(struct http_exchange *port)
{
	return (struct exchange *)port;
}

static void release(struct exchange *exchange)
{
	struct exchanges *owner = exchange->owner;

	connection_release(&exchange->connection);
	arena_release(&exchange->port.arena);
	owner->pending--;
	if (owner->pool_count == POOL_MAX) {
		free(exchange);
		return;
	}
	exchange->next = owner->pool;
	owner->pool = exchange;
	owner->pool_count++;
}

/* --- the access log ------------------------------------------------------ */

static void log_request(const struct exchange *exchange, const char *outcome)
{
	const struct http_exchange *port = &exchange->port;
	enum http_method method = port->request.method;

	log_event(LOG_INFO, "request", LOG_TEXT("request_id", port->request_id),
		  LOG_STRING("method", http_method_name(method)),
		  LOG_STRING("route", port->route),
		  LOG_INT("status", exchange->status),
		  LOG_MS("duration_ms",
			 clock_monotonic_us() - exchange->started_us),
		  LOG_TEXT("user_id", port->user_id),
		  LOG_STRING("client", exchange->client),
		  LOG_STRING("outcome", outcome));
}

/* --- the response -------------------------------------------------------- */

static void put_header(struct exchange *exchange, const char *name,
		       const char *value)
{
	struct evkeyvalq *headers =
		evhttp_request_get_output_headers(exchange->request);

	(void)evhttp_add_header(headers, name, value);
}

/* evhttp looks at the request's Connection before the response's. */
static void forget_connection_header(struct exchange *exchange)
{
	struct evkeyvalq *headers =
		evhttp_request_get_input_headers(exchange->request);
	struct http_request *request = &exchange->port.request;

	while (evhttp_remove_header(headers, "Connection") == 0)
		continue;
	/* The texts are gone with it. */
	request->headers = NULL;
	request->header_count = 0;
}

static void put_head(struct exchange *exchange,
		     const struct http_response *response)
{
	struct arena *arena = &exchange->port.arena;

	for (size_t i = 0; i < response->header_count; i++) {
		const struct http_header *header = &response->headers[i];
		struct text name = arena_copy(arena, header->name);
		struct text value = arena_copy(arena, header->value);

		if (name.ptr && value.ptr)
			put_header(exchange, name.ptr, value.ptr);
	}
	put_header(exchange, "Date", httpdate_text(&exchange->owner->date));
	if (response->close || exchange->closes ||
	    connections_is_draining(exchange->owner->options.connections)) {
		exchange->closes = true;
		forget_connection_header(exchange);
		put_header(exchange, "Connection", "close");
	}
	exchange->status = response->status;
}

static bool has_no_body(int status)
{
	return status == 204 || status == 304 || status < 200;
}

static void free_reference(const void *data, size_t len, void *memory)
{
	(void)data;
	(void)len;
	free(memory);
}

/* Moves the content of buffer to the end of to. */
static void move_bytes(struct evbuffer *to, struct buffer *buffer)
{
	if (buffer->len > COPIED_BODY_BYTES &&
	    evbuffer_add_reference(to, buffer->ptr, buffer->len, free_reference,
				   buffer->ptr) == 0)
		buffer_init(buffer);
	else
		(void)evbuffer_add(to, buffer->ptr, buffer->len);
	buffer_release(buffer);
}

/* The same for a piece of a stream, which may be megabytes: in blocks, because
 * what is referred to is kept whole until its last byte has been sent. */
static void move_blocks(struct evbuffer *to, struct buffer *buffer)
{
	size_t len;

	for (size_t at = 0; at < buffer->len; at += len) {
		len = buffer->len - at;
		if (len > PIECE_BLOCK_BYTES)
			len = PIECE_BLOCK_BYTES;
		(void)evbuffer_add(to, buffer->ptr + at, len);
	}
	buffer_release(buffer);
}

static void put_body(struct exchange *exchange, struct http_response *response)
{
	struct evbuffer *output =
		evhttp_request_get_output_buffer(exchange->request);
	struct text constant = response->constant_body;
	size_t len = response->body.len > 0 ? response->body.len : constant.len;
	char length[24];

	if (!has_no_body(response->status)) {
		(void)snprintf(length, sizeof(length), "%zu", len);
		put_header(exchange, "Content-Length", length);
		if (exchange->port.request.method == HTTP_HEAD)
			;
		else if (response->body.len > 0)
			move_bytes(output, &response->body);
		else if (constant.len > 0)
			(void)evbuffer_add_reference(output, constant.ptr,
						     constant.len, NULL, NULL);
	}
	buffer_release(&response->body);
}

static void exchange_send(struct http_exchange *port,
			  struct http_response *response)
{
	struct exchange *exchange = of(port);
	struct evhttp_request *request = exchange->request;
	int status = response->status;

	/* The end of HEAD's answer is where its head ends. */
	put_body(exchange, response);
	put_head(exchange, response);
	log_request(exchange, exchange->is_gone ? "gone" : NULL);
	release(exchange);
	evhttp_send_reply(request, status, http_reason(status), NULL);
}

/* --- the response in pieces ---------------------------------------------- */

static void exchange_start(struct http_exchange *port,
			   struct http_response *response)
{
	struct exchange *exchange = of(port);

	/* Without chunks the end of the connection is the end of the body;
	 * evhttp would promise an empty one to a client that wants to stay. */
	if (exchange->request->minor == 0)
		exchange->closes = true;
	put_head(exchange, response);
	buffer_release(&response->body);
	exchange->state = EXCHANGE_STREAMING;
	evhttp_send_reply_start(exchange->request, response->status,
				http_reason(response->status));
}

static void tell_drained(struct exchange *exchange)
{
	http_drained_fn *on_drained = exchange->on_drained;

	exchange->state = EXCHANGE_STREAMING;
	exchange->on_drained = NULL;
	on_drained(exchange->drained_arg);
}

static void on_drained_job(struct loop_job *job)
{
	struct exchange *exchange =
		(struct exchange *)((char *)job -
				    offsetof(struct exchange, job));

	tell_drained(exchange);
}

/* evhttp's output is empty. */
static void on_piece_written(struct evhttp_connection *evcon, void *arg)
{
	struct exchange *exchange = arg;

	(void)evcon;
	/* When the client is gone the job tells it. */
	if (exchange->state == EXCHANGE_WRITING && !exchange->is_gone)
		tell_drained(exchange);
}

static void exchange_write(struct http_exchange *port, struct buffer *chunk,
			   http_drained_fn *on_drained, void *arg)
{
	struct exchange *exchange = of(port);
	struct evbuffer *piece = exchange->owner->piece;

	exchange->state = EXCHANGE_WRITING;
	exchange->on_drained = on_drained;
	exchange->drained_arg = arg;
	if (exchange->is_gone || chunk->len == 0 ||
	    port->request.method == HTTP_HEAD) {
		buffer_release(chunk);
		exchange->job.run = on_drained_job;
		loop_post(exchange->owner->options.loop, &exchange->job);
		return;
	}
	move_blocks(piece, chunk);
	evhttp_send_reply_chunk_with_cb(exchange->request, piece,
					on_piece_written, exchange);
	(void)evbuffer_drain(piece, evbuffer_get_length(piece));
}

static void exchange_finish(struct http_exchange *port)
{
	struct exchange *exchange = of(port);
	struct evhttp_request *request = exchange->request;

	log_request(exchange, exchange->is_gone ? "gone" : NULL);
	release(exchange);
	evhttp_send_reply_end(request);
}

/* Outside of evhttp's own calls. */
static void on_abort_job(struct loop_job *job)
{
	struct exchange *exchange =
		(struct exchange *)((char *)job -
				    offsetof(struct exchange, job));
	struct evhttp_request *request = exchange->request;

	if (exchange->connection)
		connection_break(exchange->connection);
	else if (!exchange->is_gone)
		put_header(exchange, "Connection", "close");
	release(exchange);
	/* Without a connection this only frees the request. */
	evhttp_send_reply_end(request);
}

static void exchange_abort(struct http_exchange *port)
{
	struct exchange *exchange = of(port);

	log_request(exchange, exchange->is_gone ? "gone" : "aborted");
	exchange->state = EXCHANGE_ABORTED;
	exchange->job.run = on_abort_job;
	loop_post(exchange->owner->options.loop, &exchange->job);
}

static bool exchange_is_gone(const struct http_exchange *port)
{
	return ((const struct exchange *)port)->is_gone;
}

static bool is_crowded(const struct exchanges *exchanges)
{
	return connections_unsent_bytes(exchanges->options.connections) >
	       EXCHANGE_UNSENT_MAX_BYTES;
}

static bool exchange_is_crowded(const struct http_exchange *port)
{
	return is_crowded(((const struct exchange *)port)->owner);
}

static const struct http_exchange_ops ops = {
	.send = exchange_send,
	.start = exchange_start,
	.write = exchange_write,
	.finish = exchange_finish,
	.abort = exchange_abort,
	.is_gone = exchange_is_gone,
	.is_crowded = exchange_is_crowded,
};

/* The connection has ended before the answer had. */
static void on_gone(void *arg)
{
	struct exchange *exchange = arg;

	exchange->is_gone = true;
	exchange->connection = NULL;
	if (exchange->state != EXCHANGE_WRITING)
		return;
	exchange->job.run = on_drained_job;
	loop_post(exchange->owner->options.loop, &exchange->job);
}

/* --- the request --------------------------------------------------------- */

static enum http_method method_of(enum evhttp_cmd_type command)
{
	static const struct {
		enum evhttp_cmd_type command;
		enum http_method method;
	} methods[] = {
		{ EVHTTP_REQ_GET, HTTP_GET },
		{ EVHTTP_REQ_HEAD, HTTP_HEAD },
		{ EVHTTP_REQ_POST, HTTP_POST },
		{ EVHTTP_REQ_PUT, HTTP_PUT },
		{ EVHTTP_REQ_PATCH, HTTP_PATCH },
		{ EVHTTP_REQ_DELETE, HTTP_DELETE },
		{ EVHTTP_REQ_OPTIONS, HTTP_OPTIONS },
	};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (methods[i].command == command)
			return methods[i].method;
	return HTTP_OTHER;
}

/* The absolute form (RFC 9112, 3.2.2) reduced to path and query. */
static struct text target_of(const char *uri)
{
	struct text target = text_of(uri);
	size_t colon, end;

	if (target.len == 0 || target.ptr[0] == '/')
		return target;
	colon = text_find_byte(target, ':');
	if (!text_has_prefix(text_slice(target, colon, 3), TEXT("://")))
		return target;
	end = colon + 3;
	while (end < target.len && target.ptr[end] != '/' &&
	       target.ptr[end] != '?')
		end++;
	return end < target.len && target.ptr[end] == '/' ?
		       text_slice(target, end, target.len) :
		       TEXT("/");
}

/* Borrows evhttp's headers; false when there is no memory for the list. */
static bool read_headers(struct exchange *exchange)
{
	const struct evkeyvalq *list =
		evhttp_request_get_input_headers(exchange->request);
	struct http_header *headers;
	const struct evkeyval *header;
	size_t count = 0;

	for (header = list->tqh_first; header; header = header->next.tqe_next)
		count++;
	headers = arena_alloc(&exchange->port.arena,
			      (count + 1) * sizeof(*headers));
	if (!headers)
		return false;
	exchange->port.request.headers = headers;
	exchange->port.request.header_count = count;
	for (header = list->tqh_first; header; header = header->next.tqe_next) {
		headers->name = text_of(header->key);
		headers->value = text_of(header->value);
		headers++;
	}
	return true;
}

static void read_body(struct exchange *exchange)
{
	struct evbuffer *input =
		evhttp_request_get_input_buffer(exchange->request);
	struct http_request *request = &exchange->port.request;
	size_t len = evbuffer_get_length(input);

	request->body.ptr = NULL;
	request->body.len = 0;
	request->is_body_too_large = len > HTTP_BODY_MAX_BYTES;
	if (len == 0 || request->is_body_too_large)
		return;
	request->body.ptr = (const char *)evbuffer_pullup(input, -1);
	request->body.len = request->body.ptr ? len : 0;
}

static struct exchange *exchange_new(struct exchanges *exchanges)
{
	struct exchange *exchange = exchanges->pool;

	if (exchange) {
		exchanges->pool = exchange->next;
		exchanges->pool_count--;
	} else {
		exchange = malloc(sizeof(*exchange));
	}
	if (!exchange)
		return NULL;
	/* All but the arena's first block, which is large. */
	arena_init(&exchange->port.arena);
	exchange->port.ops = &ops;
	memset(&exchange->port.request, 0, sizeof(exchange->port.request));
	exchange->port.request_id = (struct text){ NULL, 0 };
	exchange->port.user_id = (struct text){ NULL, 0 };
	exchange->port.route = NULL;
	exchange->owner = exchanges;
	exchange->state = EXCHANGE_HANDLING;
	exchange->connection = NULL;
	exchange->is_gone = false;
	exchange->closes = false;
	exchange->status = 0;
	exchange->on_drained = NULL;
	exchange->started_us = clock_monotonic_us();
	exchanges->pending++;
	return exchange;
}

/* Versions that evhttp takes and nobody speaks. */
static void settle_version(struct evhttp_request *request)
{
	if (request->major < 1) {
		request->major = 1;
		request->minor = 0;
	} else if (request->minor > 1) {
		request->minor = 1;
	}
}

void exchanges_on_request(struct evhttp_request *request, void *arg)
{
	struct exchanges *exchanges = arg;
	struct connections *connections = exchanges->options.connections;
	struct app *app = exchanges->options.app;
	struct exchange *exchange = exchange_new(exchanges);
	struct http_request *in;
	int refusal;

	/* Not even an error can be made: an empty answer ends it. */
	if (!exchange) {
		evhttp_send_reply(request, 503, http_reason(503), NULL);
		return;
	}
	/* evhttp takes the absolute form for a proxy's request, whose
	 * Connection header it does not look at. */
	request->flags &= ~EVHTTP_PROXY_REQUEST;
	settle_version(request);
	exchange->request = request;
	exchange->connection =
		connection_hold(connections, request, on_gone, exchange);
	exchange->client[0] = '\0';
	if (exchange->connection)
		(void)snprintf(exchange->client, sizeof(exchange->client), "%s",
			       connection_client(exchange->connection));
	in = &exchange->port.request;
	in->method = method_of(evhttp_request_get_command(request));
	in->target = target_of(evhttp_request_get_uri(request));
	read_body(exchange);
	if (!read_headers(exchange)) {
		exchange->closes = true;
		app_refuse(app, &exchange->port, 503);
		return;
	}
	refusal = framing_problem(in, request->minor);
	exchange->closes = refusal != 0 || framing_wants_close(in);
	if (refusal == 0 && is_crowded(exchanges))
		refusal = 503;
	if (refusal != 0)
		app_refuse(app, &exchange->port, refusal);
	else
		app_handle(app, &exchange->port);
}

enum err exchanges_new(const struct exchanges_options *options,
		       struct exchanges **out)
{
	struct exchanges *exchanges = calloc(1, sizeof(*exchanges));

	if (!exchanges)
		return ERR_NO_MEMORY;
	exchanges->options = *options;
	exchanges->piece = evbuffer_new();
	if (!exchanges->piece) {
		free(exchanges);
		return ERR_NO_MEMORY;
	}
	*out = exchanges;
	return ERR_OK;
}

void exchanges_free(struct exchanges **exchanges)
{
	struct exchanges *gone = *exchanges;

	if (!gone)
		return;
	while (gone->pool) {
		struct exchange *next = gone->pool->next;

		free(gone->pool);
		gone->pool = next;
	}
	evbuffer_free(gone->piece);
	free(gone);
	*exchanges = NULL;
}

size_t exchanges_pending(const struct exchanges *exchanges)
{
	return exchanges->pending;
}
