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
#include <stdio.h>

#include "core/err.h"

struct loop;
struct storage_backend;

/* Where the data is, as parsed from a DATABASE_URL. */
struct backend_location {
	const struct backend *backend; /* from the table */
	char *path;		       /* SQLite: the file; else NULL; owned */
};

enum backend_migrate_mode {
	BACKEND_MIGRATE_APPLY,	/* apply what is missing */
	BACKEND_MIGRATE_STATUS, /* print one line per migration */
};

/* One backend.  Errors are logged once where they arise. */
struct backend {
	const char *name;
	const char *library; /* what it is made with; NULL: nothing */
	const char *(*library_version)(void); /* the one in use; or NULL */
	bool is_shared;		/* false: the data live in one process only */
	bool migrates_at_start; /* serve applies migrations by itself */

	/* Opens for serving.  ERR_OUTDATED (so too when there is no database
	 * yet), ERR_TOO_NEW, ERR_CORRUPT, ERR_UNAVAILABLE, ERR_NO_MEMORY,
	 * ERR_SYSTEM. */
	enum err (*open)(const struct backend_location *location,
			 struct loop *loop, struct storage_backend **backend);

	/* ERR_TOO_NEW when the schema is newer than the program knows;
	 * with BACKEND_MIGRATE_STATUS, ERR_OUTDATED when one is missing;
	 * ERR_INVALID when the database holds tables of another program. */
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
