/* An event loop for tests: a queue of jobs and a list of timers. */
#include "config.h"

#include "tests/support/testloop.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/tap.h"

struct loop_timer {
	struct testloop *loop;
	loop_timer_fn *fn;
	void *arg;
	bool is_running;
	int64_t due_us;
	struct loop_timer *next;
};

struct loop_watch {
	struct testloop *loop;
	int fd;
	unsigned events;
	loop_watch_fn *fn;
	void *arg;
	struct loop_watch *next;
};

#define WATCHES_MAX 64

struct testloop {
	struct loop port;
	pthread_mutex_t mutex;
	int wake_fd;			/* readable while there are jobs */
	struct loop_job *first, **last; /* guarded by mutex */
	struct loop_timer *timers;	/* the loop's thread only */
	struct loop_watch *watches;	/* so too */
	bool watches_are_next;		/* they take turns with the jobs */
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
	const uint64_t one = 1;

	pthread_mutex_lock(&loop->mutex);
	job->next = NULL;
	if (loop->first == NULL &&
	    write(loop->wake_fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
		bail_out("the loop cannot be woken");
	*loop->last = job;
	loop->last = &job->next;
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

static struct loop_watch *watch_new(struct loop *port, int fd,
				    loop_watch_fn *fn, void *arg)
{
	struct testloop *loop = (struct testloop *)port;
	struct loop_watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		return NULL;
	watch->loop = loop;
	watch->fd = fd;
	watch->fn = fn;
	watch->arg = arg;
	watch->next = loop->watches;
	loop->watches = watch;
	return watch;
}

static void watch_set(struct loop_watch *watch, unsigned events)
{
	watch->events = events;
}

static void watch_free(struct loop_watch *watch)
{
	struct loop_watch **at = &watch->loop->watches;

	while (*at != watch)
		at = &(*at)->next;
	*at = watch->next;
	free(watch);
}

static const struct loop_ops ops = {
	.post = post,
	.timer_new = timer_new,
	.timer_start = timer_start,
	.timer_stop = timer_stop,
	.timer_free = timer_free,
	.watch_new = watch_new,
	.watch_set = watch_set,
	.watch_free = watch_free,
};

struct testloop *testloop_new(void)
{
	struct testloop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL)
		bail_out("no memory for the loop");
	loop->port.ops = &ops;
	loop->last = &loop->first;
	pthread_mutex_init(&loop->mutex, NULL);
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wake_fd < 0)
		bail_out("no descriptor for the loop");
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

/* The first job; NULL when there is none. */
static struct loop_job *job_take(struct testloop *loop)
{
	struct loop_job *job;
	uint64_t count;

	pthread_mutex_lock(&loop->mutex);
	job = loop->first;
	if (job != NULL) {
		loop->first = job->next;
		if (loop->first == NULL) {
			loop->last = &loop->first;
			if (read(loop->wake_fd, &count, sizeof(count)) < 0)
				bail_out("the loop was not awake");
		}
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
	while ((job = job_take(*loop)) != NULL)
		job->run(job);
	if ((*loop)->timers != NULL)
		bail_out("a timer was never freed");
	if ((*loop)->watches != NULL)
		bail_out("a watch was never freed");
	close((*loop)->wake_fd);
	pthread_mutex_destroy(&(*loop)->mutex);
	free(*loop);
	*loop = NULL;
}

static unsigned events_of(const struct pollfd *polled)
{
	unsigned events = 0;

	/* epoll would not say so, and the next may have its number. */
	if (polled->revents & POLLNVAL)
		bail_out("a descriptor is watched that is closed");
	if (polled->events & POLLIN &&
	    polled->revents & (POLLIN | POLLHUP | POLLERR))
		events |= LOOP_READABLE;
	if (polled->events & POLLOUT &&
	    polled->revents & (POLLOUT | POLLHUP | POLLERR))
		events |= LOOP_WRITABLE;
	return events;
}

/* Waits for a job or a watch until until_us; runs the watch that is due, at
 * most one, since its callback may free others. */
static bool wait_watches(struct testloop *loop, int64_t until_us)
{
	struct pollfd polled[WATCHES_MAX + 1];
	int64_t left_us = until_us - now_us();
	struct loop_watch *watch;
	size_t count = 0;

	polled[count++] = (struct pollfd){ loop->wake_fd, POLLIN, 0 };
	for (watch = loop->watches; watch != NULL; watch = watch->next) {
		short events = 0;

		if (count > WATCHES_MAX)
			bail_out("too many watches");
		if (watch->events & LOOP_READABLE)
			events |= POLLIN;
		if (watch->events & LOOP_WRITABLE)
			events |= POLLOUT;
		polled[count++] =
			(struct pollfd){ events ? watch->fd : -1, events, 0 };
	}
	if (poll(polled, count,
		 left_us > 0 ? (int)((left_us + 999) / 1000) : 0) <= 0)
		return false;
	count = 1;
	for (watch = loop->watches; watch != NULL; watch = watch->next) {
		unsigned events = events_of(&polled[count++]);

		if (events == 0)
			continue;
		watch->fn(watch->arg, events);
		return true;
	}
	return false;
}

/* Runs one timer, one watch or one job, waiting for it until until_us. */
static bool step(struct testloop *loop, int64_t until_us)
{
	struct loop_timer *timer = timer_first(loop);
	struct loop_job *job;

	if (timer != NULL && timer->due_us <= now_us()) {
		timer->is_running = false;
		timer->fn(timer->arg);
		return true;
	}
	loop->watches_are_next = !loop->watches_are_next;
	if (loop->watches_are_next && wait_watches(loop, 0))
		return true;
	if (timer != NULL && timer->due_us < until_us)
		until_us = timer->due_us;
	job = job_take(loop);
	if (job == NULL)
		return wait_watches(loop, until_us);
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
		job = job_take(loop);
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
