/* A worker's side of the keys that the keeper gives it. */
#include "config.h"

#include "daemon/keyclient.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "core/clock.h"
#include "core/keysource.h"
#include "daemon/keyshare.h"
#include "daemon/settings_tokens.h"
#include "tests/support/logtrap.h"
#include "tests/support/tap.h"
#include "tests/support/testloop.h"

struct scene {
	struct testloop *loop;
	struct keys_settings settings;
	struct keyshare *share;
	struct keyclient *client;
	struct keyclient_user user;
	enum err answer; /* of the application */
	size_t arrivals, expiries;
	char last[64];
};

static enum err arrived(void *arg, struct text json)
{
	struct scene *scene = arg;

	scene->arrivals++;
	memset(scene->last, 0, sizeof(scene->last));
	if (json.len > 0)
		memcpy(scene->last, json.ptr, json.len);
	return scene->answer;
}

static void expired(void *arg)
{
	struct scene *scene = arg;

	scene->expiries++;
}

static void begin(struct scene *scene, int64_t cool_down_ms)
{
	memset(scene, 0, sizeof(*scene));
	scene->loop = testloop_new();
	scene->user = (struct keyclient_user){ arrived, expired, scene };
	scene->settings.source = KEYS_AT_URL;
	scene->settings.ttl_ms = 3600000;
	scene->settings.timeout_ms = 5000;
	scene->settings.cool_down_ms = cool_down_ms;
	if (keyshare_new(&scene->share) != ERR_OK ||
	    keyclient_new(testloop_port(scene->loop), &scene->settings,
			  scene->share, &scene->client) != ERR_OK)
		bail_out("no scene");
}

static void end(struct scene *scene)
{
	keyclient_free(&scene->client);
	keyshare_free(&scene->share);
	testloop_free(&scene->loop);
}

static enum keysource_answer want(struct scene *scene)
{
	struct keysource *source = keyclient_source(scene->client);

	return source->ops->want(source);
}

/* What the keeper does; empty: it failed. */
static void fetch(struct scene *scene, struct text json)
{
	struct keyplan_limits limits = { scene->settings.ttl_ms,
					 scene->settings.cool_down_ms };
	struct keyplan *plan = keyshare_plan(scene->share);
	int64_t now_us = clock_monotonic_us();

	keyshare_fetch_begins(scene->share);
	if (json.len > 0) {
		keyshare_publish(scene->share, json);
		keyplan_succeeded(plan, &limits, now_us, 0);
	} else {
		keyplan_failed(plan, &limits, now_us, 0);
	}
	keyshare_fetch_ends(scene->share);
}

static void test_sets(void)
{
	struct scene scene;

	tap_prefix("sets");
	begin(&scene, 10000);
	keyclient_start(scene.client, &scene.user);
	is_int(scene.arrivals, 0, "nothing is handed over without a set");
	fetch(&scene, TEXT("one"));
	keyclient_look(scene.client);
	is_string(scene.last, "one", "a new set is handed over");
	keyclient_look(scene.client);
	is_int(scene.arrivals, 1, "once");
	scene.answer = ERR_NO_MEMORY;
	keyshare_publish(scene.share, TEXT("two"));
	keyclient_look(scene.client);
	scene.answer = ERR_OK;
	ok(logtrap_has("not taken"), "one that finds no memory is told of");
	keyclient_look(scene.client);
	is_int(scene.arrivals, 3, "and tried again");
	scene.answer = ERR_INVALID;
	keyshare_publish(scene.share, TEXT("bad"));
	keyclient_look(scene.client);
	keyclient_look(scene.client);
	is_int(scene.arrivals, 4, "one that is not usable is not");
	end(&scene);
	tap_prefix(NULL);
}

static void test_start(void)
{
	struct scene scene;

	begin(&scene, 10000);
	keyshare_publish(scene.share, TEXT("ready"));
	keyclient_start(scene.client, &scene.user);
	is_string(scene.last, "ready", "the set that is there comes at once");
	end(&scene);
}

static void test_want(void)
{
	struct scene scene;

	tap_prefix("an unknown key");
	begin(&scene, 600000);
	keyclient_start(scene.client, &scene.user);
	is_int(want(&scene), KEYSOURCE_FETCHING, "is asked for");
	ok(keyshare_is_wanted(scene.share), "of the keeper");
	is_int(want(&scene), KEYSOURCE_FETCHING, "once for all that wait");
	is_int(scene.arrivals, 0, "nobody is called back at once");
	fetch(&scene, TEXT("new"));
	ok(testloop_run_until_count(scene.loop, &scene.arrivals, 1),
	   "its set arrives");
	is_string(scene.last, "new", "as it was fetched");
	is_int(want(&scene), KEYSOURCE_RESTING, "is not asked for again soon");
	ok(keyshare_is_wanted(scene.share), "but after the rest");
	testloop_run_for(scene.loop, 100);
	is_int(scene.arrivals, 1, "and nothing arrives twice");
	keyshare_fetch_begins(scene.share);
	keyshare_fetch_ends(scene.share);
	keyshare_publish(scene.share, TEXT("newer"));
	is_int(want(&scene), KEYSOURCE_FETCHING,
	       "may be in a set that is there, rest or not");
	ok(testloop_run_until_count(scene.loop, &scene.arrivals, 2),
	   "which arrives");
	ok(!keyshare_is_wanted(scene.share), "without asking anybody");
	is_string(scene.last, "newer", "in its turn");
	end(&scene);
	tap_prefix(NULL);
}

static void test_failure(void)
{
	struct scene scene;

	tap_prefix("a failed fetch");
	begin(&scene, 600000);
	keyclient_start(scene.client, &scene.user);
	is_int(want(&scene), KEYSOURCE_FETCHING, "is waited for");
	fetch(&scene, TEXT(""));
	ok(testloop_run_until_count(scene.loop, &scene.arrivals, 1),
	   "tells those who wait");
	is_string(scene.last, "", "that there is nothing");
	is_int(want(&scene), KEYSOURCE_RESTING, "is followed by a rest, too");
	keyshare_fetch_begins(scene.share);
	is_int(want(&scene), KEYSOURCE_FETCHING,
	       "does not hide one that is on its way");
	end(&scene);
	tap_prefix(NULL);
}

static void test_no_keeper(void)
{
	struct scene scene;

	tap_prefix("without a keeper");
	begin(&scene, 600000);
	keyclient_free(&scene.client);
	scene.settings.timeout_ms = -1900;
	if (keyclient_new(testloop_port(scene.loop), &scene.settings,
			  scene.share, &scene.client) != ERR_OK)
		bail_out("no client");
	keyclient_start(scene.client, &scene.user);
	is_int(want(&scene), KEYSOURCE_FETCHING, "somebody waits");
	ok(testloop_run_until_count(scene.loop, &scene.arrivals, 1),
	   "but not for ever");
	is_int(want(&scene), KEYSOURCE_RESTING, "and the next one not at all");
	keyshare_publish(scene.share, TEXT("late"));
	is_int(want(&scene), KEYSOURCE_FETCHING, "until there is a set");
	end(&scene);
	tap_prefix(NULL);
}

static void test_age(void)
{
	struct scene scene;
	int64_t day_us = INT64_C(86400000000), hour_us = INT64_C(3600000000);

	tap_prefix("a set that nobody confirms");
	begin(&scene, 600000);
	keyclient_start(scene.client, &scene.user);
	fetch(&scene, TEXT("old"));
	keyclient_look(scene.client);
	atomic_fetch_sub(&keyshare_plan(scene.share)->confirmed_us, day_us);
	keyclient_look(scene.client);
	is_int(scene.expiries, 0, "counts for a day");
	atomic_fetch_sub(&keyshare_plan(scene.share)->confirmed_us,
			 hour_us + 1);
	keyclient_look(scene.client);
	keyclient_look(scene.client);
	is_int(scene.expiries, 1, "and no more, which is said once");
	ok(logtrap_has("keys expired"), "in the log, too");
	is_int(want(&scene), KEYSOURCE_RESTING, "is not there for who asks");
	atomic_store(&keyshare_plan(scene.share)->confirmed_us,
		     clock_monotonic_us());
	keyclient_look(scene.client);
	is_int(scene.arrivals, 2, "counts again when it is confirmed");
	is_string(scene.last, "old", "as it was");
	end(&scene);

	begin(&scene, 600000);
	keyclient_free(&scene.client);
	scene.settings.source = KEYS_IN_FILE;
	if (keyclient_new(testloop_port(scene.loop), &scene.settings,
			  scene.share, &scene.client) != ERR_OK)
		bail_out("no client");
	keyclient_start(scene.client, &scene.user);
	fetch(&scene, TEXT("filed"));
	keyplan_restored(keyshare_plan(scene.share),
			 clock_monotonic_us() - 2 * day_us);
	keyclient_look(scene.client);
	is_string(scene.last, "filed", "in a file counts for ever");
	is_int(scene.expiries, 0, "however old it is");
	end(&scene);
	tap_prefix(NULL);
}

static void test_end(void)
{
	struct scene scene;

	begin(&scene, 10000);
	keyclient_start(scene.client, &scene.user);
	(void)want(&scene);
	keyclient_free(&scene.client);
	fetch(&scene, TEXT("late"));
	testloop_run_for(scene.loop, 100);
	is_int(scene.arrivals, 0, "nothing arrives after the end");
	ok(scene.client == NULL, "it can be freed while somebody waits");
	keyclient_free(&scene.client);
	end(&scene);
}

int main(void)
{
	logtrap_start();
	test_sets();
	test_start();
	test_want();
	test_failure();
	test_no_keeper();
	test_age();
	test_end();
	return tap_done();
}
