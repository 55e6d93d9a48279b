/*
 * The life of a connection beside evhttp.  Each bufferevent has a second
 * reference, ours: evhttp lets go of it first.
 */
#include "config.h"

#include "daemon/connection.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/clock.h"
#include "daemon/connection_parts.h"
#include "daemon/heap.h"
#include "daemon/peername.h"
#include "daemon/peers.h"
#include "daemon/reserve.h"
#include "daemon/tlslink.h"

#define BUCKETS_MAX 16384

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

static void unlink_ready(struct connection *connection)
{
	struct connection **link = &connection->owner->ready;

	if (!connection->is_ready)
		return;
	while (*link != connection)
		link = &(*link)->next_ready;
	*link = connection->next_ready;
}

void connection_unlink(struct connection *connection)
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
	unlink_ready(connection);
}

/* evhttp is about to free its part. */
static void on_evhttp_close(struct evhttp_connection *evcon, void *arg)
{
	struct connection *connection = arg;
	void (*on_gone)(void *arg) = connection->on_gone;

	(void)evcon;
	connection_say_goodbye(connection);
	connection_remember_closing(connection);
	connection->on_gone = NULL;
	if (on_gone)
		on_gone(connection->arg);
}

static void on_output(struct evbuffer *buffer,
		      const struct evbuffer_cb_info *info, void *arg)
{
	struct connection *connection = arg;

	(void)buffer;
	if (info->n_added > 0 && connection->transport)
		connection_remember_ready(connection);
	connection->unsent_bytes += info->n_added - info->n_deleted;
	connection->owner->unsent_bytes += info->n_added - info->n_deleted;
	connection->taken_bytes += info->n_deleted;
	if (connection->unsent_bytes > 0)
		return;
	connection->taken_bytes = 0;
	connection->unsent_us = 0;
}

/* The only place where one is made; NULL when there is no memory. */
static struct bufferevent *new_bufferevent(struct event_base *base,
					   struct tls *tls,
					   struct connection *connection)
{
	struct bufferevent *bev = NULL;

	if (!tls)
		return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (tlslink_new(tls, base, &bev, &connection->tls) != ERR_OK)
		return NULL;
	return bev;
}

static void add(struct connections *connections, struct connection *connection)
{
	struct connection **bucket = bucket_of(connections, connection->bev);

	connection->owner = connections;
	connection->next_in_bucket = *bucket;
	*bucket = connection;
	connection->older = connections->newest;
	if (connections->newest)
		connections->newest->newer = connection;
	else
		connections_start_sweep(connections);
	connections->newest = connection;
	connections->count++;
}

static void on_stillborn(evutil_socket_t fd, short events, void *arg)
{
	struct bufferevent *bev = arg;

	(void)fd;
	(void)events;
	bufferevent_trigger_event(bev, BEV_EVENT_ERROR, 0);
	bufferevent_decref(bev);
}

/* Without a bufferevent evhttp would make one by itself, and read what no gate
 * has seen.  This one tells it nothing but that the client has gone. */
static struct bufferevent *stillborn_bufferevent(struct event_base *base)
{
	static const struct timeval at_once;
	struct bufferevent *bev =
		bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

	bufferevent_setwatermark(bev, EV_READ, SIZE_MAX, 1);
	bufferevent_incref(bev);
	(void)event_base_once(base, -1, EV_TIMEOUT, on_stillborn, bev,
			      &at_once);
	return bev;
}

struct bufferevent *connections_bufferevent(struct event_base *base, void *arg)
{
	const struct connections_door *door = arg;
	struct connections *connections = door->connections;
	struct connection *connection = reserve_take(sizeof(*connection));
	struct bufferevent *bev;

	memset(connection, 0, sizeof(*connection));
	bev = new_bufferevent(base, door->tls, connection);
	if (!bev) {
		heap_give(connection);
		return stillborn_bufferevent(base);
	}
	bufferevent_incref(bev);
	gate_open(&connection->gate, bev, connections->intakes,
		  connection_on_end, connection);
	(void)evbuffer_add_cb(bufferevent_get_output(bev), on_output,
			      connection);
	connection->bev = bev;
	connection->opened_us = clock_monotonic_us();
	add(connections, connection);
	connection_remember_unattended(connection);
	connections->options.on_accepted(connections->options.arg,
					 connections->count);
	return bev;
}

static void on_request_complete(struct evhttp_request *request, void *arg)
{
	struct connection *connection = arg;

	(void)request;
	peer_leave(connection->owner->peers, &connection->asker);
	if (connection->is_last) {
		gate_shut(&connection->gate);
	} else {
		gate_next(&connection->gate);
		if (connection->gate.intake)
			connection_remember_unattended(connection);
	}
	if (connection->owner->is_draining)
		connections_look_at_once(connection->owner);
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

bool connection_is_secure(const struct connection *connection)
{
	return connection->tls != NULL;
}

void connection_break(struct connection *connection)
{
	connection_end(connection);
}

struct intake *connection_intake(struct connection *connection)
{
	return gate_take(&connection->gate);
}

void connection_answering(struct connection *connection)
{
	if (connection->tls)
		tlslink_gather(connection->tls);
	if (connection->state == CONNECTION_OPEN)
		gate_hold(&connection->gate);
}

void connection_closes(struct connection *connection)
{
	connection->is_last = true;
}

const struct ip *connection_client(struct connection *connection)
{
	struct sockaddr_storage address;

	if (!connection->has_client) {
		connection_find_client(connection, &address);
		connection->client = peername_ip(&address);
		connection->has_client = true;
	}
	return &connection->client;
}

size_t connections_busy(const struct connections *connections)
{
	const struct connection *connection = connections->newest;
	size_t busy = 0;

	for (; connection; connection = connection->older)
		busy += connection_is_busy(connection);
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
	connections->drain_us = clock_monotonic_us();
	connections->on_idle = on_idle;
	connections->on_idle_arg = arg;
	connections_look_at_once(connections);
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
		evtimer_new(options->base, connections_on_sweep, connections);
	connections->on_let_go =
		evtimer_new(options->base, connections_on_let_go, connections);
	connections->on_ready =
		evtimer_new(options->base, connections_on_ready, connections);
	if (!connections->buckets || !connections->on_sweep ||
	    !connections->on_let_go || !connections->on_ready ||
	    intakes_new(&connections->intakes) != ERR_OK ||
	    (options->limits.per_client > 0 &&
	     peers_new(options->max, &connections->peers) != ERR_OK)) {
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
		connection_let_go(gone->newest);
	intakes_free(&gone->intakes);
	peers_free(&gone->peers);
	if (gone->on_sweep)
		event_free(gone->on_sweep);
	if (gone->on_let_go)
		event_free(gone->on_let_go);
	if (gone->on_ready)
		event_free(gone->on_ready);
	free(gone->buckets);
	free(gone);
	*connections = NULL;
}
