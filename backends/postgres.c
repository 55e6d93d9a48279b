/* Storage in a PostgreSQL server. */
#include "config.h"

#include "backends/postgres.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#include "backends/backends.h"
#include "backends/postgres_pool.h"
#include "backends/postgres_schema.h"
#include "backends/postgres_session.h"
#include "backends/postgres_target.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/storage_backend.h"

/* What a zero in the tuning stands for. */
#define CONNECTIONS_DEFAULT  10
#define STATEMENT_TIMEOUT_MS 10000
#define CONNECT_TIMEOUT_MS   12000
#define WAIT_TIMEOUT_MS	     2000
#define IDLE_TIMEOUT_MS	     60000

/* Nobody waits for an answer meanwhile, and the database may have to wake. */
#define MIGRATE_CONNECT_MS 30000

/* A worker that starts waits no longer for a database that is away; nor longer
 * than the connect time-out. */
#define CHECK_TIMEOUT_MS 5000

#define REASON_BYTES 256

struct postgres {
	struct storage_backend backend; /* first: the front's handle */
	struct postgres_pool *pool;
};

static enum err postgres_submit(struct storage_backend *backend,
				struct storage_call *call)
{
	struct postgres *postgres = (struct postgres *)backend;

	return postgres_pool_submit(postgres->pool, call);
}

static void postgres_close(struct storage_backend *backend)
{
	struct postgres *postgres = (struct postgres *)backend;

	postgres_pool_free(&postgres->pool);
	free(postgres);
}

static const struct storage_backend_ops postgres_ops = {
	.name = "postgres",
	.submit = postgres_submit,
	.close = postgres_close,
};

/* The setting counts more than the URL. */
static int64_t connect_timeout_ms(const struct backend_location *location,
				  int64_t default_ms)
{
	int64_t given_ms = postgres_target_timeout_ms(location->server);

	if (location->tuning.connect_timeout_ms > 0)
		return location->tuning.connect_timeout_ms;
	return given_ms > 0 ? given_ms : default_ms;
}

static struct backend_tuning tuning_of(const struct backend_location *location)
{
	struct backend_tuning tuning = location->tuning;

	if (tuning.connections_max == 0)
		tuning.connections_max = CONNECTIONS_DEFAULT;
	if (tuning.connections_max < 2)
		tuning.connections_max = 2;
	if (tuning.statement_timeout_ms == 0)
		tuning.statement_timeout_ms = STATEMENT_TIMEOUT_MS;
	tuning.connect_timeout_ms =
		connect_timeout_ms(location, CONNECT_TIMEOUT_MS);
	if (tuning.wait_timeout_ms == 0)
		tuning.wait_timeout_ms = WAIT_TIMEOUT_MS;
	if (tuning.idle_timeout_ms == 0)
		tuning.idle_timeout_ms = IDLE_TIMEOUT_MS;
	return tuning;
}

/* A database that is away is no reason not to start: it may come back. */
static enum err check(const struct backend_location *location,
		      int64_t timeout_ms)
{
	char reason[REASON_BYTES] = "";
	int64_t end_us;
	PGconn *conn = NULL;
	enum err err;

	if (timeout_ms > CHECK_TIMEOUT_MS)
		timeout_ms = CHECK_TIMEOUT_MS;
	end_us = clock_monotonic_us() + timeout_ms * 1000;
	err = postgres_session_open(location->server, timeout_ms, &conn, reason,
				    sizeof(reason));
	if (err == ERR_OK)
		err = postgres_schema_check(
			conn, (end_us - clock_monotonic_us()) / 1000);
	else if (err == ERR_UNAVAILABLE)
		log_event(LOG_WARN,
			  "database cannot be reached: starting "
			  "without it",
			  LOG_STRING("host",
				     postgres_target_name(location->server)),
			  LOG_STRING("reason", reason));
	postgres_session_close(&conn);
	return err == ERR_UNAVAILABLE ? ERR_OK : err;
}

static enum err postgres_open(const struct backend_location *location,
			      struct loop *loop,
			      struct storage_backend **backend)
{
	struct backend_tuning tuning = tuning_of(location);
	struct postgres *postgres;
	enum err err = check(location, tuning.connect_timeout_ms);

	if (err != ERR_OK)
		return err;
	postgres = calloc(1, sizeof(*postgres));
	if (postgres == NULL)
		return ERR_NO_MEMORY;
	postgres->backend.ops = &postgres_ops;
	err = postgres_pool_new(loop, location->server, &tuning,
				&postgres->backend, &postgres->pool);
	if (err != ERR_OK) {
		free(postgres);
		return err;
	}
	*backend = &postgres->backend;
	return ERR_OK;
}

static enum err postgres_migrate(const struct backend_location *location,
				 enum backend_migrate_mode mode, FILE *out)
{
	char reason[REASON_BYTES] = "";
	PGconn *conn = NULL;
	enum err err;

	err = postgres_session_open(location->server,
				    connect_timeout_ms(location,
						       MIGRATE_CONNECT_MS),
				    &conn, reason, sizeof(reason));
	if (err == ERR_UNAVAILABLE)
		log_event(LOG_ERROR, "database cannot be reached",
			  LOG_STRING("host",
				     postgres_target_name(location->server)),
			  LOG_STRING("reason", reason));
	if (err != ERR_OK)
		return err;
	switch (mode) {
	case BACKEND_MIGRATE_APPLY:
		err = postgres_schema_apply(conn);
		break;
	case BACKEND_MIGRATE_STATUS:
		err = postgres_schema_print_status(conn, out);
		break;
	case BACKEND_MIGRATE_DRY_RUN:
		err = postgres_schema_print_pending(conn, out);
		break;
	}
	postgres_session_close(&conn);
	return err;
}

static enum err postgres_locate(struct text rest,
				struct backend_location *location,
				char *problem, size_t problem_size)
{
	return postgres_target_new(rest, &location->server, problem,
				   problem_size);
}

static void postgres_release(struct backend_location *location)
{
	postgres_target_free(&location->server);
}

static const char *postgres_library_version(void)
{
	static char text[32];
	int version = PQlibVersion();

	(void)snprintf(text, sizeof(text), "%d.%d", version / 10000,
		       version % 10000);
	return text;
}

const struct backend postgres_backend = {
	.name = "postgres",
	.library = "libpq",
	.library_version = postgres_library_version,
	.is_shared = true,
	.migrates_at_start = false,
	.locate = postgres_locate,
	.release = postgres_release,
	.open = postgres_open,
	.migrate = postgres_migrate,
};
