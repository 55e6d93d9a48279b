/* The worker's view of the shared keys. */
#include "config.h"

#include "daemon/keyclient.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/keysource.h"
#include "core/log.h"
#include "core/loop.h"
#include "daemon/keyfile.h"
#include "daemon/keyshare.h"
#include "daemon/settings_tokens.h"

#define US_PER_MS INT64_C(1000)
#define LOOK_MS	  20 /* while somebody waits for a fetch */
/* A keeper that says nothing for this much longer than a fetch may take is not
 * there. */
#define PATIENCE_MS 2000

struct keyclient {
	struct keysource source; /* must be first */
	struct loop *loop;
	struct loop_timer *timer;
	struct keyshare *share;
	struct keyplan_limits limits;
	int64_t patience_ms;
	struct keyclient_user user;
	bool can_expire;
	uint64_t generation; /* of the set that was handed over; 0: none counts
			      */
	bool is_waiting;     /* the timer runs */
	uint64_t fetches;    /* … until there are more than these … */
	int64_t give_up_us;  /* … or it is this late */
	int64_t deaf_until_us;
};

/* Whether nobody has confirmed the newest set for too long. */
static bool is_expired(const struct keyclient *client)
{
	return client->can_expire &&
	       keyplan_is_expired(keyshare_plan(client->share), &client->limits,
				  clock_monotonic_us());
}

static bool has_newer(const struct keyclient *client)
{
	return keyshare_generation(client->share) != client->generation &&
	       !is_expired(client);
}

/* ERR_NOT_FOUND when there is nothing new. */
static enum err take_newest(struct keyclient *client)
{
	struct text json = { NULL, 0 };
	uint64_t generation;
	enum err err;

	if (!has_newer(client))
		return ERR_NOT_FOUND;
	err = keyshare_read(client->share, &json, &generation);
	if (err != ERR_OK)
		return err;
	err = client->user.arrived(client->user.arg, json);
	keyfile_release(&json);
	/* One that is not usable will not be at the next look either. */
	if (err != ERR_NO_MEMORY)
		client->generation = generation;
	return err;
}

void keyclient_look(struct keyclient *client)
{
	enum err err = take_newest(client);

	if (client->generation != 0 && is_expired(client)) {
		log_event(LOG_ERROR, "keys expired",
			  LOG_STRING("reason", "their issuer has not confirmed "
					       "them for too long"));
		client->user.expired(client->user.arg);
		client->generation = 0;
	}
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		log_event(LOG_WARN, "the newest keys were not taken",
			  LOG_STRING("error", err_text(err)));
}

/* Who waits is judged by what there is now. */
static void end_wait(struct keyclient *client)
{
	uint64_t before = client->generation;

	client->is_waiting = false;
	keyclient_look(client);
	if (client->generation == before &&
	    client->user.arrived(client->user.arg, TEXT("")) != ERR_OK)
		log_write(LOG_WARN, "out of memory for those who wait for keys",
			  NULL, 0);
}

static void on_timer(void *arg)
{
	struct keyclient *client = arg;
	int64_t now_us = clock_monotonic_us();
	bool has_ended = keyshare_fetches(client->share) != client->fetches ||
			 has_newer(client);

	if (!has_ended && now_us >= client->give_up_us) {
		/* The next one shall not wait as long for nothing. */
		client->deaf_until_us =
			now_us + client->limits.cool_down_ms * US_PER_MS;
		has_ended = true;
	}
	if (has_ended)
		end_wait(client);
	else
		loop_timer_start(client->loop, client->timer, LOOK_MS);
}

static void wait_for_end(struct keyclient *client, int64_t now_us)
{
	client->is_waiting = true;
	client->give_up_us = now_us + client->patience_ms * US_PER_MS;
	loop_timer_start(client->loop, client->timer, LOOK_MS);
}

static enum keysource_answer want(struct keysource *source)
{
	struct keyclient *client = (struct keyclient *)source;
	const struct keyplan *plan = keyshare_plan(client->share);
	int64_t now_us;
	bool is_resting, is_newer;

	if (client->is_waiting)
		return KEYSOURCE_FETCHING;
	now_us = clock_monotonic_us();
	/* Before it is seen that one is on its way: its end must not be missed.
	 */
	client->fetches = keyshare_fetches(client->share);
	is_resting = !keyshare_is_fetching(client->share) &&
		     keyplan_is_resting(plan, &client->limits, now_us);
	/* Looked at last: a fetch that ended meanwhile has a set to show. */
	is_newer = has_newer(client);
	/* After a rest, too: what is unknown now may be known then. */
	if (!is_newer)
		keyshare_want(client->share);
	if (!is_newer && (is_resting || now_us < client->deaf_until_us))
		return KEYSOURCE_RESTING;
	wait_for_end(client, now_us);
	return KEYSOURCE_FETCHING;
}

enum err keyclient_new(struct loop *loop, const struct keys_settings *settings,
		       struct keyshare *share, struct keyclient **out)
{
	static const struct keysource_ops ops = { want };
	struct keyclient *client = calloc(1, sizeof(*client));

	if (!client)
		return ERR_NO_MEMORY;
	client->source.ops = &ops;
	client->loop = loop;
	client->share = share;
	client->limits.ttl_ms = settings->ttl_ms;
	client->limits.cool_down_ms = settings->cool_down_ms;
	client->can_expire = settings->source == KEYS_AT_URL;
	client->patience_ms = settings->timeout_ms + PATIENCE_MS;
	client->timer = loop_timer_new(loop, on_timer, client);
	if (!client->timer) {
		free(client);
		return ERR_NO_MEMORY;
	}
	*out = client;
	return ERR_OK;
}

void keyclient_free(struct keyclient **client)
{
	if (!*client)
		return;
	loop_timer_free((*client)->loop, &(*client)->timer);
	free(*client);
	*client = NULL;
}

struct keysource *keyclient_source(struct keyclient *client)
{
	return &client->source;
}

void keyclient_start(struct keyclient *client,
		     const struct keyclient_user *user)
{
	client->user = *user;
	keyclient_look(client);
}
