/*
 * Fetching a set of keys over HTTP: one request, bounded in time and size, no
 * redirects, no proxy, no cookies.  The only door to libcurl; a build without
 * it has a door that does not open.
 */
#ifndef TODOD_DAEMON_KEYFETCH_H
#define TODOD_DAEMON_KEYFETCH_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/text.h"

#define KEYFETCH_PROBLEM_BYTES 256

bool keyfetch_is_built_in(void);

/* Name and version of the HTTP library, for --version; NULL: there is none. */
const char *keyfetch_library(void);

struct keyfetch_options {
	const char *url;     /* https:// or http:// */
	const char *ca_file; /* PEM; NULL: the system's authorities */
	int64_t timeout_ms;
};

enum keyfetch_state {
	KEYFETCH_IDLE,	  /* none was begun yet */
	KEYFETCH_RUNNING, /* waits for the issuer */
	KEYFETCH_DONE,	  /* there is a body */
	KEYFETCH_FAILED,  /* the problem says why */
};

/* options are borrowed until keyfetch_free().  ERR_UNAVAILABLE when this is
 * not built in, ERR_SYSTEM, ERR_NO_MEMORY. */
struct keyfetch;
enum err keyfetch_new(const struct keyfetch_options *options,
		      struct keyfetch **fetch)
	__attribute__((warn_unused_result));

/* Ends a fetch that is on its way; *fetch may be NULL. */
void keyfetch_free(struct keyfetch **fetch);

/* Begins one; none may be running. */
void keyfetch_start(struct keyfetch *fetch);

/* Waits for the fetch and for the descriptors, as poll() does, and goes on
 * with the fetch. */
void keyfetch_wait(struct keyfetch *fetch, struct pollfd *fds, size_t count,
		   int timeout_ms);

enum keyfetch_state keyfetch_state(const struct keyfetch *fetch);

/* KEYFETCH_DONE: what came, borrowed until the next start. */
struct text keyfetch_body(const struct keyfetch *fetch);
/* KEYFETCH_FAILED: why, for the log. */
const char *keyfetch_problem(const struct keyfetch *fetch);

#endif
