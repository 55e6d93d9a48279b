/*
 * The loop's port.  Jobs of all threads stand in one list; a thread of its own
 * is woken by an eventfd, once for any number of jobs.  The loop's own thread
 * needs no system call to wake itself.
 */
#include "config.h"

#include "daemon/loop_event.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/loop.h"

struct loop_event {
	struct loop port; /* must be first */
	struct event_base *base;
	pthread_t thread;
	int wake_fd;
	struct event *on_wake;	/* wake_fd is readable */
	struct event *on_posts; /* jobs of the loop's own thread */
	bool runs_jobs;

	pthread_mutex_t mutex; /* for what follows */
	struct loop_job *first, *last;
	bool is_woken; /* somebody saw to it that the list is run */
};

struct loop_timer {
	struct event *event;
	loop_timer_fn *fn;
	void *arg;
};

struct loop_watch {
	struct event *event;
	struct event_base *base;
	int fd;
	unsigned events; /* that are waited for */
	loop_watch_fn *fn;
	void *arg;
};

static struct loop_event *of(struct loop *port)
{
	return (struct loop_event *)port;
}

static void wake(struct loop_event *loop)
{
	static const struct timeval at_once = { 0, 0 };
	const uint64_t one = 1;
	ssize_t written;

	if (!pthread_equal(pthread_self(), loop->thread)) {
		/* A full counter wakes as well. */
		written = write(loop->wake_fd, &one, sizeof(one));
		(void)written;
	} else if (loop->runs_jobs) {
		/* A chain of jobs lets sockets have their turn in between. */
		(void)event_add(loop->on_posts, &at_once);
	} else {
		event_active(loop->on_posts, EV_TIMEOUT, 0);
	}
}

static void post(struct loop *port, struct loop_job *job)
{
	struct loop_event *loop = of(port);
	bool must_wake;

	job->next = NULL;
	pthread_mutex_lock(&loop->mutex);
	if (loop->last)
		loop->last->next = job;
	else
		loop->first = job;
	loop->last = job;
	must_wake = !loop->is_woken;
	loop->is_woken = true;
	pthread_mutex_unlock(&loop->mutex);
	if (must_wake)
		wake(loop);
}

/* Those that are posted now; what they post waits for the next turn. */
static void run_jobs(struct loop_event *loop)
{
	struct loop_job *job;

	pthread_mutex_lock(&loop->mutex);
	job = loop->first;
	loop->first = NULL;
	loop->last = NULL;
	loop->is_woken = false;
	pthread_mutex_unlock(&loop->mutex);
	loop->runs_jobs = true;
	while (job) {
		struct loop_job *next = job->next;

		job->run(job);
		job = next;
	}
	loop->runs_jobs = false;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	uint64_t count;
	ssize_t got = read(fd, &count, sizeof(count));

	(void)got;
	(void)what;
	run_jobs(arg);
}

static void on_posts(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	run_jobs(arg);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *timer = arg;

	(void)fd;
	(void)what;
	timer->fn(timer->arg);
}

static struct loop_timer *timer_new(struct loop *port, loop_timer_fn *fn,
				    void *arg)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		return NULL;
	timer->fn = fn;
	timer->arg = arg;
	timer->event = evtimer_new(of(port)->base, on_timer, timer);
	if (!timer->event) {
		free(timer);
		return NULL;
	}
	return timer;
}

static void timer_start(struct loop_timer *timer, int64_t delay_ms)
{
	const struct timeval delay = { delay_ms / 1000,
				       delay_ms % 1000 * 1000 };

	(void)event_add(timer->event, &delay);
}

static void timer_stop(struct loop_timer *timer)
{
	(void)event_del(timer->event);
}

static void timer_free(struct loop_timer *timer)
{
	event_free(timer->event);
	free(timer);
}

static void on_watch(evutil_socket_t fd, short what, void *arg)
{
	struct loop_watch *watch = arg;
	unsigned events = 0;

	(void)fd;
	if (what & EV_READ)
		events |= LOOP_READABLE;
	if (what & EV_WRITE)
		events |= LOOP_WRITABLE;
	watch->fn(watch->arg, events);
}

static struct loop_watch *watch_new(struct loop *port, int fd,
				    loop_watch_fn *fn, void *arg)
{
	struct loop_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	watch->base = of(port)->base;
	watch->fd = fd;
	watch->fn = fn;
	watch->arg = arg;
	watch->event = event_new(watch->base, fd, EV_READ | EV_PERSIST,
				 on_watch, watch);
	if (!watch->event) {
		free(watch);
		return NULL;
	}
	return watch;
}

static void watch_set(struct loop_watch *watch, unsigned events)
{
	short what = EV_PERSIST;

	if (events == watch->events)
		return;
	if (watch->events)
		(void)event_del(watch->event);
	watch->events = events;
	if (!events)
		return;
	if (events & LOOP_READABLE)
		what |= EV_READ;
	if (events & LOOP_WRITABLE)
		what |= EV_WRITE;
	(void)event_assign(watch->event, watch->base, watch->fd, what, on_watch,
			   watch);
	(void)event_add(watch->event, NULL);
}

static void watch_free(struct loop_watch *watch)
{
	event_free(watch->event);
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

static struct event_base *base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	/* Only the loop's own thread touches the base.  The change list saves
	 * two of epoll's system calls per request. */
	if (config &&
	    event_config_set_flag(
		    config, EVENT_BASE_FLAG_NOLOCK |
				    EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0)
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	return base;
}

enum err loop_event_new(struct loop_event **out)
{
	struct loop_event *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return ERR_NO_MEMORY;
	loop->port.ops = &ops;
	loop->thread = pthread_self();
	(void)pthread_mutex_init(&loop->mutex, NULL);
	loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	loop->base = loop->wake_fd >= 0 ? base_new() : NULL;
	if (loop->base) {
		loop->on_wake = event_new(loop->base, loop->wake_fd,
					  EV_READ | EV_PERSIST, on_wake, loop);
		loop->on_posts = evtimer_new(loop->base, on_posts, loop);
	}
	if (!loop->on_wake || !loop->on_posts ||
	    event_add(loop->on_wake, NULL) != 0) {
		loop_event_free(&loop);
		return ERR_SYSTEM;
	}
	*out = loop;
	return ERR_OK;
}

void loop_event_free(struct loop_event **loop)
{
	struct loop_event *gone = *loop;

	if (!gone)
		return;
	if (gone->on_wake)
		event_free(gone->on_wake);
	if (gone->on_posts)
		event_free(gone->on_posts);
	if (gone->base)
		event_base_free(gone->base);
	if (gone->wake_fd >= 0)
		close(gone->wake_fd);
	(void)pthread_mutex_destroy(&gone->mutex);
	free(gone);
	*loop = NULL;
}

struct loop *loop_event_port(struct loop_event *loop)
{
	return &loop->port;
}

struct event_base *loop_event_base(struct loop_event *loop)
{
	return loop->base;
}

void loop_event_run(struct loop_event *loop)
{
	(void)event_base_dispatch(loop->base);
}

void loop_event_stop(struct loop_event *loop)
{
	(void)event_base_loopbreak(loop->base);
}

void loop_event_run_ready(struct loop_event *loop)
{
	(void)event_base_loop(loop->base, EVLOOP_NONBLOCK);
}
