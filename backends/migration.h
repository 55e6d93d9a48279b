/*
 * The migrations that are part of the program, and how far a database has come
 * with them: what is the same for every database.  How they are read, applied
 * and locked is each backend's.
 */
#ifndef TODOD_BACKENDS_MIGRATION_H
#define TODOD_BACKENDS_MIGRATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/embedded.h"
#include "core/err.h"
#include "core/text.h"

/* The program's, by version; at least one. */
struct migration_set {
	const struct embedded_file *files; /* NNNN_verb_noun.sql */
	size_t count;
};

/* One that a database remembers. */
struct migration_record {
	int64_t version;
	int64_t applied_at_us;
	char *name; /* verb_noun; owned */
};

/* What a database remembers, by version.  Zeroed, it is one of a database that
 * has no table of migrations. */
struct migration_history {
	struct migration_record *records; /* owned */
	size_t count;
	bool is_there; /* there is a table of migrations */
};

/* Adds what comes after the last; ERR_NO_MEMORY. */
enum err migration_history_add(struct migration_history *history,
			       int64_t version, struct text name,
			       int64_t applied_at_us)
	__attribute__((warn_unused_result));
void migration_history_release(struct migration_history *history);

/* NNNN, and verb_noun. */
int64_t migration_version(const struct embedded_file *file);
struct text migration_name(const struct embedded_file *file);

/* The first at *next or after it that the database lacks, and moves *next past
 * it; NULL when there is none. */
const struct embedded_file *migration_pending(
	const struct migration_set *set,
	const struct migration_history *history, size_t *next);

/* Whether the program can serve: ERR_OUTDATED when one is missing, ERR_TOO_NEW
 * when the database has a newer one; logged. */
enum err migration_check(const struct migration_set *set,
			 const struct migration_history *history)
	__attribute__((warn_unused_result));

/* Whether the program may migrate: ERR_TOO_NEW, logged. */
enum err migration_check_newest(const struct migration_set *set,
				const struct migration_history *history)
	__attribute__((warn_unused_result));

/* One line for each that either side knows.  ERR_OUTDATED when one is missing,
 * ERR_TOO_NEW when the database has others; not logged. */
enum err migration_print_status(const struct migration_set *set,
				const struct migration_history *history,
				FILE *out) __attribute__((warn_unused_result));

/* What would be applied: the file's name as a comment of SQL, then its text. */
void migration_print_sql(const struct embedded_file *file, struct text sql,
			 FILE *out);

/* For the log.  code (may be NULL) is the database's for the reason. */
void migration_log_applied(const struct embedded_file *file);
void migration_log_failed(const struct embedded_file *file, const char *reason,
			  const char *code);
/* The tables are another program's: what to do about it. */
void migration_log_foreign(const char *remedy);

#endif
