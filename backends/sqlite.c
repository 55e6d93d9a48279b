/* Storage in one SQLite file: the reader and the writer of one process. */
#include "config.h"

#include "backends/sqlite.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "backends/backends.h"
#include "backends/sqlite_db.h"
#include "backends/sqlite_file.h"
#include "backends/sqlite_reader.h"
#include "backends/sqlite_schema.h"
#include "backends/sqlite_upkeep.h"
#include "backends/sqlite_writer.h"
#include "core/log.h"
#include "core/storage_backend.h"

struct sqlite {
	struct storage_backend backend; /* first: the front's handle */
	struct sqlite_reader *reader;
	struct sqlite_writer *writer;
};

static enum err sqlite_submit(struct storage_backend *backend,
			      struct storage_call *call)
{
	struct sqlite *sqlite = (struct sqlite *)backend;

	if (storage_verb_is_write(call->verb))
		sqlite_writer_submit(sqlite->writer, call);
	else
		sqlite_reader_submit(sqlite->reader, call);
	return ERR_OK;
}

/* A call that reads has its turn soon enough. */
static void sqlite_abandoned(struct storage_backend *backend,
			     struct storage_call *call)
{
	struct sqlite *sqlite = (struct sqlite *)backend;

	if (storage_verb_is_write(call->verb))
		sqlite_writer_drop(sqlite->writer, call);
}

static void sqlite_close(struct storage_backend *backend)
{
	struct sqlite *sqlite = (struct sqlite *)backend;

	sqlite_writer_free(&sqlite->writer);
	sqlite_reader_free(&sqlite->reader);
	free(sqlite);
}

static const struct storage_backend_ops sqlite_ops = {
	.name = "sqlite",
	.submit = sqlite_submit,
	.abandoned = sqlite_abandoned,
	.close = sqlite_close,
};

/* The writer comes first: a connection that only reads cannot recover the log
 * of a process that was killed. */
static enum err open_connections(struct sqlite *sqlite, const char *path,
				 struct loop *loop)
{
	struct sqlite_db db;
	enum err err = sqlite_db_open(path, SQLITE_DB_READ_WRITE, &db);

	if (err != ERR_OK)
		return err;
	err = sqlite_schema_check(&db);
	if (err != ERR_OK) {
		sqlite_db_close(&db);
		return err;
	}
	err = sqlite_writer_new(path, &db, loop, &sqlite->writer);
	if (err == ERR_OK)
		err = sqlite_reader_new(path, loop, &sqlite->reader);
	return err;
}

static enum err sqlite_open(const struct backend_location *location,
			    struct loop *loop, struct storage_backend **backend)
{
	struct sqlite *sqlite = calloc(1, sizeof(*sqlite));
	char *path = NULL;
	enum err err;

	if (sqlite == NULL)
		return ERR_NO_MEMORY;
	sqlite->backend.ops = &sqlite_ops;
	err = sqlite_file_resolve(location->path, &path);
	if (err == ERR_NOT_FOUND) {
		log_event(LOG_ERROR, "there is no database",
			  LOG_STRING("path", location->path),
			  LOG_STRING("remedy", "run todod migrate"));
		err = ERR_OUTDATED;
	}
	if (err == ERR_OK)
		err = open_connections(sqlite, path, loop);
	free(path);
	err = sqlite_db_give_up(err, location->path);
	if (err != ERR_OK) {
		sqlite_close(&sqlite->backend);
		return err;
	}
	*backend = &sqlite->backend;
	return ERR_OK;
}

const struct backend sqlite_backend = {
	.name = "sqlite",
	.library = "SQLite",
	.library_version = sqlite3_libversion,
	.is_shared = true,
	.migrates_at_start = true,
	.open = sqlite_open,
	.migrate = sqlite_migrate,
	.backup = sqlite_backup,
	.settle = sqlite_settle,
};
