/* The schema's version, and the migrations that are part of the program. */
#ifndef TODOD_BACKENDS_POSTGRES_SCHEMA_H
#define TODOD_BACKENDS_POSTGRES_SCHEMA_H

#include <stdint.h>
#include <stdio.h>

#include "core/err.h"

struct pg_conn;

/* Whether the program can serve from the database: ERR_OUTDATED, ERR_TOO_NEW,
 * or as postgres_session_run(); logged. */
enum err postgres_schema_check(struct pg_conn *conn, int64_t timeout_ms)
	__attribute__((warn_unused_result));

/*
 * Applies what is missing, each migration in a transaction that begins with a
 * lock on the table of migrations: that works through a pooler too, and of two
 * that run at once the second finds nothing left to do.  ERR_TOO_NEW;
 * ERR_INVALID when the schema's tables are another program's; or as
 * postgres_session_run(); logged.
 */
enum err postgres_schema_apply(struct pg_conn *conn)
	__attribute__((warn_unused_result));

/* One line per migration.  ERR_OUTDATED when one is missing, ERR_TOO_NEW when
 * there are others, or as postgres_session_run(); only the last is logged. */
enum err postgres_schema_print(struct pg_conn *conn, FILE *out)
	__attribute__((warn_unused_result));

#endif
