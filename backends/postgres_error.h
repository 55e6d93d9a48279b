/*
 * What the words of PostgreSQL and of poolers mean: the one place where
 * SQLSTATEs become our errors.
 */
#ifndef TODOD_BACKENDS_POSTGRES_ERROR_H
#define TODOD_BACKENDS_POSTGRES_ERROR_H

#include <stdbool.h>

#include "core/err.h"

struct loglimit;
struct pg_result;

/* What helps against an error, if anything. */
enum postgres_remedy {
	POSTGRES_REMEDY_NONE,	   /* the answer is what err says */
	POSTGRES_REMEDY_REPEAT,	   /* the whole transaction again */
	POSTGRES_REMEDY_RECONNECT, /* again, on another connection */
	POSTGRES_REMEDY_UNNAMED,   /* again, without prepared statements */
};

struct postgres_verdict {
	enum err err;
	enum postgres_remedy remedy;
};

/* sqlstate NULL or empty: the connection is gone. */
struct postgres_verdict err_from_sqlstate(const char *sqlstate);

/* Whether the server ends the connection with this error or notice. */
bool postgres_error_is_last(const struct pg_result *result);

/* Whether a server that ends an idle connection with this SQLSTATE (which may
 * be NULL) is well: admin_shutdown, which is what a database that goes to
 * sleep says too, and idle_session_timeout. */
bool postgres_error_is_dismissal(const char *sqlstate);

/* Whether the server, by this SQLSTATE (which may be NULL), has given a
 * statement up because it took too long, which is mostly a lock's fault. */
bool postgres_error_is_timeout(const char *sqlstate);

/* Whether PgBouncer, by its message (which may be NULL), has passed nothing on:
 * it reaches no server, or none was free in time. */
bool postgres_error_is_unserved(const char *message);

/* Whether a pooler refuses a connection because of its start-up options. */
bool postgres_error_is_refused_option(const char *message);

/* Logs what a statement failed with: what is usual only for debugging, the rest
 * as an error, not more often than the limit lets it. */
void postgres_error_log(const struct pg_result *result,
			const struct postgres_verdict *verdict,
			struct loglimit *limit);

#endif
