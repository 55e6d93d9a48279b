/*
 * The lock beside the database, <path>-lock, which is held around every write
 * transaction and every checkpoint (see sqlite.h).  flock(2): the lock belongs
 * to the open file, so each process opens it itself, after its fork, and only
 * one thread of it uses it.  A foreign program that writes to the database
 * does not take it.
 */
#ifndef TODOD_BACKENDS_SQLITE_LOCK_H
#define TODOD_BACKENDS_SQLITE_LOCK_H

#include <stdint.h>

#include "core/err.h"

struct sqlite_lock {
	char *path; /* owned; NULL: closed */
	int fd;
};

/* db_path from sqlite_file_resolve().  ERR_NO_MEMORY, ERR_SYSTEM; logged. */
enum err sqlite_lock_open(const char *db_path, struct sqlite_lock *lock)
	__attribute__((warn_unused_result));
void sqlite_lock_close(struct sqlite_lock *lock);

/* Waits for as long as it takes.  ERR_BUSY when a signal came before;
 * ERR_SYSTEM with errno set, not logged. */
enum err sqlite_lock_take(struct sqlite_lock *lock)
	__attribute__((warn_unused_result));

/* Waits that long at most: ERR_UNAVAILABLE, ERR_SYSTEM; logged. */
enum err sqlite_lock_take_within(struct sqlite_lock *lock, int64_t timeout_ms)
	__attribute__((warn_unused_result));

void sqlite_lock_drop(struct sqlite_lock *lock);

/* Removes the file while the lock is held: whoever waits for it will notice
 * and make a new one. */
void sqlite_lock_remove(const struct sqlite_lock *lock);

#endif
