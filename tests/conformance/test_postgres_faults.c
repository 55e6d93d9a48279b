/* What the postgres backend does when the server, or the way there, fails. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "backends/backends.h"
#include "core/clock.h"
#include "tests/conformance/outages.h"
#include "tests/conformance/subject.h"
#include "tests/support/logtrap.h"
#include "tests/support/pgfixture.h"
#include "tests/support/tap.h"

#define NOW INT64_C(1700000000000000)

#define ASK_PAUSE_MS 10
#define ASK_MS_MAX   10000

/* Tasks that are created at once, and which of them is another. */
#define TOGETHER_MAX 100
#define ODD	     7

typedef void ask_fn(struct subject *subject, int64_t id, struct answer *answer);

static void ask_read(struct subject *subject, int64_t id, struct answer *answer)
{
	get(subject, "anna", key_by_id(id), answer);
}

static void ask_toggle(struct subject *subject, int64_t id,
		       struct answer *answer)
{
	toggle(subject, "anna", key_by_id(id), NOW, answer);
}

/* Asks again and again until that is the answer; after how many milliseconds by
 * the loop's own time, not by that of a busy machine.  -1: never. */
static int64_t ask_until(struct subject *subject, ask_fn *ask, int64_t id,
			 enum err wanted)
{
	struct answer answer;
	int64_t ms;

	for (ms = 0; ms < ASK_MS_MAX; ms += ASK_PAUSE_MS) {
		testloop_run_for(subject->loop, ASK_PAUSE_MS);
		ask(subject, id, &answer);
		answer_release(&answer);
		if (answer.err == wanted)
			return ms;
	}
	diag("the last answer: %s", err_text(answer.err));
	return -1;
}

/* Creates so many tasks at once, of two users, one of them with a title of its
 * own; how many of the others were done.  *odd is what became of that one. */
static size_t create_together(struct subject *subject, size_t count,
			      const char *odd_title, enum err *odd)
{
	struct answer answers[TOGETHER_MAX] = { 0 };
	size_t good = 0, i;

	for (i = 0; i < count; i++) {
		struct task_draft draft =
			draft_of(i == ODD ? odd_title : "Good", NOW);
		struct text user = i % 2 ? TEXT("anna") : TEXT("bob");

		if (storage_task_create(subject->storage, user, &draft,
					answer_on_task, &answers[i],
					NULL) != ERR_OK)
			bail_out("a call was refused");
	}
	for (i = 0; i < count; i++) {
		testloop_run_until_count(subject->loop, &answers[i].count, 1);
		if (i == ODD)
			*odd = answers[i].err;
		else
			good += answers[i].err == ERR_OK;
		answer_release(&answers[i]);
	}
	return good;
}

static const char terminate[] =
	"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
	" WHERE usename = 'todod'";

static void test_terminated_idle(void)
{
	struct backend_tuning tuning = outages_brisk;
	struct subject subject;
	struct answer answer;
	int64_t id;
	int i;

	tap_prefix("terminated while idle");
	tuning.idle_timeout_ms = 60000;
	outages_begin(&subject, &tuning);
	id = create_id(&subject, "anna", "Task", NOW);
	for (i = 0; i < 5; i++) {
		get(&subject, "anna", key_by_id(id), &answer);
		answer_release(&answer);
		ok(outages_count(terminate) > 0, "the server ends connections");
		if (i % 2 == 0)
			testloop_run_for(subject.loop, 50);
		get(&subject, "anna", key_by_id(id), &answer);
		is_err(answer.err, ERR_OK, "the next read does not notice");
		answer_release(&answer);
		outages_count(terminate);
		toggle(&subject, "anna", key_by_id(id), NOW + i, &answer);
		ok(answer.err == ERR_OK &&
			   answer.task->completed == (i % 2 == 0),
		   "nor does the next write");
		answer_release(&answer);
	}
	subject_release(&subject);
}

/* Many writes in flight while the server ends what it can. */
static void test_terminated_busy(void)
{
	struct backend_tuning tuning = outages_brisk;
	struct answer *answers = calloc(200, sizeof(*answers));
	struct subject subject;
	struct answer answer;
	int64_t flips = 0, created = 0, unknown = 0, rounds, i;
	struct text max = TEXT("max");
	int64_t id;

	tap_prefix("terminated while busy");
	tuning.idle_timeout_ms = 60000;
	tuning.wait_timeout_ms = 10000;
	outages_begin(&subject, &tuning);
	id = create_id(&subject, "max", "Flipped", NOW);
	for (rounds = 0; rounds < 10; rounds++) {
		struct task_key key = key_by_id(id);

		memset(answers, 0, 200 * sizeof(*answers));
		for (i = 0; i < 200; i++) {
			struct task_draft draft = draft_of("Created", NOW);
			enum err err =
				i % 2 == 0 ?
					storage_task_create(subject.storage,
							    max, &draft,
							    answer_on_task,
							    &answers[i], NULL) :
					storage_task_toggle(subject.storage,
							    max, &key,
							    clock_wall_us(),
							    answer_on_task,
							    &answers[i], NULL);

			if (err != ERR_OK)
				bail_out("a call was refused");
			if (i % 10 == 0)
				testloop_run_for(subject.loop, 1);
			if (i == 20 * rounds)
				outages_count(terminate);
		}
		for (i = 0; i < 200; i++) {
			testloop_run_until_count(subject.loop,
						 &answers[i].count, 1);
			if (answers[i].err == ERR_UNCERTAIN)
				unknown++;
			else if (answers[i].err == ERR_OK && i % 2 == 0)
				created++;
			else if (answers[i].err == ERR_OK)
				flips++;
			if (answers[i].count != 1)
				bail_out("an answer too many, or none");
			answer_release(&answers[i]);
		}
	}
	get(&subject, "max", key_by_id(id), &answer);
	ok(unknown > 0 || answer.task->completed == (flips % 2 == 1),
	   "what was flipped was flipped as often as was said");
	answer_release(&answer);
	diag("%lld created, %lld flipped, %lld unknown", (long long)created,
	     (long long)flips, (long long)unknown);
	ok(outages_count(
		   "SELECT count(*) FROM todod.tasks WHERE title = 'Created'"
		   " AND user_id = 'max'") == created,
	   "what was created is there once");
	ok(unknown < 20, "hardly ever is an outcome unknown");
	free(answers);
	subject_release(&subject);
}

static void test_restart(void)
{
	struct subject subject;
	int64_t quickest_us = INT64_MAX, back_ms, id;
	struct answer answer;
	int i;

	tap_prefix("restart");
	outages_begin(&subject, &outages_brisk);
	id = create_id(&subject, "anna", "Task", NOW);
	pgfixture_tell("stop fast");
	get(&subject, "anna", key_by_id(id), &answer);
	is_err(answer.err, ERR_UNAVAILABLE, "without a server nothing is read");
	/* The machine may stand still meanwhile, but not each time. */
	for (i = 0; i < 10 && answer.err == ERR_UNAVAILABLE; i++) {
		int64_t began_us = clock_monotonic_us(), took_us;

		get(&subject, "anna", key_by_id(id), &answer);
		took_us = clock_monotonic_us() - began_us;
		if (took_us < quickest_us)
			quickest_us = took_us;
	}
	is_err(answer.err, ERR_UNAVAILABLE, "nor a second time");
	ok(quickest_us < 100000, "and that is said at once");
	pgfixture_tell("start");
	back_ms = ask_until(&subject, ask_read, id, ERR_OK);
	ok(back_ms >= 0, "with the server the reads are back");
	ok(back_ms < 2000, "within two seconds");
	back_ms = ask_until(&subject, ask_toggle, id, ERR_OK);
	ok(back_ms >= 0 && back_ms < 2000, "so are the writes");
	subject_release(&subject);
}

static void test_away_at_start(void)
{
	struct subject subject;
	struct answer answer;

	tap_prefix("away at start");
	outages_begin(&subject, &outages_brisk);
	subject_close(&subject);
	pgfixture_tell("stop fast");
	subject_open(&subject, SUBJECT_TIMEOUT_MS);
	ok(logtrap_has("starting without it"), "it opens all the same");
	get(&subject, "anna", key_by_id(1), &answer);
	is_err(answer.err, ERR_UNAVAILABLE, "and says so to those who ask");
	pgfixture_tell("start");
	ok(ask_until(&subject, ask_read, 1, ERR_NOT_FOUND) >= 0,
	   "until the server is there");
	subject_release(&subject);
}

static void test_read_only(void)
{
	struct subject subject;
	struct answer answer;
	int64_t id;

	tap_prefix("read-only");
	outages_begin(&subject, &outages_brisk);
	id = create_id(&subject, "anna", "Task", NOW);
	pgfixture_tell("sql ALTER ROLE todod SET default_transaction_read_only"
		       " = on");
	outages_count(terminate);
	testloop_run_for(subject.loop, 50);
	toggle(&subject, "anna", key_by_id(id), NOW, &answer);
	is_err(answer.err, ERR_UNAVAILABLE, "a write is refused");
	get(&subject, "anna", key_by_id(id), &answer);
	is_err(answer.err, ERR_OK, "a read is not");
	answer_release(&answer);
	pgfixture_tell("sql ALTER ROLE todod RESET"
		       " default_transaction_read_only");
	toggle(&subject, "anna", key_by_id(id), NOW, &answer);
	ok(answer.err == ERR_OK && answer.task->completed,
	   "once it may be, it is written, over another connection");
	answer_release(&answer);
	subject_release(&subject);
}

static void test_too_many(void)
{
	struct subject subject;
	struct answer answer;
	int64_t id;

	tap_prefix("too many connections");
	outages_begin(&subject, &outages_brisk);
	id = create_id(&subject, "anna", "Task", NOW);
	pgfixture_tell("sql ALTER ROLE todod CONNECTION LIMIT 0");
	outages_count(terminate);
	get(&subject, "anna", key_by_id(id), &answer);
	is_err(answer.err, ERR_UNAVAILABLE, "no connection, no answer");
	pgfixture_tell("sql ALTER ROLE todod CONNECTION LIMIT -1");
	ok(ask_until(&subject, ask_read, id, ERR_OK) >= 0,
	   "until there is one");
	subject_release(&subject);
}

static const char table_lock[] =
	"SELECT count(*) FROM pg_locks WHERE granted AND"
	" mode = 'AccessExclusiveLock' AND relation = 'todod.tasks'::regclass";
static const char reader[] =
	"SELECT max(pid) FROM pg_stat_activity WHERE usename = 'todod' AND"
	" query LIKE 'SELECT%FROM todod.tasks%'";
static const char history_lock[] =
	"SELECT count(*) FROM pg_locks WHERE granted AND"
	" mode = 'AccessExclusiveLock' AND"
	" relation = 'todod.schema_migrations'::regclass";
/* The server takes connections, and what a start asks for does not come. */
static void test_silent_at_start(void)
{
	struct backend_tuning tuning = outages_brisk;
	struct subject subject;
	struct answer answer;
	int64_t began_us, took_us;

	tap_prefix("silent at start");
	tuning.connect_timeout_ms = 1500;
	outages_begin(&subject, &tuning);
	subject_close(&subject);
	outages_hold(
		"LOCK TABLE todod.schema_migrations IN ACCESS EXCLUSIVE MODE",
		history_lock, OUTAGES_UNTIL_LET_GO);
	began_us = clock_monotonic_us();
	subject_open(&subject, SUBJECT_TIMEOUT_MS);
	took_us = clock_monotonic_us() - began_us;
	/* A busy machine may take as long to connect. */
	ok(logtrap_has("no answer in time") || logtrap_has("starting without"),
	   "what it has to say is not known");
	ok(took_us < 5000000, "which takes no longer than to connect may");
	get(&subject, "anna", key_by_id(1), &answer);
	is_err(answer.err, ERR_NOT_FOUND, "and it serves all the same");
	outages_let_go(history_lock);
	subject_release(&subject);
}

/* Statements are prepared when a connection is made, which waits for a lock
 * like any use of the table. */
static void test_statement_timeout(void)
{
	struct backend_tuning tuning = outages_brisk;
	struct subject subject;
	struct answer answer;
	int64_t id, pid;
	int tries = 0;

	tap_prefix("statement time-out");
	tuning.wait_timeout_ms = 10000;
	tuning.idle_timeout_ms = 60000;
	outages_begin(&subject, &tuning);
	id = create_id(&subject, "anna", "Task", NOW);
	outages_hold("LOCK TABLE todod.tasks IN ACCESS EXCLUSIVE MODE",
		     table_lock, OUTAGES_UNTIL_LET_GO);
	toggle(&subject, "anna", key_by_id(id), NOW, &answer);
	is_err(answer.err, ERR_UNAVAILABLE, "a write that waits is given up");
	ok(logtrap_has("statement timeout"), "by the server itself");
	get(&subject, "anna", key_by_id(id), &answer);
	is_err(answer.err, ERR_UNAVAILABLE,
	       "so is a read, whose connection is new");
	ok(!logtrap_has("database connection failed"),
	   "and has nothing wrong with it");
	pid = outages_count(reader);
	outages_let_go(table_lock);
	get(&subject, "anna", key_by_id(id), &answer);
	if (!ok(answer.err == ERR_OK && !answer.task->completed,
		"at once it is used, and nothing was written"))
		diag("%s", err_text(answer.err));
	answer_release(&answer);
	do {
		testloop_run_for(subject.loop, 10);
		get(&subject, "anna", key_by_id(id), &answer);
		answer_release(&answer);
	} while (outages_count(reader) == pid && ++tries < 1000);
	ok(pid > 0 && tries < 1000, "then one with all prepared follows it");
	subject_release(&subject);
}

/* One task is locked by somebody else: its own writes wait, no others. */
static void test_slow_one(void)
{
	struct backend_tuning tuning = outages_brisk;
	struct answer stuck = { 0 }, answer;
	struct subject subject;
	struct task_key key;
	int i, good = 0;

	tap_prefix("slow statement");
	tuning.connections_max = 8;
	tuning.statement_timeout_ms = 60000;
	tuning.wait_timeout_ms = 10000;
	tuning.idle_timeout_ms = 60000;
	outages_begin(&subject, &tuning);
	key = key_by_id(create_id(&subject, "anna", "Task", NOW));
	outages_hold(
		"SELECT * FROM todod.tasks WHERE user_id = 'anna' FOR UPDATE",
		outages_row_lock, OUTAGES_UNTIL_LET_GO);
	if (storage_task_toggle(subject.storage, TEXT("anna"), &key, NOW,
				answer_on_task, &stuck, NULL) != ERR_OK)
		bail_out("a call was refused");
	/* Who came before that is known would wait behind it. */
	while (outages_count(outages_waiting) == 0)
		testloop_run_for(subject.loop, 10);
	testloop_run_for(subject.loop, 100);
	for (i = 0; i < 10; i++) {
		create_id(&subject, "bob", "Other", NOW);
		get(&subject, "anna", key, &answer);
		good += answer.err == ERR_OK;
		answer_release(&answer);
	}
	is_int(good, 10, "others do not wait for a write that waits");
	ok(stuck.count == 0, "which still does");
	outages_let_go(outages_row_lock);
	testloop_run_until_count(subject.loop, &stuck.count, 1);
	ok(stuck.err == ERR_OK && stuck.task->completed,
	   "it is done when the lock is gone");
	answer_release(&stuck);
	subject_release(&subject);
}

/* A commit that fails after its statements have not. */
static void test_failing_commit(void)
{
	struct subject subject;
	enum err odd = ERR_OK;
	size_t good;

	tap_prefix("failing commit");
	outages_begin(&subject, &outages_brisk);
	pgfixture_tell(
		"sql CREATE FUNCTION todod.no() RETURNS trigger LANGUAGE"
		" plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';"
		" CREATE CONSTRAINT TRIGGER no AFTER INSERT ON todod.tasks"
		" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
		" WHEN (NEW.title = 'Bad') EXECUTE FUNCTION todod.no()");
	create_id(&subject, "anna", "First", NOW);
	good = create_together(&subject, 20, "Bad", &odd);
	ok(odd != ERR_OK, "the one whose commit fails is not acknowledged");
	is_int(good, 19, "those that shared its transaction are");
	is_int(outages_count("SELECT count(*) FROM todod.tasks"), 20,
	       "and are there once");
	subject_release(&subject);
}

static void test_idle(void)
{
	static const char open_now[] = "SELECT count(*) FROM pg_stat_activity"
				       " WHERE usename = 'todod'";
	struct subject subject;
	int64_t id;
	struct answer answer;

	tap_prefix("idle");
	outages_begin(&subject, &outages_brisk);
	id = create_id(&subject, "anna", "Task", NOW);
	get(&subject, "anna", key_by_id(id), &answer);
	answer_release(&answer);
	ok(outages_count(open_now) > 0, "there are connections");
	testloop_run_for(subject.loop, 800);
	is_int(outages_count(open_now), 0,
	       "until nobody has used them for a while");
	get(&subject, "anna", key_by_id(id), &answer);
	is_err(answer.err, ERR_OK, "and there are again when they are wanted");
	answer_release(&answer);
	subject_release(&subject);
}

/* PgBouncer taken for a server: it refuses start-up options. */
static void test_unnoticed_pooler(void)
{
	struct backend_tuning tuning = outages_brisk;
	struct subject subject;

	tap_prefix("unnoticed pooler");
	tuning.pooling = BACKEND_POOLING_NO;
	pgfixture_use("pgbouncer_url");
	outages_begin(&subject, &tuning);
	ok(ask_until(&subject, ask_read, 1, ERR_NOT_FOUND) >= 0,
	   "it is used as the pooler it is");
	subject_release(&subject);
	pgfixture_use("url");
}

/* PgBouncer is there and the server is not. */
static void test_pooler_without_server(void)
{
	struct subject subject;
	struct answer answer;
	int64_t id;
	int tries = 0;

	tap_prefix("pooler without a server");
	pgfixture_use("pgbouncer_url");
	outages_begin(&subject, &outages_brisk);
	id = create_id(&subject, "anna", "Task", NOW);
	subject_close(&subject);
	subject_open(&subject, 4000);
	pgfixture_tell("stop fast");
	/* PgBouncer keeps the first until it has looked for the server. */
	do {
		toggle(&subject, "anna", key_by_id(id), NOW, &answer);
	} while (!logtrap_has("server login has been failing") &&
		 ++tries < 1000);
	toggle(&subject, "anna", key_by_id(id), NOW, &answer);
	is_err(answer.err, ERR_UNAVAILABLE, "a write is refused, not unknown");
	logtrap_clear();
	for (tries = 0; tries < 20; tries++) {
		testloop_run_for(subject.loop, 20);
		toggle(&subject, "anna", key_by_id(id), NOW, &answer);
		if (answer.err != ERR_UNAVAILABLE)
			break;
	}
	is_int(tries, 20, "so are all that follow");
	is_int(logtrap_warnings(), 0, "and the log says so once");
	pgfixture_tell("start");
	ok(ask_until(&subject, ask_toggle, id, ERR_OK) >= 0,
	   "until the server is there");
	ok(logtrap_has("database is back"), "which the log says");
	subject_release(&subject);
	pgfixture_use("url");
}

static const char backends_of_ours[] =
	"SELECT pid FROM pg_stat_activity WHERE usename = 'todod' LIMIT 1";

/* The server ends all its processes when one of them is killed. */
static void test_killed_backend(void)
{
	struct subject subject;
	struct answer answer;
	enum err err;
	int64_t id, pid;
	int round, tries;

	tap_prefix("killed backend");
	outages_begin(&subject, &outages_brisk);
	id = create_id(&subject, "anna", "Task", NOW);
	for (round = 0; round < 2; round++) {
		pid = outages_count(backends_of_ours);
		if (pid <= 1 || kill((pid_t)pid, SIGKILL) != 0)
			bail_out("no process to kill");
		tries = 0;
		do {
			testloop_run_for(subject.loop, 20);
			toggle(&subject, "anna", key_by_id(id), NOW, &answer);
			err = answer.err;
			answer_release(&answer);
		} while (err == ERR_UNAVAILABLE && ++tries < 1000);
		is_err(err, ERR_OK, "the server recovers, and a write is done");
		get(&subject, "anna", key_by_id(id), &answer);
		ok(answer.err == ERR_OK &&
			   answer.task->completed == (round % 2 == 0),
		   "once, whatever was refused before");
		answer_release(&answer);
	}
	subject_release(&subject);
}

/* A session that loses its prepared statements, as behind some poolers. */
static void test_forgetting_session(void)
{
	struct subject subject;
	enum err odd = ERR_UNAVAILABLE;
	size_t good;

	tap_prefix("forgetting session");
	outages_begin(&subject, &outages_brisk);
	pgfixture_tell("sql CREATE FUNCTION todod.forget() RETURNS trigger"
		       " LANGUAGE plpgsql AS 'BEGIN DEALLOCATE ALL; RETURN NEW;"
		       " END'; CREATE TRIGGER forget AFTER INSERT ON"
		       " todod.tasks FOR EACH ROW WHEN (NEW.title = 'Forget')"
		       " EXECUTE FUNCTION todod.forget()");
	create_id(&subject, "anna", "First", NOW);
	/* More than one statement has. */
	good = create_together(&subject, TOGETHER_MAX, "Forget", &odd);
	ok(good == TOGETHER_MAX - 1 && odd == ERR_OK,
	   "what was on its way is sent again (26000)");
	is_int(outages_count("SELECT count(*) FROM todod.tasks"),
	       TOGETHER_MAX + 1, "and is there once");
	ok(logtrap_has("no prepared statements with this database"),
	   "without names from then on");
	subject_release(&subject);
}

/* PgBouncer taken for a server, and set to swallow start-up options: each
 * transaction may meet another session. */
static void test_shuffled_sessions(void)
{
	struct backend_tuning tuning = outages_brisk;
	enum err odd = ERR_UNAVAILABLE;
	struct subject subject;
	size_t good;

	tap_prefix("shuffled sessions");
	pgfixture_tell("pooler ignore_startup_parameters=extra_float_digits,"
		       "options");
	tuning.pooling = BACKEND_POOLING_NO;
	pgfixture_use("pgbouncer_url");
	outages_begin(&subject, &tuning);
	good = create_together(&subject, TOGETHER_MAX, "Good", &odd);
	ok(good == TOGETHER_MAX - 1 && odd == ERR_OK,
	   "what was prepared elsewhere is sent again");
	is_int(outages_count("SELECT count(*) FROM todod.tasks"), TOGETHER_MAX,
	       "and is there once (26000, 42P05)");
	subject_release(&subject);
	pgfixture_tell("pooler ignore_startup_parameters=extra_float_digits");
	pgfixture_use("url");
}

static void test_full_disk(void)
{
	struct subject subject;
	struct answer answer;
	int64_t id;
	int tries = 0;

	tap_prefix("full disk");
	if (strncmp(pgfixture_tell("small disk"), " none", 5) == 0) {
		skip("a full disk", "nothing can be mounted here");
		return;
	}
	outages_begin(&subject, &outages_brisk);
	id = create_id(&subject, "anna", "Task", NOW);
	pgfixture_tell("sql ALTER TABLE todod.tasks SET TABLESPACE small");
	/* Rolled back, the rows still have their room. */
	pgfixture_tell("sql CREATE TABLE filler (b text) TABLESPACE small;"
		       " ALTER TABLE filler ALTER b SET STORAGE PLAIN;"
		       " DO 'BEGIN LOOP INSERT INTO filler"
		       " VALUES (repeat(''x'', 7000)); END LOOP;"
		       " EXCEPTION WHEN disk_full THEN NULL; END'");
	do {
		struct task_draft draft = draft_of("Another", NOW);

		create(&subject, "anna", &draft, &answer);
		answer_release(&answer);
	} while (answer.err == ERR_OK && ++tries < 5000);
	is_err(answer.err, ERR_UNAVAILABLE, "a write is refused");
	get(&subject, "anna", key_by_id(id), &answer);
	is_err(answer.err, ERR_OK, "reads go on");
	answer_release(&answer);
	is_int(outages_count("SELECT count(*) FROM todod.tasks"), tries + 1,
	       "what was acknowledged is there, what was refused is not");
	pgfixture_tell("sql DROP TABLE filler");
	toggle(&subject, "anna", key_by_id(id), NOW, &answer);
	is_err(answer.err, ERR_OK, "with room again a write is done");
	answer_release(&answer);
	subject_release(&subject);
}

int main(void)
{
	if (!pgfixture_start())
		return tap_done();
	logtrap_start();
	test_terminated_idle();
	test_terminated_busy();
	test_restart();
	test_away_at_start();
	test_read_only();
	test_too_many();
	test_silent_at_start();
	test_statement_timeout();
	test_slow_one();
	test_failing_commit();
	test_idle();
	test_unnoticed_pooler();
	test_pooler_without_server();
	test_killed_backend();
	test_forgetting_session();
	test_shuffled_sessions();
	test_full_disk();
	tap_prefix(NULL);
	pgfixture_stop();
	return tap_done();
}
