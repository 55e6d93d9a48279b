/*
 * The listening sockets: bound by the master, or handed in by systemd, and
 * inherited by every worker.
 */
#ifndef TODOD_DAEMON_LISTEN_H
#define TODOD_DAEMON_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "daemon/address.h"
#include "daemon/listen_unix.h"

struct fault;
struct handover;
struct identity;
struct settings;

#define LISTENERS_MAX 32

struct listener {
	int fd;
	char address[ADDRESS_TEXT_BYTES + 8]; /* with "unix:" before a path */
	int port;			      /* 0: a unix socket */
	char *unlink_path;	      /* of a unix socket todod made; owned */
	struct listen_unix_file file; /* which one that is */
};

struct listeners {
	struct listener items[LISTENERS_MAX];
	size_t count;
	/* Another todod has them, too: their files stay after a close. */
	bool are_lent;
};

/*
 * Takes the sockets of another todod if it left any, or those of systemd, else
 * binds what settings say; a unix socket is given to identity.  ERR_INVALID
 * with a fault that says who holds an address and how to find it; nothing is
 * open then.
 */
enum err listen_open(const struct settings *settings,
		     const struct identity *identity,
		     const struct handover *handover,
		     struct listeners *listeners, struct fault *fault)
	__attribute__((warn_unused_result));

/* Closes all and removes the unix sockets, unless they are lent; can be called
 * again. */
void listen_close(struct listeners *listeners);

/* One "listening" line each. */
void listen_log(const struct listeners *listeners);

#endif
