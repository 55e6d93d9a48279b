/*
 * The socket of a connection: what comes is handed on, what is to go is taken
 * from an evbuffer.  The socket is read as soon as there is something, written
 * at once, and watched for room only while it is full: an ordinary request
 * costs one recv and one writev and no change of what epoll watches.
 *
 * evhttp has a bufferevent without a descriptor, which is fed and emptied from
 * here: libevent's own would add an ioctl and several epoll_ctl.
 */
#ifndef TODOD_DAEMON_TRANSPORT_H
#define TODOD_DAEMON_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

struct evbuffer;
struct event_base;
struct transport;

enum transport_end {
	TRANSPORT_CLOSED, /* the client has ended its side */
	TRANSPORT_FAILED,
};

/* Called from the loop; each may free the transport. */
struct transport_user {
	/* Bytes have come; borrowed until it returns. */
	void (*on_input)(void *arg, const char *ptr, size_t len);
	/* The client sends no more, or the connection has failed.  Nothing is
	 * read after it. */
	void (*on_end)(void *arg, enum transport_end how);
	/* All that transport_send() was given is with the kernel; once. */
	void (*on_sent)(void *arg);
	void *arg;
};

/* Takes fd, which does not block, over on success; reading begins at once.
 * ERR_NO_MEMORY. */
enum err transport_new(struct event_base *base, int fd,
		       const struct transport_user *user,
		       struct transport **transport)
	__attribute__((warn_unused_result));

/* Closes the socket; leaves NULL behind, *transport may be NULL. */
void transport_free(struct transport **transport);

int transport_fd(const struct transport *transport);

/* Whether what comes is read.  While it is not, the client is held up by TCP,
 * and its end is not noticed.  Both cost nothing unless something comes
 * meanwhile. */
void transport_pause(struct transport *transport);
void transport_resume(struct transport *transport);

/* Sends output, which is borrowed until it is empty; what is added to it while
 * the socket is full goes the same way.  When it fails on_end says so, later,
 * even after TRANSPORT_CLOSED. */
void transport_send(struct transport *transport, struct evbuffer *output);

/* No more will be sent, as the client will see. */
void transport_shut_down(struct transport *transport);

#endif
