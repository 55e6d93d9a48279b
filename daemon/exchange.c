/*
 * Between evhttp and the application.  evhttp's request is only where the
 * answer goes; the request itself is the gate's.  What holds for evhttp's while
 * the application has it: nothing more is read from the connection, the request
 * stays valid whatever happens to the client, and it must be answered exactly
 * once, after which it is evhttp's again.
 */
#include "config.h"

#include "daemon/exchange.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/app.h"
#include "core/clock.h"
#include "core/http.h"
#include "core/ip.h"
#include "core/log.h"
#include "core/loop.h"
#include "daemon/connection.h"
#include "daemon/httpdate.h"
#include "daemon/intake.h"
#include "daemon/responsehead.h"

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
	struct intake *intake;	       /* what the request borrows; or NULL */
	bool is_gone;
	bool closes; /* the connection ends with this answer */
	int64_t started_us;
	int status; /* 0: none was sent */
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
	intake_release(&exchange->intake);
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
	char client[IP_TEXT_BYTES];

	ip_format(&port->client, client);
	log_event(LOG_INFO, "request", LOG_TEXT("request_id", port->request_id),
		  LOG_STRING("method", http_method_name(method)),
		  LOG_STRING("route", port->route),
		  LOG_INT("status", exchange->status),
		  LOG_MS("duration_ms",
			 clock_monotonic_us() - exchange->started_us),
		  LOG_TEXT("user_id", port->user_id),
		  LOG_STRING("client", client), LOG_STRING("outcome", outcome));
}

/* --- the response -------------------------------------------------------- */

static void put_header(struct exchange *exchange, const char *name,
		       const char *value)
{
	struct evkeyvalq *headers =
		evhttp_request_get_output_headers(exchange->request);

	(void)evhttp_add_header(headers, name, value);
}

static void put_connection(struct exchange *exchange, bool closes)
{
	const struct intake *intake = exchange->intake;

	if (closes ||
	    connections_is_draining(exchange->owner->options.connections))
		exchange->closes = true;
	if (exchange->closes) {
		put_header(exchange, "Connection", "close");
		if (exchange->connection)
			connection_closes(exchange->connection);
	} else if (intake && intake->parser.minor == 0) {
		put_header(exchange, "Connection", "keep-alive");
	}
}

static void put_head(struct exchange *exchange,
		     const struct http_response *response)
{
	responsehead_put(evhttp_request_get_output_headers(exchange->request),
			 response, httpdate_text(&exchange->owner->date));
	put_connection(exchange, response->close);
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

	if (!has_no_body(response->status)) {
		responsehead_put_length(
			evhttp_request_get_output_headers(exchange->request),
			len);
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

/* evhttp reads when it writes. */
static void answering(struct connection *connection)
{
	if (connection)
		connection_answering(connection);
}

static void exchange_send(struct http_exchange *port,
			  struct http_response *response)
{
	struct exchange *exchange = of(port);
	struct connection *connection = exchange->connection;
	struct evhttp_request *request = exchange->request;
	int status = response->status;

	/* The end of HEAD's answer is where its head ends. */
	put_body(exchange, response);
	put_head(exchange, response);
	log_request(exchange, exchange->is_gone ? "gone" : NULL);
	release(exchange);
	evhttp_send_reply(request, status, http_reason(status), NULL);
	answering(connection);
}

/* --- the response in pieces ---------------------------------------------- */

static void exchange_start(struct http_exchange *port,
			   struct http_response *response)
{
	struct exchange *exchange = of(port);

	/* Without chunks the end of the connection is the end of the body. */
	if (exchange->intake && exchange->intake->parser.minor == 0) {
		exchange->request->minor = 0;
		exchange->closes = true;
	}
	put_head(exchange, response);
	buffer_release(&response->body);
	exchange->state = EXCHANGE_STREAMING;
	evhttp_send_reply_start(exchange->request, response->status,
				http_reason(response->status));
	answering(exchange->connection);
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
	answering(exchange->connection);
	(void)evbuffer_drain(piece, evbuffer_get_length(piece));
}

static void exchange_finish(struct http_exchange *port)
{
	struct exchange *exchange = of(port);
	struct connection *connection = exchange->connection;
	struct evhttp_request *request = exchange->request;

	log_request(exchange, exchange->is_gone ? "gone" : NULL);
	release(exchange);
	evhttp_send_reply_end(request);
	answering(connection);
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

static bool exchange_admit_client(struct http_exchange *port,
				  const struct ip *client)
{
	struct exchange *exchange = of(port);

	return !exchange->connection ||
	       connection_admit_client(exchange->connection, client);
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
	.admit_client = exchange_admit_client,
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

/* False: there is no memory for the list of headers. */
static bool read_request(struct exchange *exchange)
{
	const struct intake *intake = exchange->intake;
	struct http_header *headers;

	headers = arena_alloc(&exchange->port.arena,
			      (intake->parser.field_count + 1) *
				      sizeof(*headers));
	if (!headers)
		return false;
	httpparser_request(&intake->parser, &intake->bytes, headers,
			   &exchange->port.request);
	return true;
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
	exchange->intake = NULL;
	exchange->is_gone = false;
	exchange->closes = false;
	exchange->status = 0;
	exchange->on_drained = NULL;
	exchange->started_us = clock_monotonic_us();
	exchanges->pending++;
	return exchange;
}

/* Fills the exchange; 0, or the status to refuse it with. */
static int admit(struct exchange *exchange)
{
	struct exchanges *owner = exchange->owner;
	const struct httpparser *parser;

	exchange->closes = true;
	if (!exchange->connection)
		return 503;
	exchange->intake = connection_intake(exchange->connection);
	if (!exchange->intake || !read_request(exchange))
		return 503;
	exchange->port.request.is_tls =
		connection_is_secure(exchange->connection);
	parser = &exchange->intake->parser;
	exchange->closes = !parser->persists;
	if (parser->refusal != 0)
		return parser->refusal;
	return is_crowded(owner) ? 503 : 0;
}

static void find_peer(struct exchange *exchange)
{
	struct http_exchange *port = &exchange->port;

	port->request.peer.family = IP_NONE;
	if (exchange->connection)
		port->request.peer = *connection_client(exchange->connection);
	port->client = port->request.peer;
}

void exchanges_on_request(struct evhttp_request *request, void *arg)
{
	struct exchanges *exchanges = arg;
	struct exchange *exchange = exchange_new(exchanges);
	struct app *app = exchanges->options.app;
	int refusal;

	/* Not even an error can be made. */
	if (!exchange) {
		struct connection *connection = connection_hold(
			exchanges->options.connections, request, NULL, NULL);

		evhttp_send_reply(request, 503, http_reason(503), NULL);
		answering(connection);
		return;
	}
	exchange->request = request;
	exchange->connection = connection_hold(exchanges->options.connections,
					       request, on_gone, exchange);
	refusal = admit(exchange);
	find_peer(exchange);
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
