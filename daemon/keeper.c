/* Getting keys, and giving them to the workers. */
#include "config.h"

#include "daemon/keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/keyset.h"
#include "core/log.h"
#include "daemon/fault.h"
#include "daemon/keyfetch.h"
#include "daemon/keyfile.h"
#include "daemon/keyshare.h"
#include "daemon/settings_tokens.h"
#include "daemon/shared.h"

#define US_PER_MS      INT64_C(1000)
#define US_PER_S       INT64_C(1000000)
#define TICK_MS	       1000 /* between heartbeats, and looks at a file */
#define REPEAT_WARN_US (300 * US_PER_S)
#define PROBLEM_BYTES  KEYFETCH_PROBLEM_BYTES

struct keeper {
	const struct keeper_options *options;
	const struct keys_settings *keys;
	struct keyshare *share;
	struct keyplan *plan;
	struct keyplan_limits limits;
	int signal_fd;
	bool is_told_to_end;
	bool has_told; /* how many keys there are */
	/* KEYS_AT_URL: */
	struct keyfetch_options fetch_options;
	struct keyfetch *fetch;
	bool is_fetching;
	bool is_unkept;	  /* what is on disk may be an older set */
	bool cannot_keep; /* and has said so */
	/* KEYS_IN_FILE: */
	struct keyfile_stamp stamp; /* of what was read last … */
	bool is_doubtful;	    /* … and may be half written */
	/* The last complaint, which is not repeated all the time. */
	char problem[PROBLEM_BYTES];
	int64_t warned_us;
	int64_t suppressed;
};

static uint32_t jitter(void)
{
	uint32_t number = 0;

	/* Without it keepers ask at the same time, no more. */
	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) < 0)
		return 0;
	return number;
}

static const char *place(const struct keeper *keeper)
{
	return keeper->keys->source == KEYS_AT_URL ? keeper->keys->url :
						     keeper->keys->file;
}

/* --- what came ----------------------------------------------------------- */

static void complain(struct keeper *keeper, const char *problem)
{
	bool is_url = keeper->keys->source == KEYS_AT_URL;
	int64_t now_us = clock_monotonic_us();

	/* Who changes a file wants to hear of each new mistake. */
	if (keeper->problem[0] && now_us - keeper->warned_us < REPEAT_WARN_US &&
	    (is_url || strcmp(problem, keeper->problem) == 0)) {
		keeper->suppressed++;
		return;
	}
	log_event(LOG_WARN, is_url ? "fetch of keys failed" : "keys not read",
		  LOG_STRING("reason", problem),
		  LOG_STRING("source", place(keeper)),
		  LOG_INT("suppressed", keeper->suppressed));
	(void)snprintf(keeper->problem, sizeof(keeper->problem), "%s", problem);
	keeper->warned_us = now_us;
	keeper->suppressed = 0;
}

static bool is_current(const struct keeper *keeper, struct text json)
{
	struct text current = { NULL, 0 };
	uint64_t generation;
	bool is_same;

	if (keyshare_read(keeper->share, &current, &generation) != ERR_OK)
		return false;
	is_same = text_is_equal(current, json);
	keyfile_release(&current);
	return is_same;
}

static void keep(struct keeper *keeper, struct text json)
{
	const char *store = keeper->keys->store;
	enum err err = ERR_OK;
	char error[64];

	if (store)
		err = keyfile_keep(store, keeper->keys->url, json);
	(void)snprintf(error, sizeof(error), "%m");
	keeper->is_unkept = err != ERR_OK;
	/* The keeper of another generation may be at it: once more, later. */
	if (err == ERR_BUSY)
		return;
	if (err != ERR_OK && !keeper->cannot_keep)
		log_event(LOG_WARN, "keys not kept", LOG_STRING("file", store),
			  LOG_STRING("error", error));
	keeper->cannot_keep = err != ERR_OK;
}

/* A set that can be used. */
static void take(struct keeper *keeper, struct text json,
		 const struct keyset *set)
{
	bool is_news = !is_current(keeper, json);
	bool is_told = !is_news && keeper->has_told && !keeper->problem[0];

	if (is_news)
		keyshare_publish(keeper->share, json);
	keyplan_succeeded(keeper->plan, &keeper->limits, clock_monotonic_us(),
			  jitter());
	if (is_news || keeper->is_unkept)
		keep(keeper, json);
	else if (keeper->keys->store)
		keyfile_confirm(keeper->keys->store);
	log_event(is_told ? LOG_DEBUG : LOG_INFO,
		  is_news ? "keys fetched" : "keys unchanged",
		  LOG_INT("count", (int64_t)keyset_count(set)),
		  LOG_INT("left_out", (int64_t)keyset_left_out(set)),
		  LOG_STRING("source", place(keeper)));
	keeper->has_told = true;
	keeper->problem[0] = '\0';
}

static void fail(struct keeper *keeper, const char *problem)
{
	keyplan_failed(keeper->plan, &keeper->limits, clock_monotonic_us(),
		       jitter());
	complain(keeper, problem);
}

static void judge(struct keeper *keeper, struct text json)
{
	struct keyset *set = NULL;
	const char *reason = NULL;
	enum err err = keyset_parse(json, &set, &reason);

	if (err == ERR_OK)
		take(keeper, json, set);
	else
		fail(keeper, err == ERR_INVALID ? reason : err_text(err));
	keyset_free(&set);
}

/* --- from a URL ---------------------------------------------------------- */

static bool wants_fetch(const struct keeper *keeper)
{
	return keyshare_is_wanted(keeper->share);
}

static int64_t next_us(const struct keeper *keeper)
{
	return keyplan_next_us(keeper->plan, &keeper->limits,
			       wants_fetch(keeper));
}

static void serve_url(struct keeper *keeper)
{
	if (!keeper->is_fetching && clock_monotonic_us() >= next_us(keeper)) {
		keeper->is_fetching = true;
		keyshare_fetch_begins(keeper->share);
		/* Should it be the end of us, the next keeper rests, too. */
		keyplan_ended(keeper->plan, clock_monotonic_us());
		keyfetch_start(keeper->fetch);
	}
	if (!keeper->is_fetching ||
	    keyfetch_state(keeper->fetch) == KEYFETCH_RUNNING)
		return;
	if (keyfetch_state(keeper->fetch) == KEYFETCH_DONE)
		judge(keeper, keyfetch_body(keeper->fetch));
	else
		fail(keeper, keyfetch_problem(keeper->fetch));
	keeper->is_fetching = false;
	keyshare_fetch_ends(keeper->share);
}

/* --- from a file --------------------------------------------------------- */

/*
 * Reads the file when it has changed.  What cannot be used may be half
 * written: there is a complaint only when it looks the same a moment later.
 */
static void look_at_file(struct keeper *keeper)
{
	char problem[PROBLEM_BYTES] = "";
	struct keyfile_stamp stamp;
	struct text json = { NULL, 0 };
	bool is_changed;
	enum err err;

	keyfile_stamp_get(keeper->keys->file, &stamp);
	is_changed = !keyfile_stamp_is_equal(&stamp, &keeper->stamp);
	if (!is_changed && !keeper->is_doubtful)
		return;
	err = keyfile_read(keeper->keys->file, &json, problem, sizeof(problem));
	keeper->stamp = stamp;
	if (err == ERR_OK) {
		judge(keeper, json);
		keeper->is_doubtful = false;
	} else if (is_changed) {
		keeper->is_doubtful = true;
	} else {
		fail(keeper, err == ERR_INVALID ? problem : err_text(err));
		keeper->is_doubtful = false;
	}
	keyfile_release(&json);
}

static void serve_file(struct keeper *keeper)
{
	bool is_wanted = wants_fetch(keeper) &&
			 clock_monotonic_us() >= next_us(keeper);

	if (is_wanted)
		keyshare_fetch_begins(keeper->share);
	look_at_file(keeper);
	if (!is_wanted)
		return;
	keyplan_ended(keeper->plan, clock_monotonic_us());
	keyshare_fetch_ends(keeper->share);
}

/* --- the process --------------------------------------------------------- */

static int wait_ms(const struct keeper *keeper)
{
	int64_t left_us = next_us(keeper) - clock_monotonic_us();
	bool is_due_then = keeper->keys->source == KEYS_AT_URL ?
				   !keeper->is_fetching :
				   wants_fetch(keeper);

	if (!is_due_then || left_us > TICK_MS * US_PER_MS)
		return TICK_MS;
	/* Rounded up: never in a busy loop. */
	return left_us > 0 ? (int)(left_us / US_PER_MS) + 1 : 0;
}

/* Whatever was ready is read here: none of it blocks. */
static void look_at_descriptors(struct keeper *keeper)
{
	struct signalfd_siginfo info;
	ssize_t got;
	char byte;

	if (read(keeper->signal_fd, &info, sizeof(info)) > 0)
		keeper->is_told_to_end = true;
	got = read(keeper->options->master_fd, &byte, 1);
	if (got == 0)
		keeper->is_told_to_end = true;
	keyshare_woken(keeper->share);
}

static void wait_for_something(struct keeper *keeper)
{
	struct pollfd fds[] = {
		{ keeper->signal_fd, POLLIN, 0 },
		{ keeper->options->master_fd, POLLIN, 0 },
		{ keyshare_wake_fd(keeper->share), POLLIN, 0 },
	};
	size_t count = sizeof(fds) / sizeof(fds[0]);

	if (keeper->fetch)
		keyfetch_wait(keeper->fetch, fds, count, wait_ms(keeper));
	else
		(void)poll(fds, count, wait_ms(keeper));
	look_at_descriptors(keeper);
}

static void beat(const struct keeper *keeper)
{
	struct shared_slot *slot =
		&keeper->options->shared->slots[keeper->options->slot];

	atomic_store(&slot->heartbeat_us, clock_monotonic_us());
	/* It serves, but accepts no connection. */
	atomic_store(&slot->state, SHARED_FULL);
}

static enum err start(struct keeper *keeper)
{
	const struct keys_settings *keys = keeper->keys;
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	keeper->signal_fd = signalfd(-1, &stop, SFD_NONBLOCK | SFD_CLOEXEC);
	if (keeper->signal_fd < 0)
		return ERR_SYSTEM;
	keyshare_recover(keeper->share);
	if (keys->source != KEYS_AT_URL)
		return ERR_OK;
	keeper->fetch_options.url = keys->url;
	keeper->fetch_options.ca_file = keys->ca_file;
	keeper->fetch_options.timeout_ms = keys->timeout_ms;
	return keyfetch_new(&keeper->fetch_options, &keeper->fetch);
}

int keeper_run(const struct keeper_options *options)
{
	struct keeper keeper = {
		.options = options,
		.keys = options->keys,
		.share = options->share,
		.plan = keyshare_plan(options->share),
		.limits = { options->keys->ttl_ms,
			    options->keys->cool_down_ms },
		/* The one before may have been killed before it kept them. */
		.is_unkept = true,
		.signal_fd = -1,
	};
	enum err err = start(&keeper);

	if (err != ERR_OK)
		log_event(LOG_ERROR, "cannot start the keeper",
			  LOG_STRING("error", err_text(err)));
	while (err == ERR_OK && !keeper.is_told_to_end) {
		beat(&keeper);
		if (keeper.keys->source == KEYS_AT_URL)
			serve_url(&keeper);
		else
			serve_file(&keeper);
		wait_for_something(&keeper);
	}
	keyfetch_free(&keeper.fetch);
	if (keeper.signal_fd >= 0)
		close(keeper.signal_fd);
	return err == ERR_OK ? EX_OK : fault_exit_code(err);
}

/* --- before the first fetch ---------------------------------------------- */

static enum err prime_from_file(const struct keys_settings *keys,
				struct keyshare *share, struct fault *fault)
{
	char problem[PROBLEM_BYTES] = "";
	struct text json = { NULL, 0 };
	enum err err =
		keyfile_read(keys->file, &json, problem, sizeof(problem));

	if (err == ERR_INVALID)
		return fault_set(fault, EX_CONFIG, "JWKS_FILE %s: %s",
				 keys->file, problem);
	if (err == ERR_OK)
		keyshare_publish(share, json);
	keyfile_release(&json);
	return err;
}

static enum err prime_from_store(const struct keys_settings *keys,
				 struct keyshare *share)
{
	int64_t now_us = clock_monotonic_us();
	int64_t confirmed_s = 0, age_s;
	char problem[PROBLEM_BYTES] = "";
	struct text json = { NULL, 0 };
	enum err err = keyfile_load(keys->store, keys->url, &json, &confirmed_s,
				    problem, sizeof(problem));

	if (err == ERR_INVALID)
		log_event(LOG_WARN, "the kept keys are not used",
			  LOG_STRING("file", keys->store),
			  LOG_STRING("reason", problem));
	if (err != ERR_OK)
		return err == ERR_NO_MEMORY ? err : ERR_OK;
	age_s = clock_wall_us() / US_PER_S - confirmed_s;
	if (age_s < 0)
		age_s = 0;
	if (age_s * 1000 <= keys->ttl_ms + KEYPLAN_STALE_MAX_MS) {
		keyshare_publish(share, json);
		keyplan_restored(keyshare_plan(share),
				 now_us - age_s * US_PER_S);
		log_event(LOG_INFO, "keys of the last run are there",
			  LOG_STRING("file", keys->store),
			  LOG_INT("age_s", age_s));
	}
	keyfile_release(&json);
	return ERR_OK;
}

enum err keeper_prime(const struct keys_settings *keys, struct keyshare *share,
		      const struct keyshare *old, struct fault *fault)
{
	if (keys->source == KEYS_IN_FILE)
		return prime_from_file(keys, share, fault);
	if (keys->source == KEYS_AT_URL && old)
		keyshare_copy(share, old);
	else if (keys->source == KEYS_AT_URL && keys->store)
		return prime_from_store(keys, share);
	return ERR_OK;
}
