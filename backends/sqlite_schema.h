/* The schema's version, and the migrations that are part of the program. */
#ifndef TODOD_BACKENDS_SQLITE_SCHEMA_H
#define TODOD_BACKENDS_SQLITE_SCHEMA_H

#include <stdio.h>

#include "core/err.h"

struct sqlite_db;

/* Whether the program can serve from the database: ERR_OUTDATED, ERR_TOO_NEW,
 * ERR_INVALID, or as sqlite_db_fail(); logged. */
enum err sqlite_schema_check(struct sqlite_db *db)
	__attribute__((warn_unused_result));

/* Applies what is missing, each migration in a transaction.  The caller holds
 * the lock.  ERR_TOO_NEW; ERR_INVALID when the tables are another program's;
 * or as sqlite_db_fail(); logged. */
enum err sqlite_schema_apply(struct sqlite_db *db)
	__attribute__((warn_unused_result));

/* One line per migration.  db is NULL when there is no database yet.
 * ERR_OUTDATED when one is missing, ERR_TOO_NEW when there are others, or as
 * sqlite_db_fail(); only the last is logged. */
enum err sqlite_schema_print_status(struct sqlite_db *db, FILE *out)
	__attribute__((warn_unused_result));

/* What sqlite_schema_apply() would apply; db is NULL when there is no database
 * yet.  As sqlite_schema_apply() would refuse; logged. */
enum err sqlite_schema_print_pending(struct sqlite_db *db, FILE *out)
	__attribute__((warn_unused_result));

#endif
