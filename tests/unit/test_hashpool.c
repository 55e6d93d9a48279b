/* The pool of hashing threads, on a loop of the test's own. */
#include "config.h"

#include "core/hashpool.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "tests/support/tap.h"
#include "tests/support/testloop.h"

#define BCRYPT_HASH \
	"$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"

#define A72                                    \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BCRYPT_HASH_A72 \
	"$2b$04$abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe"

/* Nothing known matches these; each step of cost doubles the time. */
#define BCRYPT_SLOW \
	"$2b$10$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"
#define BCRYPT_SLOWEST \
	"$2b$13$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"
#define UNREADABLE "$1$a$b"

/* What came of the jobs of one test. */
struct outcome {
	size_t calls;
	enum err err; /* of the last one */
	char new_hash[PASSWORD_HASH_BYTES];
	bool elsewhere; /* a callback ran in another thread */
	pthread_t thread;
	struct hashpool **closes; /* the callback frees this pool */
};

static void on_result(void *arg, const struct hashpool_result *result)
{
	struct outcome *outcome = arg;

	outcome->calls++;
	outcome->err = result->err;
	(void)snprintf(outcome->new_hash, sizeof(outcome->new_hash), "%.*s",
		       (int)result->new_hash.len, result->new_hash.ptr);
	if (!pthread_equal(outcome->thread, pthread_self()))
		outcome->elsewhere = true;
	if (outcome->closes != NULL)
		hashpool_free(outcome->closes);
}

/* A budget that counts, and that is closed until it is opened. */
struct budget {
	pthread_mutex_t lock;
	pthread_cond_t asked;
	size_t asks, takes, taken, most, gives, limit;
};

static bool take(void *arg)
{
	struct budget *budget = arg;
	bool may;

	pthread_mutex_lock(&budget->lock);
	may = budget->taken < budget->limit;
	budget->asks++;
	if (may) {
		budget->takes++;
		budget->taken++;
		if (budget->most < budget->taken)
			budget->most = budget->taken;
	}
	pthread_cond_signal(&budget->asked);
	pthread_mutex_unlock(&budget->lock);
	return may;
}

static void give(void *arg)
{
	struct budget *budget = arg;

	pthread_mutex_lock(&budget->lock);
	budget->taken--;
	budget->gives++;
	pthread_cond_signal(&budget->asked);
	pthread_mutex_unlock(&budget->lock);
}

static void budget_init(struct budget *budget, size_t limit)
{
	*budget = (struct budget){ .limit = limit };
	pthread_mutex_init(&budget->lock, NULL);
	pthread_cond_init(&budget->asked, NULL);
}

static void budget_open(struct budget *budget, size_t limit)
{
	pthread_mutex_lock(&budget->lock);
	budget->limit = limit;
	pthread_mutex_unlock(&budget->lock);
}

/* Until a thread has taken a job from the queue and asks for the budget. */
static void budget_wait_asked(struct budget *budget)
{
	pthread_mutex_lock(&budget->lock);
	while (budget->asks == 0)
		pthread_cond_wait(&budget->asked, &budget->lock);
	pthread_mutex_unlock(&budget->lock);
}

/* Until a thread has carried out so many jobs. */
static void budget_wait_given(struct budget *budget, size_t gives)
{
	pthread_mutex_lock(&budget->lock);
	while (budget->gives < gives)
		pthread_cond_wait(&budget->asked, &budget->lock);
	pthread_mutex_unlock(&budget->lock);
}

static struct hashpool *pool_of_cost(struct testloop *loop,
				     struct password_cost cost)
{
	const struct hashpool_options options = {
		.threads = 1,
		.queue_max = 16,
		.cost = cost,
	};
	struct hashpool *pool = NULL;

	if (hashpool_new(testloop_port(loop), &options, &pool) != ERR_OK)
		bail_out("no pool");
	return pool;
}

static struct hashpool *pool_new(struct testloop *loop, unsigned threads,
				 size_t queue_max, struct budget *budget)
{
	const struct hashpool_budget port = { take, give, budget };
	const struct hashpool_options options = {
		.threads = threads,
		.queue_max = queue_max,
		.cost = { 8, 1 },
		.budget = budget != NULL ? &port : NULL,
	};
	struct hashpool *pool = NULL;

	if (hashpool_new(testloop_port(loop), &options, &pool) != ERR_OK)
		bail_out("no pool");
	return pool;
}

static void verify(struct testloop *loop, struct hashpool *pool,
		   const char *password, const char *hash,
		   struct outcome *outcome)
{
	size_t before = outcome->calls;

	outcome->thread = pthread_self();
	if (!is_err(hashpool_verify(pool, text_of(password), text_of(hash),
				    on_result, outcome),
		    ERR_OK, "a check is accepted"))
		return;
	(void)testloop_run_until_count(loop, &outcome->calls, before + 1);
}

static void test_results(void)
{
	struct testloop *loop = testloop_new();
	struct hashpool *pool = pool_new(loop, 2, 16, NULL);
	struct outcome outcome = { .thread = pthread_self() };
	char hash[PASSWORD_HASH_BYTES], password[] = "Passw0rd!";

	is_err(hashpool_hash(pool, text_of(password), on_result, &outcome),
	       ERR_OK, "a hash is accepted");
	/* The pool has its own copy. */
	memset(password, 'x', strlen(password));
	is_int(outcome.calls, 0, "no callback runs before the call returns");
	is_int(hashpool_pending(pool), 1, "and one job is pending");
	ok(testloop_run_until_count(loop, &outcome.calls, 1),
	   "a callback runs from the loop");
	is_err(outcome.err, ERR_OK, "the hash was made");
	is_int(hashpool_pending(pool), 0, "nothing is pending any more");
	memcpy(hash, outcome.new_hash, sizeof(hash));
	is_err(password_verify(TEXT("Passw0rd!"), text_of(hash)), ERR_OK,
	       "the hash is that of the password");

	verify(loop, pool, "Passw0rd!", hash, &outcome);
	is_err(outcome.err, ERR_OK, "the password matches");
	is_string(outcome.new_hash, "", "its hash is not replaced");
	verify(loop, pool, "passw0rd!", hash, &outcome);
	is_err(outcome.err, ERR_DENIED, "another password does not match");
	verify(loop, pool, "Passw0rd!", "", &outcome);
	is_err(outcome.err, ERR_DENIED, "an unknown user is denied");
	is_string(outcome.new_hash, "", "and gets no hash");
	verify(loop, pool, "Passw0rd!", "$1$a$b", &outcome);
	is_err(outcome.err, ERR_INVALID, "a strange hash is told");
	verify(loop, pool, "correct horse", BCRYPT_HASH, &outcome);
	is_err(outcome.err, ERR_OK, "an imported hash matches");
	ok(text_has_prefix(text_of(outcome.new_hash), TEXT("$argon2id$")),
	   "and is replaced");
	is_err(password_verify(TEXT("correct horse"),
			       text_of(outcome.new_hash)),
	       ERR_OK, "by a hash of the same password");
	verify(loop, pool, "wrong horse", BCRYPT_HASH, &outcome);
	is_err(outcome.err, ERR_DENIED, "a wrong password is denied");
	is_string(outcome.new_hash, "", "and replaces nothing");
	ok(!outcome.elsewhere, "callbacks run in the loop's thread");
	hashpool_free(&pool);
	ok(pool == NULL, "a freed pool is gone");
	hashpool_free(&pool);
	testloop_free(&loop);
}

/* bcrypt says nothing about what follows 72 bytes: a hash of a mistyped end
 * would lock the user out. */
static void test_long_password(void)
{
	struct testloop *loop = testloop_new();
	struct hashpool *pool = pool_new(loop, 1, 16, NULL);
	struct outcome outcome = { .calls = 0 };

	verify(loop, pool, A72 "!", BCRYPT_HASH_A72, &outcome);
	is_err(outcome.err, ERR_OK, "73 bytes match a bcrypt hash");
	is_string(outcome.new_hash, "", "which is not replaced by theirs");
	verify(loop, pool, A72, BCRYPT_HASH_A72, &outcome);
	is_err(outcome.err, ERR_OK, "72 bytes match it");
	is_err(password_verify(TEXT(A72), text_of(outcome.new_hash)), ERR_OK,
	       "and replace it");
	hashpool_free(&pool);
	testloop_free(&loop);
}

static int64_t cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The least processor time of several checks: however busy the machine is, no
 * check takes less. */
static int64_t cost_of(const char *hash)
{
	int64_t least = INT64_MAX;

	for (int i = 0; i < 5; i++) {
		int64_t before = cpu_us(), took;

		if (password_verify(TEXT("x"), text_of(hash)) != ERR_DENIED)
			bail_out("a hash that nothing matches does match");
		took = cpu_us() - before;
		if (took < least)
			least = took;
	}
	return least;
}

/* The least time of several checks by a pool. */
static int64_t time_of(struct testloop *loop, struct hashpool *pool,
		       const char *password, const char *hash, enum err want)
{
	int64_t least = INT64_MAX;

	for (int i = 0; i < 5; i++) {
		struct outcome outcome = { .calls = 0 };
		int64_t before = clock_monotonic_us(), took;

		verify(loop, pool, password, hash, &outcome);
		took = clock_monotonic_us() - before;
		is_err(outcome.err, want, "with its result");
		if (took < least)
			least = took;
	}
	return least;
}

/* No refusal is told sooner than after the time of a hash that is costlier,
 * of which half is left to chance: a cheap one takes a thirtieth. */
static void test_held_to_decoy(void)
{
	const struct password_cost cost = { PASSWORD_MEMORY_KIB_MIN,
					    PASSWORD_PASSES_MIN };
	struct testloop *loop = testloop_new();
	char decoy[PASSWORD_HASH_BYTES];
	struct hashpool *pool;
	int64_t least;

	password_decoy(&cost, decoy);
	least = cost_of(decoy) / 2;
	pool = pool_of_cost(loop, cost);
	ok(time_of(loop, pool, "x", BCRYPT_HASH, ERR_DENIED) > least,
	   "a cheaper hash is refused no sooner than an unknown user");
	hashpool_free(&pool);
	pool = pool_of_cost(loop, cost);
	ok(time_of(loop, pool, "x", UNREADABLE, ERR_INVALID) > least,
	   "nor is an unreadable hash");
	ok(time_of(loop, pool, "x", "", ERR_DENIED) > least,
	   "an unknown user takes the time of a hash");
	ok(time_of(loop, pool, "x", BCRYPT_HASH, ERR_DENIED) > least,
	   "and a cheaper hash still does");
	hashpool_free(&pool);
	testloop_free(&loop);
}

static void test_held_to_slowest(void)
{
	const struct password_cost cost = { 8, 1 };
	struct testloop *loop = testloop_new();
	struct hashpool *pool = pool_of_cost(loop, cost);
	int64_t least = cost_of(BCRYPT_SLOW) / 2, slow;
	char hash[PASSWORD_HASH_BYTES];

	if (password_hash(TEXT("x"), &cost, hash) != ERR_OK)
		bail_out("no hash");
	slow = time_of(loop, pool, "x", BCRYPT_SLOW, ERR_DENIED);
	ok(time_of(loop, pool, "x", "", ERR_DENIED) > least,
	   "an unknown user is refused no sooner than a costlier hash");
	ok(time_of(loop, pool, "x", UNREADABLE, ERR_INVALID) > least,
	   "nor is an unreadable hash");
	ok(time_of(loop, pool, "y", hash, ERR_DENIED) > least,
	   "nor is a hash of the pool's own cost");
	ok(time_of(loop, pool, "x", hash, ERR_OK) < slow / 2,
	   "a match is not held");
	hashpool_free(&pool);
	testloop_free(&loop);
}

/* Refusals that wait for their time while other things happen. */
static void test_held(void)
{
	struct testloop *loop = testloop_new();
	struct outcome outcome = { .thread = pthread_self() };
	struct budget budget;
	struct hashpool *pool;

	budget_init(&budget, 1);
	pool = pool_new(loop, 1, 16, &budget);
	/* From here on refusals wait for some tenths of a second. */
	verify(loop, pool, "x", BCRYPT_SLOWEST, &outcome);
	outcome.calls = 0;
	for (size_t i = 0; i < 3; i++)
		is_err(hashpool_verify(pool, TEXT("x"), TEXT(""), on_result,
				       &outcome),
		       ERR_OK, "a check is accepted");
	is_err(hashpool_hash(pool, TEXT("x"), on_result, &outcome), ERR_OK,
	       "and a hash behind them");
	(void)testloop_run_until_count(loop, &outcome.calls, 1);
	is_err(outcome.err, ERR_OK, "a hash passes by what is held");
	is_int(hashpool_pending(pool), 3, "which is pending");
	outcome.closes = &pool;
	(void)testloop_run_until_count(loop, &outcome.calls, 2);
	ok(pool == NULL, "the callback of a held one can free the pool");
	(void)testloop_run_ready(loop);
	is_int(outcome.calls, 2, "which drops the others");
	testloop_free(&loop);
}

static void test_held_freed(void)
{
	struct testloop *loop = testloop_new();
	struct outcome outcome = { .thread = pthread_self() };
	struct budget budget;
	struct hashpool *pool;

	budget_init(&budget, 1);
	pool = pool_new(loop, 1, 16, &budget);
	verify(loop, pool, "x", BCRYPT_SLOWEST, &outcome);
	for (size_t i = 0; i < 3; i++)
		is_err(hashpool_verify(pool, TEXT("x"), TEXT(""), on_result,
				       &outcome),
		       ERR_OK, "a check is accepted");
	is_err(hashpool_hash(pool, TEXT("x"), on_result, &outcome), ERR_OK,
	       "and a hash behind them");
	(void)testloop_run_until_count(loop, &outcome.calls, 2);
	hashpool_free(&pool);
	ok(pool == NULL, "a pool that holds refusals can be freed");
	testloop_free(&loop);
	is_int(outcome.calls, 2, "and drops them");
}

/* The queue is empty all the time, but results are not delivered. */
static void test_bound(void)
{
	const size_t most = 2 + HASHPOOL_HELD_MAX;
	struct testloop *loop = testloop_new();
	struct outcome outcome = { .thread = pthread_self() };
	struct budget budget;
	struct hashpool *pool;
	size_t accepted = 0;

	budget_init(&budget, 1);
	pool = pool_new(loop, 1, 2, &budget);
	while (accepted <= most &&
	       hashpool_verify(pool, TEXT("x"), TEXT(""), on_result,
			       &outcome) == ERR_OK)
		budget_wait_given(&budget, ++accepted);
	is_int(accepted, most, "results that wait have a bound");
	is_int(hashpool_pending(pool), most, "and are pending");
	is_err(hashpool_hash(pool, TEXT("x"), on_result, &outcome), ERR_BUSY,
	       "no more is accepted then");
	(void)testloop_run_until_count(loop, &outcome.calls, most);
	is_err(hashpool_verify(pool, TEXT("x"), TEXT(""), on_result, &outcome),
	       ERR_OK, "until they are delivered");
	(void)testloop_run_until_count(loop, &outcome.calls, most + 1);
	is_int(outcome.calls, most + 1, "each once");
	hashpool_free(&pool);
	testloop_free(&loop);
}

static void test_many(void)
{
	struct testloop *loop = testloop_new();
	struct hashpool *pool = pool_new(loop, 3, 200, NULL);
	struct outcome outcomes[200];
	size_t calls = 0;
	bool once = true;

	memset(outcomes, 0, sizeof(outcomes));
	for (size_t i = 0; i < 200; i++) {
		outcomes[i].thread = pthread_self();
		if (hashpool_hash(pool, TEXT("Passw0rd!"), on_result,
				  &outcomes[i]) != ERR_OK)
			bail_out("a job was not accepted");
	}
	for (size_t i = 0; i < 200; i++) {
		(void)testloop_run_until_count(loop, &outcomes[i].calls, 1);
		once = once && outcomes[i].calls == 1 &&
		       outcomes[i].err == ERR_OK;
	}
	for (size_t i = 0; i < 200; i++)
		calls += outcomes[i].calls;
	ok(once && calls == 200, "each of many jobs is answered once");
	is_int(hashpool_pending(pool), 0, "and none is pending");
	hashpool_free(&pool);
	testloop_free(&loop);
}

static void test_full(void)
{
	struct testloop *loop = testloop_new();
	struct outcome outcome = { .thread = pthread_self() };
	struct budget budget;
	struct hashpool *pool;

	budget_init(&budget, 0);
	pool = pool_new(loop, 1, 2, &budget);
	is_err(hashpool_hash(pool, TEXT("a"), on_result, &outcome), ERR_OK,
	       "the first job is accepted");
	/* It has left the queue: there is room for two. */
	budget_wait_asked(&budget);
	is_err(hashpool_hash(pool, TEXT("b"), on_result, &outcome), ERR_OK,
	       "the second waits");
	is_err(hashpool_verify(pool, TEXT("c"), TEXT(""), on_result, &outcome),
	       ERR_OK, "the third waits");
	is_err(hashpool_hash(pool, TEXT("d"), on_result, &outcome), ERR_BUSY,
	       "the fourth finds the queue full");
	is_err(hashpool_verify(pool, TEXT("d"), TEXT(""), on_result, &outcome),
	       ERR_BUSY, "so does a check");
	is_int(hashpool_pending(pool), 3, "what was refused is not pending");
	budget_open(&budget, 1);
	(void)testloop_run_until_count(loop, &outcome.calls, 3);
	is_int(outcome.calls, 3, "the others are answered");
	is_err(hashpool_hash(pool, TEXT("e"), on_result, &outcome), ERR_OK,
	       "and there is room again");
	(void)testloop_run_until_count(loop, &outcome.calls, 4);
	hashpool_free(&pool);
	testloop_free(&loop);
}

static void test_budget(void)
{
	struct testloop *loop = testloop_new();
	struct outcome outcome = { .thread = pthread_self() };
	struct budget budget;
	struct hashpool *pool;

	budget_init(&budget, 2);
	pool = pool_new(loop, 6, 64, &budget);
	for (int i = 0; i < 40; i++) {
		if (hashpool_hash(pool, TEXT("a"), on_result, &outcome) !=
		    ERR_OK)
			bail_out("a job was not accepted");
	}
	(void)testloop_run_until_count(loop, &outcome.calls, 40);
	hashpool_free(&pool);
	is_int(outcome.calls, 40, "all jobs are answered within a budget");
	ok(budget.most <= 2, "never more at once than the budget has");
	is_int(budget.takes, 40, "each has taken from it");
	is_int(budget.taken, 0, "and given back");
	testloop_free(&loop);
}

/* Jobs of every state when the pool is freed. */
static void test_free(void)
{
	struct testloop *loop = testloop_new();
	struct outcome outcome = { .thread = pthread_self() };
	struct budget budget;
	struct hashpool *pool;

	budget_init(&budget, 0);
	pool = pool_new(loop, 2, 16, &budget);
	for (int i = 0; i < 8; i++) {
		if (hashpool_hash(pool, TEXT("a"), on_result, &outcome) !=
		    ERR_OK)
			bail_out("a job was not accepted");
	}
	budget_wait_asked(&budget);
	hashpool_free(&pool);
	(void)testloop_run_ready(loop);
	is_int(outcome.calls, 0,
	       "what waits or has no budget is dropped without a callback");
	is_int(budget.takes, 0, "and takes nothing");

	/* Done, but the loop has not come to it. */
	pool = pool_new(loop, 1, 16, NULL);
	for (int i = 0; i < 3; i++) {
		if (hashpool_hash(pool, TEXT("a"), on_result, &outcome) !=
		    ERR_OK)
			bail_out("a job was not accepted");
	}
	hashpool_free(&pool);
	(void)testloop_run_ready(loop);
	is_int(outcome.calls, 0, "after the end no callback runs");

	/* An unused pool. */
	pool = pool_new(loop, 4, 16, NULL);
	hashpool_free(&pool);
	testloop_free(&loop);
}

static void test_free_in_callback(void)
{
	struct testloop *loop = testloop_new();
	struct hashpool *pool = pool_new(loop, 1, 16, NULL);
	struct outcome outcome = { .thread = pthread_self(), .closes = &pool };

	for (int i = 0; i < 4; i++) {
		if (hashpool_hash(pool, TEXT("a"), on_result, &outcome) !=
		    ERR_OK)
			bail_out("a job was not accepted");
	}
	(void)testloop_run_until_count(loop, &outcome.calls, 1);
	(void)testloop_run_ready(loop);
	is_int(outcome.calls, 1, "a callback can free the pool");
	ok(pool == NULL, "and the pool is gone");
	testloop_free(&loop);
}

static void test_options(void)
{
	struct testloop *loop = testloop_new();
	struct hashpool_options options = { .queue_max = 1, .cost = { 8, 1 } };
	struct hashpool *pool = NULL;

	is_err(hashpool_new(testloop_port(loop), &options, &pool), ERR_INVALID,
	       "a pool needs a thread");
	options.threads = 65;
	is_err(hashpool_new(testloop_port(loop), &options, &pool), ERR_INVALID,
	       "and not too many");
	ok(pool == NULL, "a refused pool is none");
	testloop_free(&loop);
}

/* The value of a line of a thread's status, as hexadecimal. */
static unsigned long long status_of(const char *tid, const char *key)
{
	unsigned long long value = 0;
	char path[300], line[256];
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%s/status", tid);
	file = fopen(path, "r");
	if (file == NULL)
		return 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, key, strlen(key)) == 0)
			value = strtoull(line + strlen(key), NULL, 16);
	}
	(void)fclose(file);
	return value;
}

static void test_threads(void)
{
	struct testloop *loop = testloop_new();
	struct hashpool *pool = pool_new(loop, 1, 1, NULL);
	struct outcome outcome = { .thread = pthread_self() };
	bool is_nice = false, is_deaf = false;
	struct dirent *entry;
	DIR *tasks;

	/* Once it has done a job it has certainly begun. */
	verify(loop, pool, "a", "", &outcome);
	tasks = opendir("/proc/self/task");
	while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
		int tid = (int)strtol(entry->d_name, NULL, 10);
		/* SIGHUP, SIGINT, SIGTERM, SIGCHLD, SIGUSR1 */
		unsigned long long wanted = 1ULL << 0 | 1ULL << 1 | 1ULL << 14 |
					    1ULL << 16 | 1ULL << 9;

		if (tid == 0 || tid == (int)gettid() ||
		    getpriority(PRIO_PROCESS, (id_t)tid) != 10)
			continue;
		is_nice = true;
		is_deaf = (status_of(entry->d_name, "SigBlk:") & wanted) ==
			  wanted;
	}
	if (tasks == NULL) {
		skip("the threads are nice", "no /proc");
		skip("the threads get no signals", "no /proc");
	} else {
		(void)closedir(tasks);
		ok(is_nice, "the threads are nice");
		ok(is_deaf, "the threads get no signals");
	}
	hashpool_free(&pool);
	testloop_free(&loop);
}

int main(void)
{
	test_results();
	test_long_password();
	test_held_to_decoy();
	test_held_to_slowest();
	test_held();
	test_held_freed();
	test_bound();
	test_many();
	test_full();
	test_budget();
	test_free();
	test_free_in_callback();
	test_options();
	test_threads();
	return tap_done();
}
