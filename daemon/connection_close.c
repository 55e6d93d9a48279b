/*
 * How a connection ends.  evhttp lets go of it first, having sent the FIN; then
 * what the client still sends is read and thrown away for a moment, because a
 * close with unread bytes is a reset that can cost the client our last answer.
 */
#include "config.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <sys/socket.h>

#include "core/clock.h"
#include "daemon/connection_parts.h"
#include "daemon/heap.h"
#include "daemon/peers.h"
#include "daemon/preface.h"
#include "daemon/tlslink.h"

#define LINGER_MS	 2000
#define LINGER_MAX_BYTES (8 * 1024 * 1024) /* thrown away, then it is a reset */

int connection_fd(const struct connection *connection)
{
	return connection->transport ? transport_fd(connection->transport) :
				       bufferevent_getfd(connection->bev);
}

/* The last reference: the socket is closed. */
void connection_let_go(struct connection *connection)
{
	struct connections *owner = connection->owner;

	connection_unlink(connection);
	peer_leave(owner->peers, &connection->peer);
	peer_leave(owner->peers, &connection->asker);
	owner->unsent_bytes -= connection->unsent_bytes;
	gate_shut(&connection->gate);
	bufferevent_setcb(connection->bev, NULL, NULL, NULL, NULL);
	(void)bufferevent_disable(connection->bev, EV_READ | EV_WRITE);
	tlslink_free(&connection->tls);
	(void)bufferevent_decref(connection->bev);
	transport_free(&connection->transport);
	preface_free(&connection->preface);
	heap_give(connection);
	owner->options.on_closed(owner->options.arg, owner->count);
}

void connection_throw_away(struct connection *connection, size_t len)
{
	connection->thrown_away_bytes += len;
	if (connection->thrown_away_bytes > LINGER_MAX_BYTES)
		connection_let_go(connection);
}

static void on_linger_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *input = bufferevent_get_input(bev);
	size_t len = evbuffer_get_length(input);

	(void)evbuffer_drain(input, len);
	connection_throw_away(arg, len);
}

static void on_linger_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	(void)what;
	connection_let_go(arg);
}

/* Whether the client has closed its side, or may still send. */
static bool is_ended_by_client(const struct connection *connection)
{
	char byte;
	ssize_t got = recv(connection_fd(connection), &byte, 1,
			   MSG_PEEK | MSG_DONTWAIT);

	return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

/* Reads what a client has sent already, once: with less unread there is less
 * that makes the close a reset. */
static void discard_readable(struct connection *connection)
{
	char bytes[4096];

	(void)recv(connection_fd(connection), bytes, sizeof(bytes),
		   MSG_DONTWAIT);
}

bool connection_has_preface_to_read(const struct connection *connection)
{
	return connection->preface &&
	       preface_state(connection->preface) == PROXYHEADER_READING;
}

/* Whether there is something to be done before the first request can come. */
bool connection_is_handshaking(const struct connection *connection)
{
	return connection_has_preface_to_read(connection) ||
	       (connection->tls && !tlslink_is_open(connection->tls));
}

/* evhttp has let go of it. */
void connection_linger(struct connection *connection)
{
	struct bufferevent *bev = connection->bev;
	struct evbuffer *input = bufferevent_get_input(bev);

	gate_shut(&connection->gate);
	/* What is too many must not stay for seconds. */
	if (connection->is_surplus)
		discard_readable(connection);
	/* Without a handshake there was no answer that could be lost. */
	if (connection->is_reset || connection->is_surplus ||
	    connection_is_handshaking(connection) ||
	    is_ended_by_client(connection)) {
		connection_let_go(connection);
		return;
	}
	connection->state = CONNECTION_LINGERING;
	connection->linger_until_us =
		clock_monotonic_us() + LINGER_MS * INT64_C(1000);
	(void)evbuffer_drain(input, evbuffer_get_length(input));
	(void)bufferevent_disable(bev, EV_WRITE);
	if (connection->transport) {
		transport_resume(connection->transport);
		return;
	}
	(void)bufferevent_set_timeouts(bev, NULL, NULL);
	bufferevent_setcb(bev, on_linger_read, NULL, on_linger_event,
			  connection);
	(void)bufferevent_enable(bev, EV_READ);
}

/* Whether evhttp has freed its part: it takes its callbacks away then. */
bool connection_is_abandoned(const struct connection *connection)
{
	bufferevent_event_cb event_cb = NULL;

	bufferevent_getcb(connection->bev, NULL, NULL, &event_cb, NULL);
	return event_cb == NULL;
}

void connection_remember_closing(struct connection *connection)
{
	if (connection->state != CONNECTION_OPEN)
		return;
	connection->state = CONNECTION_CLOSING;
	connection->next_closing = connection->owner->closing;
	connection->owner->closing = connection;
	connections_look_at_once(connection->owner);
}

/* The gate has told evhttp that the client is gone. */
void connection_on_end(void *arg)
{
	struct connection *connection = arg;

	if (connection_is_abandoned(connection))
		connection_remember_closing(connection);
}

/* evhttp shuts the socket down when it lets go: nothing can be said after
 * that. */
void connection_say_goodbye(struct connection *connection)
{
	if (connection->tls)
		tlslink_close_notify(connection->tls);
}

void connection_end(struct connection *connection)
{
	connection_say_goodbye(connection);
	gate_end(&connection->gate);
}

/* What the client has not taken is not sent either. */
void connection_reset(struct connection *connection)
{
	static const struct linger at_once = { .l_onoff = 1 };

	(void)setsockopt(connection_fd(connection), SOL_SOCKET, SO_LINGER,
			 &at_once, sizeof(at_once));
	connection->is_reset = true;
	gate_end(&connection->gate);
}
