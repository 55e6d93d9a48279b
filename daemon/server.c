/* Setting evhttp up and taking it down. */
#include "config.h"

#include "daemon/server.h"

#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/http.h"
#include "daemon/acceptor.h"
#include "daemon/connection.h"
#include "daemon/exchange.h"
#include "daemon/listen.h"
#include "daemon/loop_event.h"
#include "daemon/refusal.h"

/* Of every single read and write; above the 60 s of common proxies, so that
 * they close idle connections first. */
#define SERVER_TIMEOUT_S 75
/* Request line and header section. */
#define SERVER_HEAD_MAX_BYTES 16384
/* evhttp refuses longer bodies itself, in HTML; up to here we do. */
#define SERVER_BODY_MAX_BYTES (1024 * 1024)
/* Those of the API; TRACE so that it is answered like any other that nothing
 * has.  Never all bits: evhttp would take the body of an unknown method for
 * the next request. */
#define SERVER_METHODS                                                         \
	(EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | \
	 EVHTTP_REQ_PATCH | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS |           \
	 EVHTTP_REQ_TRACE)

_Static_assert(SERVER_BODY_MAX_BYTES > HTTP_BODY_MAX_BYTES,
	       "a body that is too long must reach the application");

struct server {
	struct event_base *base;
	struct app *app;
	struct evhttp *http;
	struct evhttp_bound_socket *bound[LISTENERS_MAX];
	size_t bound_count;
	struct acceptor *acceptor;
	struct connections *connections;
	struct exchanges *exchanges;
	struct event *on_last_accepts;
	void (*on_drained)(void *arg);
	void *on_drained_arg;
};

static void on_accepted(void *arg, size_t count)
{
	struct server *server = arg;

	acceptor_on_accepted(server->acceptor, count);
}

static void on_closed(void *arg, size_t count)
{
	struct server *server = arg;

	acceptor_on_closed(server->acceptor, count);
}

static void on_refused(void *arg, int status, const char *client,
		       struct evbuffer *out)
{
	const struct server *server = arg;

	refusal_write(server->app, status, client, out);
}

static void on_idle(void *arg)
{
	struct server *server = arg;

	server->on_drained(server->on_drained_arg);
}

static void close_listeners(struct server *server)
{
	acceptor_stop(server->acceptor);
	while (server->bound_count > 0)
		evhttp_del_accept_socket(server->http,
					 server->bound[--server->bound_count]);
}

static void on_last_accepts(evutil_socket_t fd, short what, void *arg)
{
	struct server *server = arg;

	(void)fd;
	(void)what;
	close_listeners(server);
	connections_drain(server->connections, on_idle, server);
}

static enum err make_parts(struct server *server,
			   const struct server_options *options)
{
	const struct acceptor_options acceptor = {
		.base = server->base,
		.shared = options->shared,
		.slot = options->slot,
		.connections_max = options->connections_max,
	};
	const struct connections_options connections = {
		.base = server->base,
		.max = options->connections_max,
		.on_accepted = on_accepted,
		.on_closed = on_closed,
		.on_refused = on_refused,
		.arg = server,
	};
	struct exchanges_options exchanges = {
		.app = options->app,
		.loop = loop_event_port(options->loop),
	};
	enum err err = acceptor_new(&acceptor, &server->acceptor);

	if (err == ERR_OK)
		err = connections_new(&connections, &server->connections);
	exchanges.connections = server->connections;
	if (err == ERR_OK)
		err = exchanges_new(&exchanges, &server->exchanges);
	return err;
}

enum err server_new(const struct server_options *options, struct server **out)
{
	struct server *server = calloc(1, sizeof(*server));
	enum err err;

	if (!server)
		return ERR_NO_MEMORY;
	server->base = loop_event_base(options->loop);
	server->app = options->app;
	err = make_parts(server, options);
	if (err == ERR_OK) {
		server->http = evhttp_new(server->base);
		server->on_last_accepts =
			evtimer_new(server->base, on_last_accepts, server);
		if (!server->http || !server->on_last_accepts)
			err = ERR_NO_MEMORY;
	}
	if (err != ERR_OK) {
		server_free(&server);
		return err;
	}
	evhttp_set_timeout(server->http, SERVER_TIMEOUT_S);
	evhttp_set_max_headers_size(server->http, SERVER_HEAD_MAX_BYTES);
	evhttp_set_max_body_size(server->http, SERVER_BODY_MAX_BYTES);
	evhttp_set_allowed_methods(server->http, SERVER_METHODS);
	evhttp_set_default_content_type(server->http, NULL);
	evhttp_set_bevcb(server->http, connections_bufferevent,
			 server->connections);
	evhttp_set_gencb(server->http, exchanges_on_request, server->exchanges);
	*out = server;
	return ERR_OK;
}

void server_free(struct server **server)
{
	struct server *gone = *server;

	if (!gone)
		return;
	if (gone->http) {
		close_listeners(gone);
		evhttp_free(gone->http);
	}
	connections_free(&gone->connections);
	exchanges_free(&gone->exchanges);
	acceptor_free(&gone->acceptor);
	if (gone->on_last_accepts)
		event_free(gone->on_last_accepts);
	free(gone);
	*server = NULL;
}

enum err server_listen(struct server *server, int fd)
{
	struct evconnlistener *listener;
	struct evhttp_bound_socket *bound;

	/* The socket listens already.  This process must close it to stop:
	 * the kernel takes connections as long as anybody has it. */
	listener = evconnlistener_new(
		server->base, NULL, NULL,
		LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE, 0, fd);
	if (!listener) {
		close(fd);
		return ERR_NO_MEMORY;
	}
	bound = evhttp_bind_listener(server->http, listener);
	if (!bound) {
		evconnlistener_free(listener);
		return ERR_NO_MEMORY;
	}
	if (server->bound_count == LISTENERS_MAX ||
	    acceptor_add(server->acceptor, listener) != ERR_OK) {
		evhttp_del_accept_socket(server->http, bound);
		return ERR_NO_MEMORY;
	}
	server->bound[server->bound_count++] = bound;
	return ERR_OK;
}

void server_drain(struct server *server, void (*on_drained)(void *arg),
		  void *arg)
{
	static const struct timeval next_turn = { 0, 0 };

	if (server->on_drained)
		return;
	server->on_drained = on_drained;
	server->on_drained_arg = arg;
	/* One more turn for the connections that were made before the stop. */
	(void)event_add(server->on_last_accepts, &next_turn);
}

size_t server_pending(const struct server *server)
{
	return exchanges_pending(server->exchanges);
}

size_t server_busy(const struct server *server)
{
	return connections_busy(server->connections);
}

const char *server_library(void)
{
	return event_get_version();
}
