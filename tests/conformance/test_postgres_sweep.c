/*
 * The way to the server fails at every byte: a proxy resets, ends or stalls a
 * connection after N bytes of a conversation that connects, reads and writes.
 * Whatever N is, each call gets one answer, what was acknowledged is there, and
 * what was refused is not.
 *
 * A spread sample unless TODOD_TORTURE is set.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "tests/conformance/subject.h"
#include "tests/support/logtrap.h"
#include "tests/support/pgfixture.h"
#include "tests/support/tap.h"

#define NOW INT64_C(1700000000000000)

/* Calls of one conversation. */
#define CREATES 4
#define TOGGLES 4

#define SAMPLE_STEPS 60

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
	if (err != ERR_OK)
		talk->page.count = 1;
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

/* Whether what is there is what was said. */
static void judge(struct tally *tally, enum err err, bool is_there)
{
	if (err == ERR_OK) {
		tally->done++;
		tally->wrong += !is_there;
	} else if (err == ERR_UNCERTAIN) {
		tally->unknown++;
	} else if (err == ERR_UNAVAILABLE) {
		tally->refused++;
		tally->wrong += is_there;
	} else {
		diag("%s", err_text(err));
		tally->wrong++;
	}
}

static void check(struct conversation *talk, struct tally *tally)
{
	struct answer found;
	long flips = 0, unknown = 0;
	int i;

	for (i = 0; i < CREATES; i++) {
		get(&direct, "anna", key_by_uuid(talk->uuids[i]), &found);
		judge(tally, talk->creates[i].err, found.err == ERR_OK);
		if (talk->creates[i].err == ERR_OK && found.task != NULL)
			tally->wrong += talk->creates[i].task->id !=
					found.task->id;
		answer_release(&found);
		answer_release(&talk->creates[i]);
	}
	for (i = 0; i < TOGGLES; i++) {
		flips += talk->toggles[i].err == ERR_OK;
		unknown += talk->toggles[i].err == ERR_UNCERTAIN;
		tally->done += talk->toggles[i].err == ERR_OK;
		tally->refused += talk->toggles[i].err == ERR_UNAVAILABLE;
		answer_release(&talk->toggles[i]);
	}
	tally->unknown += unknown;
	get(&direct, "anna", key_by_id(talk->flipped), &found);
	if (unknown == 0 && found.task->completed != (flips % 2 == 1))
		tally->wrong++;
	answer_release(&found);
	get(&direct, "anna", key_by_id(talk->updated), &found);
	judge(tally, talk->update.err,
	      text_is_equal(found.task->title, TEXT("Changed")));
	answer_release(&found);
	answer_release(&talk->update);
	get(&direct, "anna", key_by_id(talk->removed), &found);
	judge(tally, talk->remove.err, found.err == ERR_NOT_FOUND);
	answer_release(&found);
	tally->wrong += talk->read.count != 1 || talk->page.count != 1;
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
	subject_open(&through, 5000);
}

/* One conversation with one fault; false: something never came. */
static bool converse(const char *fault, struct tally *tally)
{
	static struct conversation talk;
	bool is_answered;

	memset(&talk, 0, sizeof(talk));
	talk.flipped = create_id(&direct, "anna", "Flipped", NOW);
	talk.updated = create_id(&direct, "anna", "Before", NOW);
	talk.removed = create_id(&direct, "anna", "Removed", NOW);
	pgfixture_tell("proxy: calm");
	open_through();
	pgfixture_tell("proxy: %s", fault);
	start(&talk);
	is_answered =
		testloop_run_until(through.loop, all_answered, &talk, 8000);
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
}

static void sweep(const char *kind, const char *way, long bytes, long steps)
{
	struct tally tally = { 0 };
	long step = steps > 0 && bytes > steps ? bytes / steps : 1;
	long n, silent = 0;
	char fault[64];

	for (n = 1; n <= bytes; n += step) {
		(void)snprintf(fault, sizeof(fault), "%s %s %ld", kind, way, n);
		silent += !converse(fault, &tally);
		if (tally.wrong > 0) {
			diag("%s", fault);
			break;
		}
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

int main(void)
{
	bool is_torture = getenv("TODOD_TORTURE") != NULL;
	long steps = is_torture ? 0 : SAMPLE_STEPS;
	long port, up = 0, down = 0;
	struct tally tally = { 0 };

	if (!pgfixture_start())
		return tap_done();
	logtrap_start();
	subject_init(&direct, "postgres");
	port = strtol(pgfixture_tell("proxy"), NULL, 10);
	(void)snprintf(proxied_url, sizeof(proxied_url),
		       "postgresql://%s@127.0.0.1:%ld/%s?sslmode=disable"
		       "&password=%s",
		       pgfixture_get("user"), port, pgfixture_get("database"),
		       pgfixture_get("quoted_password"));
	measure(&up, &down);
	diag("%ld bytes up, %ld down", up, down);
	ok(converse("split", &tally) && tally.wrong == 0 && tally.refused == 0,
	   "single bytes are a conversation");
	ok(converse("delay 20", &tally) && tally.wrong == 0,
	   "so are late ones");
	sweep("cut", "up", up, steps);
	sweep("cut", "down", down, steps);
	sweep("end", "up", up, steps / 2);
	sweep("end", "down", down, steps / 2);
	sweep("stall", "down", down, is_torture ? 0 : 8);
	sweep("stall", "up", up, is_torture ? 0 : 8);
	subject_release(&direct);
	pgfixture_stop();
	return tap_done();
}
