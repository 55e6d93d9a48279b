/*
 * What is known about the database, who may ask it, and one worker's health
 * check over a backend that answers when it is told to.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/health.h"
#include "core/healthcheck.h"
#include "core/storage.h"
#include "core/storage_backend.h"
#include "tests/support/tap.h"
#include "tests/support/testloop.h"

#define NOW_US	   INT64_C(1000000000)
#define AGE_US	   INT64_C(30000000)
#define AGE_MS	   30000
#define TIMEOUT_MS 60000

static void test_states(void)
{
	struct health health;

	memset(&health, 0, sizeof(health));
	is_int(health_state(&health), HEALTH_UNKNOWN, "at first it is unknown");
	health_report(&health, HEALTH_UNREACHABLE);
	is_int(health_state(&health), HEALTH_UNREACHABLE, "a failure counts");
	health_report(&health, HEALTH_REACHABLE);
	is_int(health_state(&health), HEALTH_REACHABLE,
	       "the next success counts instead");
}

static void test_may_probe(void)
{
	struct health health;

	memset(&health, 0, sizeof(health));
	ok(health_may_probe(&health, NOW_US, AGE_US),
	   "what is unknown may be asked");
	ok(!health_may_probe(&health, NOW_US, AGE_US), "by one");
	ok(!health_may_probe(&health, NOW_US + AGE_US - 1, AGE_US),
	   "for as long as it is said");
	ok(health_may_probe(&health, NOW_US + AGE_US, AGE_US),
	   "then by another");
	health_report(&health, HEALTH_REACHABLE);
	ok(!health_may_probe(&health, NOW_US + 9 * AGE_US, AGE_US),
	   "what could be reached is left alone, however long ago");
	health_report(&health, HEALTH_UNREACHABLE);
	ok(health_may_probe(&health, NOW_US + 9 * AGE_US, AGE_US),
	   "what could not is asked again");
	health_report(&health, HEALTH_REACHABLE);
	health_report(&health, HEALTH_UNREACHABLE);
	ok(!health_may_probe(&health, NOW_US + 9 * AGE_US + 1, AGE_US),
	   "not more often because its state changes");
}

/* Holds the last call it was given. */
struct holder {
	struct storage_backend backend;
	struct storage_call *held;
	size_t count;
	enum err refusal;
};

static enum err holder_submit(struct storage_backend *backend,
			      struct storage_call *call)
{
	struct holder *holder = (struct holder *)backend;

	if (holder->refusal != ERR_OK)
		return holder->refusal;
	holder->count++;
	holder->held = call;
	return ERR_OK;
}

static void holder_close(struct storage_backend *backend)
{
	struct holder *holder = (struct holder *)backend;

	if (holder->held != NULL)
		storage_call_finish(holder->held, ERR_UNAVAILABLE, NULL);
	free(holder);
}

static const struct storage_backend_ops holder_ops = {
	.name = "holder",
	.submit = holder_submit,
	.close = holder_close,
};

static void let_go(struct holder *holder, enum err err)
{
	struct storage_call *call = holder->held;

	holder->held = NULL;
	storage_call_finish(call, err, NULL);
}

/* One worker. */
struct fixture {
	struct testloop *loop;
	struct storage *storage;
	struct holder *holder;
	struct healthcheck *check;
};

static void fixture_init(struct fixture *fixture, struct health *health,
			 int64_t max_age_ms)
{
	struct loop *port;

	fixture->loop = testloop_new();
	port = testloop_port(fixture->loop);
	fixture->holder = calloc(1, sizeof(*fixture->holder));
	if (fixture->holder == NULL)
		bail_out("no memory");
	fixture->holder->backend.ops = &holder_ops;
	if (storage_new(port, &fixture->holder->backend, TIMEOUT_MS,
			&fixture->storage) != ERR_OK ||
	    healthcheck_new(port, fixture->storage, health, max_age_ms,
			    &fixture->check) != ERR_OK)
		bail_out("no health check");
	storage_report_to(fixture->storage, health);
}

static void fixture_release(struct fixture *fixture)
{
	healthcheck_free(&fixture->check);
	storage_close(&fixture->storage);
	testloop_free(&fixture->loop);
}

struct said {
	size_t count;
	enum health_state state;
};

static void on_state(void *arg, enum health_state state)
{
	struct said *said = arg;

	said->count++;
	said->state = state;
}

static void ask(struct fixture *fixture, struct said *said)
{
	memset(said, 0, sizeof(*said));
	healthcheck_ask(fixture->check, on_state, said);
}

static bool is_said(const struct said *said, enum health_state state)
{
	return said->count == 1 && said->state == state;
}

static void test_first(void)
{
	struct health health = { 0 };
	struct fixture fixture;
	struct said first, second;

	tap_prefix("the first call");
	fixture_init(&fixture, &health, AGE_MS);
	ask(&fixture, &first);
	is_int(first.count, 0, "it asks the database");
	ask(&fixture, &second);
	ok(is_said(&second, HEALTH_UNKNOWN),
	   "who comes meanwhile is told at once what is known");
	is_int(fixture.holder->count, 1, "and asks nothing");
	let_go(fixture.holder, ERR_OK);
	ok(is_said(&first, HEALTH_REACHABLE), "its answer counts");
	ask(&fixture, &second);
	ok(is_said(&second, HEALTH_REACHABLE), "for those after it too");
	is_int(fixture.holder->count, 1, "who ask nothing");
	fixture_release(&fixture);
}

static void test_failure(void)
{
	struct health health = { 0 };
	struct fixture fixture;
	struct said said;

	tap_prefix("a failure");
	health_report(&health, HEALTH_REACHABLE);
	fixture_init(&fixture, &health, AGE_MS);
	health_report(&health, HEALTH_UNREACHABLE);
	ask(&fixture, &said);
	is_int(fixture.holder->count, 1, "the next call asks");
	let_go(fixture.holder, ERR_UNAVAILABLE);
	ok(is_said(&said, HEALTH_UNREACHABLE), "in vain");
	ask(&fixture, &said);
	ok(is_said(&said, HEALTH_UNREACHABLE), "those after it do not ask");
	is_int(fixture.holder->count, 1, "for a while");
	health_report(&health, HEALTH_REACHABLE);
	ask(&fixture, &said);
	ok(is_said(&said, HEALTH_REACHABLE),
	   "but hear of what went well meanwhile");
	fixture_release(&fixture);
}

static void test_age(void)
{
	struct health health = { 0 };
	struct fixture fixture;
	struct said said;

	tap_prefix("the age");
	fixture_init(&fixture, &health, 1);
	ask(&fixture, &said);
	let_go(fixture.holder, ERR_UNAVAILABLE);
	testloop_run_for(fixture.loop, 5);
	ask(&fixture, &said);
	is_int(fixture.holder->count, 2, "once it is over one asks again");
	let_go(fixture.holder, ERR_OK);
	ok(is_said(&said, HEALTH_REACHABLE), "and finds the database back");
	fixture_release(&fixture);
}

/* A database that takes longer than anybody waits. */
static void test_slow(void)
{
	struct health health = { 0 };
	struct fixture fixture;
	struct said first, second;

	tap_prefix("a slow answer");
	fixture_init(&fixture, &health, 1);
	health_report(&health, HEALTH_UNREACHABLE);
	ask(&fixture, &first);
	testloop_run_until_count(fixture.loop, &first.count, 1);
	ok(is_said(&first, HEALTH_UNREACHABLE), "it is not waited for");
	ask(&fixture, &second);
	ok(is_said(&second, HEALTH_UNREACHABLE), "the next does not wait");
	is_int(fixture.holder->count, 1, "nor ask, while one is under way");
	let_go(fixture.holder, ERR_OK);
	is_int(first.count, 1, "nobody is answered twice");
	ask(&fixture, &second);
	ok(is_said(&second, HEALTH_REACHABLE), "but it counts when it comes");
	fixture_release(&fixture);
}

static void test_refused(void)
{
	struct health health = { 0 };
	struct fixture fixture;
	struct said said;

	tap_prefix("a refusal");
	fixture_init(&fixture, &health, AGE_MS);
	fixture.holder->refusal = ERR_BUSY;
	ask(&fixture, &said);
	ok(is_said(&said, HEALTH_UNKNOWN), "it is answered all the same");
	fixture_release(&fixture);
}

static void test_two_workers(void)
{
	struct health health = { 0 };
	struct fixture one, other;
	struct said said, others;

	tap_prefix("two workers");
	fixture_init(&one, &health, AGE_MS);
	fixture_init(&other, &health, AGE_MS);
	ask(&one, &said);
	ask(&other, &others);
	is_int(one.holder->count + other.holder->count, 1, "one of them asks");
	let_go(one.holder, ERR_OK);
	ask(&other, &others);
	ok(is_said(&others, HEALTH_REACHABLE), "the other knows by it");
	fixture_release(&other);
	fixture_release(&one);
}

static void test_free(void)
{
	struct health health = { 0 };
	struct fixture fixture;
	struct said said;

	tap_prefix("the end");
	fixture_init(&fixture, &health, AGE_MS);
	ask(&fixture, &said);
	healthcheck_free(&fixture.check);
	ok(fixture.check == NULL, "a free leaves NULL behind");
	let_go(fixture.holder, ERR_OK);
	is_int(said.count, 0, "and answers nobody");
	healthcheck_free(&fixture.check);
	fixture_release(&fixture);
}

int main(void)
{
	test_states();
	test_may_probe();
	test_first();
	test_failure();
	test_age();
	test_slow();
	test_refused();
	test_two_workers();
	test_free();
	return tap_done();
}
