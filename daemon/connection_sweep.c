/* What time brings: deadlines, the end of lingering, and a drain. */
#include "config.h"

#include <event2/event.h>
#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "core/clock.h"
#include "daemon/connection_parts.h"
#include "daemon/tlslink.h"

#define SWEEP_MS     250
#define HANDSHAKE_MS 10000 /* of TLS, and for what a proxy says before it */
#define SKIM_MS	     500   /* for what follows a request line too long */
#define SHUT_MS	     500   /* evhttp ends it by itself, memory permitting */
#define FRESH_MS     1000  /* a drain waits so long for the next request */
#define TAKEN_PER_S  8192  /* bytes by which a client earns a second */

void connections_start_sweep(struct connections *connections)
{
	static const struct timeval interval = { 0, SWEEP_MS * 1000 };

	(void)event_add(connections->on_sweep, &interval);
}

/* Soon, in this turn of the loop, outside of evhttp's calls. */
void connections_look_at_once(struct connections *connections)
{
	event_active(connections->on_let_go, EV_TIMEOUT, 0);
}

/* A client that has just connected, or has just got an answer, is about to
 * send: closing on it would lose a request, which a reload must not.  So no
 * connection is idle when a drain has just begun. */
static bool is_fresh(const struct connection *connection)
{
	int64_t since_us = connection->owner->drain_us;

	if (connection->tls && tlslink_opened_us(connection->tls) > since_us)
		since_us = tlslink_opened_us(connection->tls);
	return connection_is_handshaking(connection) ||
	       clock_monotonic_us() - since_us < FRESH_MS * INT64_C(1000);
}

bool connection_is_busy(const struct connection *connection)
{
	return connection->state == CONNECTION_OPEN &&
	       (connection->gate.state != GATE_IDLE || is_fresh(connection));
}

static bool is_idle(const struct connection *connection)
{
	int readable = 0;

	if (connection->state != CONNECTION_OPEN ||
	    connection_is_busy(connection))
		return false;
	(void)ioctl(connection_fd(connection), FIONREAD, &readable);
	return readable == 0;
}

/* How long the gate may stay in its state, when it is the client's turn. */
static int64_t patience_ms(const struct connection *connection)
{
	const struct connection_limits *limits =
		&connection->owner->options.limits;

	switch (connection->gate.state) {
	case GATE_IDLE:
		return limits->idle_ms;
	case GATE_HEAD:
		return connection->gate.intake->parser.refusal != 0 ?
			       SKIM_MS :
			       limits->head_ms;
	case GATE_BODY:
		return limits->body_ms;
	case GATE_SHUT:
		return SHUT_MS;
	case GATE_PASSED:
		break;
	}
	return 0;
}

/* Nothing is read while a request is being answered: evhttp does not see a
 * client leave then.  One that has only ended its side is still there. */
static bool is_reset_by_client(const struct connection *connection)
{
	struct pollfd poll_fd = { .fd = connection_fd(connection) };

	return poll(&poll_fd, 1, 0) > 0 &&
	       (poll_fd.revents & (POLLERR | POLLHUP)) != 0;
}

static void look_at_input(struct connection *connection, int64_t now_us)
{
	struct gate *gate = &connection->gate;
	int64_t patience_us = patience_ms(connection) * 1000;

	if (connection->seen_turns != gate->turns || connection->seen_us == 0) {
		connection->seen_turns = gate->turns;
		connection->seen_us = now_us;
	} else if (gate->state == GATE_PASSED) {
		if (is_reset_by_client(connection))
			gate_end(gate);
	} else if (now_us - connection->seen_us < patience_us) {
		return;
	} else if (gate->state == GATE_IDLE || gate->state == GATE_SHUT) {
		connection_end(connection);
	} else {
		gate_refuse(gate, 408);
	}
}

static void look_at_output(struct connection *connection, int64_t now_us)
{
	int64_t patience_us = connection->owner->options.limits.send_ms * 1000;

	if (connection->unsent_bytes == 0)
		return;
	if (connection->unsent_us == 0)
		connection->unsent_us = now_us;
	patience_us += (int64_t)(connection->taken_bytes / TAKEN_PER_S) *
		       INT64_C(1000000);
	if (now_us - connection->unsent_us >= patience_us)
		connection_reset(connection);
}

static bool is_handshake_overdue(const struct connection *connection,
				 int64_t now_us)
{
	return connection_is_handshaking(connection) &&
	       now_us - connection->opened_us > HANDSHAKE_MS * INT64_C(1000);
}

static void look_at_open(struct connection *connection, int64_t now_us)
{
	if (connection_is_abandoned(connection)) {
		connection_linger(connection);
		return;
	}
	if ((connection->owner->is_draining && is_idle(connection)) ||
	    is_handshake_overdue(connection, now_us))
		connection_end(connection);
	else
		look_at_input(connection, now_us);
	if (connection->state == CONNECTION_OPEN)
		look_at_output(connection, now_us);
}

static void sweep(struct connections *connections)
{
	int64_t now_us = clock_monotonic_us();
	struct connection *connection;

	/* Before any is let go that may be on that list. */
	connections_attend(connections);
	connection = connections->newest;
	while (connection) {
		struct connection *older = connection->older;

		if (connection->state == CONNECTION_OPEN)
			look_at_open(connection, now_us);
		else if (connection->state == CONNECTION_LINGERING &&
			 now_us >= connection->linger_until_us)
			connection_let_go(connection);
		connection = older;
	}
	if (connections->is_draining && connections->on_idle &&
	    connections_busy(connections) == 0) {
		void (*on_idle)(void *arg) = connections->on_idle;

		connections->on_idle = NULL;
		on_idle(connections->on_idle_arg);
	}
}

void connections_on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct connections *connections = arg;

	(void)fd;
	(void)what;
	sweep(connections);
	if (connections->newest)
		connections_start_sweep(connections);
}

void connections_on_let_go(evutil_socket_t fd, short what, void *arg)
{
	struct connections *connections = arg;

	(void)fd;
	(void)what;
	connections_attend(connections);
	if (connections->is_draining)
		sweep(connections);
	while (connections->closing) {
		struct connection *connection = connections->closing;

		connections->closing = connection->next_closing;
		connection_linger(connection);
	}
}
