/*
 * A worker: opens the database, serves, drains.  Everything that must not be
 * shared over a fork is made here.
 */
#include "config.h"

#include "daemon/worker.h"

#include <event2/event.h>
#include <event2/http.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/app.h"
#include "core/clock.h"
#include "core/embedded.h"
#include "core/hashpool.h"
#include "core/log.h"
#include "core/storage.h"
#include "core/storage_backend.h"
#include "daemon/fault.h"
#include "daemon/heap.h"
#include "daemon/keyclient.h"
#include "daemon/logsink.h"
#include "daemon/loop_event.h"
#include "daemon/reserve.h"
#include "daemon/server.h"
#include "daemon/settings.h"
#include "daemon/shared.h"

#define HEARTBEAT_MS		1000
#define CONNECTIONS_MAX_DEFAULT 10000
#define DAMAGED_DRAIN_MS	1000
/* Descriptors for other things than connections. */
#define DESCRIPTORS_RESERVED 64

enum worker_state {
	WORKER_STARTING, /* opens and makes what it needs */
	WORKER_SERVING,	 /* until told to stop */
	WORKER_DRAINING, /* the requests in flight are being answered */
	WORKER_ENDING,	 /* the loop ends */
};

/* libevent said that it could not watch a descriptor.  Its callback for what it
 * has to say takes no argument. */
static bool has_lost_event;

struct worker {
	const struct worker_options *options;
	enum worker_state state;
	int exit_code;
	struct loop_event *loop;
	struct storage *storage;
	struct hashpool *hashes;
	struct hashpool_budget budget;
	struct keyclient *keys; /* NULL: there is no JWKS */
	struct app_options app_options;
	struct app *app;
	struct server *server;
	int signal_fd;
	struct event *on_signal;
	struct event *on_master_gone;
	struct event *on_heartbeat;
	struct event *on_drain_end;
};

static struct shared_slot *own_slot(const struct worker *worker)
{
	return &worker->options->shared->slots[worker->options->slot];
}

static void beat(const struct worker *worker)
{
	atomic_store(&own_slot(worker)->heartbeat_us, clock_monotonic_us());
}

static void enter(struct worker *worker, enum worker_state state)
{
	worker->state = state;
	switch (state) {
	case WORKER_STARTING:
		break;
	case WORKER_SERVING:
		atomic_store(&own_slot(worker)->state, SHARED_SERVING);
		(void)kill(worker->options->master, SIGUSR1);
		break;
	case WORKER_DRAINING:
		atomic_store(&own_slot(worker)->state, SHARED_DRAINING);
		break;
	case WORKER_ENDING:
		loop_event_stop(worker->loop);
		break;
	}
}

static bool take_hash(void *arg)
{
	const struct worker *worker = arg;

	return shared_hash_take(worker->options->shared, worker->options->slot);
}

static void give_hash(void *arg)
{
	const struct worker *worker = arg;

	shared_hash_give(worker->options->shared, worker->options->slot);
}

static void on_drained(void *arg)
{
	enter(arg, WORKER_ENDING);
}

static void on_drain_end(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;

	(void)fd;
	(void)what;
	log_event(LOG_WARN, "drain timed out",
		  LOG_INT("requests", (int64_t)server_pending(worker->server)),
		  LOG_INT("connections", (int64_t)server_busy(worker->server)));
	enter(worker, WORKER_ENDING);
}

static void drain(struct worker *worker, int64_t timeout_ms)
{
	const struct timeval timeout = { timeout_ms / 1000,
					 timeout_ms % 1000 * 1000 };

	if (worker->state != WORKER_SERVING)
		return;
	enter(worker, WORKER_DRAINING);
	(void)event_add(worker->on_drain_end, &timeout);
	server_drain(worker->server, on_drained, worker);
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;
	struct signalfd_siginfo info;

	(void)what;
	if (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		drain(worker, worker->options->settings->drain_timeout_ms);
}

static void on_master_gone(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;
	char byte;

	(void)what;
	/* Nobody writes to this pipe: it is its end. */
	if (read(fd, &byte, 1) < 0)
		return;
	(void)event_del(worker->on_master_gone);
	log_write(LOG_ERROR, "the master is gone: draining", NULL, 0);
	drain(worker, worker->options->settings->drain_timeout_ms);
}

static void on_heartbeat(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;

	(void)fd;
	(void)what;
	beat(worker);
	logsink_flush();
	reserve_refill();
	if (worker->keys)
		keyclient_look(worker->keys);
	/* The answers on their way may go, nothing more is to be written; the
	 * exit status tells the master not to start another worker. */
	if (storage_is_damaged(worker->storage)) {
		worker->exit_code = EX_DATAERR;
		drain(worker, DAMAGED_DRAIN_MS);
	} else if (has_lost_event) {
		/* It may be the one that lets this worker accept, or hear of
		 * its database.  Another one begins anew. */
		worker->exit_code = EX_OSERR;
		drain(worker, worker->options->settings->drain_timeout_ms);
	}
}

static void on_library_message(int severity, const char *message)
{
	enum log_level level = LOG_DEBUG;

	if (severity == EVENT_LOG_WARN)
		level = LOG_WARN;
	else if (severity == EVENT_LOG_ERR)
		level = LOG_ERROR;
	/* "Epoll ADD(1) on fd 7 failed. …": event_add() had said yes. */
	if (severity == EVENT_LOG_WARN && strncmp(message, "Epoll ", 6) == 0)
		has_lost_event = true;
	log_event(level, "libevent", LOG_STRING("detail", message));
}

/* What it cannot go on after, it has logged; its own status would be 1. */
static void on_library_failure(int error)
{
	(void)error;
	logsink_flush();
	_exit(EX_OSERR);
}

static enum err make_events(struct worker *worker)
{
	static const struct timeval interval = { HEARTBEAT_MS / 1000, 0 };
	struct event_base *base = loop_event_base(worker->loop);
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	worker->signal_fd = signalfd(-1, &stop, SFD_NONBLOCK | SFD_CLOEXEC);
	if (worker->signal_fd < 0)
		return ERR_SYSTEM;
	worker->on_signal = event_new(base, worker->signal_fd,
				      EV_READ | EV_PERSIST, on_signal, worker);
	worker->on_master_gone = event_new(base, worker->options->master_fd,
					   EV_READ | EV_PERSIST, on_master_gone,
					   worker);
	worker->on_heartbeat =
		event_new(base, -1, EV_PERSIST, on_heartbeat, worker);
	worker->on_drain_end = evtimer_new(base, on_drain_end, worker);
	if (!worker->on_signal || !worker->on_master_gone ||
	    !worker->on_heartbeat || !worker->on_drain_end)
		return ERR_NO_MEMORY;
	if (event_add(worker->on_signal, NULL) != 0 ||
	    event_add(worker->on_master_gone, NULL) != 0 ||
	    event_add(worker->on_heartbeat, &interval) != 0)
		return ERR_SYSTEM;
	return ERR_OK;
}

static enum err open_storage(struct worker *worker)
{
	const struct settings *settings = worker->options->settings;
	const struct backend_location *location = &settings->location;
	struct loop *loop = loop_event_port(worker->loop);
	struct storage_backend *backend = NULL;
	enum err err = location->backend->open(location, loop, &backend);

	if (err == ERR_OK)
		err = storage_new(loop, backend, settings->request_timeout_ms,
				  &worker->storage);
	if (err == ERR_OK)
		storage_report_to(worker->storage,
				  &worker->options->shared->health);
	return err;
}

static enum err make_hashes(struct worker *worker)
{
	const struct settings *settings = worker->options->settings;
	const struct hashpool_options options = {
		.threads = settings->hash_threads,
		.queue_max = settings->hash_queue_max,
		.cost = settings->hash_cost,
		.budget = &worker->budget,
	};

	worker->budget.take = take_hash;
	worker->budget.give = give_hash;
	worker->budget.arg = worker;
	return hashpool_new(loop_event_port(worker->loop), &options,
			    &worker->hashes);
}

static enum err take_keys(void *app, struct text json)
{
	return app_keys_arrived(app, json);
}

static void drop_keys(void *app)
{
	app_keys_expired(app);
}

static enum err make_keys(struct worker *worker)
{
	if (!worker->options->keys)
		return ERR_OK;
	return keyclient_new(loop_event_port(worker->loop),
			     &worker->options->settings->keys,
			     worker->options->keys, &worker->keys);
}

static void give_limits(struct worker *worker)
{
	const struct limits_settings *from =
		&worker->options->settings->rate_limits;
	struct limits_options *to = &worker->app_options.limits;

	memcpy(to->policies, from->policies, sizeof(to->policies));
	to->addresses = &worker->options->shared->addresses;
	to->accounts = &worker->options->shared->accounts;
}

static enum err make_app(struct worker *worker)
{
	const struct settings *settings = worker->options->settings;
	enum err err;

	worker->app_options = (struct app_options){
		.version = PACKAGE_VERSION,
		.tasks_dialect = settings->tasks_dialect,
		.accounts = settings->accounts,
		.jwt_secret = settings->jwt_secret,
		.shared_secret = settings->shared_secret,
		.jwt_issuer = settings->jwt_issuer,
		.jwt_audience = settings->jwt_audience,
		.jwt_exp_optional = settings->jwt_exp_optional,
		.keysource = worker->keys ? keyclient_source(worker->keys) :
					    NULL,
		.cors = settings->cors,
		.trusted_proxies = settings->proxies.has_trusted ?
					   &settings->proxies.trusted :
					   NULL,
		.https_required = settings->proxies.https_required,
		.health = &worker->options->shared->health,
		.health_max_age_ms = settings->health_max_age_ms,
		.api_files = embedded_api,
		.api_file_count = embedded_api_count,
		.docs_files = embedded_docs,
		.docs_file_count = embedded_docs_count,
	};
	if (settings->rate_limits.is_on)
		give_limits(worker);
	err = app_new(&worker->app_options, loop_event_port(worker->loop),
		      worker->storage, worker->hashes, &worker->app);
	if (err == ERR_OK && worker->keys)
		keyclient_start(worker->keys,
				&(struct keyclient_user){ take_keys, drop_keys,
							  worker->app });
	return err;
}

static size_t connections_max(const struct settings *settings)
{
	struct rlimit limit;
	size_t allowed = CONNECTIONS_MAX_DEFAULT;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY)
		allowed = limit.rlim_cur > 2 * DESCRIPTORS_RESERVED ?
				  limit.rlim_cur - DESCRIPTORS_RESERVED :
				  limit.rlim_cur / 2;
	if (settings->connections_max > 0)
		return settings->connections_max < allowed ?
			       settings->connections_max :
			       allowed;
	return allowed < CONNECTIONS_MAX_DEFAULT ? allowed :
						   CONNECTIONS_MAX_DEFAULT;
}

static enum err make_server(struct worker *worker)
{
	const struct worker_options *given = worker->options;
	const struct server_options options = {
		.loop = worker->loop,
		.app = worker->app,
		.shared = given->shared,
		.slot = given->slot,
		.connections_max = connections_max(given->settings),
		.limits = given->settings->limits,
		.proxies = &given->settings->proxies.trusted,
		.proxies_speak_first = given->settings->proxies.speak_first,
		.tls = given->settings->tls,
	};
	enum err err = server_new(&options, &worker->server);

	for (size_t i = 0; err == ERR_OK && i < given->listener_count; i++)
		err = server_listen(worker->server, given->listener_fds[i]);
	return err;
}

static enum err make_loop(struct worker *worker)
{
	enum err err = loop_event_new(&worker->loop);

	if (err == ERR_OK)
		logsink_attach(loop_event_port(worker->loop));
	return err;
}

/* The heart beats in between: opening may take its time. */
static enum err start(struct worker *worker)
{
	static const struct {
		const char *what;
		enum err (*step)(struct worker *worker);
	} steps[] = {
		{ "event loop", make_loop },	{ "events", make_events },
		{ "database", open_storage },	{ "hash threads", make_hashes },
		{ "keys", make_keys },		{ "application", make_app },
		{ "http server", make_server },
	};
	enum err err = ERR_OK;

	for (size_t i = 0;
	     err == ERR_OK && i < sizeof(steps) / sizeof(steps[0]); i++) {
		beat(worker);
		err = steps[i].step(worker);
		if (err != ERR_OK)
			log_event(LOG_ERROR, "cannot start a worker",
				  LOG_STRING("part", steps[i].what),
				  LOG_STRING("error", err_text(err)));
	}
	return err;
}

static void free_event(struct event **event)
{
	if (*event)
		event_free(*event);
	*event = NULL;
}

/* In the opposite order.  A request that is still in flight refers to much of
 * it: then the process just ends. */
static void stop(struct worker *worker)
{
	bool is_clean = !worker->server || server_pending(worker->server) == 0;

	/* First: the loop runs once more below, without what these look at. */
	free_event(&worker->on_signal);
	free_event(&worker->on_master_gone);
	free_event(&worker->on_heartbeat);
	free_event(&worker->on_drain_end);
	keyclient_free(&worker->keys);
	if (is_clean) {
		server_free(&worker->server);
		app_free(&worker->app);
	}
	hashpool_free(&worker->hashes);
	storage_close(&worker->storage);
	if (worker->loop)
		loop_event_run_ready(worker->loop);
	logsink_detach();
	if (!is_clean)
		_exit(worker->exit_code);
	if (worker->signal_fd >= 0)
		close(worker->signal_fd);
	loop_event_free(&worker->loop);
}

int worker_run(const struct worker_options *options)
{
	struct worker worker = { .options = options, .signal_fd = -1 };
	enum err err;

	heap_prepare();
	reserve_init();
	event_set_log_callback(on_library_message);
	event_set_fatal_callback(on_library_failure);
	err = start(&worker);
	if (err == ERR_OK) {
		beat(&worker);
		enter(&worker, WORKER_SERVING);
		loop_event_run(worker.loop);
	}
	stop(&worker);
	if (err == ERR_OUTDATED || err == ERR_TOO_NEW)
		return WORKER_WRONG_SCHEMA;
	return err == ERR_OK ? worker.exit_code : fault_exit_code(err);
}
