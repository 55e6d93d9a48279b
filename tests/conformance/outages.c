/* What tests of failing databases share. */
#include "config.h"

#include "tests/conformance/outages.h"

#include <stdlib.h>

#include "tests/support/logtrap.h"
#include "tests/support/pgfixture.h"
#include "tests/support/tap.h"

const struct backend_tuning outages_brisk = {
	.connections_max = 4,
	.statement_timeout_ms = 1000,
	.connect_timeout_ms = 3000,
	.wait_timeout_ms = 1000,
	.idle_timeout_ms = 300,
};

const char outages_row_lock[] =
	"SELECT count(*) FROM pg_locks WHERE granted AND"
	" mode = 'RowShareLock' AND relation = 'todod.tasks'::regclass";
const char outages_waiting[] =
	"SELECT count(*) FROM pg_locks WHERE NOT granted";

void outages_begin(struct subject *subject, const struct backend_tuning *tuning)
{
	logtrap_clear();
	subject_init_closed(subject, "postgres");
	if (subject_migrate(subject) != ERR_OK)
		bail_out("no migration");
	subject->location.tuning = *tuning;
	subject_open(subject, SUBJECT_TIMEOUT_MS);
}

int64_t outages_count(const char *sql)
{
	const char *answer = pgfixture_tell("sql %s", sql);

	while (*answer == ' ' || *answer == '"')
		answer++;
	return strtoll(answer, NULL, 10);
}

void outages_hold(const char *sql, const char *lock, int seconds)
{
	pgfixture_tell("background BEGIN; %s; SELECT pg_sleep(%d); COMMIT", sql,
		       seconds);
	while (outages_count(lock) == 0)
		continue;
}

void outages_let_go(const char *lock)
{
	outages_count(
		"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
		" WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()");
	while (outages_count(lock) > 0)
		continue;
}
