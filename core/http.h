/*
 * What the application and an HTTP server say to each other: a request goes
 * in, a response comes back through the exchange, now or later.  No socket and
 * no library is visible here.
 */
#ifndef TODOD_CORE_HTTP_H
#define TODOD_CORE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/buffer.h"
#include "core/ip.h"
#include "core/text.h"

#define HTTP_TARGET_MAX_BYTES	  4096
#define HTTP_BODY_MAX_BYTES	  65536
#define HTTP_RESPONSE_HEADERS_MAX 24

/* Methods are bits, so that a set of them is a number. */
enum http_method {
	HTTP_GET = 1 << 0,
	HTTP_HEAD = 1 << 1,
	HTTP_POST = 1 << 2,
	HTTP_PUT = 1 << 3,
	HTTP_PATCH = 1 << 4,
	HTTP_DELETE = 1 << 5,
	HTTP_OPTIONS = 1 << 6,
	HTTP_OTHER = 1 << 7, /* a method that no route has: 501 */
};

struct http_header {
	struct text name;
	struct text value;
};

/* Borrowed from the server until the exchange ends. */
struct http_request {
	enum http_method method;
	struct text target; /* path and query as sent, starting with '/' */
	/* What stood before them; it counts instead of Host (RFC 9112, 3.2.2).
	 * Empty: nothing did. */
	struct text authority;
	const struct http_header *headers;
	size_t header_count;
	struct text body;
	bool is_body_too_large; /* past HTTP_BODY_MAX_BYTES: body is empty */
	struct ip peer;		/* the other end of the connection */
	bool is_tls;		/* the connection is encrypted up to here */
};

/* Header texts are literals or live in the exchange's arena.  The server adds
 * Content-Length (also to the answer of a HEAD, whose body it drops), Date and
 * Connection. */
struct http_response {
	int status;
	struct http_header headers[HTTP_RESPONSE_HEADERS_MAX];
	size_t header_count;
	struct buffer body;
	struct text constant_body; /* used when body is empty: lives for ever */
	bool close;		   /* the connection ends after it */
};

struct http_exchange;
typedef void http_drained_fn(void *arg);

/* How a server takes the response.  Either send() once, or start(), any number
 * of write(), then finish() or abort(); the exchange and all it holds are gone
 * after send(), finish() and abort(). */
struct http_exchange_ops {
	/* A complete response; the body is moved out of it. */
	void (*send)(struct http_exchange *exchange,
		     struct http_response *response);
	/* Status and headers of a response whose length is not known. */
	void (*start)(struct http_exchange *exchange,
		      struct http_response *response);
	/* One piece; the content is moved out of chunk.  on_drained(arg) runs
	 * once, later, from the loop, when the piece is on its way or the
	 * client is gone: write no more before. */
	void (*write)(struct http_exchange *exchange, struct buffer *chunk,
		      http_drained_fn *on_drained, void *arg);
	void (*finish)(struct http_exchange *exchange);
	/* Closes without the last chunk, or without a word when nothing was
	 * started. */
	void (*abort)(struct http_exchange *exchange);
	/* The client has gone: whatever is sent goes nowhere. */
	bool (*is_gone)(const struct http_exchange *exchange);
	/* The client is known, and it is not the peer: the request counts as
	 * one of it until it is answered.  False: it has too many, this one is
	 * not counted. */
	bool (*admit_client)(struct http_exchange *exchange,
			     const struct ip *client);
	/* So much waits for slow clients that nothing may be added to it. */
	bool (*is_crowded)(const struct http_exchange *exchange);
};

/* First member of a server's own struct. */
struct http_exchange {
	const struct http_exchange_ops *ops;
	struct http_request request;
	struct arena arena; /* lives as long as the exchange */

	/* Set by the application, for the access log. */
	struct text request_id;
	const char *route;   /* the pattern, NULL when none matched */
	struct text user_id; /* of a verified principal */

	/* The peer, until the application knows better from what a trusted
	 * proxy says (core/forwarded.h): whom the request is logged and counted
	 * for. */
	struct ip client;
};

/* The value of the first header of this name; *count is how many there are
 * (NULL: not asked). */
struct text http_header_find(const struct http_request *request,
			     struct text name, size_t *count);

/* Adds a header; value must live as long as the exchange.  BUG() past
 * HTTP_RESPONSE_HEADERS_MAX. */
void http_response_header(struct http_response *response, struct text name,
			  struct text value);

/* Appends a request target as a header can have it: every byte that is no
 * visible ASCII is percent-encoded (RFC 3986, 2.1). */
void http_append_target(struct buffer *out, struct text target);

/* The standard phrase (RFC 9110), "Unknown" for a status todod never sends. */
const char *http_reason(int status);

/* "GET" … ; "?" for HTTP_OTHER. */
const char *http_method_name(enum http_method method);

#endif
