/*
 * The verbs that write, each on a transaction that its caller has begun.  Each
 * writes by one statement, which makes it all or nothing.
 */
#ifndef TODOD_BACKENDS_SQLITE_WRITE_H
#define TODOD_BACKENDS_SQLITE_WRITE_H

#include <stdbool.h>

#include "core/err.h"

struct sqlite_db;
struct sqlite_write;
struct storage_call;
struct task;

/* Prepares the statements on a connection, which must outlive them. */
enum err sqlite_write_new(struct sqlite_db *db, struct sqlite_write **write)
	__attribute__((warn_unused_result));
void sqlite_write_free(struct sqlite_write **write);

/* ERR_BUSY, or as sqlite_db_fail(); after a failed commit also
 * ERR_UNCERTAIN. */
enum err sqlite_write_begin(struct sqlite_write *write)
	__attribute__((warn_unused_result));
enum err sqlite_write_commit(struct sqlite_write *write)
	__attribute__((warn_unused_result));
/* Takes the whole transaction back; harmless when there is none. */
void sqlite_write_rollback(struct sqlite_write *write);

/* Whether SQLite has taken the transaction back by itself. */
bool sqlite_write_is_lost(const struct sqlite_write *write);

/*
 * Carries out one call.  *task is what it hands out, if it does so, from
 * malloc; else NULL.  ERR_NOT_FOUND, ERR_CONFLICT: it has changed nothing.
 * Anything else, as sqlite_db_fail(), has taken the transaction back.
 */
enum err sqlite_write_run(struct sqlite_write *write,
			  const struct storage_call *call, struct task **task)
	__attribute__((warn_unused_result));

/* Every statement, NULL at the end: for the test that looks at their plans. */
extern const char *const sqlite_write_sql[];

#endif
