/* What the words of PostgreSQL and of poolers mean. */
#include "config.h"

#include "backends/postgres_error.h"

#include <libpq-fe.h>
#include <stddef.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/loglimit.h"

/* A prefix of the SQLSTATE; the first that fits counts. */
static const struct {
	const char *prefix;
	struct postgres_verdict verdict;
} verdicts[] = {
	/* unique_violation */
	{ "23505", { ERR_CONFLICT, POSTGRES_REMEDY_NONE } },
	/* serialization_failure, deadlock_detected */
	{ "40001", { ERR_UNAVAILABLE, POSTGRES_REMEDY_REPEAT } },
	{ "40P01", { ERR_UNAVAILABLE, POSTGRES_REMEDY_REPEAT } },
	/* A pooler gave us another server connection than that on which the
	 * statement was prepared, or one on which it is already. */
	{ "26000", { ERR_UNAVAILABLE, POSTGRES_REMEDY_UNNAMED } },
	{ "42P05", { ERR_UNAVAILABLE, POSTGRES_REMEDY_UNNAMED } },
	/* feature_not_supported: "cached plan must not change result type",
	 * after a migration. */
	{ "0A000", { ERR_UNAVAILABLE, POSTGRES_REMEDY_RECONNECT } },
	/* read_only_sql_transaction: no longer the primary. */
	{ "25006", { ERR_UNAVAILABLE, POSTGRES_REMEDY_RECONNECT } },
	/* connection_exception, too_many_connections, the admin shutdowns,
	 * cannot_connect_now, idle sessions that are ended. */
	{ "08", { ERR_UNAVAILABLE, POSTGRES_REMEDY_RECONNECT } },
	{ "53300", { ERR_UNAVAILABLE, POSTGRES_REMEDY_RECONNECT } },
	{ "57P", { ERR_UNAVAILABLE, POSTGRES_REMEDY_RECONNECT } },
	{ "25P0", { ERR_UNAVAILABLE, POSTGRES_REMEDY_RECONNECT } },
	/* lock_not_available, query_canceled, and what else of resources. */
	{ "55P03", { ERR_UNAVAILABLE, POSTGRES_REMEDY_NONE } },
	{ "57014", { ERR_UNAVAILABLE, POSTGRES_REMEDY_NONE } },
	{ "53", { ERR_UNAVAILABLE, POSTGRES_REMEDY_NONE } },
	{ "58", { ERR_UNAVAILABLE, POSTGRES_REMEDY_NONE } },
	/* No schema, table or column, or none that we may use. */
	{ "3F000", { ERR_OUTDATED, POSTGRES_REMEDY_NONE } },
	{ "42P01", { ERR_OUTDATED, POSTGRES_REMEDY_NONE } },
	{ "42703", { ERR_OUTDATED, POSTGRES_REMEDY_NONE } },
	{ "42501", { ERR_UNAVAILABLE, POSTGRES_REMEDY_NONE } },
	/* character_not_in_repertoire, untranslatable_character */
	{ "22021", { ERR_INVALID, POSTGRES_REMEDY_NONE } },
	{ "22P05", { ERR_INVALID, POSTGRES_REMEDY_NONE } },
};

struct postgres_verdict err_from_sqlstate(const char *sqlstate)
{
	static const struct postgres_verdict lost = {
		ERR_UNAVAILABLE,
		POSTGRES_REMEDY_RECONNECT,
	};
	static const struct postgres_verdict ours = {
		ERR_SYSTEM,
		POSTGRES_REMEDY_NONE,
	};
	size_t i;

	if (sqlstate == NULL || sqlstate[0] == '\0')
		return lost;
	for (i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (strncmp(sqlstate, verdicts[i].prefix,
			    strlen(verdicts[i].prefix)) == 0)
			return verdicts[i].verdict;
	return ours;
}

bool postgres_error_is_last(const struct pg_result *result)
{
	const char *severity =
		PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

	return severity != NULL && (strcmp(severity, "FATAL") == 0 ||
				    strcmp(severity, "PANIC") == 0);
}

bool postgres_error_is_dismissal(const char *sqlstate)
{
	return sqlstate != NULL && (strcmp(sqlstate, "57P01") == 0 ||
				    strcmp(sqlstate, "57P05") == 0);
}

bool postgres_error_is_timeout(const char *sqlstate)
{
	/* query_canceled, lock_not_available */
	return sqlstate != NULL && (strcmp(sqlstate, "57014") == 0 ||
				    strcmp(sqlstate, "55P03") == 0);
}

bool postgres_error_is_unserved(const char *message)
{
	return message != NULL &&
	       (strstr(message, "server login has been failing") != NULL ||
		strstr(message, "cannot connect to server") != NULL ||
		strstr(message, "query_wait_timeout") != NULL);
}

bool postgres_error_is_refused_option(const char *message)
{
	return strstr(message, "unsupported startup parameter") != NULL;
}

void postgres_error_log(const struct pg_result *result,
			const struct postgres_verdict *verdict,
			struct loglimit *limit)
{
	const char *message =
		PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	bool is_usual = verdict->err == ERR_CONFLICT ||
			verdict->remedy != POSTGRES_REMEDY_NONE;
	int64_t suppressed = 0;

	/* What is left out here may quote a row. */
	if (is_usual)
		log_event(LOG_DEBUG, "database refused a statement",
			  LOG_STRING("reason", message),
			  LOG_STRING("code", state));
	else if (loglimit_is_open(limit, clock_monotonic_us(), &suppressed))
		log_event(LOG_ERROR, "database error",
			  LOG_STRING("reason", message),
			  LOG_STRING("code", state),
			  LOG_INT("suppressed", suppressed));
}
