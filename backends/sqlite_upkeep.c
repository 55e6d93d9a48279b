/*
 * What is done to the database besides serving.  Each holds the lock, so that
 * the close of its connection may make the checkpoint that leaves one file.
 */
#include "config.h"

#include "backends/sqlite_upkeep.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backends/sqlite_db.h"
#include "backends/sqlite_file.h"
#include "backends/sqlite_lock.h"
#include "backends/sqlite_schema.h"
#include "core/log.h"

#define LOCK_TIMEOUT_MS 10000

/* Of renameat2(2): fail rather than replace. */
#define FLAG_NO_REPLACE 1U

/* The database, opened under the lock. */
struct upkeep {
	char *path;
	struct sqlite_lock lock;
	struct sqlite_db db;
};

/* ERR_NOT_FOUND when there is no such file, not logged. */
static enum err upkeep_begin(const char *path, struct upkeep *upkeep)
{
	static const struct upkeep empty;
	enum err err;

	*upkeep = empty;
	err = sqlite_file_resolve(path, &upkeep->path);
	if (err != ERR_OK)
		return err;
	err = sqlite_lock_open(upkeep->path, &upkeep->lock);
	if (err == ERR_OK)
		err = sqlite_lock_take_within(&upkeep->lock, LOCK_TIMEOUT_MS);
	if (err == ERR_OK)
		err = sqlite_db_open(upkeep->path, SQLITE_DB_READ_WRITE,
				     &upkeep->db);
	if (err != ERR_OK) {
		sqlite_lock_close(&upkeep->lock);
		free(upkeep->path);
		upkeep->path = NULL;
	}
	return sqlite_db_give_up(err, path);
}

/* Closes the database before the lock, which covers the last checkpoint and
 * goes with the last user of the database. */
static void upkeep_end(struct upkeep *upkeep)
{
	char *log_path = sqlite_file_join(upkeep->path, SQLITE_LOG_SUFFIX);

	sqlite_db_allow_checkpoint(&upkeep->db);
	sqlite_db_close(&upkeep->db);
	/* The log is gone: nobody else has the database open. */
	if (log_path != NULL && access(log_path, F_OK) != 0)
		sqlite_lock_remove(&upkeep->lock);
	free(log_path);
	sqlite_lock_close(&upkeep->lock);
	free(upkeep->path);
	upkeep->path = NULL;
}

/* Makes no database, and changes nothing in one. */
static enum err print(const char *path, enum backend_migrate_mode mode,
		      FILE *out)
{
	struct upkeep upkeep = { 0 };
	enum err err = upkeep_begin(path, &upkeep);
	bool is_there = err == ERR_OK;
	struct sqlite_db *db = is_there ? &upkeep.db : NULL;

	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	if (mode == BACKEND_MIGRATE_STATUS)
		err = sqlite_schema_print_status(db, out);
	else
		err = sqlite_schema_print_pending(db, out);
	if (is_there)
		upkeep_end(&upkeep);
	return sqlite_db_give_up(err, path);
}

enum err sqlite_migrate(const struct backend_location *location,
			enum backend_migrate_mode mode, FILE *out)
{
	struct upkeep upkeep;
	enum err err;

	if (mode != BACKEND_MIGRATE_APPLY)
		return print(location->path, mode, out);
	err = sqlite_file_create(location->path);
	if (err == ERR_OK)
		err = upkeep_begin(location->path, &upkeep);
	if (err == ERR_NOT_FOUND)
		return ERR_SYSTEM; /* removed this moment */
	if (err != ERR_OK)
		return err;
	err = sqlite_schema_apply(&upkeep.db);
	upkeep_end(&upkeep);
	return sqlite_db_give_up(err, location->path);
}

enum err sqlite_settle(const struct backend_location *location)
{
	struct upkeep upkeep;
	enum err err = upkeep_begin(location->path, &upkeep);

	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	if (err != ERR_OK)
		return err;
	err = sqlite_db_exec(&upkeep.db, "PRAGMA wal_checkpoint(TRUNCATE)",
			     "making the last checkpoint");
	sqlite_failure_log(&upkeep.db.failure, NULL);
	upkeep_end(&upkeep);
	return sqlite_db_give_up(err, location->path);
}

/* Writes a copy into an empty file. */
static enum err copy_into(struct sqlite_db *db, const char *file)
{
	sqlite3_stmt *statement = NULL;
	enum err err;
	int code;

	code = sqlite3_prepare_v2(db->handle, "VACUUM INTO ?1", -1, &statement,
				  NULL);
	if (code == SQLITE_OK)
		code = sqlite3_bind_text(statement, 1, file, -1, SQLITE_STATIC);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	err = sqlite_db_fail(db, code, "copying the database");
	sqlite3_finalize(statement);
	sqlite_failure_log(&db->failure, NULL);
	return err;
}

/* Gives the copy its name, unless there is a file of that name. */
static enum err name_copy(const char *copy, const char *file)
{
	/* Not all file systems have the one, nor all the other. */
	if (syscall(SYS_renameat2, AT_FDCWD, copy, AT_FDCWD, file,
		    FLAG_NO_REPLACE) == 0)
		return ERR_OK;
	if (errno != EEXIST && link(copy, file) == 0) {
		(void)unlink(copy);
		return ERR_OK;
	}
	if (errno == EEXIST) {
		log_event(LOG_ERROR, "back-up not written",
			  LOG_STRING("reason", "the file exists"),
			  LOG_STRING("path", file));
		return ERR_CONFLICT;
	}
	return sqlite_file_fail(file, "naming the back-up");
}

/* Copies under a temporary name beside file, makes that last, renames it. */
static enum err copy_to(struct sqlite_db *db, const char *file, char *copy,
			const char *folder)
{
	int fd = mkstemp(copy);
	enum err err;

	if (fd < 0)
		return sqlite_file_fail(copy, "creating the back-up");
	close(fd);
	err = copy_into(db, copy);
	if (err == ERR_OK)
		err = sqlite_file_sync(copy);
	if (err == ERR_OK)
		err = name_copy(copy, file);
	if (err != ERR_OK) {
		(void)unlink(copy);
		return err;
	}
	return sqlite_file_sync(folder);
}

/* Others go on writing meanwhile, so the lock is taken only for the close. */
static enum err backup(struct sqlite_db *db, const char *file)
{
	char *copy = sqlite_file_join(file, ".XXXXXX");
	char *folder = sqlite_file_folder(file);
	enum err err = ERR_NO_MEMORY;

	if (copy != NULL && folder != NULL)
		err = copy_to(db, file, copy, folder);
	free(copy);
	free(folder);
	return err;
}

enum err sqlite_backup(const struct backend_location *location,
		       const char *file)
{
	struct upkeep upkeep;
	enum err err = upkeep_begin(location->path, &upkeep);

	if (err == ERR_NOT_FOUND)
		log_event(LOG_ERROR, "there is no database",
			  LOG_STRING("path", location->path));
	if (err != ERR_OK)
		return err;
	sqlite_lock_drop(&upkeep.lock);
	err = backup(&upkeep.db, file);
	if (sqlite_lock_take_within(&upkeep.lock, LOCK_TIMEOUT_MS) != ERR_OK) {
		sqlite_db_close(&upkeep.db);
		sqlite_lock_close(&upkeep.lock);
		free(upkeep.path);
		return sqlite_db_give_up(err, location->path);
	}
	upkeep_end(&upkeep);
	return sqlite_db_give_up(err, location->path);
}
