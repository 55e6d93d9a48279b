/*
 * An event loop for tests: core/loop.h over a mutex and poll().
 * It runs in the thread that calls testloop_run_…(), and only then; jobs may be
 * posted from any thread.  Every wait has a bound, so that a lost callback is
 * a failed check and not a hang.
 */
#ifndef TODOD_TESTS_TESTLOOP_H
#define TODOD_TESTS_TESTLOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/loop.h"

/* Ample for anything that is going to happen at all, sanitizers included. */
#define TESTLOOP_PATIENCE_MS 30000

struct testloop;

/* Never fails: it ends the program when memory is exhausted. */
struct testloop *testloop_new(void);

/* Runs the jobs that are still posted; timers must have been freed. */
void testloop_free(struct testloop **loop);

/* The port that code under test gets. */
struct loop *testloop_port(struct testloop *loop);

typedef bool testloop_until_fn(const void *arg);

/* Runs jobs and timers until until(arg) is true, which is asked before each
 * step; false when that has not come after patience_ms. */
bool testloop_run_until(struct testloop *loop, testloop_until_fn *until,
			const void *arg, int64_t patience_ms);

/* Until *flag is set, with TESTLOOP_PATIENCE_MS. */
bool testloop_run_until_set(struct testloop *loop, const bool *flag);

/* Until *count is at least want, with TESTLOOP_PATIENCE_MS. */
bool testloop_run_until_count(struct testloop *loop, const size_t *count,
			      size_t want);

/* Runs for duration_ms, to see that something does not happen. */
void testloop_run_for(struct testloop *loop, int64_t duration_ms);

/* Runs the jobs that are posted now and the timers that are due, without
 * waiting and without what these post; how many ran. */
size_t testloop_run_ready(struct testloop *loop);

#endif
