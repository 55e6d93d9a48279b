/*
 * The connections of a worker, each beside what evhttp has of it: evhttp tells
 * neither how many there are nor whether one is idle, and gives no sign when
 * it lets one go that never had a request.  Each has a gate (daemon/gate.h)
 * and absolute deadlines, since evhttp has neither.
 *
 * This is where evhttp gets its bufferevents from (evhttp_set_bevcb).
 */
#ifndef TODOD_DAEMON_CONNECTION_H
#define TODOD_DAEMON_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct bufferevent;
struct cidr_list;
struct connection;
struct connections;
struct event_base;
struct evhttp_request;
struct intake;
struct ip;
struct tls;

/* Called when the number of connections has changed. */
typedef void connections_changed_fn(void *arg, size_t count);

/* How long a client may take; milliseconds. */
struct connection_limits {
	int64_t idle_ms; /* without a byte of a request: closed */
	int64_t head_ms; /* for a head, from its first byte: 408 */
	int64_t body_ms; /* for a body: 408 */
	/* Without having taken what was sent, and a second more for each 8 KiB
	 * that it did take: reset. */
	int64_t send_ms;
	/* Connections of one address at a time, and requests that trusted
	 * proxies pass on for it; 0: any number. */
	size_t per_client;
};

struct connections_options {
	struct event_base *base;
	struct connection_limits limits;
	/* The trusted proxies, whose connections are those of many clients;
	 * NULL: none.  Borrowed. */
	const struct cidr_list *proxies;
	bool proxies_speak_first; /* with a PROXY header */
	size_t max;		  /* how many there will be at most, roughly */
	connections_changed_fn *on_accepted;
	connections_changed_fn *on_closed;
	void *arg;
};

enum err connections_new(const struct connections_options *options,
			 struct connections **connections)
	__attribute__((warn_unused_result));

/* evhttp must be gone.  Closes what lingers. */
void connections_free(struct connections **connections);

/* What connections come in by: evhttp does not say which listener it was. */
struct connections_door {
	struct connections *connections;
	struct tls *tls; /* borrowed; NULL: plain HTTP */
};

/* For evhttp_set_bevcb(), with a door as its argument. */
struct bufferevent *connections_bufferevent(struct event_base *base,
					    void *door);

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
 * A request has arrived in whole.  on_gone(arg) (NULL: nobody asks) is called
 * when the connection ends before connection_release() was; then that may not
 * be called any more.
 * NULL when the connection is none of ours (memory was short).
 */
struct connection *connection_hold(struct connections *connections,
				   struct evhttp_request *request,
				   void (*on_gone)(void *arg), void *arg);

/* Nobody is interested in on_gone any more.  *connection may be NULL. */
void connection_release(struct connection **connection);

/* The request that was let through, held for the caller; NULL: memory was short
 * when it came in. */
struct intake *connection_intake(struct connection *connection);

/* evhttp has been given something to send, which made it read. */
void connection_answering(struct connection *connection);

/* The answer that is being given is the last one. */
void connection_closes(struct connection *connection);

/* The client's address: the peer's, or what that said in a PROXY header;
 * borrowed as long as the connection is. */
const struct ip *connection_client(struct connection *connection);

/* A trusted proxy has sent the request for this client: it counts as a
 * connection of it until it is answered.  False: that would be one too many. */
bool connection_admit_client(struct connection *connection,
			     const struct ip *client);

/* Whether nobody on the way can read along: it speaks TLS. */
bool connection_is_secure(const struct connection *connection);

/* Ends the connection of a request as if the client had gone: on_gone is
 * called before this returns. */
void connection_break(struct connection *connection);

#endif
