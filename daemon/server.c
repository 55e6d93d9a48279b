/* Setting evhttp up and taking it down. */
#include "config.h"

#include "daemon/server.h"

#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/acceptor.h"
#include "daemon/connection.h"
#include "daemon/exchange.h"
#include "daemon/listen.h"
#include "daemon/loop_event.h"

/* The gate gives evhttp no other. */
#define SERVER_METHODS (EVHTTP_REQ_GET | EVHTTP_REQ_HEAD)
/* Of what the gate gives it; evhttp has no other use for them. */
#define SERVER_HEAD_MAX_BYTES 4096
#define SERVER_BODY_MAX_BYTES 0

/* An evhttp makes all of its connections in the same way. */
struct server_door {
	struct evhttp *http;
	struct connections_door door;
};

struct server {
	struct event_base *base;
	struct server_door plain;
	struct server_door secure; /* http NULL: there is no certificate */
	struct evhttp *bound_to[LISTENERS_MAX];
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

static void on_idle(void *arg)
{
	struct server *server = arg;

	server->on_drained(server->on_drained_arg);
}

static void close_listeners(struct server *server)
{
	acceptor_stop(server->acceptor);
	while (server->bound_count > 0) {
		size_t last = --server->bound_count;

		evhttp_del_accept_socket(server->bound_to[last],
					 server->bound[last]);
	}
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
		.limits = options->limits,
		.proxies = options->proxies,
		.proxies_speak_first = options->proxies_speak_first,
		.max = options->connections_max,
		.on_accepted = on_accepted,
		.on_closed = on_closed,
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

static enum err make_door(struct server *server, struct tls *tls,
			  struct server_door *door)
{
	struct evhttp *http = evhttp_new(server->base);

	if (!http)
		return ERR_NO_MEMORY;
	door->http = http;
	door->door.connections = server->connections;
	door->door.tls = tls;
	/* No timeouts: the connections have deadlines. */
	evhttp_set_max_headers_size(http, SERVER_HEAD_MAX_BYTES);
	evhttp_set_max_body_size(http, SERVER_BODY_MAX_BYTES);
	evhttp_set_allowed_methods(http, SERVER_METHODS);
	evhttp_set_default_content_type(http, NULL);
	evhttp_set_bevcb(http, connections_bufferevent, &door->door);
	evhttp_set_gencb(http, exchanges_on_request, server->exchanges);
	return ERR_OK;
}

enum err server_new(const struct server_options *options, struct server **out)
{
	struct server *server = calloc(1, sizeof(*server));
	enum err err;

	if (!server)
		return ERR_NO_MEMORY;
	server->base = loop_event_base(options->loop);
	err = make_parts(server, options);
	if (err == ERR_OK)
		err = make_door(server, NULL, &server->plain);
	if (err == ERR_OK && options->tls)
		err = make_door(server, options->tls, &server->secure);
	if (err == ERR_OK) {
		server->on_last_accepts =
			evtimer_new(server->base, on_last_accepts, server);
		if (!server->on_last_accepts)
			err = ERR_NO_MEMORY;
	}
	if (err != ERR_OK) {
		server_free(&server);
		return err;
	}
	*out = server;
	return ERR_OK;
}

void server_free(struct server **server)
{
	struct server *gone = *server;

	if (!gone)
		return;
	if (gone->acceptor)
		close_listeners(gone);
	if (gone->plain.http)
		evhttp_free(gone->plain.http);
	if (gone->secure.http)
		evhttp_free(gone->secure.http);
	connections_free(&gone->connections);
	exchanges_free(&gone->exchanges);
	acceptor_free(&gone->acceptor);
	if (gone->on_last_accepts)
		event_free(gone->on_last_accepts);
	free(gone);
	*server = NULL;
}

/* With a certificate all of TCP is TLS; a unix socket does not leave the
 * machine. */
static struct evhttp *door_of(const struct server *server, int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	memset(&address, 0, sizeof(address));
	(void)getsockname(fd, (struct sockaddr *)&address, &len);
	if (!server->secure.http || address.ss_family == AF_UNIX)
		return server->plain.http;
	return server->secure.http;
}

enum err server_listen(struct server *server, int fd)
{
	struct evconnlistener *listener;
	struct evhttp_bound_socket *bound;
	struct evhttp *http = door_of(server, fd);

	/* The socket listens already.  This process must close it to stop:
	 * the kernel takes connections as long as anybody has it. */
	listener = evconnlistener_new(
		server->base, NULL, NULL,
		LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE, 0, fd);
	if (!listener) {
		close(fd);
		return ERR_NO_MEMORY;
	}
	bound = evhttp_bind_listener(http, listener);
	if (!bound) {
		evconnlistener_free(listener);
		return ERR_NO_MEMORY;
	}
	if (server->bound_count == LISTENERS_MAX ||
	    acceptor_add(server->acceptor, listener) != ERR_OK) {
		evhttp_del_accept_socket(http, bound);
		return ERR_NO_MEMORY;
	}
	server->bound_to[server->bound_count] = http;
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
