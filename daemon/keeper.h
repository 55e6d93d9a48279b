/*
 * The keeper: one process beside the workers that gets an issuer's keys, by
 * HTTP or from a file, and gives them to the workers through the shared
 * memory.  It listens nowhere and opens no database.
 */
#ifndef TODOD_DAEMON_KEEPER_H
#define TODOD_DAEMON_KEEPER_H

#include "core/err.h"

struct fault;
struct keys_settings;
struct keyshare;
struct shared;

/* What it gets from the master; all borrowed. */
struct keeper_options {
	const struct keys_settings *keys;
	struct keyshare *share;
	struct shared *shared;
	unsigned slot; /* in shared, for the heartbeat */
	int master_fd; /* end of file: the master is gone */
};

/* Runs until SIGTERM or the end of the master; the exit status.  All signals
 * must be blocked. */
int keeper_run(const struct keeper_options *options);

/*
 * In the master, before the workers of a generation: gives them what is known
 * without asking anybody.  That is the file's set (ERR_INVALID with a fault
 * when it cannot be used), for a URL the set of the generation before, when
 * old is not NULL, or what was kept on disk.  ERR_NO_MEMORY.
 */
enum err keeper_prime(const struct keys_settings *keys, struct keyshare *share,
		      const struct keyshare *old, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
