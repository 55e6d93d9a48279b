/* An event loop for tests: a queue of jobs and a list of timers. */
#include "config.h"

#include "tests/support/testloop.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "tests/support/tap.h"

struct loop_timer {
	struct testloop *loop;
	loop_timer_fn *fn;
	void *arg;
	bool is_running;
	int64_t due_us;
	struct loop_timer *next;
};

struct testloop {
	struct loop port;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	struct loop_job *first, **last; /* guarded by mutex */
	struct loop_timer *timers;	/* the loop's thread only */
};

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void post(struct loop *port, struct loop_job *job)
{
	struct testloop *loop = (struct testloop *)port;

	pthread_mutex_lock(&loop->mutex);
	job->next = NULL;
	*loop->last = job;
	loop->last = &job->next;
	pthread_cond_signal(&loop->wake);
	pthread_mutex_unlock(&loop->mutex);
}

static struct loop_timer *timer_new(struct loop *port, loop_timer_fn *fn,
				    void *arg)
{
	struct testloop *loop = (struct testloop *)port;
	struct loop_timer *timer = calloc(1, sizeof(*timer));

	if (timer == NULL)
		return NULL;
	timer->loop = loop;
	timer->fn = fn;
	timer->arg = arg;
	timer->next = loop->timers;
	loop->timers = timer;
	return timer;
}

static void timer_start(struct loop_timer *timer, int64_t delay_ms)
{
	timer->is_running = true;
	timer->due_us = now_us() + delay_ms * 1000;
}

static void timer_stop(struct loop_timer *timer)
{
	timer->is_running = false;
}

static void timer_free(struct loop_timer *timer)
{
	struct loop_timer **at = &timer->loop->timers;

	while (*at != timer)
		at = &(*at)->next;
	*at = timer->next;
	free(timer);
}

static const struct loop_ops ops = {
	.post = post,
	.timer_new = timer_new,
	.timer_start = timer_start,
	.timer_stop = timer_stop,
	.timer_free = timer_free,
};

struct testloop *testloop_new(void)
{
	struct testloop *loop = calloc(1, sizeof(*loop));
	pthread_condattr_t attr;

	if (loop == NULL)
		bail_out("no memory for the loop");
	loop->port.ops = &ops;
	loop->last = &loop->first;
	pthread_mutex_init(&loop->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&loop->wake, &attr);
	pthread_condattr_destroy(&attr);
	return loop;
}

struct loop *testloop_port(struct testloop *loop)
{
	return &loop->port;
}

/* The running timer that is due first. */
static struct loop_timer *timer_first(const struct testloop *loop)
{
	struct loop_timer *first = NULL, *timer;

	for (timer = loop->timers; timer != NULL; timer = timer->next)
		if (timer->is_running &&
		    (first == NULL || timer->due_us < first->due_us))
			first = timer;
	return first;
}

/* Takes the first job, waiting for one until until_us. */
static struct loop_job *job_take(struct testloop *loop, int64_t until_us)
{
	const struct timespec until = {
		.tv_sec = until_us / 1000000,
		.tv_nsec = until_us % 1000000 * 1000,
	};
	struct loop_job *job;

	pthread_mutex_lock(&loop->mutex);
	while (loop->first == NULL && now_us() < until_us)
		pthread_cond_timedwait(&loop->wake, &loop->mutex, &until);
	job = loop->first;
	if (job != NULL) {
		loop->first = job->next;
		if (loop->first == NULL)
			loop->last = &loop->first;
		job->next = NULL;
	}
	pthread_mutex_unlock(&loop->mutex);
	return job;
}

void testloop_free(struct testloop **loop)
{
	struct loop_job *job;

	if (*loop == NULL)
		return;
	while ((job = job_take(*loop, 0)) != NULL)
		job->run(job);
	if ((*loop)->timers != NULL)
		bail_out("a timer was never freed");
	pthread_cond_destroy(&(*loop)->wake);
	pthread_mutex_destroy(&(*loop)->mutex);
	free(*loop);
	*loop = NULL;
}

/* Runs one timer or one job, waiting for it until until_us. */
static bool step(struct testloop *loop, int64_t until_us)
{
	struct loop_timer *timer = timer_first(loop);
	struct loop_job *job;

	if (timer != NULL && timer->due_us <= now_us()) {
		timer->is_running = false;
		timer->fn(timer->arg);
		return true;
	}
	if (timer != NULL && timer->due_us < until_us)
		until_us = timer->due_us;
	job = job_take(loop, until_us);
	if (job == NULL)
		return false;
	job->run(job);
	return true;
}

bool testloop_run_until(struct testloop *loop, testloop_until_fn *until,
			const void *arg, int64_t patience_ms)
{
	int64_t end_us = now_us() + patience_ms * 1000;

	while (!until(arg)) {
		if (now_us() >= end_us)
			return false;
		step(loop, end_us);
	}
	return true;
}

static bool flag_is_set(const void *arg)
{
	return *(const bool *)arg;
}

bool testloop_run_until_set(struct testloop *loop, const bool *flag)
{
	return testloop_run_until(loop, flag_is_set, flag,
				  TESTLOOP_PATIENCE_MS);
}

struct wanted {
	const size_t *count;
	size_t want;
};

static bool count_is_reached(const void *arg)
{
	const struct wanted *wanted = arg;

	return *wanted->count >= wanted->want;
}

bool testloop_run_until_count(struct testloop *loop, const size_t *count,
			      size_t want)
{
	const struct wanted wanted = { count, want };

	return testloop_run_until(loop, count_is_reached, &wanted,
				  TESTLOOP_PATIENCE_MS);
}

static bool never(const void *arg)
{
	(void)arg;
	return false;
}

void testloop_run_for(struct testloop *loop, int64_t duration_ms)
{
	(void)testloop_run_until(loop, never, NULL, duration_ms);
}

size_t testloop_run_ready(struct testloop *loop)
{
	int64_t now = now_us();
	size_t ready = 0, ran = 0;
	struct loop_job *job;

	pthread_mutex_lock(&loop->mutex);
	for (job = loop->first; job != NULL; job = job->next)
		ready++;
	pthread_mutex_unlock(&loop->mutex);
	for (; ready > 0; ready--) {
		job = job_take(loop, 0);
		job->run(job);
		ran++;
	}
	for (;;) {
		struct loop_timer *timer = timer_first(loop);

		if (timer == NULL || timer->due_us > now)
			return ran;
		timer->is_running = false;
		timer->fn(timer->arg);
		ran++;
	}
}
