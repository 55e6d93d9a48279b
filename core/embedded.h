/*
 * Files that are part of the program: the build turns them into arrays with
 * build-aux/embed.sh, so that a running todod needs no data files.
 */
#ifndef TODOD_CORE_EMBEDDED_H
#define TODOD_CORE_EMBEDDED_H

#include <stddef.h>

/*
 * One file. name is its base name, data its len bytes, followed by a NUL that
 * len does not count, so text can be used as a string.
 */
struct embedded_file {
	const char *name;
	const unsigned char *data;
	size_t len;
};

/*
 * Each set is sorted by name in byte order, its length is in the variable of
 * the same name with _count, and one more entry, all NULL, ends it.
 */

/* migrations/sqlite/NNNN_verb_noun.sql; not built with --without-sqlite. */
extern const struct embedded_file embedded_migrations_sqlite[];
extern const size_t embedded_migrations_sqlite_count;

/* migrations/postgres, so too; not built with --without-postgres. */
extern const struct embedded_file embedded_migrations_postgres[];
extern const size_t embedded_migrations_postgres_count;

/* The fragments of the API description, docs/api. */
extern const struct embedded_file embedded_api[];
extern const size_t embedded_api_count;

/*
 * The page at /docs: index.html and the files that it names. With Swagger UI
 * these are its files and our init.js, without it index.html stands alone.
 */
extern const struct embedded_file embedded_docs[];
extern const size_t embedded_docs_count;

#endif
