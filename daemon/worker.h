/* The life of one worker process, from the fork to its exit status. */
#ifndef TODOD_DAEMON_WORKER_H
#define TODOD_DAEMON_WORKER_H

#include <stddef.h>
#include <sys/types.h>
#include <sysexits.h>

struct keyshare;
struct settings;
struct shared;

/* What a worker gets from the master; all borrowed. */
struct worker_options {
	const struct settings *settings;
	struct shared *shared;
	struct keyshare *keys; /* NULL: there is no JWKS */
	unsigned slot;	       /* in the shared memory */
	unsigned number;       /* in the log */
	const int *listener_fds;
	size_t listener_count;
	int master_fd; /* end of file: the master is gone */
	pid_t master;  /* is sent SIGUSR1 when the worker serves */
};

/* The exit status of one that finds a schema of another version: those that
 * run may go on. */
#define WORKER_WRONG_SCHEMA EX_PROTOCOL

/* Runs until SIGTERM or the end of the master; the exit status.  All signals
 * must be blocked. */
int worker_run(const struct worker_options *options);

#endif
