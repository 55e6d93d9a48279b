/*
 * The writing connection of a process, on a thread of its own.  What has
 * gathered in its queue while it was busy or waited for the lock is written in
 * one transaction (group commit) and answered when that is on the disk.
 */
#ifndef TODOD_BACKENDS_SQLITE_WRITER_H
#define TODOD_BACKENDS_SQLITE_WRITER_H

#include "core/err.h"

struct loop;
struct sqlite_db;
struct sqlite_writer;
struct storage_call;

/* Takes over the connection, also on failure.  ERR_NO_MEMORY, ERR_CORRUPT,
 * ERR_UNAVAILABLE, ERR_SYSTEM; logged. */
enum err sqlite_writer_new(const char *path, struct sqlite_db *db,
			   struct loop *loop, struct sqlite_writer **writer)
	__attribute__((warn_unused_result));

/* Waits for the transaction that is under way, finishes all calls; leaves NULL
 * behind; *writer may be NULL. */
void sqlite_writer_free(struct sqlite_writer **writer);

/* Takes over a call that writes. */
void sqlite_writer_submit(struct sqlite_writer *writer,
			  struct storage_call *call);

/* Finishes a call that was abandoned, if it still is in the queue. */
void sqlite_writer_drop(struct sqlite_writer *writer,
			struct storage_call *call);

#endif
