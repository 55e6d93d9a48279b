/*
 * The master's table of processes, the workers and their keeper: which run,
 * since when, how they end and when the next one may start in their place.
 */
#ifndef TODOD_DAEMON_WORKERS_H
#define TODOD_DAEMON_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"
#include "daemon/listen.h"
#include "daemon/shared.h"

struct keyshare;
struct settings;

#define WORKERS_MAX    64	   /* of one generation */
#define WORKERS_KEEPER WORKERS_MAX /* the number of the keeper */
#define WORKERS_SEATS  (WORKERS_MAX + 1)
/* In workers_exit: a child that is none of them (daemon/upgrade.h). */
#define WORKERS_SUCCESSOR WORKERS_SEATS

enum process_state {
	PROCESS_NONE,	  /* the entry is free */
	PROCESS_STARTING, /* has not said yet that it serves */
	PROCESS_SERVING,
	PROCESS_STOPPING, /* was told to drain */
};

/* A worker or the keeper; its place in the table is its slot in the shared
 * memory. */
struct process {
	enum process_state state;
	pid_t pid;
	unsigned number; /* 0 to workers - 1, also in the log; or WORKERS_KEEPER
			  */
	unsigned generation; /* one more after each reload */
	int64_t started_us;
	int64_t served_us;  /* since when it serves; 0: never did */
	int64_t kill_at_us; /* PROCESS_STOPPING: when patience ends */
	int64_t aborted_us; /* when it was found hanging; 0: it is well */
};

/* What belongs to a worker's number, whoever has it. */
struct seat {
	unsigned failures;
	int64_t respawn_at_us; /* 0: nothing to start */
};

struct workers {
	struct shared *shared;
	/* Of the even and the odd generations; NULL: they have no JWKS. */
	struct keyshare *keys[2];
	int listener_fds[LISTENERS_MAX];
	size_t listener_count;
	int master_fds[2]; /* the pipe; workers have the read end only */
	int private_fd;	   /* one more that is the master's alone; or -1 */
	struct process processes[SHARED_SLOTS];
	struct seat seats[WORKERS_SEATS];
	int64_t checked_us;
	int64_t grace_until_us;
};

/* How a process ended. */
struct workers_exit {
	unsigned number;
	pid_t pid;
	unsigned generation;
	bool was_told;	   /* to stop */
	int64_t served_ms; /* negative: it never did */
	int exit_code;	   /* 128 + the signal when one killed it */
};
typedef void workers_exit_fn(void *arg, const struct workers_exit *ended);

enum err workers_init(struct workers *workers,
		      const struct listeners *listeners)
	__attribute__((warn_unused_result));

/* Closes the pipe and the shared memory; no process may run any more. */
void workers_release(struct workers *workers);

/* Makes room for the keys of a generation; that of the one before the last is
 * free by then.  ERR_NO_MEMORY, ERR_SYSTEM. */
enum err workers_new_keys(struct workers *workers, unsigned generation)
	__attribute__((warn_unused_result));
void workers_free_keys(struct workers *workers, unsigned generation);
struct keyshare *workers_keys(const struct workers *workers,
			      unsigned generation);

/* Starts the worker of that number, or the keeper.  ERR_BUSY when too many of
 * earlier generations are left, ERR_SYSTEM when there is no process to be had.
 */
enum err workers_start(struct workers *workers, const struct settings *settings,
		       unsigned number, unsigned generation)
	__attribute__((warn_unused_result));

/* Has the keeper started with the next workers_respawn(). */
void workers_want_keeper(struct workers *workers);

/* Starts those whose time has come, and tries again later what failed. */
void workers_respawn(struct workers *workers, const struct settings *settings,
		     unsigned generation, int64_t now_us);

/* Has the one that ended replaced, the later the more often it failed. */
void workers_schedule(struct workers *workers,
		      const struct workers_exit *ended);

/* Forgets what was to be respawned. */
void workers_forget_respawns(struct workers *workers);

/* Looks for children that have ended; on_exit for each. */
void workers_reap(struct workers *workers, workers_exit_fn *on_exit, void *arg);

/* Notes which have begun to serve; how many workers of a generation do. */
size_t workers_serving(struct workers *workers, unsigned generation);

/* Processes, and workers among them. */
size_t workers_running(const struct workers *workers);
size_t workers_count(const struct workers *workers);

/* Tells those of the generations from first to last to drain; they are killed
 * after timeout_ms. */
void workers_drain(struct workers *workers, unsigned first, unsigned last,
		   int64_t timeout_ms);

/* Kills all at once. */
void workers_kill(struct workers *workers);

/* Kills those whose heart has stopped or whose drain takes too long. */
void workers_check(struct workers *workers, int64_t now_us);

/* Milliseconds until one of the above has something to do, at most 1000. */
int64_t workers_next_ms(const struct workers *workers, int64_t now_us);

#endif
