/*
 * A connection for one job before or beside serving: used by a process that
 * may wait, but not for ever.
 */
#ifndef TODOD_BACKENDS_POSTGRES_SESSION_H
#define TODOD_BACKENDS_POSTGRES_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct pg_conn;
struct pg_result;
struct postgres_target;

/* Why a statement failed. */
struct postgres_failure {
	enum err err;	  /* as err_from_sqlstate(), or ERR_DENIED */
	char state[6];	  /* the SQLSTATE; empty: no answer */
	char reason[256]; /* one line */
};

/* ERR_UNAVAILABLE when there is no connection within timeout_ms, the look-up of
 * the host included, with why in reason; ERR_NO_MEMORY. */
enum err postgres_session_open(const struct postgres_target *target,
			       int64_t timeout_ms, struct pg_conn **conn,
			       char *reason, size_t reason_size)
	__attribute__((warn_unused_result));
/* Leaves NULL behind; *conn may be NULL. */
void postgres_session_close(struct pg_conn **conn);

/*
 * Runs one or more statements.  *result (may be NULL when rows are not wanted)
 * is that of the last one, owned by the caller, on success only.  A failure is
 * told in *failure, for postgres_session_log().
 */
enum err postgres_session_try(struct pg_conn *conn, const char *sql,
			      int64_t timeout_ms, struct pg_result **result,
			      struct postgres_failure *failure)
	__attribute__((warn_unused_result));

void postgres_session_log(const struct postgres_failure *failure,
			  const char *doing);

/* The same, and a failure is logged with what was being done. */
enum err postgres_session_run(struct pg_conn *conn, const char *sql,
			      const char *doing, int64_t timeout_ms,
			      struct pg_result **result)
	__attribute__((warn_unused_result));

#endif
