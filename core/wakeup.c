/* A job on the loop that can be asked for again and again. */
#include "config.h"

#include "core/wakeup.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/loop.h"

struct wakeup {
	struct loop_job job; /* first: the loop hands it back */
	struct loop *loop;
	wakeup_fn *fn; /* NULL: freed by its owner while it was posted */
	void *arg;
	atomic_bool is_posted;
};

static void on_job(struct loop_job *job)
{
	struct wakeup *wakeup = (struct wakeup *)job;

	if (wakeup->fn == NULL) {
		free(wakeup);
		return;
	}
	/* Before fn looks at its work, so that none is overlooked. */
	atomic_store(&wakeup->is_posted, false);
	wakeup->fn(wakeup->arg);
}

enum err wakeup_new(struct loop *loop, wakeup_fn *fn, void *arg,
		    struct wakeup **wakeup)
{
	struct wakeup *made = calloc(1, sizeof(*made));

	if (made == NULL)
		return ERR_NO_MEMORY;
	made->job.run = on_job;
	made->loop = loop;
	made->fn = fn;
	made->arg = arg;
	*wakeup = made;
	return ERR_OK;
}

void wakeup_post(struct wakeup *wakeup)
{
	if (!atomic_exchange(&wakeup->is_posted, true))
		loop_post(wakeup->loop, &wakeup->job);
}

void wakeup_free(struct wakeup **wakeup)
{
	struct wakeup *freed = *wakeup;

	if (freed == NULL)
		return;
	*wakeup = NULL;
	/* The loop still has the job: it frees the rest when it comes. */
	if (atomic_load(&freed->is_posted))
		freed->fn = NULL;
	else
		free(freed);
}
