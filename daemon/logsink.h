/*
 * Where log lines go: stderr, in batches of whole lines, never waiting for it.
 * What cannot be written is dropped and counted, and the count is logged once
 * lines get through again.  Any thread may log.
 */
#ifndef TODOD_DAEMON_LOGSINK_H
#define TODOD_DAEMON_LOGSINK_H

#include <stddef.h>

#include "core/log.h"

struct loop;

/* A write of this size to a pipe is whole or nothing (PIPE_BUF). */
#define LOGSINK_BATCH_BYTES 4096

/*
 * Opens stderr anew where that is needed to write without waiting; do it
 * before privileges are dropped.  Until logsink_attach() each line is written
 * at once.
 */
void logsink_open(void);

/* Makes core/log.h write here; worker < 0: the master. */
void logsink_configure(enum log_level level, enum log_format format,
		       int worker);

/* In a worker: from now on lines are written once each turn of the loop. */
void logsink_attach(struct loop *loop);

/* Back to writing each line at once, before the loop is freed. */
void logsink_detach(void);

/* Writes what is there as far as it goes. */
void logsink_flush(void);

/* In a child after fork(): forgets what the parent has yet to write. */
void logsink_reset(void);

#endif
