/*
 * Work that is sent together over one connection, as one implicit transaction
 * that ends with a Sync.  Creates of a group are one statement: the server
 * reads its checks and plans once for all of them.
 */
#ifndef TODOD_BACKENDS_POSTGRES_GROUP_H
#define TODOD_BACKENDS_POSTGRES_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/postgres_error.h"
#include "backends/postgres_sql.h"
#include "backends/postgres_work.h"

struct pg_conn;
struct pg_result;

/* A read leaves it when its result is there, a write when the Sync is. */
struct postgres_group {
	struct postgres_group *next;
	struct postgres_works waiting; /* for their results, in order */
	struct postgres_works done;    /* have their results, wait for Sync */
	int64_t sent_us;
	bool is_joined; /* more than one write */
	bool has_failed;
	struct postgres_verdict verdict; /* of the first error */
};

/* Takes over the works.  NULL: memory is exhausted, and they are ended. */
struct postgres_group *postgres_group_new(struct postgres_works *works,
					  int64_t now_us);

/* Appends what is still in it to works, in the order of sending, and frees
 * it. */
void postgres_group_end(struct postgres_group **group,
			struct postgres_works *works);

/* Gives its statements to libpq, without the Sync; names are those of
 * postgres_sql_name(), NULL where statements are not prepared.  False: libpq
 * has failed. */
bool postgres_group_send(struct postgres_group *group, struct pg_conn *conn,
			 const char (*names)[POSTGRES_NAME_BYTES])
	__attribute__((warn_unused_result));

/* The first error of the group. */
void postgres_group_fail(struct postgres_group *group,
			 const struct postgres_verdict *verdict);

/* Keeps the result of the next write, or of all that share its statement,
 * until the Sync; NULL when it is an error. */
void postgres_group_keep(struct postgres_group *group,
			 struct pg_result *result);

#endif
