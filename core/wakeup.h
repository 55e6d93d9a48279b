/*
 * A job on the loop that can be asked for again and again, from any thread:
 * asking while it is already to come changes nothing.  It can be freed at any
 * time, though the loop has no way to take a posted job back.
 */
#ifndef TODOD_CORE_WAKEUP_H
#define TODOD_CORE_WAKEUP_H

#include "core/err.h"

struct loop;
struct wakeup;

typedef void wakeup_fn(void *arg);

/* ERR_NO_MEMORY. */
enum err wakeup_new(struct loop *loop, wakeup_fn *fn, void *arg,
		    struct wakeup **wakeup) __attribute__((warn_unused_result));

/* Has fn(arg) run once, soon, in the loop's thread.  Any thread may ask. */
void wakeup_post(struct wakeup *wakeup);

/* In the loop's thread, when no other thread will ask any more: fn does not
 * run after this.  Leaves NULL behind; *wakeup may be NULL. */
void wakeup_free(struct wakeup **wakeup);

#endif
