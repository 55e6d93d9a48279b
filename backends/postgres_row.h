/* Binary parameters and results: tasks and users as libpq carries them. */
#ifndef TODOD_BACKENDS_POSTGRES_ROW_H
#define TODOD_BACKENDS_POSTGRES_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/postgres_sql.h"
#include "core/err.h"
#include "core/text.h"

struct pg_result;
struct task;
struct task_key;
struct user;
struct uuid;

/* The parameters of one statement; texts are borrowed until it is sent. */
struct postgres_parameters {
	size_t count;
	const char *values[POSTGRES_PARAMETERS_MAX];
	int lengths[POSTGRES_PARAMETERS_MAX];
	int formats[POSTGRES_PARAMETERS_MAX];
	/* Where numbers and the like are kept in network order. */
	unsigned char bytes[POSTGRES_PARAMETERS_MAX * 16];
	size_t used;
};

/* Each adds the next parameter. */
void postgres_add_text(struct postgres_parameters *to, struct text text);
void postgres_add_null(struct postgres_parameters *to);
void postgres_add_int(struct postgres_parameters *to, int64_t number);
void postgres_add_bool(struct postgres_parameters *to, bool value);
void postgres_add_uuid(struct postgres_parameters *to, const struct uuid *uuid);
void postgres_add_key(struct postgres_parameters *to,
		      const struct task_key *key);

/*
 * A row of a result.  Texts are the result's memory, user_id is the caller's.
 * ERR_CORRUPT when a value cannot be what was stored.
 */
enum err postgres_row_task(const struct pg_result *result, int row,
			   struct text user_id, struct task *task)
	__attribute__((warn_unused_result));
enum err postgres_row_user(const struct pg_result *result, int row,
			   struct user *user)
	__attribute__((warn_unused_result));

/* Of a task. */
enum err postgres_row_uuid(const struct pg_result *result, int row,
			   struct uuid *uuid)
	__attribute__((warn_unused_result));

/* The last_write of a row that was looked up. */
enum err postgres_row_last_write(const struct pg_result *result, int row,
				 int64_t *number)
	__attribute__((warn_unused_result));

#endif
