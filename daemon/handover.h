/*
 * What one todod leaves to the next, which is started by it and takes its
 * place while both serve: the listening sockets, and a pipe for the word of the
 * new one.  A variable of the environment says which descriptors they are.
 */
#ifndef TODOD_DAEMON_HANDOVER_H
#define TODOD_DAEMON_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "daemon/listen.h"

struct fault;

#define HANDOVER_VARIABLE   "TODOD_HANDOVER"
#define HANDOVER_TEXT_BYTES 512

/* The new one serves; what begins otherwise is the reason why it does not. */
#define HANDOVER_TAKEN '+'

struct handover_socket {
	int fd;
	bool is_unlinked; /* a unix socket that goes with the last todod */
};

/* What was left to this process. */
struct handover {
	int report_fd; /* -1: nothing was, or the report is made */
	struct handover_socket sockets[LISTENERS_MAX];
	size_t count;
};

/*
 * For the next one: writes the variable's value, of at most
 * HANDOVER_TEXT_BYTES, and lets the descriptors live through exec.  ERR_SYSTEM
 * with errno.
 */
enum err handover_leave(const struct listeners *listeners, int report_fd,
			char text[HANDOVER_TEXT_BYTES])
	__attribute__((warn_unused_result));

/*
 * Reads the variable and removes it; no descriptor in it will live through an
 * exec any more.  ERR_INVALID with a fault when it makes no sense, handover is
 * empty then and when there is none.
 */
enum err handover_take(struct handover *handover, struct fault *fault)
	__attribute__((warn_unused_result));

/* Whether there is another todod whose place is to be taken. */
bool handover_is_open(const struct handover *handover);

/* Tells it to go, or with a reason to stay.  False when it cannot be told. */
bool handover_accept(struct handover *handover);
bool handover_refuse(struct handover *handover, const char *reason);

#endif
