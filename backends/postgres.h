/*
 * Storage in a PostgreSQL server: libpq's pipeline mode on the loop, the
 * tables in a schema of their own ("todod"), no state in any session, so that
 * a pooler may stand between.
 */
#ifndef TODOD_BACKENDS_POSTGRES_H
#define TODOD_BACKENDS_POSTGRES_H

struct backend;

extern const struct backend postgres_backend;

#endif
