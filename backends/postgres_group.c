/* Work that is sent together over one connection. */
#include "config.h"

#include "backends/postgres_group.h"

#include <libpq-fe.h>
#include <stdlib.h>

#include "backends/postgres_columns.h"
#include "core/storage_backend.h"

/* So many rows has one statement at most: it bounds the copy of their
 * texts. */
#define CREATES_MAX 64

struct postgres_group *postgres_group_new(struct postgres_works *works,
					  int64_t now_us)
{
	struct postgres_group *group = calloc(1, sizeof(*group));
	struct postgres_work *work;

	if (group == NULL) {
		while ((work = postgres_works_take(works)) != NULL)
			postgres_work_finish(work, ERR_NO_MEMORY);
		return NULL;
	}
	postgres_works_init(&group->waiting);
	postgres_works_init(&group->done);
	group->is_joined = works->count > 1;
	group->sent_us = now_us;
	postgres_works_prepend(&group->waiting, works);
	return group;
}

void postgres_group_end(struct postgres_group **group,
			struct postgres_works *works)
{
	struct postgres_group *ended = *group;
	struct postgres_work *work;

	*group = NULL;
	while ((work = postgres_works_take(&ended->done)) != NULL)
		postgres_works_append(works, work);
	while ((work = postgres_works_take(&ended->waiting)) != NULL)
		postgres_works_append(works, work);
	free(ended);
}

/* Sending. */

static bool send_statement(PGconn *conn,
			   const char (*names)[POSTGRES_NAME_BYTES],
			   enum postgres_sql sql,
			   const struct postgres_parameters *parameters)
{
	unsigned types[POSTGRES_PARAMETERS_MAX];
	int count = (int)parameters->count;

	if (names != NULL)
		return PQsendQueryPrepared(conn, names[sql], count,
					   parameters->values,
					   parameters->lengths,
					   parameters->formats, 1) == 1;
	if (postgres_sql_types(sql, types) != parameters->count)
		BUG("a statement has other parameters");
	return PQsendQueryParams(conn, postgres_statements[sql].text, count,
				 types, parameters->values, parameters->lengths,
				 parameters->formats, 1) == 1;
}

/* How many from this one on can share a statement; a sorted group has its
 * creates together, and what looks for an outcome is alone in its group. */
static size_t count_creates(const struct postgres_work *work)
{
	size_t count = 0;

	while (work != NULL && count < CREATES_MAX &&
	       work->call->verb == STORAGE_TASK_CREATE) {
		count++;
		work = work->next;
	}
	return count;
}

static bool send_one(struct postgres_work *work, PGconn *conn,
		     const char (*names)[POSTGRES_NAME_BYTES])
{
	struct postgres_parameters parameters;
	enum postgres_sql sql = postgres_work_statement(work, &parameters);

	work->together = 1;
	return send_statement(conn, names, sql, &parameters);
}

/* Sends creates as one statement, or the first of them alone when there is no
 * memory for that. */
static bool send_creates(struct postgres_work *first, size_t count,
			 PGconn *conn, const char (*names)[POSTGRES_NAME_BYTES])
{
	const struct postgres_work *work;
	struct postgres_columns columns;
	struct postgres_parameters row;
	bool is_good;
	size_t i;

	postgres_columns_init(&columns);
	for (i = 0, work = first; i < count; i++, work = work->next) {
		(void)postgres_work_statement(work, &row);
		postgres_columns_measure(&columns, &row);
	}
	if (postgres_columns_begin(&columns, POSTGRES_SQL_TASKS_CREATE) !=
	    ERR_OK)
		return send_one(first, conn, names);
	for (i = 0, work = first; i < count; i++, work = work->next) {
		(void)postgres_work_statement(work, &row);
		postgres_columns_add(&columns, &row);
	}
	first->together = count;
	is_good = send_statement(conn, names, POSTGRES_SQL_TASKS_CREATE,
				 &columns.parameters);
	postgres_columns_free(&columns);
	return is_good;
}

bool postgres_group_send(struct postgres_group *group, struct pg_conn *conn,
			 const char (*names)[POSTGRES_NAME_BYTES])
{
	struct postgres_work *work = group->waiting.first;

	while (work != NULL) {
		size_t count = count_creates(work);

		if (!(count > 1 ? send_creates(work, count, conn, names) :
				  send_one(work, conn, names)))
			return false;
		for (count = work->together; count > 0; count--)
			work = work->next;
	}
	return true;
}

/* Results. */

void postgres_group_fail(struct postgres_group *group,
			 const struct postgres_verdict *verdict)
{
	if (!group->has_failed)
		group->verdict = *verdict;
	group->has_failed = true;
}

void postgres_group_keep(struct postgres_group *group, struct pg_result *result)
{
	size_t left = group->waiting.first->together;
	bool is_shared = left > 1;
	int row = 0;

	for (; left > 0; left--) {
		struct postgres_work *work =
			postgres_works_take(&group->waiting);

		postgres_work_keep(work, result, is_shared ? &row : NULL);
		if (left == 1)
			work->result = result;
		postgres_works_append(&group->done, work);
	}
}
