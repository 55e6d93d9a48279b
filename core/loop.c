/* The port to the event loop: hands every call to the implementation. */
#include "config.h"

#include "core/loop.h"

#include <stddef.h>

void loop_post(struct loop *loop, struct loop_job *job)
{
	loop->ops->post(loop, job);
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_timer_fn *fn,
				  void *arg)
{
	return loop->ops->timer_new(loop, fn, arg);
}

void loop_timer_start(struct loop *loop, struct loop_timer *timer,
		      int64_t delay_ms)
{
	loop->ops->timer_start(timer, delay_ms);
}

void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
	loop->ops->timer_stop(timer);
}

void loop_timer_free(struct loop *loop, struct loop_timer **timer)
{
	if (*timer == NULL)
		return;
	loop->ops->timer_stop(*timer);
	loop->ops->timer_free(*timer);
	*timer = NULL;
}

struct loop_watch *loop_watch_new(struct loop *loop, int fd, loop_watch_fn *fn,
				  void *arg)
{
	return loop->ops->watch_new(loop, fd, fn, arg);
}

void loop_watch_set(struct loop *loop, struct loop_watch *watch,
		    unsigned events)
{
	loop->ops->watch_set(watch, events);
}

void loop_watch_free(struct loop *loop, struct loop_watch **watch)
{
	struct loop_watch *freed = *watch;

	if (freed == NULL)
		return;
	*watch = NULL;
	loop->ops->watch_free(freed);
}
