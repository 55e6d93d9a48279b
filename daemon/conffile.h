/*
 * The two languages settings are written in: todod.conf ("key = value") and
 * .env as the frontends' tools read it.  Only the writing is judged here, not
 * what keys there are.
 */
#ifndef TODOD_DAEMON_CONFFILE_H
#define TODOD_DAEMON_CONFFILE_H

#include <stddef.h>

#include "core/err.h"
#include "core/text.h"

/* One setting; the texts are borrowed for the call. */
typedef enum err conffile_pair_fn(void *arg, struct text key, struct text value,
				  unsigned line);

/* Where and why the writing is wrong. */
struct conffile_error {
	unsigned line;
	const char *problem; /* a constant phrase */
};

/*
 * One setting a line, '#' begins a comment at the start of a line or after a
 * blank, a value may stand in double quotes, where \" and \\ are escapes.
 * ERR_INVALID with *error filled (and only then: an error of on_pair is passed
 * on as it is with problem NULL), ERR_NO_MEMORY.
 */
enum err conffile_parse(struct text content, conffile_pair_fn *on_pair,
			void *arg, struct conffile_error *error)
	__attribute__((warn_unused_result));

/*
 * .env: NAME=value, with "export " before it or not; in single quotes a value
 * is taken as it is, in double quotes \n \r \t \" \\ \$ are escapes, and either
 * may go over several lines; without quotes it ends at a comment and loses the
 * blanks around it.  A name without '=' says nothing and is skipped.  Nothing
 * is substituted.  Errors as above.
 */
enum err conffile_parse_env(struct text content, conffile_pair_fn *on_pair,
			    void *arg, struct conffile_error *error)
	__attribute__((warn_unused_result));

#endif
