/*
 * The table of the storage backends that were built in, and what the daemon
 * does with one besides serving: migrate, back up, tidy up after the last
 * process.  Everything here opens the database itself and must be called in a
 * process that forks no more (a worker, or a child for one job).
 */
#ifndef TODOD_BACKENDS_BACKENDS_H
#define TODOD_BACKENDS_BACKENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/err.h"
#include "core/text.h"

struct loop;
struct postgres_target;
struct storage_backend;

/* Whether a pooler that shares connections by the transaction is between. */
enum backend_pooling {
	BACKEND_POOLING_AUTO, /* as the URL looks */
	BACKEND_POOLING_YES,
	BACKEND_POOLING_NO,
};

/* How to talk to a database on a server.  0 stands for the default. */
struct backend_tuning {
	enum backend_pooling pooling;
	unsigned connections_max;     /* of this process; at least 2 */
	int64_t statement_timeout_ms; /* what the server gives up after */
	int64_t connect_timeout_ms;
	int64_t wait_timeout_ms; /* for a connection to become free */
	int64_t idle_timeout_ms; /* then a connection is closed */
};

/* Where the data is, as parsed from a DATABASE_URL. */
struct backend_location {
	const struct backend *backend;	/* from the table */
	char *path;			/* SQLite: the file; else NULL; owned */
	struct postgres_target *server; /* PostgreSQL; else NULL; owned */
	struct backend_tuning tuning;	/* filled in by the caller, or zero */
};

enum backend_migrate_mode {
	BACKEND_MIGRATE_APPLY,	 /* apply what is missing */
	BACKEND_MIGRATE_STATUS,	 /* print one line per migration */
	BACKEND_MIGRATE_DRY_RUN, /* print the SQL of what is missing */
};

/* One backend.  Errors are logged once where they arise. */
struct backend {
	const char *name;
	const char *library; /* what it is made with; NULL: nothing */
	const char *(*library_version)(void); /* the one in use; or NULL */
	bool is_shared;		/* false: the data live in one process only */
	bool migrates_at_start; /* serve applies migrations by itself */

	/* Reads a URL, of which rest is what follows the scheme and its colon:
	 * as backend_locate().  NULL: backends/location.c does it. */
	enum err (*locate)(struct text rest, struct backend_location *location,
			   char *problem, size_t problem_size);
	/* Frees what locate() made; NULL: nothing. */
	void (*release)(struct backend_location *location);

	/* Opens for serving.  ERR_OUTDATED (so too when there is no database
	 * yet), ERR_TOO_NEW, ERR_DENIED, ERR_CORRUPT, ERR_UNAVAILABLE,
	 * ERR_NO_MEMORY, ERR_SYSTEM. */
	enum err (*open)(const struct backend_location *location,
			 struct loop *loop, struct storage_backend **backend);

	/* ERR_TOO_NEW when the schema is newer than the program knows;
	 * with BACKEND_MIGRATE_STATUS, ERR_OUTDATED when one is missing;
	 * ERR_INVALID when the database holds tables of another program. Only
	 * BACKEND_MIGRATE_APPLY changes anything. */
	enum err (*migrate)(const struct backend_location *location,
			    enum backend_migrate_mode mode, FILE *out);

	/* Writes a complete copy to file while others serve; ERR_CONFLICT when
	 * the file exists.  NULL: the backend has a tool of its own. */
	enum err (*backup)(const struct backend_location *location,
			   const char *file);

	/* After the last process: leaves the data in one complete file.
	 * NULL: nothing to do. */
	enum err (*settle)(const struct backend_location *location);
};

/* The backends that were built in, NULL at the end. */
extern const struct backend *const backends_table[];

/*
 * Finds the backend for a DATABASE_URL (SQLAlchemy's spellings work too) and
 * where its data are.  On failure problem has a sentence for the user, which
 * says how to mend it and never quotes a password: ERR_INVALID,
 * ERR_NO_MEMORY.
 */
enum err backend_locate(const char *database_url,
			struct backend_location *location, char *problem,
			size_t problem_size)
	__attribute__((warn_unused_result));
void backend_location_release(struct backend_location *location);

#endif
