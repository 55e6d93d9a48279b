/*
 * What the parts of daemon/connection.h share: the files connection*.c, and
 * nobody else.
 */
#ifndef TODOD_DAEMON_CONNECTION_PARTS_H
#define TODOD_DAEMON_CONNECTION_PARTS_H

#include <event2/util.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/ip.h"
#include "daemon/connection.h"
#include "daemon/gate.h"
#include "daemon/transport.h"

struct peer;
struct peers;
struct preface;
struct sockaddr_storage;
struct tlslink;

enum connection_state {
	CONNECTION_OPEN,      /* evhttp has it */
	CONNECTION_CLOSING,   /* evhttp is letting go of it just now */
	CONNECTION_LINGERING, /* only we have it; waits for the client's FIN */
};

struct connection {
	struct connections *owner;
	struct bufferevent *bev;
	struct transport *transport; /* NULL: bev has the descriptor */
	struct tlslink *tls;	     /* NULL: plain */
	struct preface *preface;     /* NULL: no proxy is to speak before */
	struct gate gate;
	enum connection_state state;
	struct connection *newer, *older;
	struct connection *next_in_bucket;
	struct connection *next_closing;
	struct connection *next_unattended;
	bool is_unattended;
	struct connection *next_ready;
	bool is_ready;
	bool is_greeted;   /* who is at the other end was looked at */
	bool is_known;	   /* and who the client is */
	struct peer *peer; /* NULL: not counted */
	/* For whom a trusted proxy has sent the request in flight; NULL: not
	 * counted. */
	struct peer *asker;
	int64_t opened_us;
	bool has_closecb; /* since its first request */
	bool is_last;	  /* the answer is the last one */
	bool is_surplus;  /* its address has too many */
	bool is_reset;	  /* no use in lingering */
	/* What the sweep has seen, and when for the first time: the clock is
	 * not read for each request. */
	unsigned seen_turns;
	int64_t seen_us;
	size_t unsent_bytes;
	size_t taken_bytes;	    /* since there was nothing unsent */
	int64_t unsent_us;	    /* seen by the sweep; 0: it was not */
	void (*on_gone)(void *arg); /* NULL: nobody asks */
	void *arg;
	int64_t linger_until_us;
	size_t thrown_away_bytes;
	bool has_client;  /* somebody has asked for it */
	struct ip client; /* without a port */
};

struct connections {
	struct connections_options options;
	struct connection *newest;
	struct connection *closing;    /* those in CONNECTION_CLOSING */
	struct connection *unattended; /* evhttp has set its callbacks */
	struct connection *ready;      /* there is something to send */
	struct intakes *intakes;
	struct peers *peers; /* NULL: nobody asks */
	size_t count;
	size_t unsent_bytes;
	struct connection **buckets; /* by bufferevent */
	size_t bucket_mask;
	struct event *on_sweep;
	struct event *on_let_go; /* looks at once, not at the next sweep */
	struct event *on_ready;	 /* sends at the end of a turn of the loop */
	bool is_draining;
	int64_t drain_us; /* when that began */
	void (*on_idle)(void *arg);
	void *on_idle_arg;
};

/* --- connection.c -------------------------------------------------------- */

/* Out of all lists and counts. */
void connection_unlink(struct connection *connection);

/* --- connection_close.c -------------------------------------------------- */

int connection_fd(const struct connection *connection);

/* The last reference: the socket is closed, the connection freed. */
void connection_let_go(struct connection *connection);

/* evhttp has let go of it: waits for the client's FIN. */
void connection_linger(struct connection *connection);

/* Bytes of a client that lingers; may let go of it. */
void connection_throw_away(struct connection *connection, size_t len);

/* What a proxy says before the first request has not come in whole. */
bool connection_has_preface_to_read(const struct connection *connection);

/* There is something to be done before the first request can come. */
bool connection_is_handshaking(const struct connection *connection);

/* evhttp has freed its part: it takes its callbacks away then. */
bool connection_is_abandoned(const struct connection *connection);

/* evhttp is letting go of it: lingers in this turn of the loop. */
void connection_remember_closing(struct connection *connection);

/* The gate has told evhttp that the client is gone. */
void connection_on_end(void *connection);

/* Over TLS: before the socket is shut down, after which nothing can be said. */
void connection_say_goodbye(struct connection *connection);

/* Evhttp is told that the client is gone. */
void connection_end(struct connection *connection);

/* The same; what the client has not taken is not sent either. */
void connection_reset(struct connection *connection);

/* --- connection_socket.c ------------------------------------------------- */

/* There is something to send: at the end of this turn of the loop. */
void connection_remember_ready(struct connection *connection);
void connections_on_ready(evutil_socket_t fd, short what, void *connections);

/* evhttp has set its callbacks, or a proxy has spoken: looked at soon. */
void connection_remember_unattended(struct connection *connection);
void connections_attend(struct connections *connections);

/* The client, if a proxy named one, else the other end. */
void connection_find_client(const struct connection *connection,
			    struct sockaddr_storage *address);

/* --- connection_sweep.c -------------------------------------------------- */

void connections_start_sweep(struct connections *connections);
void connections_on_sweep(evutil_socket_t fd, short what, void *connections);

/* Soon, in this turn of the loop, outside of evhttp's calls. */
void connections_look_at_once(struct connections *connections);
void connections_on_let_go(evutil_socket_t fd, short what, void *connections);

bool connection_is_busy(const struct connection *connection);

#endif
