/*
 * The master's loop: it sleeps in sigtimedwait() with its signals blocked, so
 * that nothing ever interrupts it, and decides what to do when it wakes.
 */
#include "config.h"

#include "daemon/master.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/signature.h"
#include "daemon/command.h"
#include "daemon/fault.h"
#include "daemon/handover.h"
#include "daemon/keeper.h"
#include "daemon/listen.h"
#include "daemon/logsink.h"
#include "daemon/notify.h"
#include "daemon/options.h"
#include "daemon/privs.h"
#include "daemon/reload.h"
#include "daemon/secret.h"
#include "daemon/settings.h"
#include "daemon/spawn.h"
#include "daemon/tls.h"
#include "daemon/upgrade.h"
#include "daemon/worker.h"
#include "daemon/workers.h"

#define SUCCESSOR_GRACE_MS 2000 /* after its own drain */

enum master_phase {
	MASTER_STARTING,  /* the first workers are to begin to serve */
	MASTER_SERVING,	  /* all is well */
	MASTER_RELOADING, /* new workers start beside the old ones */
	MASTER_UPGRADING, /* all is well, and a new todod starts beside us */
	MASTER_STOPPING,  /* the workers drain */
};

struct master {
	enum master_phase phase;
	const struct command *command;
	struct handover *handover;
	struct options *options;
	struct settings **settings;
	struct fault *fault;
	struct listeners listeners;
	struct workers workers;
	unsigned generation; /* of those that serve */
	sigset_t signals;
	int exit_code;
	bool is_told_to_stop;
	/* MASTER_RELOADING: */
	struct options new_options;
	struct settings *new_settings;
	/* MASTER_UPGRADING, and MASTER_STOPPING when it took over: */
	struct upgrade upgrade;
	/* A signal came when it could not be heeded: */
	bool reload_again;
	bool upgrade_again;
};

/* --- stopping ------------------------------------------------------------ */

/* Ends the service here; a successor may go on with it. */
static void drain(struct master *master)
{
	master->phase = MASTER_STOPPING;
	log_event(LOG_INFO, "stopping",
		  LOG_INT("workers", (int64_t)workers_count(&master->workers)));
	listen_close(&master->listeners);
	workers_forget_respawns(&master->workers);
	workers_drain(&master->workers, 0, master->generation + 1,
		      (*master->settings)->drain_timeout_ms);
}

static void stop_successor(struct master *master)
{
	int64_t patience_ms =
		(*master->settings)->drain_timeout_ms + SUCCESSOR_GRACE_MS;

	upgrade_stop(&master->upgrade, patience_ms);
}

static void begin_stop(struct master *master, int exit_code)
{
	if (master->phase == MASTER_STOPPING)
		return;
	master->exit_code = exit_code;
	/* Of one that has not taken over yet nobody wants to know. */
	if (!handover_is_open(master->handover))
		notify_send("STOPPING=1");
	stop_successor(master);
	drain(master);
}

static void on_stop_signal(struct master *master)
{
	bool is_told_again = master->is_told_to_stop;

	master->is_told_to_stop = true;
	begin_stop(master, EX_OK);
	if (!is_told_again)
		return;
	log_write(LOG_WARN, "stopping at once", NULL, 0);
	workers_kill(&master->workers);
	if (!master->listeners.are_lent)
		stop_successor(master);
}

/* --- keys ---------------------------------------------------------------- */

static bool is_same_issuer(const struct keys_settings *a,
			   const struct keys_settings *b)
{
	return a->source == KEYS_AT_URL && b->source == KEYS_AT_URL &&
	       strcmp(a->url, b->url) == 0;
}

/* What the workers of a generation have of their issuer's keys at once; old
 * are the settings of the generation before, NULL when it is the first. */
static enum err make_keys(struct master *master, unsigned generation,
			  const struct settings *settings,
			  const struct settings *old, struct fault *fault)
{
	const struct keys_settings *keys = &settings->keys;
	const struct keyshare *from = NULL;
	enum err err;

	/* There may be some of a reload that was refused. */
	workers_free_keys(&master->workers, generation);
	if (keys->source == KEYS_NOWHERE)
		return ERR_OK;
	err = workers_new_keys(&master->workers, generation);
	if (err != ERR_OK)
		return fault_set(fault, EX_OSERR,
				 "no shared memory for keys: %m");
	if (old && is_same_issuer(keys, &old->keys))
		from = workers_keys(&master->workers, generation - 1);
	return keeper_prime(keys, workers_keys(&master->workers, generation),
			    from, fault);
}

/* --- reloading ----------------------------------------------------------- */

static void refuse_reload(struct master *master, const char *reason)
{
	log_event(LOG_ERROR, "reload refused", LOG_STRING("reason", reason));
	settings_free(&master->new_settings);
	options_release(&master->new_options);
	notify_send("READY=1");
}

/* The new workers did not come: the old ones go on. */
static void give_up_reload(struct master *master)
{
	unsigned next = master->generation + 1;

	master->phase = MASTER_SERVING;
	/* Some may have been serving already. */
	workers_drain(&master->workers, next, next,
		      (*master->settings)->drain_timeout_ms);
	workers_free_keys(&master->workers, next);
	refuse_reload(master, "a worker with the new configuration did not "
			      "start");
}

static void start_new_workers(struct master *master)
{
	struct workers *workers = &master->workers;
	unsigned next = master->generation + 1;

	master->phase = MASTER_RELOADING;
	for (unsigned i = 0; i < master->new_settings->workers; i++) {
		if (workers_start(workers, master->new_settings, i, next) !=
		    ERR_OK) {
			give_up_reload(master);
			return;
		}
	}
}

static void reload(struct master *master)
{
	struct fault fault = { 0, "" };
	enum err err;

	if (master->phase != MASTER_SERVING) {
		master->reload_again = master->phase != MASTER_STOPPING;
		return;
	}
	notify_reloading();
	options_init(&master->new_options);
	if (!(*master->settings)->location.backend->is_shared) {
		refuse_reload(master, "the data are in the memory of one "
				      "worker and would be lost: restart todod "
				      "instead");
		return;
	}
	err = reload_configuration(&master->command->flags, master->options,
				   &master->new_options, &master->new_settings,
				   &fault);
	if (err == ERR_OK)
		err = make_keys(master, master->generation + 1,
				master->new_settings, *master->settings,
				&fault);
	if (err == ERR_INVALID)
		refuse_reload(master, fault.text);
	else if (err != ERR_OK)
		refuse_reload(master, err_text(err));
	else
		start_new_workers(master);
}

/* The new workers serve: the old ones may go. */
static void finish_reload(struct master *master)
{
	struct settings *old = *master->settings;

	workers_forget_respawns(&master->workers);
	workers_drain(&master->workers, 0, master->generation,
		      old->drain_timeout_ms);
	workers_free_keys(&master->workers, master->generation);
	master->generation++;
	if (master->new_settings->keys.source != KEYS_NOWHERE)
		workers_want_keeper(&master->workers);
	settings_free(master->settings);
	options_release(master->options);
	*master->settings = master->new_settings;
	*master->options = master->new_options;
	master->new_settings = NULL;
	options_init(&master->new_options);
	master->phase = MASTER_SERVING;
	atomic_store(&master->workers.shared->hash_token_count,
		     (*master->settings)->hash_threads);
	logsink_configure((*master->settings)->log_level,
			  (*master->settings)->log_format, -1);
	log_event(LOG_INFO, "reloaded",
		  LOG_INT("workers", (*master->settings)->workers));
	if ((*master->settings)->tls)
		tls_log((*master->settings)->tls);
	notify_send("READY=1");
}

/* --- upgrading ----------------------------------------------------------- */

static void give_up_upgrade(struct master *master)
{
	log_event(LOG_ERROR, "upgrade failed",
		  LOG_STRING("reason", master->upgrade.reason));
	master->workers.private_fd = -1;
	master->phase = MASTER_SERVING;
}

/* Why it must not be tried; NULL when it may. */
static const char *upgrade_obstacle(const struct master *master)
{
	if (!(*master->settings)->location.backend->is_shared)
		return "the data are in the memory of one worker and would be "
		       "lost: restart todod instead";
	if (getpid() == 1)
		return "todod is process 1 here, whose end ends all: restart "
		       "the container instead";
	return NULL;
}

static void upgrade(struct master *master)
{
	const char *obstacle = upgrade_obstacle(master);
	struct upgrade *upgrade = &master->upgrade;

	if (master->phase != MASTER_SERVING) {
		/* Another one while one is under way is the same. */
		master->upgrade_again = master->phase == MASTER_STARTING ||
					master->phase == MASTER_RELOADING;
		return;
	}
	if (obstacle) {
		log_event(LOG_ERROR, "upgrade failed",
			  LOG_STRING("reason", obstacle));
		return;
	}
	if (upgrade_start(upgrade, master->command->argv, &master->listeners) !=
	    ERR_OK) {
		give_up_upgrade(master);
		return;
	}
	master->phase = MASTER_UPGRADING;
	master->workers.private_fd = upgrade->report_fd;
	log_event(LOG_INFO, "upgrading", LOG_INT("pid", upgrade->pid));
}

/* Who watches over this process must know who comes after it. */
static void notify_successor(pid_t pid)
{
	char state[32];

	(void)snprintf(state, sizeof(state), "MAINPID=%ld", (long)pid);
	notify_send(state);
}

/* The new one serves: this one may go. */
static void look_at_successor(struct master *master)
{
	struct upgrade *upgrade = &master->upgrade;

	upgrade_look(upgrade, clock_monotonic_us());
	if (master->phase != MASTER_UPGRADING ||
	    upgrade->state != UPGRADE_TAKEN)
		return;
	log_event(LOG_INFO, "upgraded", LOG_INT("pid", upgrade->pid));
	notify_successor(upgrade->pid);
	/* It has read its configuration before that was changed. */
	if (master->reload_again)
		(void)kill(upgrade->pid, SIGHUP);
	master->listeners.are_lent = true;
	drain(master);
}

static void on_successor_exit(struct master *master,
			      const struct workers_exit *ended)
{
	if (ended->pid != master->upgrade.pid)
		return;
	upgrade_ended(&master->upgrade, ended->exit_code);
	if (master->phase == MASTER_UPGRADING)
		give_up_upgrade(master);
}

/* --- the workers' ends --------------------------------------------------- */

/* Whether every worker has failed since the start, and none serves. */
static bool has_nobody(struct master *master)
{
	for (unsigned i = 0; i < (*master->settings)->workers; i++)
		if (master->workers.seats[i].failures == 0)
			return false;
	return workers_serving(&master->workers, master->generation) == 0;
}

static void on_exit_in(struct master *master, const struct workers_exit *ended)
{
	switch (master->phase) {
	case MASTER_STARTING:
		if (!has_nobody(master))
			return;
		fault_set(master->fault,
			  ended->exit_code < 128 && ended->exit_code > 0 ?
				  ended->exit_code :
				  EX_SOFTWARE,
			  "no worker could be started; the log says why");
		begin_stop(master, master->fault->exit_code);
		return;
	case MASTER_RELOADING:
	case MASTER_SERVING:
	case MASTER_UPGRADING:
	case MASTER_STOPPING:
		return;
	}
}

/* Whether there is no use in any other worker. */
static bool is_fatal(const struct master *master,
		     const struct workers_exit *ended)
{
	/* Those that serve have known a schema that is theirs: who has changed
	 * it may change it back, or put a new todod in our place. */
	if (ended->exit_code == WORKER_WRONG_SCHEMA)
		return master->phase == MASTER_STARTING;
	return ended->exit_code == EX_DATAERR &&
	       master->phase != MASTER_UPGRADING;
}

static void on_exit_of(void *arg, const struct workers_exit *ended)
{
	struct master *master = arg;

	if (ended->number == WORKERS_SUCCESSOR) {
		on_successor_exit(master, ended);
		return;
	}
	if (ended->was_told || master->phase == MASTER_STOPPING)
		return;
	if (ended->number == WORKERS_KEEPER) {
		if (ended->generation == master->generation)
			workers_schedule(&master->workers, ended);
		return;
	}
	if (master->phase == MASTER_RELOADING &&
	    ended->generation > master->generation) {
		give_up_reload(master);
		return;
	}
	if (is_fatal(master, ended)) {
		log_write(LOG_ERROR,
			  "stopping: the database is damaged or of another "
			  "version",
			  NULL, 0);
		begin_stop(master, EX_DATAERR);
		return;
	}
	if (ended->generation == master->generation)
		workers_schedule(&master->workers, ended);
	on_exit_in(master, ended);
}

/* --- the loop ------------------------------------------------------------ */

/* Where to point a browser, for the person at the keyboard. */
static void log_urls(const struct master *master)
{
	char url[ADDRESS_TEXT_BYTES + 32], docs[ADDRESS_TEXT_BYTES + 40];

	if ((*master->settings)->environment != SETTINGS_DEVELOPMENT)
		return;
	for (size_t i = 0; i < master->listeners.count; i++) {
		const struct listener *each = &master->listeners.items[i];
		bool is_ipv6 = strchr(each->address, ':') != NULL;

		if (each->port == 0)
			continue;
		(void)snprintf(url, sizeof(url), "http%s://%s%s%s:%d",
			       (*master->settings)->tls ? "s" : "",
			       is_ipv6 ? "[" : "", each->address,
			       is_ipv6 ? "]" : "", each->port);
		(void)snprintf(docs, sizeof(docs), "%s/docs", url);
		log_event(LOG_INFO, "try it", LOG_STRING("url", url),
			  LOG_STRING("docs", docs));
		return;
	}
}

static void become_ready(struct master *master, size_t serving)
{
	master->phase = MASTER_SERVING;
	log_event(LOG_INFO, "ready", LOG_INT("workers", (int64_t)serving));
	log_urls(master);
	if (!handover_is_open(master->handover)) {
		notify_send("READY=1");
		return;
	}
	/* The one before tells systemd, which does not listen to us yet. */
	master->listeners.are_lent = false;
	master->workers.private_fd = -1;
	if (!handover_accept(master->handover))
		log_write(LOG_WARN, "the todod before is gone already", NULL,
			  0);
}

static void look_at_readiness(struct master *master)
{
	unsigned generation = master->generation;
	size_t serving;

	if (master->phase == MASTER_RELOADING)
		generation++;
	serving = workers_serving(&master->workers, generation);
	if (master->phase == MASTER_STARTING &&
	    serving == (*master->settings)->workers)
		become_ready(master, serving);
	else if (master->phase == MASTER_RELOADING &&
		 serving == master->new_settings->workers)
		finish_reload(master);
}

static void on_signal(struct master *master, const siginfo_t *info)
{
	switch (info->si_signo) {
	case SIGTERM:
	case SIGINT:
	case SIGQUIT:
		on_stop_signal(master);
		break;
	case SIGHUP:
		/* From the kernel it means that our terminal was closed. */
		if (info->si_code == SI_KERNEL)
			on_stop_signal(master);
		else
			reload(master);
		break;
	case SIGUSR2:
		upgrade(master);
		break;
	default:
		/* SIGCHLD and SIGUSR1 only wake: there is something to see. */
		break;
	}
}

static void wait_for_signal(struct master *master)
{
	int64_t wait_ms =
		workers_next_ms(&master->workers, clock_monotonic_us());
	const struct timespec wait = { wait_ms / 1000,
				       wait_ms % 1000 * 1000000 };
	siginfo_t info;

	if (sigtimedwait(&master->signals, &info, &wait) > 0)
		on_signal(master, &info);
}

static bool replaces_workers(const struct master *master)
{
	return master->phase == MASTER_STARTING ||
	       master->phase == MASTER_SERVING ||
	       master->phase == MASTER_UPGRADING;
}

static void look_after_workers(struct master *master)
{
	struct workers *workers = &master->workers;
	int64_t now_us;

	workers_reap(workers, on_exit_of, master);
	look_at_readiness(master);
	look_at_successor(master);
	now_us = clock_monotonic_us();
	if ((*master->settings)->tls)
		tls_advance((*master->settings)->tls, now_us);
	workers_check(workers, now_us);
	if (replaces_workers(master))
		workers_respawn(workers, *master->settings, master->generation,
				now_us);
	if (master->phase == MASTER_SERVING && master->reload_again) {
		master->reload_again = false;
		reload(master);
	}
	if (master->phase == MASTER_SERVING && master->upgrade_again) {
		master->upgrade_again = false;
		upgrade(master);
	}
}

/* A successor that was told to stop, too. */
static bool is_successor_left(const struct master *master)
{
	return master->upgrade.pid > 0 && !master->listeners.are_lent;
}

static void loop(struct master *master)
{
	while (master->phase != MASTER_STOPPING ||
	       workers_running(&master->workers) > 0 ||
	       is_successor_left(master)) {
		wait_for_signal(master);
		look_after_workers(master);
		logsink_flush();
	}
}

/* --- starting and ending ------------------------------------------------- */

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Before the first fork, so that no signal is lost in between; the workers
 * inherit the mask. */
static void block_signals(struct master *master)
{
	static const int numbers[] = { SIGTERM, SIGINT,	 SIGQUIT, SIGHUP,
				       SIGCHLD, SIGUSR1, SIGUSR2 };

	sigemptyset(&master->signals);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(&master->signals, numbers[i]);
	(void)sigprocmask(SIG_BLOCK, &master->signals, NULL);
}

static enum err migrate(void *arg)
{
	const struct backend_location *location = arg;
	FILE *out = fopen("/dev/null", "w");
	enum err err = ERR_SYSTEM;

	if (out)
		err = location->backend->migrate(location,
						 BACKEND_MIGRATE_APPLY, out);
	if (out)
		(void)fclose(out);
	return err;
}

static enum err settle(void *arg)
{
	const struct backend_location *location = arg;

	return location->backend->settle(location);
}

static enum err prepare_database(struct master *master)
{
	const struct settings *settings = *master->settings;
	struct backend_location location = *settings_migrate_location(settings);
	enum err err;

	if (!location.backend->migrates_at_start && !settings->auto_migrate)
		return ERR_OK;
	err = spawn_job(migrate, &location, &master->listeners,
			&master->is_told_to_stop);
	if (master->is_told_to_stop)
		return ERR_BUSY;
	if (err == ERR_OK)
		return ERR_OK;
	return fault_set(master->fault, fault_exit_code(err),
			 "the database %s cannot be used: %s",
			 location.path ? location.path : location.backend->name,
			 err_text(err));
}

/* Everything before the first worker; whatever fails ends todod. */
static enum err prepare(struct master *master)
{
	struct settings *settings = *master->settings;
	struct identity identity;
	enum err err =
		privs_choose(settings, PRIVS_SERVE, &identity, master->fault);

	raise_descriptor_limit();
	if (err == ERR_OK)
		err = listen_open(settings, &identity, master->handover,
				  &master->listeners, master->fault);
	if (err == ERR_OK)
		err = privs_drop(settings, &identity, master->fault);
	if (err == ERR_OK && signature_init() != ERR_OK)
		err = fault_set(master->fault, EX_OSERR,
				"libcrypto does not start: %s",
				err_text(ERR_NO_MEMORY));
	if (err == ERR_OK)
		err = secret_provide(settings, master->fault);
	block_signals(master);
	if (err == ERR_OK)
		err = prepare_database(master);
	if (err != ERR_OK)
		return err;
	err = workers_init(&master->workers, &master->listeners);
	if (err != ERR_OK)
		return fault_set(master->fault, EX_OSERR,
				 "no shared memory or pipe: %m");
	master->workers.private_fd = master->handover->report_fd;
	err = make_keys(master, 1, settings, NULL, master->fault);
	if (err == ERR_NO_MEMORY)
		return fault_set(master->fault, EX_OSERR, "%s", err_text(err));
	if (err != ERR_OK)
		return err;
	listen_log(&master->listeners);
	if (settings->tls)
		tls_log(settings->tls);
	return ERR_OK;
}

static void start_workers(struct master *master)
{
	const struct settings *settings = *master->settings;

	master->generation = 1;
	atomic_store(&master->workers.shared->hash_token_count,
		     settings->hash_threads);
	for (unsigned i = 0; i < settings->workers; i++)
		master->workers.seats[i].respawn_at_us = 1;
	if (settings->keys.source != KEYS_NOWHERE)
		workers_want_keeper(&master->workers);
	workers_respawn(&master->workers, settings, master->generation,
			clock_monotonic_us());
}

/* Whether another todod has the database, too, and will tidy up. */
static bool is_shared_with_another(const struct master *master)
{
	return handover_is_open(master->handover) ||
	       (master->listeners.are_lent && master->upgrade.pid > 0);
}

static void finish(struct master *master)
{
	struct backend_location *location = &(*master->settings)->location;
	enum err err = ERR_OK;

	/* A damaged one is left as it is, for whoever rescues it. */
	if (location->backend->settle && master->exit_code != EX_DATAERR &&
	    !is_shared_with_another(master))
		err = spawn_job(settle, location, &master->listeners,
				&master->is_told_to_stop);
	if (err != ERR_OK)
		log_event(LOG_WARN, "the database was not tidied up",
			  LOG_STRING("error", err_text(err)));
	workers_release(&master->workers);
	log_write(LOG_INFO, "stopped", NULL, 0);
}

/* The exit status of a todod that has not come to its first worker. */
static int unprepared(struct master *master, enum err err)
{
	if (master->is_told_to_stop) {
		log_write(LOG_INFO, "stopped", NULL, 0);
		return EX_OK;
	}
	if (master->fault->exit_code == EX_OK)
		fault_set(master->fault, fault_exit_code(err), "%s",
			  err_text(err));
	return master->fault->exit_code;
}

int master_run(const struct command *command, struct handover *handover,
	       struct options *options, struct settings **settings,
	       struct fault *fault)
{
	struct master master = {
		.phase = MASTER_STARTING,
		.command = command,
		.handover = handover,
		.options = options,
		.settings = settings,
		.fault = fault,
	};
	enum err err;

	options_init(&master.new_options);
	upgrade_init(&master.upgrade);
	err = prepare(&master);
	if (err != ERR_OK) {
		listen_close(&master.listeners);
		return unprepared(&master, err);
	}
	start_workers(&master);
	loop(&master);
	settings_free(&master.new_settings);
	options_release(&master.new_options);
	finish(&master);
	return master.exit_code;
}
