/* Who is at the other end of a connection, and its bytes. */
#include "config.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <sys/socket.h>

#include "core/cidr.h"
#include "daemon/connection_parts.h"
#include "daemon/peername.h"
#include "daemon/peers.h"
#include "daemon/preface.h"
#include "daemon/tlslink.h"

static void on_transport_input(void *arg, const char *ptr, size_t len)
{
	struct connection *connection = arg;

	switch (connection->state) {
	case CONNECTION_OPEN:
		gate_feed(&connection->gate, ptr, len);
		break;
	case CONNECTION_CLOSING:
		break;
	case CONNECTION_LINGERING:
		connection_throw_away(connection, len);
		break;
	}
}

static void on_transport_end(void *arg, enum transport_end how)
{
	struct connection *connection = arg;

	switch (connection->state) {
	case CONNECTION_OPEN:
		gate_ended(&connection->gate, how);
		break;
	case CONNECTION_CLOSING:
		break;
	case CONNECTION_LINGERING:
		connection_let_go(connection);
		break;
	}
}

static void on_transport_sent(void *arg)
{
	struct connection *connection = arg;

	if (connection->state == CONNECTION_OPEN)
		gate_sent(&connection->gate);
}

/* Takes the descriptor away from the bufferevent, to which evhttp has given
 * it.  Without memory it stays there, which does as well. */
static void wire(struct connection *connection)
{
	const struct transport_user user = {
		.on_input = on_transport_input,
		.on_end = on_transport_end,
		.on_sent = on_transport_sent,
		.arg = connection,
	};

	if (transport_new(connection->owner->options.base,
			  bufferevent_getfd(connection->bev), &user,
			  &connection->transport) != ERR_OK)
		return;
	(void)bufferevent_setfd(connection->bev, -1);
	gate_wire(&connection->gate, connection->transport);
}

void connections_on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct connections *connections = arg;

	(void)fd;
	(void)what;
	while (connections->ready) {
		struct connection *connection = connections->ready;

		connections->ready = connection->next_ready;
		connection->is_ready = false;
		if (connection->state == CONNECTION_OPEN)
			transport_send(connection->transport,
				       bufferevent_get_output(connection->bev));
	}
}

void connection_remember_ready(struct connection *connection)
{
	struct connections *owner = connection->owner;

	if (connection->is_ready)
		return;
	if (!owner->ready)
		event_active(owner->on_ready, EV_TIMEOUT, 0);
	connection->is_ready = true;
	connection->next_ready = owner->ready;
	owner->ready = connection;
}

void connection_remember_unattended(struct connection *connection)
{
	if (connection->is_unattended)
		return;
	connection->is_unattended = true;
	connection->next_unattended = connection->owner->unattended;
	connection->owner->unattended = connection;
	connections_look_at_once(connection->owner);
}

/* The client, if a proxy named one, else the other end. */
void connection_find_client(const struct connection *connection,
			    struct sockaddr_storage *address)
{
	if (!connection->preface ||
	    !preface_client(connection->preface, address))
		peername_get(connection_fd(connection), address);
}

static void on_preface_read(void *arg)
{
	connection_remember_unattended(arg);
}

/* Finds out whether a proxy is going to speak first. */
static void greet(struct connection *connection)
{
	const struct cidr_list *proxies = connection->owner->options.proxies;
	evutil_socket_t fd = bufferevent_getfd(connection->bev);

	connection->is_greeted = true;
	if (!connection->owner->options.proxies_speak_first)
		return;
	if (preface_expect(proxies, fd, on_preface_read, connection,
			   &connection->preface) != ERR_OK)
		connection_end(connection);
	else if (connection->preface && connection->tls)
		tlslink_expect(connection->tls, connection->preface);
	else if (connection->preface)
		preface_attach(connection->preface,
			       bufferevent_get_input(connection->bev));
}

/* Counts it as one of its address, and refuses it if that is one too many.
 * Those of a trusted proxy are the connections of many. */
static void meet(struct connection *connection)
{
	struct connections *owner = connection->owner;
	const struct ip *client;

	connection->is_known = true;
	if (!owner->peers)
		return;
	client = connection_client(connection);
	if (cidr_list_contains(owner->options.proxies, client))
		return;
	connection->peer = peer_join(owner->peers, client);
	if (!connection->peer ||
	    peer_count(connection->peer) <= owner->options.limits.per_client)
		return;
	connection->is_surplus = true;
	gate_refuse(&connection->gate, 503);
}

bool connection_admit_client(struct connection *connection,
			     const struct ip *client)
{
	struct connections *owner = connection->owner;

	if (!owner->peers)
		return true;
	peer_leave(owner->peers, &connection->asker);
	connection->asker = peer_join(owner->peers, client);
	if (!connection->asker ||
	    peer_count(connection->asker) <= owner->options.limits.per_client)
		return true;
	peer_leave(owner->peers, &connection->asker);
	return false;
}

static void attend_one(struct connection *connection)
{
	if (!connection->is_greeted) {
		greet(connection);
		if (!connection->tls && !connection->preface)
			wire(connection);
	}
	if (connection->preface &&
	    preface_state(connection->preface) == PROXYHEADER_INVALID) {
		connection_end(connection);
		return;
	}
	if (!connection->is_known &&
	    !connection_has_preface_to_read(connection))
		meet(connection);
	gate_attend(&connection->gate);
}

/* evhttp has done with them what it does before it waits. */
void connections_attend(struct connections *connections)
{
	while (connections->unattended) {
		struct connection *connection = connections->unattended;

		connections->unattended = connection->next_unattended;
		connection->is_unattended = false;
		if (connection->state != CONNECTION_OPEN)
			continue;
		attend_one(connection);
	}
}
