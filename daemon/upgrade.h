/*
 * Another todod in the place of this one, from the program as it is on the
 * disk now: the master starts it and waits for its word while it goes on
 * serving.  See daemon/handover.h for the other side.
 */
#ifndef TODOD_DAEMON_UPGRADE_H
#define TODOD_DAEMON_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"
#include "daemon/fault.h"
#include "daemon/listen.h"

/* Its migrations may take their time: this one serves meanwhile. */
#define UPGRADE_MAX_MS (300 * INT64_C(1000))

enum upgrade_state {
	UPGRADE_NONE,	 /* no successor was started */
	UPGRADE_WAITING, /* for its word, or its end */
	UPGRADE_TAKEN,	 /* it serves */
	UPGRADE_FAILED,	 /* it has ended, and reason says why */
};

struct upgrade {
	enum upgrade_state state;
	pid_t pid; /* of the successor; 0: there is none */
	int report_fd;
	int64_t deadline_us; /* for its word, or its end; 0: none */
	bool is_late;	     /* and was killed for it */
	char reason[FAULT_TEXT_BYTES];
};

void upgrade_init(struct upgrade *upgrade);

/*
 * Runs the command of argv, as a shell would find it, with the sockets.
 * SIGUSR1 comes when it has something to say.  On ERR_SYSTEM the state is
 * UPGRADE_FAILED; the reason says what the system lacked.
 */
enum err upgrade_start(struct upgrade *upgrade, char *const argv[],
		       const struct listeners *listeners)
	__attribute__((warn_unused_result));

/* Sees what the successor says, and kills it when it has taken too long; the
 * state may change. */
void upgrade_look(struct upgrade *upgrade, int64_t now_us);

/* The successor has ended: with that exit status, or 128 + a signal. */
void upgrade_ended(struct upgrade *upgrade, int exit_code);

/* Tells the successor to stop, if there is one, and kills it after
 * timeout_ms. */
void upgrade_stop(struct upgrade *upgrade, int64_t timeout_ms);

#endif
