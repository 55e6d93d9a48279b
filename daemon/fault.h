/*
 * Why todod cannot start or go on, in words for the person who runs it: what
 * is wrong, where, and how to mend it, with the exit status that belongs to it.
 */
#ifndef TODOD_DAEMON_FAULT_H
#define TODOD_DAEMON_FAULT_H

#include "core/err.h"

#define FAULT_TEXT_BYTES 1024

struct fault {
	int exit_code; /* of sysexits.h */
	char text[FAULT_TEXT_BYTES];
};

/* Fills fault; %m is the text of errno.  Always ERR_INVALID, so that a check
 * can end with "return fault_set(…)". */
enum err fault_set(struct fault *fault, int exit_code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The exit status that tells the caller of todod about err. */
int fault_exit_code(enum err err);

#endif
