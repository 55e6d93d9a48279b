/* An exchange without a request: only the answer is made. */
#include "config.h"

#include "daemon/refusal.h"

#include <event2/buffer.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/app.h"
#include "core/http.h"
#include "core/log.h"
#include "daemon/httpdate.h"

struct refusal {
	struct http_exchange port; /* must be first */
	const char *client;
	struct evbuffer *out;
};

static void refusal_send(struct http_exchange *port,
			 struct http_response *response)
{
	const struct refusal *refusal = (const struct refusal *)port;
	struct text body = response->body.len > 0 ?
				   buffer_text(&response->body) :
				   response->constant_body;
	struct evbuffer *out = refusal->out;
	struct httpdate date = { 0, "" };

	(void)evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\n", response->status,
				  http_reason(response->status));
	for (size_t i = 0; i < response->header_count; i++) {
		const struct http_header *header = &response->headers[i];

		(void)evbuffer_add_printf(out, "%.*s: %.*s\r\n",
					  (int)header->name.len,
					  header->name.ptr,
					  (int)header->value.len,
					  header->value.ptr);
	}
	(void)evbuffer_add_printf(out,
				  "Date: %s\r\nContent-Length: %zu\r\n"
				  "Connection: close\r\n\r\n",
				  httpdate_text(&date), body.len);
	(void)evbuffer_add(out, body.ptr, body.len);
	buffer_release(&response->body);
	log_event(LOG_INFO, "request", LOG_TEXT("request_id", port->request_id),
		  LOG_STRING("method", "?"),
		  LOG_INT("status", response->status), LOG_MS("duration_ms", 0),
		  LOG_STRING("client", refusal->client));
}

/* A refusal is never that long. */
static void refusal_start(struct http_exchange *port,
			  struct http_response *response)
{
	(void)port;
	buffer_release(&response->body);
}

static void refusal_write_piece(struct http_exchange *port,
				struct buffer *chunk,
				http_drained_fn *on_drained, void *arg)
{
	(void)port;
	(void)on_drained;
	(void)arg;
	buffer_release(chunk);
}

/* Without a word the connection ends all the same. */
static void refusal_end(struct http_exchange *port)
{
	(void)port;
}

static bool refusal_never(const struct http_exchange *port)
{
	(void)port;
	return false;
}

static const struct http_exchange_ops ops = {
	.send = refusal_send,
	.start = refusal_start,
	.write = refusal_write_piece,
	.finish = refusal_end,
	.abort = refusal_end,
	.is_gone = refusal_never,
	.is_crowded = refusal_never,
};

void refusal_write(struct app *app, int status, const char *client,
		   struct evbuffer *out)
{
	struct refusal refusal = {
		.port = { .ops = &ops,
			  .request = { .method = HTTP_OTHER,
				       .target = TEXT("/") } },
		.client = client,
		.out = out,
	};

	arena_init(&refusal.port.arena);
	app_refuse(app, &refusal.port, status);
	arena_release(&refusal.port.arena);
}
