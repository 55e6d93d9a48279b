/* The pool of hashing threads, on a loop of the test's own. */
#include "config.h"

#include "core/hashpool.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/tap.h"
#include "tests/support/testloop.h"

#define BCRYPT_HASH \
	"$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"

#define A72                                    \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BCRYPT_HASH_A72 \
	"$2b$04$abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe"

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
	size_t asks, takes, taken, most, limit;
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
	test_many();
	test_full();
	test_budget();
	test_free();
	test_free_in_callback();
	test_options();
	test_threads();
	return tap_done();
}
