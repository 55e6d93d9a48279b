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
