/*
 * What tests of failing databases share: a backend whose deadlines a test can
 * wait for, and somebody else who uses the same database meanwhile.
 */
#ifndef TODOD_TESTS_OUTAGES_H
#define TODOD_TESTS_OUTAGES_H

#include <stdint.h>

#include "backends/backends.h"
#include "tests/conformance/subject.h"

extern const struct backend_tuning outages_brisk;

/* An empty database of PostgreSQL with our schema, opened; the log is empty. */
void outages_begin(struct subject *subject,
		   const struct backend_tuning *tuning);

/* What a query says that has one number to say. */
int64_t outages_count(const char *sql);

/* Longer than any test waits: it is let go. */
#define OUTAGES_UNTIL_LET_GO 60

/* Runs SQL beside the test until it holds its lock, and keeps that for so long.
 * lock is a query that counts such locks. */
void outages_hold(const char *sql, const char *lock, int seconds);
void outages_let_go(const char *lock);

/* Queries: locks of rows of the tasks, and locks that somebody waits for. */
extern const char outages_row_lock[];
extern const char outages_waiting[];

#endif
