/* todod token: a token explained, and one for development made. */
#ifndef TODOD_DAEMON_JOB_TOKEN_H
#define TODOD_DAEMON_JOB_TOKEN_H

struct fault;
struct settings;

/* Both write to standard output, and return the exit status; fault is filled
 * when something kept them from their work. */

/* Explains a token; "-": the one on standard input.  EX_DATAERR when it would
 * be refused. */
int job_token_inspect(struct settings *settings, const char *token,
		      struct fault *fault);

/* Makes a token for a user as sign-in does, in development only. */
int job_token_mint(struct settings *settings, const char *user,
		   struct fault *fault);

#endif
