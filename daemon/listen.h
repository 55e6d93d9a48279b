/*
 * The listening sockets: bound by the master, or handed in by systemd, and
 * inherited by every worker.
 */
#ifndef TODOD_DAEMON_LISTEN_H
#define TODOD_DAEMON_LISTEN_H

#include <stddef.h>

#include "core/err.h"
#include "daemon/address.h"

struct fault;
struct identity;
struct settings;

#define LISTENERS_MAX 32

struct listener {
	int fd;
	char address[ADDRESS_TEXT_BYTES + 8]; /* with "unix:" before a path */
	int port;			      /* 0: a unix socket */
	char *unlink_path; /* of a unix socket we made; owned */
};

struct listeners {
	struct listener items[LISTENERS_MAX];
	size_t count;
};

/*
 * Takes systemd's sockets if it passed any, else binds what settings say; a
 * unix socket is given to identity.  ERR_INVALID with a fault that says who
 * holds an address and how to find it; nothing is open then.
 */
enum err listen_open(const struct settings *settings,
		     const struct identity *identity,
		     struct listeners *listeners, struct fault *fault)
	__attribute__((warn_unused_result));

/* Closes all and removes the unix sockets; can be called again. */
void listen_close(struct listeners *listeners);

/* One "listening" line each. */
void listen_log(const struct listeners *listeners);

#endif
