/* The statements. */
#include "config.h"

#include "backends/postgres_sql.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"

/* In the order of postgres_row_task() and postgres_row_user(). */
#define TASK_COLUMNS                               \
	"id, uuid, title, description, completed," \
	" created_at, updated_at"
#define USER_COLUMNS "id, email, name, password_hash, created_at"

#define SELECT_TASK "SELECT " TASK_COLUMNS " FROM todod.tasks"
#define SELECT_USER "SELECT " USER_COLUMNS " FROM todod.users"
#define LOOK	    "SELECT " TASK_COLUMNS ", last_write FROM todod.tasks"

#define BY_ID	       " WHERE user_id = $1 AND id = $2"
#define BY_UUID	       " WHERE user_id = $1 AND uuid = $2"
#define RETURNING_TASK " RETURNING " TASK_COLUMNS

/* A planner that knew the limit would rather read all of a user's tasks and
 * sort them when that is not many more: a page must cost its own rows. */
#define NEWEST_FIRST " ORDER BY created_at DESC, id DESC LIMIT (SELECT $2)"

/* The empty keyword is in every text. */
#define SEARCHED                                                \
	" AND (created_at, id) < ($3, $4) AND created_at >= $5" \
	" AND (strpos(title_folded, $6) > 0"                    \
	" OR strpos(description_folded, $6) > 0)"

/*
 * $3 is the write's number (postgres_work.h), $4 the time at which it happens.
 * The first try of a lost connection may be on its way for as long as it likes,
 * or wait for a lock: when it gets there, what has happened instead must stay.
 * No write makes a row older, and a repetition makes it so much younger that
 * its first try comes too late.  The margin is for writes that come in another
 * order than that of their times; one that is beyond it looks the row up.
 */
#define MARGIN_US   "100000"
#define NOT_LATE    " AND updated_at <= $4 + " MARGIN_US
#define FIRST_TIME  "greatest($4, updated_at + 1)"
#define AGAIN_LATER "greatest($4 + " MARGIN_US ", updated_at) + 1"

/*
 * A repetition changes the row only as it was found, but for repetitions of
 * what was sent earlier over the same connection: then the lost try has not
 * happened, and nobody else has written.
 */
#define AS_FOUND(seen)                                  \
	" AND last_write <> $3 AND (last_write = " seen \
	" OR last_write BETWEEN ($3 & -8388608) AND $3)"

#define UPDATE(at)                                                    \
	"UPDATE todod.tasks SET last_write = $3, updated_at = " at    \
	", title = CASE WHEN $5 THEN $6 ELSE title END,"              \
	" title_folded = CASE WHEN $5 THEN $7 ELSE title_folded END," \
	" description = CASE WHEN $8 THEN $9 ELSE description END,"   \
	" description_folded = CASE WHEN $8 THEN $10"                 \
	" ELSE description_folded END,"                               \
	" completed = CASE WHEN $11 THEN $12 ELSE completed END"

#define TOGGLE(at)                                                 \
	"UPDATE todod.tasks SET last_write = $3, updated_at = " at \
	", completed = NOT completed"

/* clang-format off */
const struct postgres_statement postgres_statements[POSTGRES_SQL_COUNT] = {
	[POSTGRES_SQL_PING] = { "SELECT 1", "" },
	[POSTGRES_SQL_TASK_BY_ID] = { SELECT_TASK BY_ID, "ti" },
	[POSTGRES_SQL_TASK_BY_UUID] = { SELECT_TASK BY_UUID, "tu" },
	[POSTGRES_SQL_LIST] = {
		SELECT_TASK " WHERE user_id = $1" NEWEST_FIRST,
		"ti" },
	[POSTGRES_SQL_LIST_AFTER] = {
		SELECT_TASK " WHERE user_id = $1"
		" AND (created_at, id) < ($3, $4)" NEWEST_FIRST,
		"tiii" },
	[POSTGRES_SQL_LIST_FILTERED] = {
		SELECT_TASK " WHERE user_id = $1"
		" AND completed = $3" NEWEST_FIRST,
		"tib" },
	[POSTGRES_SQL_LIST_FILTERED_AFTER] = {
		SELECT_TASK " WHERE user_id = $1 AND completed = $5"
		" AND (created_at, id) < ($3, $4)" NEWEST_FIRST,
		"tiiib" },
	[POSTGRES_SQL_SEARCH] = {
		SELECT_TASK " WHERE user_id = $1" SEARCHED NEWEST_FIRST
		" OFFSET (SELECT $7)",
		"tiiiiti" },
	[POSTGRES_SQL_SEARCH_FILTERED] = {
		SELECT_TASK " WHERE user_id = $1 AND completed = $8"
		SEARCHED NEWEST_FIRST " OFFSET (SELECT $7)",
		"tiiiitib" },
	[POSTGRES_SQL_USER_BY_EMAIL] = {
		SELECT_USER " WHERE email = $1",
		"t" },
	[POSTGRES_SQL_USER_BY_ID] = {
		SELECT_USER " WHERE id = $1",
		"u" },
	[POSTGRES_SQL_LOOK_BY_ID] = { LOOK BY_ID, "ti" },
	[POSTGRES_SQL_LOOK_BY_UUID] = { LOOK BY_UUID, "tu" },
	[POSTGRES_SQL_TASK_CREATE] = {
		"INSERT INTO todod.tasks (user_id, uuid, last_write,"
		" created_at, updated_at, title, title_folded, description,"
		" description_folded, completed)"
		" VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9)"
		" ON CONFLICT (user_id, uuid) DO NOTHING" RETURNING_TASK,
		"tuiittttb" },
	[POSTGRES_SQL_TASKS_CREATE] = {
		"INSERT INTO todod.tasks (user_id, uuid, last_write,"
		" created_at, updated_at, title, title_folded, description,"
		" description_folded, completed)"
		" SELECT c1, c2, c3, c4, c4, c5, c6, c7, c8, c9"
		" FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)"
		" AS made (c1, c2, c3, c4, c5, c6, c7, c8, c9)"
		" ON CONFLICT (user_id, uuid) DO NOTHING" RETURNING_TASK,
		"TUIITTTTB" },
	[POSTGRES_SQL_UPDATE_BY_ID] = {
		UPDATE(FIRST_TIME) BY_ID NOT_LATE RETURNING_TASK,
		"tiiibttbttbb" },
	[POSTGRES_SQL_UPDATE_BY_UUID] = {
		UPDATE(FIRST_TIME) BY_UUID NOT_LATE RETURNING_TASK,
		"tuiibttbttbb" },
	[POSTGRES_SQL_TOGGLE_BY_ID] = {
		TOGGLE(FIRST_TIME) BY_ID NOT_LATE RETURNING_TASK,
		"tiii" },
	[POSTGRES_SQL_TOGGLE_BY_UUID] = {
		TOGGLE(FIRST_TIME) BY_UUID NOT_LATE RETURNING_TASK,
		"tuii" },
	[POSTGRES_SQL_UPDATE_AGAIN_BY_ID] = {
		UPDATE(AGAIN_LATER) BY_ID AS_FOUND("$13") RETURNING_TASK,
		"tiiibttbttbbi" },
	[POSTGRES_SQL_UPDATE_AGAIN_BY_UUID] = {
		UPDATE(AGAIN_LATER) BY_UUID AS_FOUND("$13") RETURNING_TASK,
		"tuiibttbttbbi" },
	[POSTGRES_SQL_TOGGLE_AGAIN_BY_ID] = {
		TOGGLE(AGAIN_LATER) BY_ID AS_FOUND("$5") RETURNING_TASK,
		"tiiii" },
	[POSTGRES_SQL_TOGGLE_AGAIN_BY_UUID] = {
		TOGGLE(AGAIN_LATER) BY_UUID AS_FOUND("$5") RETURNING_TASK,
		"tuiii" },
	[POSTGRES_SQL_DELETE_BY_ID] = {
		"DELETE FROM todod.tasks" BY_ID,
		"ti" },
	[POSTGRES_SQL_DELETE_BY_UUID] = {
		"DELETE FROM todod.tasks" BY_UUID,
		"tu" },
	[POSTGRES_SQL_USER_CREATE] = {
		"INSERT INTO todod.users (id, email, name, password_hash,"
		" created_at) VALUES ($1, $2, $3, $4, $5)",
		"uttti" },
	[POSTGRES_SQL_USER_SET_PASSWORD] = {
		"UPDATE todod.users SET password_hash = $3"
		" WHERE id = $1 AND password_hash = $2",
		"utt" },
};
/* clang-format on */

/* Of pg_type; they are the same in every server. */
#define OID_BOOL       16U
#define OID_INT8       20U
#define OID_TEXT       25U
#define OID_UUID       2950U
#define OID_BOOL_ARRAY 1000U
#define OID_INT8_ARRAY 1016U
#define OID_TEXT_ARRAY 1009U
#define OID_UUID_ARRAY 2951U

static unsigned oid_of(char letter)
{
	switch (letter) {
	case 't':
		return OID_TEXT;
	case 'u':
		return OID_UUID;
	case 'i':
		return OID_INT8;
	case 'b':
		return OID_BOOL;
	case 'T':
		return OID_TEXT_ARRAY;
	case 'U':
		return OID_UUID_ARRAY;
	case 'I':
		return OID_INT8_ARRAY;
	case 'B':
		return OID_BOOL_ARRAY;
	default:
		BUG("no such type of a parameter");
	}
}

bool postgres_sql_is_needed(enum postgres_sql sql, enum postgres_side side)
{
	if (sql < POSTGRES_SQL_LOOK_BY_ID)
		/* Writes look users up too. */
		return side == POSTGRES_READS || sql == POSTGRES_SQL_USER_BY_ID;
	return side == POSTGRES_WRITES;
}

size_t postgres_sql_types(enum postgres_sql sql,
			  unsigned types[POSTGRES_PARAMETERS_MAX])
{
	const char *letters = postgres_statements[sql].types;
	size_t count;

	for (count = 0; letters[count] != '\0'; count++)
		types[count] = oid_of(letters[count]);
	return count;
}

unsigned postgres_sql_element(enum postgres_sql sql, size_t parameter)
{
	return oid_of((char)tolower(postgres_statements[sql].types[parameter]));
}

void postgres_sql_name(enum postgres_sql sql, char name[POSTGRES_NAME_BYTES])
{
	/* FNV-1a over the text. */
	uint64_t hash = UINT64_C(14695981039346656037);
	const char *at;

	for (at = postgres_statements[sql].text; *at != '\0'; at++)
		hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
	(void)snprintf(name, POSTGRES_NAME_BYTES, "todod_%016llx",
		       (unsigned long long)hash);
}
