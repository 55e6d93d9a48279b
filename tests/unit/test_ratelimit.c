/* Counters of a rate limit: what they allow, when, and to whom. */
#include "config.h"

#include "core/ratelimit.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define S	      INT64_C(1000000)
#define NOW	      (1000 * S)
#define THREADS	      8
#define PROCESSES     4
#define TRIES	      5000

static const struct ratelimit_policy ten = { 10, 60, RATELIMIT_STEADY };
static const struct ratelimit_policy four = { 4, 40, RATELIMIT_GROWING };

/* Shared, as the daemon has it. */
static struct ratelimit *new_table(void)
{
	void *map = mmap(NULL, sizeof(struct ratelimit), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		bail_out("no memory");
	ratelimit_init(map);
	return map;
}

static void free_table(struct ratelimit *table)
{
	(void)munmap(table, sizeof(*table));
}

static struct ratelimit_verdict take(struct ratelimit *table,
				     const struct ratelimit_policy *policy,
				     const char *key, int64_t now_us)
{
	return ratelimit_take(table, policy, text_of(key), now_us);
}

/* How many of a number of tries at one time are allowed. */
static unsigned allowed(struct ratelimit *table,
			const struct ratelimit_policy *policy, const char *key,
			int64_t now_us, unsigned tries)
{
	unsigned count = 0;

	for (unsigned i = 0; i < tries; i++)
		count += take(table, policy, key, now_us).is_allowed;
	return count;
}

static void test_steady(void)
{
	struct ratelimit *table = new_table();
	struct ratelimit_verdict verdict = take(table, &ten, "a", NOW);

	ok(verdict.is_allowed, "the first is allowed");
	is_int(verdict.remaining, 9, "and one of the quota is used");
	ok(verdict.wait_us >= 6 * S && verdict.wait_us < 6 * S + S / 1000,
	   "which is back after its part of the window");
	is_int(allowed(table, &ten, "a", NOW, 100), 9,
	       "a quota can be used at once");
	is_int(allowed(table, &ten, "b", NOW, 100), 10,
	       "another key has its own");
	verdict = take(table, &ten, "a", NOW);
	ok(!verdict.is_allowed && verdict.remaining == 0, "then no more");
	ok(verdict.wait_us > 5 * S && verdict.wait_us < 7 * S,
	   "until a part of it is back");
	is_int(allowed(table, &ten, "a", NOW + verdict.wait_us - 100, 9), 0,
	       "not a moment before");
	is_int(allowed(table, &ten, "a", NOW + verdict.wait_us, 9), 1,
	       "then one");
	is_int(allowed(table, &ten, "a", NOW + 31 * S, 99), 4,
	       "as many as the time has given back");
	is_int(allowed(table, &ten, "a", NOW + 9000 * S, 99), 10,
	       "never more than a quota");
	free_table(table);
}

static void test_refusals_cost_nothing(void)
{
	struct ratelimit *table = new_table();

	(void)allowed(table, &ten, "a", NOW, 10);
	for (int64_t at = 0; at < 6 * S; at += S / 100)
		(void)take(table, &ten, "a", NOW + at);
	ok(take(table, &ten, "a", NOW + 6 * S + S / 10).is_allowed,
	   "what is refused does not make the wait longer");
	free_table(table);
}

static void test_growth(void)
{
	/* The quota is 4 in 40 s: a part of it is back after 10 s. */
	static const int64_t waits_s[] = { 10, 20, 40, 40, 40 };
	struct ratelimit *table = new_table();
	struct ratelimit_verdict verdict;
	int64_t now = NOW;

	is_int(allowed(table, &four, "a", now, 9), 4, "first the quota");
	for (size_t i = 0; i < LENGTH(waits_s); i++) {
		verdict = take(table, &four, "a", now);
		ok(!verdict.is_allowed, "a try too early is refused");
		is_int((verdict.wait_us + S / 2) / S, waits_s[i],
		       "its wait grows, up to the window");
		now += verdict.wait_us;
		is_int(allowed(table, &four, "a", now, 9), 1,
		       "after the wait one is allowed");
	}
	verdict = take(table, &four, "a", now);
	now += verdict.wait_us + 29 * S;
	is_int(allowed(table, &four, "a", now, 9), 3,
	       "who waits longer gets more back");
	verdict = take(table, &four, "a", now);
	ok(verdict.wait_us > 35 * S, "but is known until all is");
	is_int(allowed(table, &four, "a", now + 80 * S, 9), 4,
	       "then there is a whole quota");
	verdict = take(table, &four, "a", now + 80 * S);
	is_int((verdict.wait_us + S / 2) / S, 10, "and a short wait");
	free_table(table);
}

static void test_growth_is_bounded(void)
{
	static const struct ratelimit_policy hour = { 100, 3600,
						      RATELIMIT_GROWING };
	static const struct ratelimit_policy days = { 1, 86400,
						      RATELIMIT_GROWING };
	struct ratelimit *table = new_table();
	struct ratelimit_verdict verdict;
	int64_t now = NOW, longest = 0;

	(void)allowed(table, &hour, "a", now, 100);
	for (int i = 0; i < 40; i++) {
		verdict = take(table, &hour, "a", now);
		if (verdict.is_allowed)
			ok(false, "it is refused");
		longest = verdict.wait_us > longest ? verdict.wait_us : longest;
		now += verdict.wait_us;
		if (!take(table, &hour, "a", now).is_allowed)
			ok(false, "after the wait it is allowed");
	}
	is_int((longest + S / 2) / S, RATELIMIT_GROWN_MAX_S,
	       "no wait is longer than a quarter of an hour");
	ok(take(table, &days, "b", now).is_allowed, "one a day");
	verdict = take(table, &days, "b", now);
	is_int((verdict.wait_us + S / 2) / S, 86400,
	       "but for what is asked for");
	free_table(table);
}

static void test_forget(void)
{
	struct ratelimit *table = new_table();

	(void)allowed(table, &four, "a", NOW, 4);
	(void)allowed(table, &four, "b", NOW, 4);
	ratelimit_forget(table, TEXT("a"));
	ratelimit_forget(table, TEXT("never seen"));
	is_int(allowed(table, &four, "a", NOW, 9), 4,
	       "what is forgotten begins anew");
	is_int(allowed(table, &four, "b", NOW, 9), 0, "and nobody else does");
	free_table(table);
}

static void test_other_policies(void)
{
	static const struct ratelimit_policy narrow = { 2, 2,
							RATELIMIT_STEADY };
	struct ratelimit *table = new_table();
	struct ratelimit_verdict verdict;

	(void)allowed(table, &ten, "a", NOW, 10);
	verdict = take(table, &narrow, "a", NOW);
	ok(!verdict.is_allowed, "what was counted stays after a reload");
	ok(verdict.wait_us <= 4 * S, "but blocks no longer than is now asked");
	free_table(table);
}

/* So many keys that every bucket is full many times over. */
static void test_flood(void)
{
	enum { FLOOD = RATELIMIT_BUCKETS * RATELIMIT_WAYS * 2 };
	struct ratelimit *table = new_table();
	unsigned refused = 0;
	char key[32];

	(void)allowed(table, &ten, "victim", NOW, 10);
	for (unsigned i = 0; i < FLOOD; i++) {
		(void)snprintf(key, sizeof(key), "attacker %u", i);
		refused += !take(table, &ten, key, NOW + S).is_allowed;
	}
	is_int(allowed(table, &ten, "victim", NOW + S, 9), 0,
	       "a flood of keys does not make a counter forget");
	ok(refused < FLOOD / 4, "and hinders few of them");
	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(key, sizeof(key), "late %u", i);
		if (allowed(table, &ten, key, NOW + S, 30) > 10) {
			ok(false, "in a full table nobody gets more");
			break;
		}
	}
	is_int(allowed(table, &ten, "late", NOW + 121 * S, 30), 10,
	       "when it is over there is room again");
	free_table(table);
}

struct hammer {
	struct ratelimit *table;
	_Atomic unsigned *allowed;
};

static void *hammer(void *arg)
{
	const struct hammer *job = arg;

	for (int i = 0; i < TRIES; i++)
		atomic_fetch_add(job->allowed,
				 take(job->table, &ten, "a", NOW).is_allowed);
	return NULL;
}

static void test_threads(void)
{
	struct ratelimit *table = new_table();
	_Atomic unsigned count = 0;
	struct hammer job = { table, &count };
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, hammer, &job) != 0)
			bail_out("no thread");
	for (size_t i = 0; i < THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	is_int(atomic_load(&count), 10, "threads at once get one quota");
	free_table(table);
}

static void test_processes(void)
{
	struct ratelimit *table = new_table();
	_Atomic unsigned *count = mmap(NULL, sizeof(*count),
				       PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct hammer job = { table, count };
	pid_t pids[PROCESSES];

	if (count == MAP_FAILED)
		bail_out("no memory");
	for (size_t i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			(void)hammer(&job);
			_exit(0);
		}
	}
	for (size_t i = 0; i < PROCESSES; i++)
		(void)waitpid(pids[i], NULL, 0);
	is_int(atomic_load(count), 10, "processes at once get one quota");

	/* One that hammers until it is killed leaves nothing taken. */
	pids[0] = fork();
	if (pids[0] == 0) {
		for (;;)
			(void)take(table, &ten, "b", NOW);
	}
	while (take(table, &ten, "b", NOW).is_allowed)
		continue;
	(void)kill(pids[0], SIGKILL);
	(void)waitpid(pids[0], NULL, 0);
	ok(!take(table, &ten, "b", NOW).is_allowed,
	   "what a killed process has counted stays counted");
	is_int(allowed(table, &ten, "b", NOW + 60 * S, 99), 10,
	       "and it has left nothing taken");
	(void)munmap(count, sizeof(*count));
	free_table(table);
}

static void test_clock(void)
{
	/* Short of where the time in a counter begins anew, and past it. */
	static const int64_t edge = (INT64_C(1) << 44) * 16;
	struct ratelimit *table = new_table();

	is_int(allowed(table, &ten, "a", edge - S, 99), 10,
	       "a clock near the end of a counter's time");
	is_int(allowed(table, &ten, "a", edge, 99), 0, "goes on past it");
	is_int(allowed(table, &ten, "a", edge + 60 * S, 99), 10,
	       "and is no different there");
	is_int(allowed(table, &ten, "b", 0, 99), 10, "it may begin at zero");
	free_table(table);
}

static void test_parse(void)
{
	static const struct {
		const char *text;
		unsigned quota, window_s;
	} good[] = {
		{ "off", 0, 0 },
		{ "OFF", 0, 0 },
		{ "1/s", 1, 1 },
		{ "100/m", 100, 60 },
		{ "20/30s", 20, 30 },
		{ "5/10m", 5, 600 },
		{ "1000/h", 1000, 3600 },
		{ "1/24h", 1, 86400 },
		{ "1/d", 1, 86400 },
		{ "10000/1s", 10000, 1 },
		{ "100000/10s", 100000, 10 },
	};
	static const char *const bad[] = {
		"",
		"100",
		"/m",
		"100/",
		"0/m",
		"-1/m",
		"1/0s",
		"1/-1s",
		"1/60",
		"1/x",
		"1/mm",
		"1/m ",
		" 1/m",
		"1 /m",
		"1/2d",
		"1/86401s",
		"10001/s",
		"100001/h",
		"1/1.5m",
		"on",
		"1/m/s",
		"1e3/m",
		"1/ms",
		"99999999999999999999/m",
		"1/99999999999999999999s",
	};
	struct ratelimit_policy policy = { .growth = RATELIMIT_GROWING };

	for (size_t i = 0; i < LENGTH(good); i++) {
		is_err(ratelimit_policy_parse(text_of(good[i].text), &policy),
		       ERR_OK, good[i].text);
		is_int(policy.quota, good[i].quota, "its quota");
		is_int(policy.window_s, good[i].window_s, "its window");
	}
	for (size_t i = 0; i < LENGTH(bad); i++)
		is_err(ratelimit_policy_parse(text_of(bad[i]), &policy),
		       ERR_INVALID, bad[i]);
	is_int(policy.quota, 100000, "what is refused changes nothing");
	is_int(policy.growth, RATELIMIT_GROWING, "and growth is another's");
}

int main(void)
{
	test_steady();
	test_refusals_cost_nothing();
	test_growth();
	test_growth_is_bounded();
	test_forget();
	test_other_policies();
	test_flood();
	test_threads();
	test_processes();
	test_clock();
	test_parse();
	return tap_done();
}
