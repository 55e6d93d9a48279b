/*
 * The schema's version, and the migrations that are part of the program.  The
 * statements are plain enough for servers that only speak like PostgreSQL.
 */
#ifndef TODOD_BACKENDS_POSTGRES_SCHEMA_H
#define TODOD_BACKENDS_POSTGRES_SCHEMA_H

#include <stdint.h>
#include <stdio.h>

#include "core/err.h"
#include "core/text.h"

struct buffer;
struct pg_conn;

/* Whether the program can serve from the database, found out within timeout_ms:
 * ERR_OUTDATED, ERR_TOO_NEW, ERR_DENIED when it may not read the schema, or as
 * postgres_session_run(); logged. */
enum err postgres_schema_check(struct pg_conn *conn, int64_t timeout_ms)
	__attribute__((warn_unused_result));

/*
 * Applies what is missing, each migration in a transaction that begins with a
 * write to the one row of todod.migration_lock: that excludes others through a
 * pooler too and in every server, and of two that run at once the second finds
 * nothing left to do.  ERR_TOO_NEW; ERR_INVALID when the schema's tables are
 * another program's; or as postgres_session_run(); logged.
 */
enum err postgres_schema_apply(struct pg_conn *conn)
	__attribute__((warn_unused_result));

/* One line per migration.  ERR_OUTDATED when one is missing, ERR_TOO_NEW when
 * there are others, or as postgres_session_run(); only the last is logged. */
enum err postgres_schema_print_status(struct pg_conn *conn, FILE *out)
	__attribute__((warn_unused_result));

/* What postgres_schema_apply() would apply; as it would refuse, logged. */
enum err postgres_schema_print_pending(struct pg_conn *conn, FILE *out)
	__attribute__((warn_unused_result));

/* Appends a migration as a server takes it.  cockroach is the version that
 * only a CockroachDB tells of itself; NULL: it is none. */
void postgres_schema_spell(struct text sql, const char *cockroach,
			   struct buffer *spelt);

#endif
