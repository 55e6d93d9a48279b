/*
 * Pausing and resuming the listeners.  A pause is always short: whatever the
 * other workers do, a connection that waits is taken in the end.
 */
#include "config.h"

#include "daemon/acceptor.h"

#include <event2/event.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/log.h"
#include "daemon/fairshare.h"
#include "daemon/listen.h"
#include "daemon/shared.h"

#define FAIR_PAUSE_MS	  4
#define SHORTAGE_PAUSE_MS 100
#define SHORTAGE_LOG_US	  INT64_C(1000000)
#define ANCHOR_S	  86400

/* Reasons not to accept; bits. */
enum pause {
	PAUSE_FAIR = 1 << 0,	 /* another worker should */
	PAUSE_SHORTAGE = 1 << 1, /* no descriptors or memory */
	PAUSE_FULL = 1 << 2,	 /* as many connections as allowed */
};

struct acceptor {
	struct acceptor_options options;
	struct evconnlistener *listeners[LISTENERS_MAX];
	size_t listener_count;
	unsigned pauses; /* enum pause */
	struct event *on_fair_end;
	struct event *on_shortage_end;
	struct event *anchor;	/* by which on_error() finds the acceptor */
	unsigned pauses_in_row; /* fair ones, without relief */
	unsigned burst_left;
	int64_t shortage_logged_us;
};

static void set_pauses(struct acceptor *acceptor, unsigned pauses)
{
	bool accepted = acceptor->pauses == 0;
	bool accepts = pauses == 0;

	acceptor->pauses = pauses;
	for (size_t i = 0; i < acceptor->listener_count; i++) {
		if (accepts && !accepted)
			(void)evconnlistener_enable(acceptor->listeners[i]);
		else if (!accepts && accepted)
			(void)evconnlistener_disable(acceptor->listeners[i]);
	}
}

static struct shared_slot *own_slot(const struct acceptor *acceptor)
{
	return &acceptor->options.shared->slots[acceptor->options.slot];
}

static void pause_for(struct acceptor *acceptor, enum pause reason,
		      struct event *end, long duration_ms)
{
	const struct timeval duration = { 0, duration_ms * 1000 };

	set_pauses(acceptor, acceptor->pauses | reason);
	(void)event_add(end, &duration);
}

static void on_fair_end(evutil_socket_t fd, short what, void *arg)
{
	struct acceptor *acceptor = arg;

	(void)fd;
	(void)what;
	set_pauses(acceptor, acceptor->pauses & ~(unsigned)PAUSE_FAIR);
}

static void on_shortage_end(evutil_socket_t fd, short what, void *arg)
{
	struct acceptor *acceptor = arg;

	(void)fd;
	(void)what;
	set_pauses(acceptor, acceptor->pauses & ~(unsigned)PAUSE_SHORTAGE);
}

static void on_anchor(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static int look_for_anchor(const struct event_base *base,
			   const struct event *event, void *found)
{
	(void)base;
	if (event_get_callback(event) != on_anchor)
		return 0;
	*(struct acceptor **)found = event_get_callback_arg(event);
	return 1;
}

/* accept() failed: no more descriptors, here or in the whole system.  Without
 * a pause the listener would be ready again at once, for ever.  The argument is
 * the one evhttp gave the listener for itself, not ours. */
static void on_error(struct evconnlistener *listener, void *http)
{
	struct acceptor *acceptor = NULL;
	int64_t now_us = clock_monotonic_us();
	char error[64];

	(void)http;
	(void)snprintf(error, sizeof(error), "%m");
	(void)event_base_foreach_event(evconnlistener_get_base(listener),
				       look_for_anchor, &acceptor);
	if (!acceptor)
		return;
	if (now_us - acceptor->shortage_logged_us > SHORTAGE_LOG_US) {
		acceptor->shortage_logged_us = now_us;
		log_event(LOG_ERROR, "cannot accept connections",
			  LOG_STRING("error", error),
			  LOG_STRING("remedy",
				     "raise the limit of open files, or lower "
				     "--max-connections"));
	}
	pause_for(acceptor, PAUSE_SHORTAGE, acceptor->on_shortage_end,
		  SHORTAGE_PAUSE_MS);
}

static void be_fair(struct acceptor *acceptor)
{
	unsigned counts[SHARED_SLOTS];
	size_t count = shared_connections(acceptor->options.shared,
					  acceptor->options.slot,
					  clock_monotonic_us(), counts);

	if (!fairshare_is_exceeded(counts, count)) {
		acceptor->pauses_in_row = 0;
		acceptor->burst_left = 0;
		return;
	}
	if (acceptor->burst_left > 0) {
		acceptor->burst_left--;
		return;
	}
	acceptor->burst_left = fairshare_burst(acceptor->pauses_in_row++);
	pause_for(acceptor, PAUSE_FAIR, acceptor->on_fair_end, FAIR_PAUSE_MS);
}

void acceptor_on_accepted(struct acceptor *acceptor, size_t count)
{
	atomic_store(&own_slot(acceptor)->connections, (unsigned)count);
	if (acceptor->listener_count == 0)
		return;
	if (count >= acceptor->options.connections_max) {
		atomic_store(&own_slot(acceptor)->state, SHARED_FULL);
		set_pauses(acceptor, acceptor->pauses | PAUSE_FULL);
	}
	be_fair(acceptor);
}

void acceptor_on_closed(struct acceptor *acceptor, size_t count)
{
	atomic_store(&own_slot(acceptor)->connections, (unsigned)count);
	if (!(acceptor->pauses & PAUSE_FULL) ||
	    count >= acceptor->options.connections_max)
		return;
	atomic_store(&own_slot(acceptor)->state, SHARED_SERVING);
	set_pauses(acceptor, acceptor->pauses & ~(unsigned)PAUSE_FULL);
}

enum err acceptor_add(struct acceptor *acceptor,
		      struct evconnlistener *listener)
{
	if (acceptor->listener_count == LISTENERS_MAX)
		return ERR_NO_MEMORY;
	evconnlistener_set_error_cb(listener, on_error);
	acceptor->listeners[acceptor->listener_count++] = listener;
	return ERR_OK;
}

void acceptor_stop(struct acceptor *acceptor)
{
	for (size_t i = 0; i < acceptor->listener_count; i++)
		(void)evconnlistener_disable(acceptor->listeners[i]);
	acceptor->listener_count = 0;
	acceptor->pauses = 0;
	(void)event_del(acceptor->on_fair_end);
	(void)event_del(acceptor->on_shortage_end);
}

enum err acceptor_new(const struct acceptor_options *options,
		      struct acceptor **out)
{
	static const struct timeval seldom = { ANCHOR_S, 0 };
	struct acceptor *acceptor = calloc(1, sizeof(*acceptor));

	if (!acceptor)
		return ERR_NO_MEMORY;
	acceptor->options = *options;
	acceptor->on_fair_end =
		evtimer_new(options->base, on_fair_end, acceptor);
	acceptor->on_shortage_end =
		evtimer_new(options->base, on_shortage_end, acceptor);
	acceptor->anchor =
		event_new(options->base, -1, EV_PERSIST, on_anchor, acceptor);
	if (!acceptor->on_fair_end || !acceptor->on_shortage_end ||
	    !acceptor->anchor || event_add(acceptor->anchor, &seldom) != 0) {
		acceptor_free(&acceptor);
		return ERR_NO_MEMORY;
	}
	*out = acceptor;
	return ERR_OK;
}

void acceptor_free(struct acceptor **acceptor)
{
	if (!*acceptor)
		return;
	if ((*acceptor)->on_fair_end)
		event_free((*acceptor)->on_fair_end);
	if ((*acceptor)->on_shortage_end)
		event_free((*acceptor)->on_shortage_end);
	if ((*acceptor)->anchor)
		event_free((*acceptor)->anchor);
	free(*acceptor);
	*acceptor = NULL;
}
