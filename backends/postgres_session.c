/* A connection for one job, with deadlines. */
#include "config.h"

#include "backends/postgres_session.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "backends/postgres_attempt.h"
#include "backends/postgres_error.h"
#include "backends/postgres_resolve.h"
#include "backends/postgres_target.h"
#include "core/clock.h"
#include "core/log.h"

#define READABLE POLLIN
#define WRITABLE POLLOUT

/* False: the deadline has come. */
static bool wait_for(PGconn *conn, short events, int64_t deadline_us)
{
	struct pollfd polled = { PQsocket(conn), events, 0 };
	int64_t left_us;
	int count;

	do {
		left_us = deadline_us - clock_monotonic_us();
		if (left_us <= 0)
			return false;
		count = poll(&polled, 1, (int)((left_us + 999) / 1000));
	} while (count < 0);
	return count > 0;
}

static void keep_reason(char *reason, size_t size, const char *message)
{
	(void)snprintf(reason, size, "%.*s", (int)strcspn(message, "\n"),
		       message);
}

/* False: it failed, or its time is over. */
static bool poll_connect(PGconn *conn, const struct postgres_attempt *attempt,
			 char *reason, size_t size)
{
	short events = WRITABLE;

	for (;;) {
		PostgresPollingStatusType status;

		if (PQstatus(conn) == CONNECTION_BAD)
			break;
		if (!wait_for(conn, events,
			      postgres_attempt_until_us(attempt, conn))) {
			keep_reason(reason, size,
				    "no answer within the connect time-out");
			return false;
		}
		status = PQconnectPoll(conn);
		if (status == PGRES_POLLING_OK)
			return true;
		if (status == PGRES_POLLING_FAILED)
			break;
		events = status == PGRES_POLLING_READING ? READABLE : WRITABLE;
	}
	keep_reason(reason, size, PQerrorMessage(conn));
	return false;
}

static void ignore_notice(void *arg, const PGresult *result)
{
	(void)arg;
	(void)result;
}

enum err postgres_session_open(const struct postgres_target *target,
			       int64_t timeout_ms, struct pg_conn **conn,
			       char *reason, size_t reason_size)
{
	int64_t deadline_us = clock_monotonic_us() + timeout_ms * 1000;
	const char *host = postgres_target_host(target);
	struct postgres_addresses addresses = { 0 };
	struct postgres_attempt attempt;
	const char *problem;
	PGconn *made;

	if (host != NULL && postgres_resolve_wait(host, timeout_ms, &addresses,
						  &problem) != ERR_OK) {
		keep_reason(reason, reason_size, problem);
		return ERR_UNAVAILABLE;
	}
	postgres_attempt_init(&attempt, target,
			      host != NULL ? &addresses : NULL, NULL,
			      deadline_us, clock_monotonic_us());
	while (postgres_attempt_has_next(&attempt)) {
		made = postgres_attempt_next(&attempt, 0, clock_monotonic_us());
		if (made == NULL)
			return ERR_NO_MEMORY;
		PQsetNoticeReceiver(made, ignore_notice, NULL);
		if (poll_connect(made, &attempt, reason, reason_size)) {
			PQsetnonblocking(made, 1);
			*conn = made;
			return ERR_OK;
		}
		PQfinish(made);
	}
	return ERR_UNAVAILABLE;
}

void postgres_session_close(struct pg_conn **conn)
{
	if (*conn != NULL)
		PQfinish(*conn);
	*conn = NULL;
}

/* The next result when it is there; false: the deadline, or the connection's
 * end. */
static bool next_result(PGconn *conn, int64_t deadline_us, PGresult **result)
{
	for (;;) {
		int left = PQflush(conn);

		if (left < 0)
			return false;
		if (left == 0 && !PQisBusy(conn)) {
			*result = PQgetResult(conn);
			return true;
		}
		if (!wait_for(conn, left > 0 ? READABLE | WRITABLE : READABLE,
			      deadline_us) ||
		    PQconsumeInput(conn) != 1)
			return false;
	}
}

static enum err fail(const PGconn *conn, const PGresult *result,
		     struct postgres_failure *failure)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message =
		PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (message == NULL)
		message = PQerrorMessage(conn)[0] != '\0' ?
				  PQerrorMessage(conn) :
				  "no answer in time";
	keep_reason(failure->reason, sizeof(failure->reason), message);
	(void)snprintf(failure->state, sizeof(failure->state), "%s",
		       state != NULL ? state : "");
	failure->err = err_from_sqlstate(state).err;
	/* To wait does not help who is at the beginning. */
	if (strcmp(failure->state, "42501") == 0)
		failure->err = ERR_DENIED;
	return failure->err;
}

enum err postgres_session_try(struct pg_conn *conn, const char *sql,
			      int64_t timeout_ms, struct pg_result **result,
			      struct postgres_failure *failure)
{
	int64_t deadline_us = clock_monotonic_us() + timeout_ms * 1000;
	PGresult *last = NULL, *next = NULL;
	enum err err = ERR_OK;

	if (PQsendQuery(conn, sql) != 1)
		return fail(conn, NULL, failure);
	do {
		if (!next_result(conn, deadline_us, &next)) {
			err = fail(conn, NULL, failure);
			break;
		}
		if (next == NULL)
			break;
		/* The first failure is the one that counts. */
		if (PQresultStatus(next) == PGRES_FATAL_ERROR && err == ERR_OK)
			err = fail(conn, next, failure);
		PQclear(last);
		last = next;
	} while (PQstatus(conn) == CONNECTION_OK);
	if (err == ERR_OK && (last == NULL || PQstatus(conn) != CONNECTION_OK))
		err = fail(conn, last, failure);
	if (err == ERR_OK && result != NULL) {
		*result = last;
		last = NULL;
	}
	PQclear(last);
	return err;
}

void postgres_session_log(const struct postgres_failure *failure,
			  const char *doing)
{
	log_event(LOG_ERROR, "database error", LOG_STRING("doing", doing),
		  LOG_STRING("reason", failure->reason),
		  LOG_STRING("code", failure->state));
}

enum err postgres_session_run(struct pg_conn *conn, const char *sql,
			      const char *doing, int64_t timeout_ms,
			      struct pg_result **result)
{
	struct postgres_failure failure;
	enum err err =
		postgres_session_try(conn, sql, timeout_ms, result, &failure);

	if (err != ERR_OK)
		postgres_session_log(&failure, doing);
	return err;
}
