/*
 * The reading connection of a process, used on the loop: a queue of calls of
 * which each turn of the loop carries out some, few enough not to be felt.
 */
#ifndef TODOD_BACKENDS_SQLITE_READER_H
#define TODOD_BACKENDS_SQLITE_READER_H

#include "core/err.h"

struct loop;
struct sqlite_reader;
struct storage_call;

/* ERR_NO_MEMORY, ERR_CORRUPT, ERR_UNAVAILABLE, ERR_SYSTEM; logged. */
enum err sqlite_reader_new(const char *path, struct loop *loop,
			   struct sqlite_reader **reader)
	__attribute__((warn_unused_result));

/* Finishes what waits; leaves NULL behind; *reader may be NULL. */
void sqlite_reader_free(struct sqlite_reader **reader);

/* Takes over a call that reads. */
void sqlite_reader_submit(struct sqlite_reader *reader,
			  struct storage_call *call);

/* Every statement that the reader runs, NULL at the end: for the test that
 * looks at their plans. */
extern const char *const sqlite_reader_sql[];

#endif
