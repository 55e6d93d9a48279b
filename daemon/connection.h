/*
 * The connections of a worker, each beside what evhttp has of it: evhttp tells
 * neither how many there are nor whether one is idle, and gives no sign when
 * it lets one go that never had a request.
 *
 * This is where evhttp gets its bufferevents from (evhttp_set_bevcb): what is
 * to judge the bytes of a client before evhttp sees them belongs here.
 */
#ifndef TODOD_DAEMON_CONNECTION_H
#define TODOD_DAEMON_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

struct bufferevent;
struct connection;
struct connections;
struct evbuffer;
struct event_base;
struct evhttp_request;

/* Called when the number of connections has changed. */
typedef void connections_changed_fn(void *arg, size_t count);

/* evhttp has refused what a client sent, with an HTML page of its own: writes
 * the whole answer that goes out in its place.  client as in the log. */
typedef void connections_refused_fn(void *arg, int status, const char *client,
				    struct evbuffer *out);

struct connections_options {
	struct event_base *base;
	size_t max; /* how many there will be at most, roughly */
	connections_changed_fn *on_accepted;
	connections_changed_fn *on_closed;
	connections_refused_fn *on_refused;
	void *arg;
};

enum err connections_new(const struct connections_options *options,
			 struct connections **connections)
	__attribute__((warn_unused_result));

/* evhttp must be gone.  Closes what lingers. */
void connections_free(struct connections **connections);

/* For evhttp_set_bevcb(), with the connections as its argument. */
struct bufferevent *connections_bufferevent(struct event_base *base,
					    void *connections);

/* Those on which a request is being received, handled or answered. */
size_t connections_busy(const struct connections *connections);

/* Bytes of answers that the clients have not taken yet, over all. */
size_t connections_unsent_bytes(const struct connections *connections);

/* From now on connections are closed as soon as they are idle; on_idle(arg)
 * runs when the last request has ended. */
void connections_drain(struct connections *connections,
		       void (*on_idle)(void *arg), void *arg);
bool connections_is_draining(const struct connections *connections);

/*
 * A request has arrived in whole.  on_gone(arg) is called when the connection
 * ends before connection_release() was; then it may not be called any more.
 * NULL when the connection is none of ours (memory was short).
 */
struct connection *connection_hold(struct connections *connections,
				   struct evhttp_request *request,
				   void (*on_gone)(void *arg), void *arg);

/* Nobody is interested in on_gone any more.  *connection may be NULL. */
void connection_release(struct connection **connection);

/* The peer's address without its port, "unix" for a unix socket; borrowed as
 * long as the connection is. */
const char *connection_client(struct connection *connection);

/* Ends the connection of a request as if the client had gone: on_gone is
 * called before this returns. */
void connection_break(struct connection *connection);

#endif
