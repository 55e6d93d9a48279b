/*
 * Conversations over a proxy that harms them; what was said in them is
 * compared with what is in the database, past the proxy.
 */
#include "config.h"

#include "tests/conformance/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/clock.h"
#include "tests/conformance/subject.h"
#include "tests/support/logtrap.h"
#include "tests/support/pgfixture.h"
#include "tests/support/tap.h"

#define NOW INT64_C(1700000000000000)

/* Calls of one conversation. */
#define CREATES 4
#define TOGGLES 4

/* A call's deadline, and when one without an answer has lost it for certain. */
#define DEADLINE_MS 5000
#define SILENCE_MS  8000
#define LATE_MS	    500

/* So far apart are stalls, which take seconds each. */
#define STALL_STEP 16

struct conversation {
	struct answer creates[CREATES];
	struct uuid uuids[CREATES];
	struct answer toggles[TOGGLES];
	struct answer update, remove, read;
	struct page page;
	int64_t flipped, updated, removed; /* ids */
};

struct tally {
	long done, refused, unknown, wrong;
};

static struct subject direct;  /* past the proxy */
static struct subject through; /* over it */
static char proxied_url[1024];
static unsigned random_state;

static const struct text anna = { "anna", 4 };

static void must(enum err err)
{
	if (err != ERR_OK && err != ERR_UNAVAILABLE)
		bail_out("a call was refused: %s", err_text(err));
}

/* Refused at once is an answer as well. */
static void started(struct answer *answer, enum err err)
{
	must(err);
	if (err == ERR_OK)
		return;
	answer->count = 1;
	answer->err = err;
}

static void start(struct conversation *talk)
{
	struct task_key flipped = key_by_id(talk->flipped);
	struct task_key updated = key_by_id(talk->updated);
	struct task_key removed = key_by_id(talk->removed);
	struct task_changes changes = changes_title("Changed", clock_wall_us());
	const struct storage_list all = { .limit = 20 };
	struct storage *storage = through.storage;
	enum err err;
	int i;

	for (i = 0; i < CREATES; i++) {
		struct task_draft draft = draft_of("Created", NOW);

		talk->uuids[i] = draft.uuid;
		started(&talk->creates[i],
			storage_task_create(storage, anna, &draft,
					    answer_on_task, &talk->creates[i],
					    NULL));
	}
	for (i = 0; i < TOGGLES; i++)
		started(&talk->toggles[i],
			storage_task_toggle(storage, anna, &flipped,
					    clock_wall_us(), answer_on_task,
					    &talk->toggles[i], NULL));
	started(&talk->update,
		storage_task_update(storage, anna, &updated, &changes,
				    answer_on_task, &talk->update, NULL));
	started(&talk->remove,
		storage_task_delete(storage, anna, &removed, answer_on_done,
				    &talk->remove, NULL));
	started(&talk->read,
		storage_task_get(storage, anna, &flipped, answer_on_task,
				 &talk->read, NULL));
	err = storage_task_list(storage, anna, &all, page_on_row, page_on_end,
				&talk->page, NULL);
	must(err);
	if (err == ERR_OK)
		return;
	talk->page.count = 1;
	talk->page.err = err;
}

static bool all_answered(const void *arg)
{
	const struct conversation *talk = arg;
	size_t count = talk->update.count + talk->remove.count +
		       talk->read.count + talk->page.count;
	int i;

	for (i = 0; i < CREATES; i++)
		count += talk->creates[i].count;
	for (i = 0; i < TOGGLES; i++)
		count += talk->toggles[i].count;
	return count >= CREATES + TOGGLES + 4;
}

/* Of a fault on the way nothing else can come. */
static bool is_surprise(enum err err)
{
	return err != ERR_OK && err != ERR_UNAVAILABLE && err != ERR_UNCERTAIN;
}

static void blame(struct tally *tally, const char *what, enum err err)
{
	diag("%s: %s", what, err_text(err));
	tally->wrong++;
}

/* Whether what is there is what was said. */
static void judge(struct tally *tally, const char *what, enum err err,
		  bool is_there)
{
	if (err == ERR_OK)
		tally->done++;
	else if (err == ERR_UNCERTAIN)
		tally->unknown++;
	else if (err == ERR_UNAVAILABLE)
		tally->refused++;
	if (is_surprise(err) || (err == ERR_OK && !is_there) ||
	    (err == ERR_UNAVAILABLE && is_there))
		blame(tally, what, err);
}

static void check(struct conversation *talk, struct tally *tally)
{
	struct answer found;
	long flips = 0, unknown = 0;
	int i;

	for (i = 0; i < CREATES; i++) {
		get(&direct, "anna", key_by_uuid(talk->uuids[i]), &found);
		judge(tally, "create", talk->creates[i].err,
		      found.err == ERR_OK);
		if (talk->creates[i].err == ERR_OK && found.task != NULL &&
		    talk->creates[i].task->id != found.task->id)
			blame(tally, "id", ERR_OK);
		answer_release(&found);
		answer_release(&talk->creates[i]);
	}
	for (i = 0; i < TOGGLES; i++) {
		flips += talk->toggles[i].err == ERR_OK;
		unknown += talk->toggles[i].err == ERR_UNCERTAIN;
		tally->done += talk->toggles[i].err == ERR_OK;
		tally->refused += talk->toggles[i].err == ERR_UNAVAILABLE;
		if (is_surprise(talk->toggles[i].err))
			blame(tally, "toggle", talk->toggles[i].err);
		answer_release(&talk->toggles[i]);
	}
	tally->unknown += unknown;
	get(&direct, "anna", key_by_id(talk->flipped), &found);
	if (unknown == 0 && found.task->completed != (flips % 2 == 1))
		blame(tally, "toggles", ERR_OK);
	answer_release(&found);
	get(&direct, "anna", key_by_id(talk->updated), &found);
	judge(tally, "update", talk->update.err,
	      text_is_equal(found.task->title, TEXT("Changed")));
	answer_release(&found);
	answer_release(&talk->update);
	get(&direct, "anna", key_by_id(talk->removed), &found);
	judge(tally, "delete", talk->remove.err, found.err == ERR_NOT_FOUND);
	answer_release(&found);
	if (talk->read.count != 1 || is_surprise(talk->read.err))
		blame(tally, "read", talk->read.err);
	if (talk->page.count != 1 || is_surprise(talk->page.err))
		blame(tally, "list", talk->page.err);
	answer_release(&talk->read);
	page_release(&talk->page);
}

static void open_through(void)
{
	static const struct backend_tuning tuning = {
		.connections_max = 3,
		.statement_timeout_ms = 500,
		.connect_timeout_ms = 700,
		.wait_timeout_ms = 1500,
		.idle_timeout_ms = 60000,
	};

	pgfixture_locate_url(proxied_url, &through.location);
	through.location.tuning = tuning;
	subject_open(&through, DEADLINE_MS);
}

/* One conversation with one fault; false: something never came. */
static bool converse(const char *fault, struct tally *tally)
{
	static struct conversation talk;
	bool is_answered;

	memset(&talk, 0, sizeof(talk));
	logtrap_clear();
	talk.flipped = create_id(&direct, "anna", "Flipped", NOW);
	talk.updated = create_id(&direct, "anna", "Before", NOW);
	talk.removed = create_id(&direct, "anna", "Removed", NOW);
	pgfixture_tell("proxy: calm");
	/* Connections that a pooler has kept would have no beginning. */
	pgfixture_tell("proxy: drop");
	open_through();
	pgfixture_tell("proxy: %s", fault);
	start(&talk);
	/* A process that was not run meanwhile has its timers yet to come. */
	is_answered =
		testloop_run_until(through.loop, all_answered, &talk,
				   SILENCE_MS) ||
		testloop_run_until(through.loop, all_answered, &talk, LATE_MS);
	pgfixture_tell("proxy: calm");
	if (is_answered)
		check(&talk, tally);
	subject_close(&through);
	backend_location_release(&through.location);
	if (!is_answered)
		diag("%s: an answer never came", fault);
	return is_answered;
}

/* How many bytes a conversation without a fault has, one way. */
static void measure(long *up, long *down)
{
	struct tally tally = { 0 };

	pgfixture_tell("proxy: bytes");
	if (!converse("calm", &tally) || tally.wrong > 0 || tally.refused > 0)
		bail_out("the conversation fails without a fault");
	if (sscanf(pgfixture_tell("proxy: bytes"), " %ld %ld", up, down) != 2)
		bail_out("the proxy does not count");
	diag("%ld bytes up, %ld down", *up, *down);
}

/* A sample has one place, at random, in each of so many parts. */
static void sweep(const char *kind, const char *way, long bytes, long steps)
{
	struct tally tally = { 0 };
	long step = steps > 0 && bytes > steps ? bytes / steps : 1;
	long n, at, unknown, silent = 0;
	char fault[64];

	for (n = 1; n <= bytes && tally.wrong == 0; n += step) {
		at = n + rand_r(&random_state) % step;
		(void)snprintf(fault, sizeof(fault), "%s %s %ld", kind, way,
			       at);
		unknown = tally.unknown;
		silent += !converse(fault, &tally);
		/* A busy machine may stand still until a deadline has passed:
		 * what counts happens again. */
		if (tally.unknown > unknown && strcmp(kind, "stall") != 0) {
			diag("%s: once more", fault);
			tally.unknown = unknown;
			silent += !converse(fault, &tally);
		}
		if (tally.wrong > 0 || tally.unknown > unknown)
			diag("%s: %ld wrong, %ld unknown", fault, tally.wrong,
			     tally.unknown - unknown);
	}
	diag("%s %s: %ld bytes by %ld: %ld done, %ld refused, %ld unknown",
	     kind, way, bytes, step, tally.done, tally.refused, tally.unknown);
	is_int(silent, 0, "every call is answered in time");
	is_int(tally.wrong, 0, "and truly");
	/* Behind a silent way the server keeps half a transaction and its
	 * locks, and nobody can say whether the rest will come. */
	if (strcmp(kind, "stall") != 0)
		ok(tally.unknown * 100 <= tally.done,
		   "hardly ever is an outcome unknown");
}

/* Bytes from one place to the next; 0: a run has a sample only. */
static long torture_step(void)
{
	const char *given = getenv("TODOD_TORTURE");
	long step = given != NULL ? strtol(given, NULL, 10) : 0;

	return given != NULL && step < 1 ? 1 : step;
}

static void sweep_both(const char *kind, long up, long down, long sample)
{
	long step = torture_step();

	if (step > 0 && strcmp(kind, "stall") == 0)
		step *= STALL_STEP;
	sweep(kind, "up", up, step > 0 ? up / step : sample);
	sweep(kind, "down", down, step > 0 ? down / step : sample);
}

/* The same faults again: with the seed that was printed. */
static void seed(void)
{
	const char *given = getenv("TODOD_TEST_SEED");

	if (given != NULL)
		random_state = (unsigned)strtoul(given, NULL, 10);
	else if (getrandom(&random_state, sizeof(random_state), 0) !=
		 (ssize_t)sizeof(random_state))
		bail_out("no random numbers");
	diag("TODOD_TEST_SEED=%u", random_state);
}

static void take(const struct sweep_way *way)
{
	const char *port = way->is_behind ? "pgbouncer_port" : "proxy_port";

	pgfixture_tell("proxy: to %s", pgfixture_get(way->proxy_to));
	(void)snprintf(proxied_url, sizeof(proxied_url),
		       "postgresql://%s@127.0.0.1:%s/%s?password=%s&%s",
		       pgfixture_get("user"), pgfixture_get(port),
		       way->is_behind ? "proxied" : pgfixture_get("database"),
		       pgfixture_get("quoted_password"), way->parameters);
}

static void sweep_way(const struct sweep_way *way)
{
	struct tally tally = { 0 };
	long up = 0, down = 0;

	tap_prefix(way->name);
	take(way);
	measure(&up, &down);
	if (!ok(converse(way->split, &tally) && tally.wrong == 0 &&
			tally.refused == 0,
		"single bytes are a conversation"))
		diag("%ld wrong, %ld refused, %ld unknown", tally.wrong,
		     tally.refused, tally.unknown);
	ok(converse("delay 20", &tally) && tally.wrong == 0,
	   "so are late ones");
	sweep_both("cut", up, down, way->sample);
	sweep_both("end", up, down, way->sample / 3);
	sweep_both("half", up, down, way->sample / 3);
	sweep_both("stall", up, down, way->stalls);
}

int sweep_run(const struct sweep_way *ways, size_t count)
{
	size_t i;

	if (!pgfixture_start())
		return tap_done();
	logtrap_start();
	seed();
	subject_init(&direct, "postgres");
	pgfixture_tell("proxy");
	for (i = 0; i < count; i++)
		sweep_way(&ways[i]);
	subject_release(&direct);
	pgfixture_stop();
	return tap_done();
}
