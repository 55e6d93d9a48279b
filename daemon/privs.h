/*
 * As whom todod runs when root started it.  In production as a user of its
 * own; in development as the owner of the data, so that the files there stay
 * theirs.
 */
#ifndef TODOD_DAEMON_PRIVS_H
#define TODOD_DAEMON_PRIVS_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/err.h"

struct fault;
struct settings;

struct identity {
	bool changes; /* false: stays who it is */
	uid_t uid;
	gid_t gid;
	char name[64];	/* empty when the user has none */
	char home[256]; /* so is this */
};

/* What todod is about to do as that user. */
enum privs_purpose {
	PRIVS_SERVE,
	PRIVS_JOB, /* something short that no network reaches */
};

/* Decides, and refuses what must not run as root; changes nothing.
 * ERR_INVALID with a fault. */
enum err privs_choose(const struct settings *settings,
		      enum privs_purpose purpose, struct identity *identity,
		      struct fault *fault) __attribute__((warn_unused_result));

/* Becomes that user for good, and no program started from here on can gain
 * anything.  ERR_INVALID with a fault. */
enum err privs_drop(const struct settings *settings,
		    const struct identity *identity, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
