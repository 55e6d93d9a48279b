/* What becomes of writes whose connection to PostgreSQL is lost. */
#include "config.h"

#include "backends/backends.h"
#include "core/clock.h"
#include "tests/conformance/outages.h"
#include "tests/conformance/subject.h"
#include "tests/support/logtrap.h"
#include "tests/support/pgfixture.h"
#include "tests/support/tap.h"

#define NOW INT64_C(1700000000000000)

/* Connections are lost while what was sent over them waits for a lock: it is
 * carried out later all the same, beside its own repetition. */
static void test_late_tries(void)
{
	struct backend_tuning tuning = outages_brisk;
	struct answer answers[3] = { 0 }, answer;
	struct subject subject;
	struct task_key key;
	size_t i, flips = 0, unknown = 0;

	tap_prefix("late tries");
	tuning.statement_timeout_ms = 10000;
	tuning.wait_timeout_ms = 10000;
	pgfixture_use("proxied_url");
	outages_begin(&subject, &tuning);
	key = key_by_id(create_id(&subject, "anna", "Task", NOW));
	outages_hold(
		"SELECT * FROM todod.tasks WHERE user_id = 'anna' FOR UPDATE",
		outages_row_lock, 3);
	for (i = 0; i < 3; i++)
		if (storage_task_toggle(subject.storage, TEXT("anna"), &key,
					clock_wall_us(), answer_on_task,
					&answers[i], NULL) != ERR_OK)
			bail_out("a call was refused");
	while (outages_count(outages_waiting) == 0)
		testloop_run_for(subject.loop, 10);
	pgfixture_tell("proxy: drop");
	for (i = 0; i < 3; i++) {
		testloop_run_until_count(subject.loop, &answers[i].count, 1);
		flips += answers[i].err == ERR_OK;
		unknown += answers[i].err == ERR_UNCERTAIN;
		answer_release(&answers[i]);
	}
	is_int(flips + unknown, 3, "each toggle is answered");
	ok(unknown <= 1, "at most that of a transaction before another's");
	get(&subject, "anna", key, &answer);
	ok(answer.err == ERR_OK && answer.task->completed, "each is done once");
	answer_release(&answer);
	subject_release(&subject);
	pgfixture_use("url");
}

/* The server gets the first try of a write long after its repetition, when
 * somebody else has written. */
static void test_very_late_tries(void)
{
	struct task_changes changes = {
		.title = TASK_SET,
		.title_text = TEXT("first"),
		.title_folded = TEXT("first"),
	};
	struct subject subject;
	struct answer answer;
	struct task_key key;

	tap_prefix("very late tries");
	pgfixture_use("proxied_url");
	outages_begin(&subject, &outages_brisk);
	key = key_by_id(create_id(&subject, "anna", "Task", NOW));

	pgfixture_tell("proxy: late 0");
	toggle(&subject, "anna", key, clock_wall_us(), &answer);
	ok(answer.err == ERR_OK && answer.task->completed,
	   "a toggle is repeated");
	answer_release(&answer);
	toggle(&subject, "anna", key, clock_wall_us(), &answer);
	ok(answer.err == ERR_OK && !answer.task->completed,
	   "and another follows");
	answer_release(&answer);
	pgfixture_tell("proxy: calm");
	testloop_run_for(subject.loop, 300);
	get(&subject, "anna", key, &answer);
	ok(answer.err == ERR_OK && !answer.task->completed,
	   "then the first try changes nothing");
	answer_release(&answer);

	pgfixture_tell("proxy: late 0");
	changes.now_us = clock_wall_us();
	update(&subject, "anna", key, &changes, &answer);
	is_err(answer.err, ERR_OK, "an update is repeated");
	answer_release(&answer);
	changes.title_text = changes.title_folded = TEXT("second");
	changes.now_us = clock_wall_us();
	update(&subject, "anna", key, &changes, &answer);
	is_err(answer.err, ERR_OK, "and another follows");
	answer_release(&answer);
	pgfixture_tell("proxy: calm");
	testloop_run_for(subject.loop, 300);
	get(&subject, "anna", key, &answer);
	ok(answer.err == ERR_OK &&
		   text_is_equal(answer.task->title, TEXT("second")),
	   "which stays");
	answer_release(&answer);
	subject_release(&subject);
	pgfixture_use("url");
}

/* Sending is what finds out that the connection is gone. */
static void test_reset_unnoticed(void)
{
	struct backend_tuning tuning = outages_brisk;
	struct subject subject;
	struct answer answer;
	int64_t id;
	int i;

	tap_prefix("reset unnoticed");
	tuning.idle_timeout_ms = 60000;
	tuning.wait_timeout_ms = 10000;
	pgfixture_use("proxied_url");
	outages_begin(&subject, &tuning);
	id = create_id(&subject, "anna", "Task", NOW);
	for (i = 0; i < 4; i++) {
		pgfixture_tell("proxy: drop");
		toggle(&subject, "anna", key_by_id(id), NOW + i, &answer);
		ok(answer.err == ERR_OK &&
			   answer.task->completed == (i % 2 == 0),
		   "a write is done over another");
		answer_release(&answer);
		pgfixture_tell("proxy: drop");
		get(&subject, "anna", key_by_id(id), &answer);
		is_err(answer.err, ERR_OK, "and so is a read");
		answer_release(&answer);
	}
	ok(!logtrap_has("no answer within"), "nobody waits until time is up");
	subject_release(&subject);
	pgfixture_use("url");
}

int main(void)
{
	if (!pgfixture_start())
		return tap_done();
	logtrap_start();
	pgfixture_tell("proxy");
	test_late_tries();
	test_very_late_tries();
	test_reset_unnoticed();
	tap_prefix(NULL);
	pgfixture_stop();
	return tap_done();
}
