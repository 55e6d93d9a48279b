/*
 * A PostgreSQL server of the test's own, made by tests/support/pgserver, which
 * ends with the test whatever happens to it.
 */
#ifndef TODOD_TESTS_PGFIXTURE_H
#define TODOD_TESTS_PGFIXTURE_H

#include <stdbool.h>

struct backend_location;

/* Starts the server, and PgBouncer; false, with a skipped check, when one is
 * not installed.  Start it while the test has no thread. */
bool pgfixture_start(void);
void pgfixture_stop(void);

/* A member of what pgserver says, as text: "url", "pgbouncer_url", … Ends the
 * program when there is no such. */
const char *pgfixture_get(const char *name);

/* Which URL pgfixture_locate() uses from here on: "url" at first. */
void pgfixture_use(const char *name);

/* An empty database, without our schema. */
void pgfixture_locate(struct backend_location *location);

/* The same database as it is, by any of its URLs. */
void pgfixture_locate_url(const char *url, struct backend_location *location);

/* One of pgserver's commands; its answer without the "ok", borrowed until the
 * next; ends the program when it failed. */
const char *pgfixture_tell(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

#endif
