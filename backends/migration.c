/* How far a database has come with the program's migrations. */
#include "config.h"

#include "backends/migration.h"

#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/timestamp.h"

/* NNNN_verb_noun.sql */
#define VERSION_DIGITS 4
#define NAME_SUFFIX    ".sql"

enum err migration_history_add(struct migration_history *history,
			       int64_t version, struct text name,
			       int64_t applied_at_us)
{
	size_t size = (history->count + 1) * sizeof(*history->records);
	struct migration_record *records = realloc(history->records, size);
	char *copy;

	if (records == NULL)
		return ERR_NO_MEMORY;
	history->records = records;
	copy = strndup(name.ptr, name.len);
	if (copy == NULL)
		return ERR_NO_MEMORY;
	records[history->count].version = version;
	records[history->count].applied_at_us = applied_at_us;
	records[history->count].name = copy;
	history->count++;
	return ERR_OK;
}

void migration_history_release(struct migration_history *history)
{
	static const struct migration_history empty;
	size_t i;

	for (i = 0; i < history->count; i++)
		free(history->records[i].name);
	free(history->records);
	*history = empty;
}

int64_t migration_version(const struct embedded_file *file)
{
	return strtoll(file->name, NULL, 10);
}

struct text migration_name(const struct embedded_file *file)
{
	size_t prefix = VERSION_DIGITS + 1, suffix = sizeof(NAME_SUFFIX) - 1;
	struct text name = text_of(file->name);

	return text_slice(name, prefix, name.len - prefix - suffix);
}

static bool is_applied(const struct migration_history *history, int64_t version)
{
	size_t i;

	for (i = 0; i < history->count; i++)
		if (history->records[i].version == version)
			return true;
	return false;
}

const struct embedded_file *migration_pending(
	const struct migration_set *set,
	const struct migration_history *history, size_t *next)
{
	while (*next < set->count) {
		const struct embedded_file *file = &set->files[(*next)++];

		if (!is_applied(history, migration_version(file)))
			return file;
	}
	return NULL;
}

/* The newest version that the program knows. */
static int64_t version_known(const struct migration_set *set)
{
	if (set->count == 0)
		BUG("there are no migrations");
	return migration_version(&set->files[set->count - 1]);
}

enum err migration_check_newest(const struct migration_set *set,
				const struct migration_history *history)
{
	int64_t known = version_known(set);
	int64_t newest = history->count > 0 ?
				 history->records[history->count - 1].version :
				 0;

	if (newest <= known)
		return ERR_OK;
	log_event(LOG_ERROR, "database schema is too new",
		  LOG_INT("schema", newest), LOG_INT("known", known),
		  LOG_STRING("remedy", "start the newer todod that migrated "
				       "it, or restore a back-up"));
	return ERR_TOO_NEW;
}

enum err migration_check(const struct migration_set *set,
			 const struct migration_history *history)
{
	size_t next = 0;
	enum err err = migration_check_newest(set, history);

	if (err != ERR_OK || migration_pending(set, history, &next) == NULL)
		return err;
	log_event(LOG_ERROR, "database schema is outdated",
		  LOG_INT("known", version_known(set)),
		  LOG_STRING("remedy", "run todod migrate"));
	return ERR_OUTDATED;
}

static void print_line(FILE *out, int64_t version, struct text name,
		       const int64_t *applied_at_us, const char *remark)
{
	char time[TIMESTAMP_LEN];

	(void)fprintf(out, "%0*lld %.*s ", VERSION_DIGITS, (long long)version,
		      (int)name.len, name.ptr);
	if (applied_at_us != NULL) {
		timestamp_format(*applied_at_us, time);
		(void)fprintf(out, "applied %.*s%s\n", TIMESTAMP_LEN, time,
			      remark);
	} else {
		(void)fprintf(out, "pending\n");
	}
}

/* Those that come before a version in the program's list are missing. */
static bool print_pending(const struct migration_set *set, size_t *next,
			  int64_t before, FILE *out)
{
	bool is_missing = false;

	for (; *next < set->count; ++*next) {
		const struct embedded_file *file = &set->files[*next];

		if (migration_version(file) >= before)
			break;
		print_line(out, migration_version(file), migration_name(file),
			   NULL, "");
		is_missing = true;
	}
	return is_missing;
}

/* Merges what was applied with what is known, both by version. */
enum err migration_print_status(const struct migration_set *set,
				const struct migration_history *history,
				FILE *out)
{
	bool is_missing = false, has_others = false;
	size_t next = 0, i;

	for (i = 0; i < history->count; i++) {
		const struct migration_record *record = &history->records[i];
		bool is_known;

		is_missing |= print_pending(set, &next, record->version, out);
		is_known = next < set->count &&
			   migration_version(&set->files[next]) ==
				   record->version;
		print_line(out, record->version, text_of(record->name),
			   &record->applied_at_us,
			   is_known ? "" : " (not known to this todod)");
		next += is_known;
		has_others |= !is_known;
	}
	is_missing |= print_pending(set, &next, version_known(set) + 1, out);
	if (has_others)
		return ERR_TOO_NEW;
	return is_missing ? ERR_OUTDATED : ERR_OK;
}

void migration_print_sql(const struct embedded_file *file, struct text sql,
			 FILE *out)
{
	(void)fprintf(out, "-- %s\n", file->name);
	(void)fwrite(sql.ptr, 1, sql.len, out);
}

void migration_log_applied(const struct embedded_file *file)
{
	log_event(LOG_INFO, "migration applied",
		  LOG_INT("version", migration_version(file)),
		  LOG_TEXT("name", migration_name(file)));
}

void migration_log_failed(const struct embedded_file *file, const char *reason,
			  const char *code)
{
	log_event(LOG_ERROR, "migration failed", LOG_STRING("file", file->name),
		  LOG_STRING("reason", reason), LOG_STRING("code", code));
}

void migration_log_foreign(const char *remedy)
{
	log_event(LOG_ERROR, "database holds tables of another program",
		  LOG_STRING("remedy", remedy));
}
