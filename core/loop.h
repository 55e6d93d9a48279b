/*
 * The port to the event loop.  core and the backends run on a loop that the
 * daemon (or a test) provides; they know only this interface.  Everything but
 * loop_post() is called in the loop's own thread.
 */
#ifndef TODOD_CORE_LOOP_H
#define TODOD_CORE_LOOP_H

#include <stdint.h>

struct loop_job;
typedef void loop_job_fn(struct loop_job *job);

/* A piece of work for the loop; part of a struct of the caller's, zeroed
 * before its first use, and left alone from loop_post() until it runs. */
struct loop_job {
	loop_job_fn *run;
	struct loop_job *next; /* the loop's */
};

typedef void loop_timer_fn(void *arg);
struct loop_timer; /* one that fires once per start */

/* What a watch waits for; bits. */
enum loop_event_bits {
	LOOP_READABLE = 1 << 0, /* an end of file and an error too */
	LOOP_WRITABLE = 1 << 1,
};
/* events: what of it has come. */
typedef void loop_watch_fn(void *arg, unsigned events);
struct loop_watch; /* a file descriptor that is waited for */

struct loop;
struct loop_ops {
	void (*post)(struct loop *loop, struct loop_job *job);
	struct loop_timer *(*timer_new)(struct loop *loop, loop_timer_fn *fn,
					void *arg);
	void (*timer_start)(struct loop_timer *timer, int64_t delay_ms);
	void (*timer_stop)(struct loop_timer *timer);
	void (*timer_free)(struct loop_timer *timer);
	struct loop_watch *(*watch_new)(struct loop *loop, int fd,
					loop_watch_fn *fn, void *arg);
	void (*watch_set)(struct loop_watch *watch, unsigned events);
	void (*watch_free)(struct loop_watch *watch);
};

/* First member of an implementation's own struct. */
struct loop {
	const struct loop_ops *ops;
};

/* Runs job once, soon, from the loop and never before this call returned.
 * Jobs run in the order of their posting; who frees the loop runs what is left
 * before.  Any thread may call it. */
void loop_post(struct loop *loop, struct loop_job *job);

/* A stopped timer that will call fn(arg); NULL when memory is exhausted. */
struct loop_timer *loop_timer_new(struct loop *loop, loop_timer_fn *fn,
				  void *arg);

/* Fires once after delay_ms; a running timer is set anew. */
void loop_timer_start(struct loop *loop, struct loop_timer *timer,
		      int64_t delay_ms);
void loop_timer_stop(struct loop *loop, struct loop_timer *timer);

/* Stops and frees; leaves NULL behind. */
void loop_timer_free(struct loop *loop, struct loop_timer **timer);

/* A watch that waits for nothing yet and will call fn(arg, events) from the
 * loop; NULL when memory is exhausted.  The descriptor is the caller's, who
 * frees the watch before closing it; one watch per descriptor. */
struct loop_watch *loop_watch_new(struct loop *loop, int fd, loop_watch_fn *fn,
				  void *arg);

/* Waits for these events from now on, as long as they last (level triggered);
 * 0: for none. */
void loop_watch_set(struct loop *loop, struct loop_watch *watch,
		    unsigned events);

/* fn does not run after this; it may be called from within fn.  Leaves NULL
 * behind; *watch may be NULL. */
void loop_watch_free(struct loop *loop, struct loop_watch **watch);

#endif
