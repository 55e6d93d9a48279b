/*
 * The life of a connection beside evhttp.  Each bufferevent has a second
 * reference, ours: evhttp lets go of it first, having sent the FIN; then what
 * the client still sends is read and thrown away for a moment, because a close
 * with unread bytes is a reset that can cost the client our last answer.
 */
#include "config.h"

#include "daemon/connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "core/clock.h"

#define SWEEP_MS	 250
#define LINGER_MS	 2000
#define FRESH_MS	 1000 /* a drain waits so long for a first request */
#define LINGER_MAX_BYTES (8 * 1024 * 1024) /* thrown away, then it is a reset */
#define BUCKETS_MAX	 16384

enum connection_state {
	CONNECTION_OPEN,      /* evhttp has it */
	CONNECTION_CLOSING,   /* evhttp is letting go of it just now */
	CONNECTION_LINGERING, /* only we have it; waits for the client's FIN */
};

struct connection {
	struct connections *owner;
	struct bufferevent *bev;
	enum connection_state state;
	struct connection *newer, *older;
	struct connection *next_in_bucket;
	struct connection *next_closing;
	struct connection *next_refused;
	int64_t opened_us;
	bool has_closecb; /* since its first request */
	/* From a whole request to the last byte of its answer. */
	bool has_request;
	/* Bytes of a further request are here. */
	bool has_input;
	/* evhttp answers by itself; then our own words are on their way. */
	bool is_refused;
	bool is_reworded;
	size_t unsent_bytes;
	void (*on_gone)(void *arg); /* NULL: nobody asks */
	void *arg;
	int64_t linger_until_us;
	size_t thrown_away_bytes;
	char client[INET6_ADDRSTRLEN]; /* empty until somebody asks */
};

struct connections {
	struct connections_options options;
	struct connection *newest;
	struct connection *closing; /* those in CONNECTION_CLOSING */
	struct connection *refused; /* to be reworded, or ended */
	size_t count;
	size_t unsent_bytes;
	struct connection **buckets; /* by bufferevent */
	size_t bucket_mask;
	struct event *on_sweep;
	struct event *on_let_go; /* looks at once, not at the next sweep */
	bool is_draining;
	void (*on_idle)(void *arg);
	void *on_idle_arg;
};

static struct connection **bucket_of(const struct connections *connections,
				     const struct bufferevent *bev)
{
	uint64_t key = (uint64_t)(uintptr_t)bev;

	key = (key >> 4) * UINT64_C(0x9e3779b97f4a7c15);
	return &connections->buckets[(key >> 32) & connections->bucket_mask];
}

static struct connection *find(const struct connections *connections,
			       const struct bufferevent *bev)
{
	struct connection *connection = *bucket_of(connections, bev);

	while (connection && connection->bev != bev)
		connection = connection->next_in_bucket;
	return connection;
}

static void unlink_connection(struct connection *connection)
{
	struct connections *owner = connection->owner;
	struct connection **link = bucket_of(owner, connection->bev);

	while (*link != connection)
		link = &(*link)->next_in_bucket;
	*link = connection->next_in_bucket;
	if (connection->newer)
		connection->newer->older = connection->older;
	else
		owner->newest = connection->older;
	if (connection->older)
		connection->older->newer = connection->newer;
	owner->count--;
}

static void start_sweep(struct connections *connections)
{
	static const struct timeval interval = { 0, SWEEP_MS * 1000 };

	(void)event_add(connections->on_sweep, &interval);
}

/* Soon, in this turn of the loop, outside of evhttp's calls. */
static void look_at_once(struct connections *connections)
{
	event_active(connections->on_let_go, EV_TIMEOUT, 0);
}

/* The last reference: the socket is closed. */
static void let_go(struct connection *connection)
{
	struct connections *owner = connection->owner;

	unlink_connection(connection);
	owner->unsent_bytes -= connection->unsent_bytes;
	bufferevent_setcb(connection->bev, NULL, NULL, NULL, NULL);
	(void)bufferevent_disable(connection->bev, EV_READ | EV_WRITE);
	(void)bufferevent_decref(connection->bev);
	free(connection);
	owner->options.on_closed(owner->options.arg, owner->count);
}

static void on_linger_read(struct bufferevent *bev, void *arg)
{
	struct connection *connection = arg;
	struct evbuffer *input = bufferevent_get_input(bev);
	size_t len = evbuffer_get_length(input);

	(void)evbuffer_drain(input, len);
	connection->thrown_away_bytes += len;
	if (connection->thrown_away_bytes > LINGER_MAX_BYTES)
		let_go(connection);
}

static void on_linger_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	(void)what;
	let_go(arg);
}

/* Whether the client has closed its side, or may still send. */
static bool is_ended_by_client(const struct connection *connection)
{
	char byte;
	ssize_t got = recv(bufferevent_getfd(connection->bev), &byte, 1,
			   MSG_PEEK | MSG_DONTWAIT);

	return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

/* evhttp has let go of it. */
static void linger(struct connection *connection)
{
	struct bufferevent *bev = connection->bev;
	struct evbuffer *input = bufferevent_get_input(bev);

	connection->has_request = false;
	connection->has_input = false;
	if (is_ended_by_client(connection)) {
		let_go(connection);
		return;
	}
	connection->state = CONNECTION_LINGERING;
	connection->linger_until_us =
		clock_monotonic_us() + LINGER_MS * INT64_C(1000);
	(void)evbuffer_drain(input, evbuffer_get_length(input));
	(void)bufferevent_disable(bev, EV_WRITE);
	(void)bufferevent_set_timeouts(bev, NULL, NULL);
	bufferevent_setcb(bev, on_linger_read, NULL, on_linger_event,
			  connection);
	(void)bufferevent_enable(bev, EV_READ);
}

/* A client that has just connected is about to send: closing on it would lose
 * a request, which a reload must not. */
static bool is_fresh(const struct connection *connection)
{
	return !connection->has_closecb &&
	       clock_monotonic_us() - connection->opened_us <
		       FRESH_MS * INT64_C(1000);
}

static bool is_idle(const struct connection *connection)
{
	int readable = 0;

	if (connection->state != CONNECTION_OPEN || connection->has_request ||
	    connection->has_input || is_fresh(connection))
		return false;
	(void)ioctl(bufferevent_getfd(connection->bev), FIONREAD, &readable);
	return readable == 0;
}

static bool is_busy(const struct connection *connection)
{
	return connection->state == CONNECTION_OPEN &&
	       (connection->has_request || connection->has_input ||
		is_fresh(connection));
}

/* Whether evhttp has freed its part: it takes its callbacks away then. */
static bool is_abandoned(const struct connection *connection)
{
	bufferevent_event_cb event_cb = NULL;

	bufferevent_getcb(connection->bev, NULL, NULL, &event_cb, NULL);
	return event_cb == NULL;
}

/* evhttp does what it does when the client closes. */
static void end(struct connection *connection)
{
	bufferevent_trigger_event(connection->bev,
				  BEV_EVENT_READING | BEV_EVENT_EOF, 0);
}

/* The status of the answer in the buffer; 0: it is none of evhttp's pages. */
static int status_of(struct evbuffer *output)
{
	char head[sizeof("HTTP/1.1 400")] = "";

	if (evbuffer_copyout(output, head, sizeof(head) - 1) !=
	    (ev_ssize_t)sizeof(head) - 1)
		return 0;
	return (int)strtol(head + sizeof("HTTP/1.1"), NULL, 10);
}

/* Nothing of evhttp's page was sent yet: that is for the next turn. */
static void reword(struct connection *connection)
{
	struct connections *owner = connection->owner;
	struct evbuffer *output = bufferevent_get_output(connection->bev);
	int status = status_of(output);

	/* A bufferevent lets nobody but itself take from the front. */
	(void)evbuffer_unfreeze(output, 1);
	(void)evbuffer_drain(output, evbuffer_get_length(output));
	(void)evbuffer_freeze(output, 1);
	connection->is_reworded = true;
	owner->options.on_refused(owner->options.arg, status,
				  connection_client(connection), output);
}

/* The whole answer is out: evhttp should have let go, but for some methods it
 * does not. */
static void end_refused(struct connection *connection)
{
	if (is_abandoned(connection))
		linger(connection);
	else
		end(connection);
}

static void look_at_refused(struct connections *connections)
{
	while (connections->refused) {
		struct connection *connection = connections->refused;

		connections->refused = connection->next_refused;
		if (connection->state != CONNECTION_OPEN)
			continue;
		if (connection->is_reworded)
			end_refused(connection);
		else if (!is_abandoned(connection))
			reword(connection);
	}
}

static void sweep(struct connections *connections)
{
	int64_t now_us = clock_monotonic_us();
	struct connection *connection;

	/* None of them may be let go while it is on that list. */
	look_at_refused(connections);
	connection = connections->newest;
	while (connection) {
		struct connection *older = connection->older;

		if (connections->is_draining && is_idle(connection))
			end(connection);
		if (connection->state == CONNECTION_LINGERING) {
			if (now_us >= connection->linger_until_us)
				let_go(connection);
		} else if (connection->state == CONNECTION_OPEN &&
			   is_abandoned(connection)) {
			linger(connection);
		}
		connection = older;
	}
	if (connections->is_draining && connections->on_idle &&
	    connections_busy(connections) == 0) {
		void (*on_idle)(void *arg) = connections->on_idle;

		connections->on_idle = NULL;
		on_idle(connections->on_idle_arg);
	}
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct connections *connections = arg;

	(void)fd;
	(void)what;
	sweep(connections);
	if (connections->newest)
		start_sweep(connections);
}

static void on_let_go(evutil_socket_t fd, short what, void *arg)
{
	struct connections *connections = arg;

	(void)fd;
	(void)what;
	look_at_refused(connections);
	if (connections->is_draining)
		sweep(connections);
	while (connections->closing) {
		struct connection *connection = connections->closing;

		connections->closing = connection->next_closing;
		linger(connection);
	}
}

/* evhttp is about to free its part. */
static void on_evhttp_close(struct evhttp_connection *evcon, void *arg)
{
	struct connection *connection = arg;
	void (*on_gone)(void *arg) = connection->on_gone;

	(void)evcon;
	connection->state = CONNECTION_CLOSING;
	connection->next_closing = connection->owner->closing;
	connection->owner->closing = connection;
	connection->on_gone = NULL;
	look_at_once(connection->owner);
	if (on_gone)
		on_gone(connection->arg);
}

static void on_input(struct evbuffer *buffer,
		     const struct evbuffer_cb_info *info, void *arg)
{
	struct connection *connection = arg;

	(void)buffer;
	if (info->n_added > 0)
		connection->has_input = true;
}

static void remember_refused(struct connection *connection)
{
	connection->next_refused = connection->owner->refused;
	connection->owner->refused = connection;
	look_at_once(connection->owner);
}

static void on_output(struct evbuffer *buffer,
		      const struct evbuffer_cb_info *info, void *arg)
{
	struct connection *connection = arg;

	if (info->n_added > 0 && !connection->has_request &&
	    !connection->is_refused && status_of(buffer) >= 400) {
		connection->is_refused = true;
		remember_refused(connection);
	} else if (connection->is_reworded && info->n_deleted > 0 &&
		   evbuffer_get_length(buffer) == 0) {
		remember_refused(connection);
	}
	connection->unsent_bytes += info->n_added - info->n_deleted;
	connection->owner->unsent_bytes += info->n_added - info->n_deleted;
}

struct bufferevent *connections_bufferevent(struct event_base *base, void *arg)
{
	struct connections *connections = arg;
	struct connection *connection = calloc(1, sizeof(*connection));
	struct connection **bucket;
	struct bufferevent *bev;

	bev = connection ?
		      bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE) :
		      NULL;
	if (!bev) {
		/* evhttp makes one itself or refuses the connection. */
		free(connection);
		return NULL;
	}
	bufferevent_incref(bev);
	(void)evbuffer_add_cb(bufferevent_get_input(bev), on_input, connection);
	(void)evbuffer_add_cb(bufferevent_get_output(bev), on_output,
			      connection);
	connection->owner = connections;
	connection->bev = bev;
	connection->opened_us = clock_monotonic_us();
	bucket = bucket_of(connections, bev);
	connection->next_in_bucket = *bucket;
	*bucket = connection;
	connection->older = connections->newest;
	if (connections->newest)
		connections->newest->newer = connection;
	else
		start_sweep(connections);
	connections->newest = connection;
	connections->count++;
	connections->options.on_accepted(connections->options.arg,
					 connections->count);
	return bev;
}

static void on_request_complete(struct evhttp_request *request, void *arg)
{
	struct connection *connection = arg;
	struct evbuffer *input = bufferevent_get_input(connection->bev);

	(void)request;
	connection->has_request = false;
	connection->has_input = evbuffer_get_length(input) > 0;
	if (connection->owner->is_draining)
		look_at_once(connection->owner);
}

struct connection *connection_hold(struct connections *connections,
				   struct evhttp_request *request,
				   void (*on_gone)(void *arg), void *arg)
{
	struct evhttp_connection *evcon =
		evhttp_request_get_connection(request);
	struct connection *connection;

	connection =
		find(connections, evhttp_connection_get_bufferevent(evcon));
	if (!connection)
		return NULL;
	if (!connection->has_closecb)
		evhttp_connection_set_closecb(evcon, on_evhttp_close,
					      connection);
	connection->has_closecb = true;
	connection->has_request = true;
	connection->on_gone = on_gone;
	connection->arg = arg;
	evhttp_request_set_on_complete_cb(request, on_request_complete,
					  connection);
	return connection;
}

void connection_release(struct connection **connection)
{
	if (*connection)
		(*connection)->on_gone = NULL;
	*connection = NULL;
}

void connection_break(struct connection *connection)
{
	end(connection);
}

const char *connection_client(struct connection *connection)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	const void *ip = &((struct sockaddr_in *)&address)->sin_addr;
	char *text = connection->client;
	size_t size = sizeof(connection->client);

	if (text[0])
		return text;
	memset(&address, 0, sizeof(address));
	(void)getpeername(bufferevent_getfd(connection->bev),
			  (struct sockaddr *)&address, &len);
	if (address.ss_family == AF_INET6) {
		const struct in6_addr *ip6 =
			&((struct sockaddr_in6 *)&address)->sin6_addr;

		/* IPv4 through a dual-stack socket. */
		if (IN6_IS_ADDR_V4MAPPED(ip6)) {
			ip = ip6->s6_addr + 12;
			address.ss_family = AF_INET;
		} else {
			ip = ip6;
		}
	}
	if (address.ss_family == AF_UNIX)
		(void)snprintf(text, size, "unix");
	else if (!inet_ntop(address.ss_family, ip, text, (socklen_t)size))
		(void)snprintf(text, size, "?");
	return text;
}

size_t connections_busy(const struct connections *connections)
{
	const struct connection *connection = connections->newest;
	size_t busy = 0;

	for (; connection; connection = connection->older)
		busy += is_busy(connection);
	return busy;
}

size_t connections_unsent_bytes(const struct connections *connections)
{
	return connections->unsent_bytes;
}

void connections_drain(struct connections *connections,
		       void (*on_idle)(void *arg), void *arg)
{
	connections->is_draining = true;
	connections->on_idle = on_idle;
	connections->on_idle_arg = arg;
	look_at_once(connections);
}

bool connections_is_draining(const struct connections *connections)
{
	return connections->is_draining;
}

enum err connections_new(const struct connections_options *options,
			 struct connections **out)
{
	struct connections *connections = calloc(1, sizeof(*connections));
	size_t buckets = 64;

	if (!connections)
		return ERR_NO_MEMORY;
	connections->options = *options;
	while (buckets < options->max && buckets < BUCKETS_MAX)
		buckets *= 2;
	connections->bucket_mask = buckets - 1;
	connections->buckets = calloc(buckets, sizeof(struct connection *));
	connections->on_sweep =
		evtimer_new(options->base, on_sweep, connections);
	connections->on_let_go =
		evtimer_new(options->base, on_let_go, connections);
	if (!connections->buckets || !connections->on_sweep ||
	    !connections->on_let_go) {
		connections_free(&connections);
		return ERR_NO_MEMORY;
	}
	*out = connections;
	return ERR_OK;
}

void connections_free(struct connections **connections)
{
	struct connections *gone = *connections;

	if (!gone)
		return;
	while (gone->newest)
		let_go(gone->newest);
	if (gone->on_sweep)
		event_free(gone->on_sweep);
	if (gone->on_let_go)
		event_free(gone->on_let_go);
	free(gone->buckets);
	free(gone);
	*connections = NULL;
}
