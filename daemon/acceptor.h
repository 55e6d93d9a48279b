/*
 * When a worker accepts connections: not more than it can hold, not while
 * descriptors are short, and for a moment not when another worker has fewer.
 */
#ifndef TODOD_DAEMON_ACCEPTOR_H
#define TODOD_DAEMON_ACCEPTOR_H

#include <stddef.h>

#include "core/err.h"

struct acceptor;
struct evconnlistener;
struct event_base;
struct shared;

struct acceptor_options {
	struct event_base *base;
	struct shared *shared;
	unsigned slot; /* of this worker */
	size_t connections_max;
};

enum err acceptor_new(const struct acceptor_options *options,
		      struct acceptor **acceptor)
	__attribute__((warn_unused_result));
void acceptor_free(struct acceptor **acceptor);

/* Adds a listener, which stays the caller's and must live until
 * acceptor_stop().  ERR_NO_MEMORY. */
enum err acceptor_add(struct acceptor *acceptor,
		      struct evconnlistener *listener)
	__attribute__((warn_unused_result));

/* What the acceptor goes by: the connections there are now. */
void acceptor_on_accepted(struct acceptor *acceptor, size_t count);
void acceptor_on_closed(struct acceptor *acceptor, size_t count);

/* Accepts no more; the listeners are forgotten. */
void acceptor_stop(struct acceptor *acceptor);

#endif
