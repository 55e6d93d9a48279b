/* Forking: workers, and children that do one job. */
#ifndef TODOD_DAEMON_SPAWN_H
#define TODOD_DAEMON_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/err.h"
#include "core/log.h"
#include "daemon/listen.h"

struct keeper_options;
struct settings;
struct worker_options;

/* The master's descriptors that are none of a child's business. */
struct spawn_closing {
	int fds[LISTENERS_MAX + 2];
	size_t count;
};

/* A child that runs worker_run() and ends; -1 with errno. */
pid_t spawn_worker(const struct worker_options *options,
		   const struct spawn_closing *closing);

/* The same with keeper_run(). */
pid_t spawn_keeper(const struct keeper_options *options,
		   const struct settings *settings,
		   const struct spawn_closing *closing);

/*
 * Runs job(arg) in a child without the listeners and waits for it: what opens
 * a database must not happen in a process that forks later.  Returns what the
 * job did, through its exit status; ERR_SYSTEM when the child was killed.  A
 * signal to stop, all of which must be blocked, kills it and sets *is_told.
 */
typedef enum err spawn_job_fn(void *arg);
enum err spawn_job(spawn_job_fn *job, void *arg,
		   const struct listeners *listeners, bool *is_told)
	__attribute__((warn_unused_result));

#endif
