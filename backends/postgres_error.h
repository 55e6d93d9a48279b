/* The one place where PostgreSQL's SQLSTATEs become ours. */
#ifndef TODOD_BACKENDS_POSTGRES_ERROR_H
#define TODOD_BACKENDS_POSTGRES_ERROR_H

#include "core/err.h"

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

#endif
