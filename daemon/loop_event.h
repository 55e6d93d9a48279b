/*
 * core/loop.h over libevent.  Made after the fork; one per worker.
 */
#ifndef TODOD_DAEMON_LOOP_EVENT_H
#define TODOD_DAEMON_LOOP_EVENT_H

#include "core/err.h"

struct event_base;
struct loop;
struct loop_event;

/* ERR_NO_MEMORY, ERR_SYSTEM. */
enum err loop_event_new(struct loop_event **loop)
	__attribute__((warn_unused_result));

/* No other thread may post any more.  Jobs still posted are not run. */
void loop_event_free(struct loop_event **loop);

struct loop *loop_event_port(struct loop_event *loop);
struct event_base *loop_event_base(struct loop_event *loop);

/* Runs until loop_event_stop(). */
void loop_event_run(struct loop_event *loop);
void loop_event_stop(struct loop_event *loop);

/* Runs the jobs and timers that are due, without waiting: for shutting down
 * in order after the loop has ended. */
void loop_event_run_ready(struct loop_event *loop);

#endif
