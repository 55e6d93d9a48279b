/* What the postgres backend reports of its connections, and what a ping does
 * while the server is away. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/backends.h"
#include "core/health.h"
#include "tests/conformance/subject.h"
#include "tests/support/logtrap.h"
#include "tests/support/pgfixture.h"
#include "tests/support/tap.h"

#define NOW	  INT64_C(1700000000000000)
#define TRIES_MAX 3000

static const struct backend_tuning patient = {
	.connections_max = 4,
	.statement_timeout_ms = 60000,
	.connect_timeout_ms = 15000,
	.wait_timeout_ms = 15000,
	.idle_timeout_ms = 60000,
};

static const char open_now[] = "SELECT count(*) FROM pg_stat_activity"
			       " WHERE usename = 'todod'";
static const char waiting[] = "SELECT count(*) FROM pg_stat_activity"
			      " WHERE usename = 'todod' AND"
			      " wait_event_type = 'Lock'";
static const char terminate[] =
	"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
	" WHERE usename = 'todod'";
static const char unlock[] =
	"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
	" WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()";
static const char held[] = "SELECT count(*) FROM pg_locks WHERE granted AND"
			   " mode = 'AccessExclusiveLock' AND"
			   " relation = 'todod.tasks'::regclass";

static struct health health;

/* A storage that has been used once, and reports. */
static int64_t begin(struct subject *subject,
		     const struct backend_tuning *tuning)
{
	struct answer answer;
	int64_t id;

	logtrap_clear();
	memset(&health, 0, sizeof(health));
	subject_init_closed(subject, "postgres");
	if (subject_migrate(subject) != ERR_OK)
		bail_out("no migration");
	subject->location.tuning = *tuning;
	subject_open(subject, SUBJECT_TIMEOUT_MS);
	storage_report_to(subject->storage, &health);
	id = create_id(subject, "anna", "Task", NOW);
	get(subject, "anna", key_by_id(id), &answer);
	answer_release(&answer);
	return id;
}

static int64_t count_of(const char *sql)
{
	const char *answer = pgfixture_tell("sql %s", sql);

	while (*answer == ' ' || *answer == '"')
		answer++;
	return strtoll(answer, NULL, 10);
}

/* Runs the loop until the server counts so many. */
static bool wait_for_count(struct subject *subject, const char *sql,
			   int64_t want)
{
	int tries;

	for (tries = 0; tries < TRIES_MAX; tries++) {
		if (count_of(sql) == want)
			return true;
		testloop_run_for(subject->loop, 10);
	}
	return false;
}

static bool is_unreachable(const void *arg)
{
	(void)arg;
	return health_state(&health) == HEALTH_UNREACHABLE;
}

static void test_closed_by_us(void)
{
	struct backend_tuning tuning = patient;
	struct subject subject;

	tap_prefix("closed by us");
	tuning.idle_timeout_ms = 100;
	(void)begin(&subject, &tuning);
	ok(wait_for_count(&subject, open_now, 0), "what idles is closed");
	is_int(health_state(&health), HEALTH_REACHABLE,
	       "a database without a connection of ours can be reached");
	subject_release(&subject);
}

static void test_dismissed(void)
{
	struct subject subject;

	tap_prefix("dismissed");
	(void)begin(&subject, &patient);
	ok(count_of(terminate) > 0, "the server ends idle connections");
	ok(wait_for_count(&subject, open_now, 0), "all of them");
	testloop_run_for(subject.loop, 100);
	is_int(health_state(&health), HEALTH_REACHABLE,
	       "one that does so may be asleep, it is not away");
	is_err(ping(&subject), ERR_OK, "it answers when it is asked");
	subject_release(&subject);
}

static void test_terminated_busy(void)
{
	struct answer answer = { 0 };
	struct subject subject;
	struct task_key key;

	tap_prefix("terminated while busy");
	key = key_by_id(begin(&subject, &patient));
	pgfixture_tell("background BEGIN; LOCK TABLE todod.tasks IN ACCESS"
		       " EXCLUSIVE MODE; SELECT pg_sleep(60)");
	while (count_of(held) == 0)
		continue;
	if (storage_task_get(subject.storage, TEXT("anna"), &key,
			     answer_on_task, &answer, NULL) != ERR_OK)
		bail_out("a get was refused");
	if (!wait_for_count(&subject, waiting, 1))
		bail_out("the get does not wait");
	count_of(terminate);
	ok(testloop_run_until(subject.loop, is_unreachable, NULL,
			      TESTLOOP_PATIENCE_MS),
	   "what ends a connection that is used counts at once");
	is_int(answer.count, 0, "before anybody has been answered");
	count_of(unlock);
	testloop_run_until_count(subject.loop, &answer.count, 1);
	is_err(answer.err, ERR_OK, "the next connection has the answer");
	is_int(health_state(&health), HEALTH_REACHABLE, "and that counts too");
	answer_release(&answer);
	subject_release(&subject);
}

static void test_crashed(void)
{
	struct subject subject;

	tap_prefix("crashed");
	(void)begin(&subject, &patient);
	pgfixture_tell("stop immediate");
	ok(testloop_run_until(subject.loop, is_unreachable, NULL,
			      TESTLOOP_PATIENCE_MS),
	   "an idle connection that ends without a word counts");
	is_err(ping(&subject), ERR_UNAVAILABLE, "a ping finds nobody");
	pgfixture_tell("start");
	is_err(ping(&subject), ERR_OK, "until the server is back");
	is_int(health_state(&health), HEALTH_REACHABLE, "which is known then");
	subject_release(&subject);
}

/* Stops the server while all is idle: only who asks can know. */
static void test_stopped(void)
{
	struct storage_call *call = NULL;
	struct answer answer = { 0 };
	struct subject subject;
	struct task_key key;
	int i;

	tap_prefix("stopped");
	key = key_by_id(begin(&subject, &patient));
	pgfixture_tell("stop fast");
	testloop_run_for(subject.loop, 100);
	get(&subject, "anna", key, &answer);
	is_err(answer.err, ERR_UNAVAILABLE, "one call learns it");
	is_int(health_state(&health), HEALTH_UNREACHABLE,
	       "and then all know it");
	for (i = 0; i < 20; i++) {
		get(&subject, "anna", key, &answer);
		if (storage_ping(subject.storage, answer_on_done, &answer,
				 &call) != ERR_OK)
			break;
		answer.count = 0;
		testloop_run_until_count(subject.loop, &answer.count, 1);
		if (answer.err != ERR_UNAVAILABLE)
			break;
	}
	is_int(i, 20, "a ping is tried however often the server was not found");
	pgfixture_tell("start");
	is_err(ping(&subject), ERR_OK,
	       "so the first after its return finds it");
	subject_release(&subject);
}

static void test_too_many(void)
{
	struct subject subject;
	struct answer answer;
	struct task_key key;
	enum err err;

	tap_prefix("too many connections");
	key = key_by_id(begin(&subject, &patient));
	pgfixture_tell("sql ALTER ROLE todod CONNECTION LIMIT 0");
	count_of(terminate);
	(void)wait_for_count(&subject, open_now, 0);
	get(&subject, "anna", key, &answer);
	is_err(answer.err, ERR_UNAVAILABLE, "without a connection no answer");
	is_int(health_state(&health), HEALTH_UNREACHABLE,
	       "a server that lets nobody in cannot be reached");
	pgfixture_tell("sql ALTER ROLE todod CONNECTION LIMIT -1");
	/* The first may join an attempt that began before. */
	err = ping(&subject);
	if (err != ERR_OK)
		err = ping(&subject);
	is_err(err, ERR_OK, "it can when it does");
	subject_release(&subject);
}

int main(void)
{
	if (!pgfixture_start())
		return tap_done();
	logtrap_start();
	test_closed_by_us();
	test_dismissed();
	test_terminated_busy();
	test_crashed();
	test_stopped();
	test_too_many();
	tap_prefix(NULL);
	pgfixture_stop();
	return tap_done();
}
