/* What is done to the database besides serving; see struct backend. */
#ifndef TODOD_BACKENDS_SQLITE_UPKEEP_H
#define TODOD_BACKENDS_SQLITE_UPKEEP_H

#include <stdio.h>

#include "backends/backends.h"
#include "core/err.h"

enum err sqlite_migrate(const struct backend_location *location,
			enum backend_migrate_mode mode, FILE *out)
	__attribute__((warn_unused_result));
enum err sqlite_backup(const struct backend_location *location,
		       const char *file) __attribute__((warn_unused_result));
enum err sqlite_settle(const struct backend_location *location)
	__attribute__((warn_unused_result));

#endif
