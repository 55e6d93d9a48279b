/* What master and workers share. */
#include "config.h"

#include "daemon/shared.h"

#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/tap.h"

#define NOW_US INT64_C(1000000000)

static void test_hash_tokens(struct shared *shared)
{
	atomic_store(&shared->hash_token_count, 3);
	ok(shared_hash_take(shared, 0), "a token is to be had");
	ok(shared_hash_take(shared, 1), "another worker gets one");
	ok(shared_hash_take(shared, 1), "and a second");
	ok(!shared_hash_take(shared, 0), "there are no more than allowed");
	shared_hash_give(shared, 0);
	ok(shared_hash_take(shared, 2), "one that is given can be taken");
	shared_reap(shared, 1);
	ok(shared_hash_take(shared, 2) && shared_hash_take(shared, 2),
	   "what a dead worker held is free again");
	ok(!shared_hash_take(shared, 1), "but not twice");
	atomic_store(&shared->hash_token_count, 1);
	for (int i = 0; i < 3; i++)
		shared_hash_give(shared, 2);
	ok(shared_hash_take(shared, 0),
	   "tokens beyond a smaller count can be given");
	ok(!shared_hash_take(shared, 0), "and the smaller count holds");
	shared_reap(shared, 0);
}

static void test_fork(struct shared *shared)
{
	pid_t pid;
	int status = 0;

	atomic_store(&shared->hash_token_count, 2);
	pid = fork();
	if (pid == 0)
		_exit(shared_hash_take(shared, 5) ? 0 : 1);
	(void)waitpid(pid, &status, 0);
	is_int(status, 0, "a child takes a token");
	ok(shared_hash_take(shared, 6), "the second is left");
	ok(!shared_hash_take(shared, 6), "the first is seen to be taken");
	shared_reap(shared, 5);
	ok(shared_hash_take(shared, 6), "until the child is reaped");
	shared_reap(shared, 6);
}

static void set_slot(struct shared *shared, unsigned slot, int state,
		     int64_t heartbeat_us, unsigned connections)
{
	atomic_store(&shared->slots[slot].state, state);
	atomic_store(&shared->slots[slot].heartbeat_us, heartbeat_us);
	atomic_store(&shared->slots[slot].connections, connections);
}

static void test_connections(struct shared *shared)
{
	int64_t stale_us = NOW_US - (SHARED_FRESH_MS + 1) * INT64_C(1000);
	unsigned counts[SHARED_SLOTS];

	set_slot(shared, 3, SHARED_SERVING, NOW_US, 30);
	set_slot(shared, 4, SHARED_SERVING, NOW_US, 40);
	set_slot(shared, 5, SHARED_SERVING, stale_us, 50);
	set_slot(shared, 6, SHARED_DRAINING, NOW_US, 60);
	set_slot(shared, 7, SHARED_FULL, NOW_US, 70);
	set_slot(shared, 8, SHARED_STARTING, NOW_US, 0);
	is_int(shared_connections(shared, 4, NOW_US, counts), 2,
	       "only workers that accept and live are counted");
	is_int(counts[0], 40, "the own count comes first");
	is_int(counts[1], 30, "then the others'");
	shared_reap(shared, 3);
	is_int(shared_connections(shared, 4, NOW_US, counts), 1,
	       "a dead worker has no share");
}

int main(void)
{
	struct shared *shared = NULL;

	if (shared_new(&shared) != ERR_OK)
		bail_out("no shared memory");
	test_hash_tokens(shared);
	test_fork(shared);
	test_connections(shared);
	shared_free(&shared);
	ok(shared == NULL, "the memory can be freed");
	return tap_done();
}
