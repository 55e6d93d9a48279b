/* A listening unix socket, and the one that an earlier todod left behind. */
#ifndef TODOD_DAEMON_LISTEN_UNIX_H
#define TODOD_DAEMON_LISTEN_UNIX_H

#include <sys/types.h>

#include "core/err.h"

struct fault;
struct identity;

/* Which file it is that a socket has. */
struct listen_unix_file {
	dev_t device;
	ino_t inode;
};

/*
 * Binds path with mode 0660 and gives it to identity.  A socket that nobody
 * answers is replaced, anything else that is there is left alone.  ERR_INVALID
 * with a fault.
 */
enum err listen_unix_open(const char *path, int backlog,
			  const struct identity *identity, int *fd,
			  struct fault *fault)
	__attribute__((warn_unused_result));

/* What is at path now; zeros when nothing is. */
struct listen_unix_file listen_unix_file_at(const char *path);

/* Removes path if it still is that file: another todod may have put its own
 * there. */
void listen_unix_remove(const char *path, const struct listen_unix_file *file);

#endif
