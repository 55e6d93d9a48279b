/* The database file and its folder, seen from outside of SQLite. */
#ifndef TODOD_BACKENDS_SQLITE_FILE_H
#define TODOD_BACKENDS_SQLITE_FILE_H

#include "core/err.h"

/* The suffixes of the files beside the database. */
#define SQLITE_LOG_SUFFIX  "-wal"
#define SQLITE_LOCK_SUFFIX "-lock"

/* Makes an empty file that only its owner may read, if there is none.  The
 * folder must exist.  ERR_SYSTEM, logged. */
enum err sqlite_file_create(const char *path)
	__attribute__((warn_unused_result));

/*
 * The file's one name, without symbolic links, so that all who open it agree
 * on the files beside it; from malloc.  ERR_NOT_FOUND when there is no file,
 * not logged; ERR_SYSTEM when it is no regular file or on a network file
 * system, where neither locks nor shared memory can be relied on; logged.
 */
enum err sqlite_file_resolve(const char *path, char **resolved)
	__attribute__((warn_unused_result));

/* a and b in one string, from malloc; NULL when memory is exhausted. */
char *sqlite_file_join(const char *a, const char *b);

/* The folder that the file is in, from malloc; NULL when memory is
 * exhausted. */
char *sqlite_file_folder(const char *path);

/* Makes what was written to a file or a folder last.  ERR_SYSTEM, logged.
 * Never for a database that this process has open: closing any descriptor
 * drops the locks of all. */
enum err sqlite_file_sync(const char *path) __attribute__((warn_unused_result));

/* Logs errno with what was tried on the file; ERR_SYSTEM. */
enum err sqlite_file_fail(const char *path, const char *doing);

#endif
