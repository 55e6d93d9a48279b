/*
 * Every statement that serving needs, with the types of its parameters and the
 * name under which it is prepared.
 */
#ifndef TODOD_BACKENDS_POSTGRES_SQL_H
#define TODOD_BACKENDS_POSTGRES_SQL_H

#include <stdbool.h>
#include <stddef.h>

/* The first are those that only read. */
enum postgres_sql {
	POSTGRES_SQL_PING,
	POSTGRES_SQL_TASK_BY_ID,
	POSTGRES_SQL_TASK_BY_UUID,
	POSTGRES_SQL_LIST,
	POSTGRES_SQL_LIST_AFTER,
	POSTGRES_SQL_LIST_FILTERED,
	POSTGRES_SQL_LIST_FILTERED_AFTER,
	POSTGRES_SQL_SEARCH,
	POSTGRES_SQL_SEARCH_FILTERED,
	POSTGRES_SQL_USER_BY_EMAIL,
	POSTGRES_SQL_USER_BY_ID,
	/* Look-ups of writes: the row of a task with its last_write. */
	POSTGRES_SQL_LOOK_BY_ID,
	POSTGRES_SQL_LOOK_BY_UUID,
	POSTGRES_SQL_TASK_CREATE,
	POSTGRES_SQL_TASKS_CREATE, /* with an array of each parameter */
	POSTGRES_SQL_UPDATE_BY_ID,
	POSTGRES_SQL_UPDATE_BY_UUID,
	POSTGRES_SQL_TOGGLE_BY_ID,
	POSTGRES_SQL_TOGGLE_BY_UUID,
	/* The same again, after their outcome was lost. */
	POSTGRES_SQL_UPDATE_AGAIN_BY_ID,
	POSTGRES_SQL_UPDATE_AGAIN_BY_UUID,
	POSTGRES_SQL_TOGGLE_AGAIN_BY_ID,
	POSTGRES_SQL_TOGGLE_AGAIN_BY_UUID,
	POSTGRES_SQL_DELETE_BY_ID,
	POSTGRES_SQL_DELETE_BY_UUID,
	POSTGRES_SQL_USER_CREATE,
	POSTGRES_SQL_USER_SET_PASSWORD,
	POSTGRES_SQL_COUNT
};

/* Connections are for reads or for writes. */
enum postgres_side { POSTGRES_READS, POSTGRES_WRITES, POSTGRES_SIDES };

#define POSTGRES_PARAMETERS_MAX 14
#define POSTGRES_NAME_BYTES	32

struct postgres_statement {
	const char *text;
	/* One letter per parameter: t text, u uuid, i bigint, b boolean; a
	 * capital is an array of these. */
	const char *types;
};

extern const struct postgres_statement postgres_statements[POSTGRES_SQL_COUNT];

/* Whether connections of a side use the statement. */
bool postgres_sql_is_needed(enum postgres_sql sql, enum postgres_side side);

/* The OIDs of the parameters' types, for libpq; how many. */
size_t postgres_sql_types(enum postgres_sql sql,
			  unsigned types[POSTGRES_PARAMETERS_MAX]);

/* The OID of what an array holds. */
unsigned postgres_sql_element(enum postgres_sql sql, size_t parameter);

/* A name that only this text has, so that two versions of todod that share a
 * pooler do not meet. */
void postgres_sql_name(enum postgres_sql sql, char name[POSTGRES_NAME_BYTES]);

#endif
