/* One connection to PostgreSQL. */
#include "config.h"

#include "backends/postgres_link.h"

#include <libpq-fe.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/postgres_attempt.h"
#include "backends/postgres_resolve.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/loglimit.h"
#include "core/loop.h"
#include "core/storage_backend.h"

/* What a statement may take longer than the server's own time-out before the
 * connection is taken for dead. */
#define STALL_GRACE_MS 2000

#define REASON_BYTES 256

struct postgres_link {
	const struct postgres_link_options *options;
	const struct postgres_link_events *events;
	void *arg;
	enum postgres_side side;

	enum postgres_link_state state;
	int64_t entered_us; /* when the present attempt began, or READY was
			     * last used */
	struct postgres_resolve *resolve;
	struct postgres_attempt attempt;
	PGconn *conn;
	struct loop_watch *watch;
	bool is_retired;
	bool is_ended;		   /* the server has said so */
	bool is_dismissed;	   /* and that nothing is wrong with it */
	bool is_cut_off;	   /* it has said so to a statement */
	bool is_broken;		   /* libpq has failed */
	bool is_unserved;	   /* a pooler has no server for it */
	bool has_served;	   /* something has come back */
	bool uses_names;	   /* statements are prepared */
	bool is_makeshift;	   /* they will be, on its successor */
	char reason[REASON_BYTES]; /* of the first failure of this attempt */
	struct postgres_verdict prepare_verdict;

	struct postgres_group *first, **last;
	size_t groups, works;
	int64_t next_number; /* of a write on this connection */
	struct loglimit limit;
};

static void on_socket(void *arg, unsigned events);

/* The first line of a message, without what may follow. */
static void keep_reason(struct postgres_link *link, const char *message)
{
	size_t len = strcspn(message, "\n");

	if (link->reason[0] != '\0' || len == 0)
		return;
	(void)snprintf(link->reason, sizeof(link->reason), "%.*s", (int)len,
		       message);
}

/* libpq may close its socket whenever it sends or receives; then the next tick
 * ends the connection. */
static void watch_for(struct postgres_link *link, unsigned events)
{
	struct loop *loop = link->options->loop;

	if (link->watch != NULL && PQsocket(link->conn) < 0)
		loop_watch_free(loop, &link->watch);
	else if (link->watch != NULL)
		loop_watch_set(loop, link->watch, events);
}

/* libpq may have another socket after each step. */
static enum err watch_socket(struct postgres_link *link, unsigned events)
{
	loop_watch_free(link->options->loop, &link->watch);
	link->watch = loop_watch_new(link->options->loop, PQsocket(link->conn),
				     on_socket, link);
	if (link->watch == NULL)
		return ERR_NO_MEMORY;
	watch_for(link, events);
	return ERR_OK;
}

/* Frees what only an open or opening connection has. */
static void disconnect(struct postgres_link *link)
{
	postgres_resolve_cancel(&link->resolve);
	loop_watch_free(link->options->loop, &link->watch);
	if (link->conn != NULL)
		PQfinish(link->conn);
	link->conn = NULL;
	link->is_ended = false;
	link->is_dismissed = false;
	link->is_cut_off = false;
	link->is_broken = false;
	link->is_retired = false;
	link->is_unserved = false;
	link->has_served = false;
	link->is_makeshift = false;
	link->next_number = 0;
}

/* The one place where the state changes. */
static void enter(struct postgres_link *link, enum postgres_link_state state,
		  int64_t now_us)
{
	link->state = state;
	switch (state) {
	case POSTGRES_CLOSED:
		disconnect(link);
		break;
	case POSTGRES_RESOLVING:
		link->entered_us = now_us;
		link->reason[0] = '\0';
		break;
	case POSTGRES_CONNECTING:
	case POSTGRES_PREPARING:
		break;
	case POSTGRES_READY:
		link->entered_us = now_us;
		link->events->on_ready(link->arg, link);
		break;
	}
}

/* Everything in flight, in the order of sending; the groups are freed. */
static void take_all(struct postgres_link *link, struct postgres_works *works)
{
	struct postgres_group *group;

	postgres_works_init(works);
	while ((group = link->first) != NULL) {
		link->first = group->next;
		postgres_group_end(&group, works);
	}
	link->last = &link->first;
	link->groups = 0;
	link->works = 0;
}

static enum postgres_ending ending_of(const struct postgres_link *link)
{
	if (link->first != NULL || link->is_cut_off)
		return POSTGRES_ENDED_BROKEN;
	return link->is_retired || link->is_dismissed ? POSTGRES_ENDED_AT_REST :
							POSTGRES_ENDED_BROKEN;
}

/* The end of a connection that was open, or of an attempt. */
static void lose(struct postgres_link *link)
{
	bool was_ready = link->state == POSTGRES_READY;
	enum postgres_ending ending = ending_of(link);
	enum postgres_loss loss = link->is_unserved ? POSTGRES_LOSS_UNSENT :
				  link->has_served  ? POSTGRES_LOSS_SENT :
						      POSTGRES_LOSS_FRESH;
	struct postgres_works works;

	if (link->conn != NULL)
		keep_reason(link, PQerrorMessage(link->conn));
	take_all(link, &works);
	enter(link, POSTGRES_CLOSED, 0);
	if (!was_ready) {
		link->events->on_failed(link->arg, link, link->reason);
		return;
	}
	if (works.count > 0 && loss != POSTGRES_LOSS_UNSENT)
		log_event(LOG_WARN, "database connection lost",
			  LOG_STRING("reason", link->reason),
			  LOG_INT("requests", (int64_t)works.count));
	else
		log_event(LOG_DEBUG, "idle database connection ended",
			  LOG_STRING("reason", link->reason));
	link->events->on_lost(link->arg, link, ending, loss, &works);
	if (loss == POSTGRES_LOSS_UNSENT)
		link->events->on_failed(link->arg, link, link->reason);
}

/* A server that ends a connection says so before; when nothing is in flight
 * that notice is all there is. */
static void on_notice(void *arg, const PGresult *result)
{
	struct postgres_link *link = arg;
	const char *message =
		PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (!postgres_error_is_last(result))
		return;
	link->is_ended = true;
	link->is_dismissed = postgres_error_is_dismissal(
		PQresultErrorField(result, PG_DIAG_SQLSTATE));
	if (message != NULL)
		keep_reason(link, message);
}

/* Sends what is in libpq's buffer; while that is more than the socket takes,
 * the server may be waiting for us to read. */
static bool flush(struct postgres_link *link)
{
	int left = PQflush(link->conn);

	if (left < 0)
		return false;
	watch_for(link,
		  left > 0 ? LOOP_READABLE | LOOP_WRITABLE : LOOP_READABLE);
	return true;
}

/* Opening. */

/* All in one round trip. */
static bool send_prepares(struct postgres_link *link)
{
	int i;

	for (i = 0; i < POSTGRES_SQL_COUNT; i++) {
		unsigned types[POSTGRES_PARAMETERS_MAX];
		size_t count = postgres_sql_types((enum postgres_sql)i, types);

		if (!postgres_sql_is_needed((enum postgres_sql)i, link->side))
			continue;
		if (PQsendPrepare(link->conn, link->options->names[i],
				  postgres_statements[i].text, (int)count,
				  types) != 1)
			return false;
	}
	return PQpipelineSync(link->conn) == 1 && flush(link);
}

static void on_connected(struct postgres_link *link)
{
	PQsetnonblocking(link->conn, 1);
	if (PQenterPipelineMode(link->conn) != 1 ||
	    watch_socket(link, LOOP_READABLE) != ERR_OK) {
		lose(link);
		return;
	}
	link->uses_names = !*link->options->is_unnamed;
	if (!link->uses_names) {
		enter(link, POSTGRES_READY, clock_monotonic_us());
		return;
	}
	link->prepare_verdict.err = ERR_OK;
	enter(link, POSTGRES_PREPARING, 0);
	if (!send_prepares(link))
		lose(link);
}

/* Goes on to the next address, if there is one. */
static void try_next(struct postgres_link *link)
{
	const struct postgres_link_options *options = link->options;

	while (postgres_attempt_has_next(&link->attempt)) {
		loop_watch_free(options->loop, &link->watch);
		if (link->conn != NULL)
			PQfinish(link->conn);
		link->conn = postgres_attempt_next(
			&link->attempt,
			*options->is_unnamed ?
				0 :
				options->tuning.statement_timeout_ms,
			clock_monotonic_us());
		if (link->conn == NULL)
			break;
		/* Else libpq prints what a server says while it connects. */
		PQsetNoticeReceiver(link->conn, on_notice, link);
		if (PQstatus(link->conn) != CONNECTION_BAD &&
		    watch_socket(link, LOOP_WRITABLE) == ERR_OK)
			return;
		keep_reason(link, PQerrorMessage(link->conn));
	}
	lose(link);
}

static void poll_connect(struct postgres_link *link)
{
	PostgresPollingStatusType status;
	enum err err = ERR_OK;

	/* The socket may be closed in there, and its number used again. */
	loop_watch_free(link->options->loop, &link->watch);
	status = PQconnectPoll(link->conn);
	switch (status) {
	case PGRES_POLLING_OK:
		on_connected(link);
		return;
	case PGRES_POLLING_READING:
		err = watch_socket(link, LOOP_READABLE);
		break;
	case PGRES_POLLING_WRITING:
		err = watch_socket(link, LOOP_WRITABLE);
		break;
	case PGRES_POLLING_ACTIVE:
	case PGRES_POLLING_FAILED:
		err = ERR_UNAVAILABLE;
		if (postgres_error_is_refused_option(
			    PQerrorMessage(link->conn)))
			*link->options->is_unnamed = true;
		break;
	}
	if (err == ERR_OK)
		return;
	keep_reason(link, PQerrorMessage(link->conn));
	try_next(link);
}

/* Of the present attempt. */
static int64_t end_us(const struct postgres_link *link)
{
	return link->entered_us +
	       link->options->tuning.connect_timeout_ms * 1000;
}

static void connect_to(struct postgres_link *link,
		       const struct postgres_addresses *addresses)
{
	postgres_attempt_init(&link->attempt, link->options->target, addresses,
			      link->options->silence, end_us(link),
			      clock_monotonic_us());
	enter(link, POSTGRES_CONNECTING, 0);
	try_next(link);
}

static void on_resolved(void *arg, const struct postgres_addresses *addresses,
			const char *problem)
{
	struct postgres_link *link = arg;

	link->resolve = NULL;
	if (problem != NULL) {
		keep_reason(link, problem);
		lose(link);
		return;
	}
	connect_to(link, addresses);
}

void postgres_link_open(struct postgres_link *link, int64_t now_us)
{
	const char *host = postgres_target_host(link->options->target);

	if (link->state != POSTGRES_CLOSED)
		BUG("a connection is opened twice");
	enter(link, POSTGRES_RESOLVING, now_us);
	if (host == NULL) {
		connect_to(link, NULL);
		return;
	}
	if (postgres_resolve_start(link->options->loop, host, on_resolved, link,
				   &link->resolve) != ERR_OK) {
		keep_reason(link, "no thread to look the host up");
		lose(link);
	}
}

/* Results. */

/* False: the connection is to be given up, the result only says so. */
static bool judge(struct postgres_link *link, const PGresult *result,
		  struct postgres_verdict *verdict)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message =
		PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (postgres_error_is_unserved(message)) {
		link->is_unserved = true;
		keep_reason(link, message);
		return false;
	}
	/* Not the server's words: the connection is gone, or libpq had no
	 * memory for what the server has said, which may be that all is
	 * well.  Nobody knows what has happened either way. */
	if (state == NULL) {
		link->is_broken = true;
		return false;
	}
	if (postgres_error_is_last(result))
		link->is_cut_off = true;
	*verdict = err_from_sqlstate(state);
	postgres_error_log(result, verdict, &link->limit);
	return true;
}

static void on_read_result(struct postgres_link *link,
			   struct postgres_work *work, const PGresult *result,
			   const struct postgres_verdict *verdict)
{
	ExecStatusType status = PQresultStatus(result);

	link->works--;
	if (status == PGRES_TUPLES_OK)
		link->events->on_read(link->arg, link, work, result);
	else
		link->events->on_read_failed(
			link->arg, link, work,
			status == PGRES_PIPELINE_ABORTED ? NULL : verdict);
}

/* The result of the next work in the group, which may keep it: then *result is
 * NULL.  False: the connection is gone. */
static bool on_work_result(struct postgres_link *link,
			   struct postgres_group *group, PGresult **result)
{
	ExecStatusType status = PQresultStatus(*result);
	bool is_good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
	struct postgres_verdict verdict = { ERR_SYSTEM, POSTGRES_REMEDY_NONE };

	if (!is_good && status != PGRES_PIPELINE_ABORTED) {
		if (!judge(link, *result, &verdict))
			return false;
		postgres_group_fail(group, &verdict);
	}
	if (group->waiting.first == NULL)
		return true; /* the commit itself failed */
	if (!group->waiting.first->is_write) {
		on_read_result(link, postgres_works_take(&group->waiting),
			       *result, &verdict);
		return true;
	}
	postgres_group_keep(group, is_good ? *result : NULL);
	if (is_good)
		*result = NULL;
	return true;
}

static void on_group_sync(struct postgres_link *link)
{
	struct postgres_group *group = link->first;
	struct postgres_works none;

	if (group == NULL || group->waiting.count > 0)
		BUG("a Sync without its results");
	link->first = group->next;
	if (link->first == NULL)
		link->last = &link->first;
	link->groups--;
	link->works -= group->done.count;
	link->entered_us = clock_monotonic_us();
	link->has_served = true;
	if (link->is_makeshift && !group->has_failed)
		link->is_retired = true;
	link->events->on_sync(link->arg, link, group);
	postgres_works_init(&none);
	postgres_group_end(&group, &none);
}

static void on_prepare_result(struct postgres_link *link,
			      const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	const char *message =
		PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (status == PGRES_COMMAND_OK || status == PGRES_PIPELINE_ABORTED ||
	    link->prepare_verdict.err != ERR_OK)
		return;
	/* Somebody has locked a table.  The server is there all the same, and
	 * what needs another table need not wait. */
	link->is_makeshift = postgres_error_is_timeout(state);
	if (link->is_makeshift)
		return;
	keep_reason(link, message != NULL ? message : "the connection is gone");
	link->prepare_verdict = err_from_sqlstate(state);
}

static void use_no_names(struct postgres_link *link)
{
	link->uses_names = false;
	if (*link->options->is_unnamed)
		return;
	*link->options->is_unnamed = true;
	log_event(LOG_INFO, "no prepared statements with this database",
		  LOG_STRING("remedy",
			     "set DATABASE_POOLED=yes if a pooler is between"));
}

static void on_prepared(struct postgres_link *link)
{
	if (link->is_makeshift)
		link->uses_names = false;
	switch (link->prepare_verdict.remedy) {
	case POSTGRES_REMEDY_UNNAMED:
		use_no_names(link);
		link->reason[0] = '\0';
		break;
	case POSTGRES_REMEDY_NONE:
	case POSTGRES_REMEDY_REPEAT:
	case POSTGRES_REMEDY_RECONNECT:
		if (link->prepare_verdict.err != ERR_OK) {
			lose(link);
			return;
		}
		break;
	}
	enter(link, POSTGRES_READY, clock_monotonic_us());
}

/* Looks at one result and frees it; false: the connection is to be given
 * up. */
static bool handle_result(struct postgres_link *link, PGresult *result)
{
	struct postgres_group *group = link->first;
	bool is_sync = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
	bool is_alive = true;

	if (link->state == POSTGRES_PREPARING) {
		if (is_sync)
			on_prepared(link);
		else
			on_prepare_result(link, result);
		is_alive = link->state == POSTGRES_PREPARING ||
			   link->state == POSTGRES_READY;
	} else if (is_sync) {
		on_group_sync(link);
	} else if (group != NULL) {
		is_alive = on_work_result(link, group, &result);
	}
	PQclear(result);
	return is_alive;
}

static bool awaits_results(const struct postgres_link *link)
{
	return link->state == POSTGRES_PREPARING || link->first != NULL;
}

static void handle_results(struct postgres_link *link)
{
	int nulls = 0;

	while (awaits_results(link) && !PQisBusy(link->conn)) {
		PGresult *result = PQgetResult(link->conn);

		/* One ends the results of each statement; two: there is
		 * nothing, which is only so when the connection is gone. */
		if (result == NULL) {
			if (++nulls > 1)
				break;
			continue;
		}
		nulls = 0;
		if (!handle_result(link, result))
			break;
		if (link->conn == NULL)
			return;
	}
}

/* A libpq that has no memory for the end of a pipeline's part (15 at least)
 * keeps what it waits for, and says so nowhere else.  The server has run out
 * of memory, or we have: the connection may go either way. */
static bool is_mute(const struct postgres_link *link)
{
	return awaits_results(link) &&
	       strstr(PQerrorMessage(link->conn), "out of memory") != NULL;
}

/* libpq reads only what fits its buffer; what OpenSSL has decrypted already
 * would wake nobody. */
static bool consume(struct postgres_link *link)
{
	SSL *ssl;
	int rounds;

	for (rounds = 0; rounds < 64; rounds++) {
		if (PQconsumeInput(link->conn) != 1)
			return false;
		ssl = PQsslStruct(link->conn, "OpenSSL");
		if (ssl == NULL || SSL_pending(ssl) == 0)
			break;
	}
	return true;
}

static void settle(struct postgres_link *link, bool is_alive)
{
	/* What came before the end still counts.  An idle connection too has
	 * its notices parsed by this question. */
	(void)PQisBusy(link->conn);
	handle_results(link);
	if (link->conn == NULL)
		return;
	if (!is_alive || link->is_broken || is_mute(link) ||
	    PQstatus(link->conn) == CONNECTION_BAD ||
	    (postgres_link_is_retired(link) && link->first == NULL))
		lose(link);
}

static void on_socket(void *arg, unsigned events)
{
	struct postgres_link *link = arg;

	if (link->state == POSTGRES_CONNECTING)
		poll_connect(link);
	else
		settle(link, (!(events & LOOP_READABLE) || consume(link)) &&
				     flush(link));
}

/* Sending. */

void postgres_link_send(struct postgres_link *link,
			struct postgres_works *works, int64_t now_us)
{
	size_t count = works->count;
	struct postgres_group *group;

	postgres_works_number(works, &link->next_number);
	group = postgres_group_new(works, now_us);
	if (group == NULL)
		return;
	if (link->first == NULL)
		link->last = &link->first;
	*link->last = group;
	link->last = &group->next;
	link->groups++;
	link->works += count;
	if (!postgres_group_send(group, link->conn,
				 link->uses_names ? link->options->names :
						    NULL) ||
	    PQpipelineSync(link->conn) != 1 || !flush(link)) {
		/* Not from within the pool's own loop over links. */
		link->is_broken = true;
		watch_for(link, LOOP_READABLE | LOOP_WRITABLE);
	}
}

enum err postgres_link_new(const struct postgres_link_options *options,
			   const struct postgres_link_events *events, void *arg,
			   enum postgres_side side, struct postgres_link **link)
{
	struct postgres_link *made = calloc(1, sizeof(*made));

	if (made == NULL)
		return ERR_NO_MEMORY;
	made->options = options;
	made->events = events;
	made->arg = arg;
	made->side = side;
	made->last = &made->first;
	*link = made;
	return ERR_OK;
}

void postgres_link_free(struct postgres_link **link)
{
	struct postgres_link *freed = *link;
	struct postgres_works works;
	struct postgres_work *work;

	if (freed == NULL)
		return;
	*link = NULL;
	take_all(freed, &works);
	enter(freed, POSTGRES_CLOSED, 0);
	while ((work = postgres_works_take(&works)) != NULL)
		postgres_work_finish(work, ERR_UNAVAILABLE);
	free(freed);
}

enum postgres_link_state postgres_link_state(const struct postgres_link *link)
{
	return link->state;
}

enum postgres_side postgres_link_side(const struct postgres_link *link)
{
	return link->side;
}

void postgres_link_retire(struct postgres_link *link)
{
	link->is_retired = true;
	/* Wakes it up if nothing else would. */
	watch_for(link, LOOP_READABLE | LOOP_WRITABLE);
}

bool postgres_link_is_retired(const struct postgres_link *link)
{
	return link->is_retired || link->is_ended || link->is_broken;
}

void postgres_link_rest(struct postgres_link *link)
{
	if (link->state != POSTGRES_READY || link->first != NULL)
		BUG("a connection in use is closed");
	enter(link, POSTGRES_CLOSED, 0);
}

size_t postgres_link_groups(const struct postgres_link *link)
{
	return link->groups;
}

size_t postgres_link_works(const struct postgres_link *link)
{
	return link->works;
}

bool postgres_link_has_owner(const struct postgres_link *link, uint32_t owner)
{
	const struct postgres_group *group;
	const struct postgres_work *work;

	for (group = link->first; group != NULL; group = group->next) {
		for (work = group->waiting.first; work; work = work->next)
			if (work->owner == owner)
				return true;
		for (work = group->done.first; work; work = work->next)
			if (work->owner == owner)
				return true;
	}
	return false;
}

int64_t postgres_link_oldest_us(const struct postgres_link *link)
{
	return link->first != NULL ? link->first->sent_us : 0;
}

/* The time of one address, or of all, may be over. */
static void tick_opening(struct postgres_link *link, int64_t now_us)
{
	bool is_connecting = link->state == POSTGRES_CONNECTING;

	if (now_us < (is_connecting ? postgres_attempt_until_us(&link->attempt,
								link->conn) :
				      end_us(link)))
		return;
	keep_reason(link, "no answer within the connect time-out");
	if (!is_connecting) {
		lose(link);
		return;
	}
	postgres_attempt_note(&link->attempt, link->conn, now_us);
	try_next(link);
}

void postgres_link_tick(struct postgres_link *link, int64_t now_us)
{
	const struct backend_tuning *tuning = &link->options->tuning;
	int64_t age_us = now_us - link->entered_us;
	int64_t oldest_us = postgres_link_oldest_us(link);

	if (postgres_link_is_opening(link->state)) {
		tick_opening(link, now_us);
	} else if (link->state == POSTGRES_READY && link->watch == NULL) {
		settle(link, false);
	} else if (oldest_us > 0) {
		if (now_us - oldest_us <
		    (tuning->statement_timeout_ms + STALL_GRACE_MS) * 1000)
			return;
		keep_reason(link, "no answer within the statement time-out");
		lose(link);
	} else if (link->state == POSTGRES_READY &&
		   age_us >= tuning->idle_timeout_ms * 1000) {
		enter(link, POSTGRES_CLOSED, 0);
	}
}
