/* Reading and writing a socket. */
#include "config.h"

#include "daemon/transport.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES (16 * 1024)

struct transport {
	struct transport_user user;
	int fd;
	bool is_paused;
	bool is_closed; /* nothing more is read */
	bool has_failed;
	/* Watches on, paused or not, until something comes in a pause. */
	bool is_watching;
	struct event *on_readable;
	struct evbuffer *output; /* waits for room; NULL: nothing does */
	struct event *on_writable;
};

static void stop_watching(struct transport *transport)
{
	(void)event_del(transport->on_readable);
	transport->is_watching = false;
}

static void end(struct transport *transport, enum transport_end how)
{
	if (transport->has_failed)
		return;
	transport->is_closed = true;
	transport->has_failed = how == TRANSPORT_FAILED;
	stop_watching(transport);
	transport->user.on_end(transport->user.arg, how);
}

static bool is_to_be_repeated(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct transport *transport = arg;
	char bytes[READ_BYTES];
	ssize_t got;

	(void)what;
	if (transport->is_paused) {
		stop_watching(transport);
		return;
	}
	got = recv(fd, bytes, sizeof(bytes), 0);
	if (got > 0)
		transport->user.on_input(transport->user.arg, bytes,
					 (size_t)got);
	else if (got == 0)
		end(transport, TRANSPORT_CLOSED);
	else if (!is_to_be_repeated(errno))
		end(transport, TRANSPORT_FAILED);
}

/* False when the connection is broken. */
static bool write_some(struct transport *transport, struct evbuffer *output)
{
	bool is_sound = true;

	/* A bufferevent lets nobody but itself take from the front. */
	(void)evbuffer_unfreeze(output, 1);
	while (is_sound && evbuffer_get_length(output) > 0) {
		if (evbuffer_write(output, transport->fd) >= 0)
			continue;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			break;
		is_sound = errno == EINTR;
	}
	(void)evbuffer_freeze(output, 1);
	return is_sound;
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct transport *transport = arg;
	struct evbuffer *output = transport->output;

	(void)fd;
	(void)what;
	transport->output = NULL;
	if (!output || !write_some(transport, output))
		end(transport, TRANSPORT_FAILED);
	else if (evbuffer_get_length(output) == 0)
		transport->user.on_sent(transport->user.arg);
	else
		transport_send(transport, output);
}

void transport_send(struct transport *transport, struct evbuffer *output)
{
	/* It waits for room already, or has found some meanwhile. */
	if (transport->output || transport->has_failed ||
	    evbuffer_get_length(output) == 0)
		return;
	if (!write_some(transport, output)) {
		event_active(transport->on_writable, EV_TIMEOUT, 0);
	} else if (evbuffer_get_length(output) == 0) {
		transport->user.on_sent(transport->user.arg);
	} else {
		transport->output = output;
		(void)event_add(transport->on_writable, NULL);
	}
}

void transport_pause(struct transport *transport)
{
	transport->is_paused = true;
}

void transport_resume(struct transport *transport)
{
	transport->is_paused = false;
	if (transport->is_watching || transport->is_closed)
		return;
	transport->is_watching = true;
	(void)event_add(transport->on_readable, NULL);
}

void transport_shut_down(struct transport *transport)
{
	(void)shutdown(transport->fd, SHUT_WR);
}

int transport_fd(const struct transport *transport)
{
	return transport->fd;
}

enum err transport_new(struct event_base *base, int fd,
		       const struct transport_user *user,
		       struct transport **out)
{
	struct transport *transport = calloc(1, sizeof(*transport));

	if (!transport)
		return ERR_NO_MEMORY;
	transport->user = *user;
	transport->fd = -1;
	transport->on_readable = event_new(base, fd, EV_READ | EV_PERSIST,
					   on_readable, transport);
	transport->on_writable =
		event_new(base, fd, EV_WRITE, on_writable, transport);
	if (!transport->on_readable || !transport->on_writable ||
	    event_add(transport->on_readable, NULL) != 0) {
		transport_free(&transport);
		return ERR_NO_MEMORY;
	}
	transport->fd = fd;
	transport->is_watching = true;
	*out = transport;
	return ERR_OK;
}

void transport_free(struct transport **transport)
{
	struct transport *gone = *transport;

	if (!gone)
		return;
	if (gone->on_readable)
		event_free(gone->on_readable);
	if (gone->on_writable)
		event_free(gone->on_writable);
	if (gone->fd >= 0)
		close(gone->fd);
	free(gone);
	*transport = NULL;
}
