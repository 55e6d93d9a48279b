/* A listening unix socket, and the one that an earlier todod left behind. */
#ifndef TODOD_DAEMON_LISTEN_UNIX_H
#define TODOD_DAEMON_LISTEN_UNIX_H

#include "core/err.h"

struct fault;
struct identity;

/*
 * Binds path with mode 0660 and gives it to identity.  A socket that nobody
 * answers is replaced, anything else that is there is left alone.  ERR_INVALID
 * with a fault.
 */
enum err listen_unix_open(const char *path, int backlog,
			  const struct identity *identity, int *fd,
			  struct fault *fault)
	__attribute__((warn_unused_result));

#endif
