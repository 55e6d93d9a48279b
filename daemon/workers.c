/* Starting, watching and burying workers and the keeper. */
#include "config.h"

#include "daemon/workers.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "daemon/backoff.h"
#include "daemon/keeper.h"
#include "daemon/keyshare.h"
#include "daemon/settings.h"
#include "daemon/spawn.h"
#include "daemon/worker.h"

#define US_PER_MS      INT64_C(1000)
#define CHECK_MS       1000
#define STALE_MS       10000 /* without a heartbeat */
#define START_MAX_MS   30000
#define ABORT_GRACE_MS 5000 /* from SIGABRT to SIGKILL */
#define DRAIN_GRACE_MS 1000 /* a worker ends by itself when its drain does */
/* A longer gap between two checks means that the master itself stood still:
 * the workers may have, too. */
#define GAP_MS	 4000
#define GRACE_MS 10000

enum err workers_init(struct workers *workers,
		      const struct listeners *listeners)
{
	memset(workers, 0, sizeof(*workers));
	workers->master_fds[0] = -1;
	workers->master_fds[1] = -1;
	workers->private_fd = -1;
	if (shared_new(&workers->shared) != ERR_OK)
		return ERR_NO_MEMORY;
	if (pipe2(workers->master_fds, O_CLOEXEC | O_NONBLOCK) != 0) {
		shared_free(&workers->shared);
		return ERR_SYSTEM;
	}
	for (size_t i = 0; i < listeners->count; i++)
		workers->listener_fds[workers->listener_count++] =
			listeners->items[i].fd;
	workers->checked_us = clock_monotonic_us();
	return ERR_OK;
}

void workers_release(struct workers *workers)
{
	for (int i = 0; i < 2; i++) {
		if (workers->master_fds[i] >= 0)
			close(workers->master_fds[i]);
		workers->master_fds[i] = -1;
	}
	workers_free_keys(workers, 0);
	workers_free_keys(workers, 1);
	shared_free(&workers->shared);
}

enum err workers_new_keys(struct workers *workers, unsigned generation)
{
	return keyshare_new(&workers->keys[generation % 2]);
}

void workers_free_keys(struct workers *workers, unsigned generation)
{
	keyshare_free(&workers->keys[generation % 2]);
}

struct keyshare *workers_keys(const struct workers *workers,
			      unsigned generation)
{
	return workers->keys[generation % 2];
}

static void close_in_child(struct spawn_closing *closing, int fd)
{
	if (fd >= 0)
		closing->fds[closing->count++] = fd;
}

/* The end of the pipe that tells workers of the master's end; and what only
 * the master has to do with. */
static void close_masters(const struct workers *workers,
			  struct spawn_closing *closing)
{
	closing->count = 0;
	close_in_child(closing, workers->master_fds[1]);
	close_in_child(closing, workers->private_fd);
}

static pid_t launch_worker(const struct workers *workers,
			   const struct settings *settings,
			   const struct process *process)
{
	const struct worker_options options = {
		.settings = settings,
		.shared = workers->shared,
		.keys = workers_keys(workers, process->generation),
		.slot = (unsigned)(process - workers->processes),
		.number = process->number,
		.listener_fds = workers->listener_fds,
		.listener_count = workers->listener_count,
		.master_fd = workers->master_fds[0],
		.master = getpid(),
	};
	struct spawn_closing closing;

	close_masters(workers, &closing);
	return spawn_worker(&options, &closing);
}

static pid_t launch_keeper(const struct workers *workers,
			   const struct settings *settings,
			   const struct process *process)
{
	const struct keeper_options options = {
		.keys = &settings->keys,
		.share = workers_keys(workers, process->generation),
		.shared = workers->shared,
		.slot = (unsigned)(process - workers->processes),
		.master_fd = workers->master_fds[0],
	};
	struct spawn_closing closing;

	close_masters(workers, &closing);
	for (size_t i = 0; i < workers->listener_count; i++)
		close_in_child(&closing, workers->listener_fds[i]);
	return spawn_keeper(&options, settings, &closing);
}

static bool is_keeper(const struct process *process)
{
	return process->number == WORKERS_KEEPER;
}

/* An event of a process; the keeper has no number. */
static void log_process(enum log_level level, const struct process *process,
			const char *of_worker, const char *of_keeper,
			struct log_field field)
{
	if (is_keeper(process))
		log_event(level, of_keeper, LOG_INT("pid", process->pid),
			  field);
	else
		log_event(level, of_worker, LOG_INT("pid", process->pid),
			  LOG_INT("worker", process->number), field);
}

enum err workers_start(struct workers *workers, const struct settings *settings,
		       unsigned number, unsigned generation)
{
	struct process *process = workers->processes;
	unsigned index = 0;
	struct shared_slot *slot;
	char error[64];

	while (index < SHARED_SLOTS && process->state != PROCESS_NONE) {
		index++;
		process++;
	}
	if (index == SHARED_SLOTS)
		return ERR_BUSY;
	slot = &workers->shared->slots[index];
	memset(process, 0, sizeof(*process));
	process->number = number;
	process->generation = generation;
	process->started_us = clock_monotonic_us();
	atomic_store(&slot->heartbeat_us, process->started_us);
	atomic_store(&slot->state, SHARED_STARTING);
	process->pid = is_keeper(process) ?
			       launch_keeper(workers, settings, process) :
			       launch_worker(workers, settings, process);
	if (process->pid < 0) {
		(void)snprintf(error, sizeof(error), "%m");
		log_process(LOG_ERROR, process, "cannot fork",
			    "cannot fork the keeper",
			    LOG_STRING("error", error));
		shared_reap(workers->shared, index);
		return ERR_SYSTEM;
	}
	process->state = PROCESS_STARTING;
	/* An empty text is left out. */
	log_process(LOG_INFO, process, "worker started", "keeper started",
		    LOG_STRING("", ""));
	return ERR_OK;
}

static void schedule(struct seat *seat, int64_t now_us)
{
	seat->respawn_at_us =
		now_us + backoff_delay_ms(seat->failures) * US_PER_MS;
}

void workers_want_keeper(struct workers *workers)
{
	workers->seats[WORKERS_KEEPER].respawn_at_us = 1;
}

void workers_respawn(struct workers *workers, const struct settings *settings,
		     unsigned generation, int64_t now_us)
{
	for (unsigned i = 0; i < WORKERS_SEATS; i++) {
		struct seat *seat = &workers->seats[i];

		if (seat->respawn_at_us == 0 || seat->respawn_at_us > now_us)
			continue;
		seat->respawn_at_us = 0;
		if (workers_start(workers, settings, i, generation) == ERR_OK)
			continue;
		seat->failures = backoff_count(seat->failures, -1);
		schedule(seat, now_us);
	}
}

void workers_schedule(struct workers *workers, const struct workers_exit *ended)
{
	struct seat *seat = &workers->seats[ended->number];

	seat->failures = backoff_count(seat->failures, ended->served_ms);
	schedule(seat, clock_monotonic_us());
}

void workers_forget_respawns(struct workers *workers)
{
	memset(workers->seats, 0, sizeof(workers->seats));
}

static void log_exit(const struct process *process, int status)
{
	bool was_told = process->state == PROCESS_STOPPING;
	bool is_clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	enum log_level level = was_told && is_clean ? LOG_INFO : LOG_WARN;

	log_process(level, process, "worker exited", "keeper exited",
		    WIFSIGNALED(status) ?
			    LOG_INT("signal", WTERMSIG(status)) :
			    LOG_INT("status", WEXITSTATUS(status)));
}

static struct process *find(struct workers *workers, pid_t pid)
{
	for (size_t i = 0; i < SHARED_SLOTS; i++) {
		struct process *process = &workers->processes[i];

		if (process->state != PROCESS_NONE && process->pid == pid)
			return process;
	}
	return NULL;
}

static void bury(struct workers *workers, struct process *process, int status,
		 struct workers_exit *ended)
{
	int64_t now_us = clock_monotonic_us();

	log_exit(process, status);
	ended->number = process->number;
	ended->generation = process->generation;
	ended->was_told = process->state == PROCESS_STOPPING;
	ended->served_ms = -1;
	if (process->served_us > 0)
		ended->served_ms = (now_us - process->served_us) / US_PER_MS;
	shared_reap(workers->shared, (unsigned)(process - workers->processes));
	process->state = PROCESS_NONE;
}

void workers_reap(struct workers *workers, workers_exit_fn *on_exit, void *arg)
{
	struct workers_exit ended;
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct process *process = find(workers, pid);

		ended = (struct workers_exit){
			.number = WORKERS_SUCCESSOR,
			.pid = pid,
			.exit_code = WIFSIGNALED(status) ?
					     128 + WTERMSIG(status) :
					     WEXITSTATUS(status),
		};
		if (process)
			bury(workers, process, status, &ended);
		on_exit(arg, &ended);
	}
}

size_t workers_serving(struct workers *workers, unsigned generation)
{
	size_t count = 0;

	for (size_t i = 0; i < SHARED_SLOTS; i++) {
		struct process *process = &workers->processes[i];
		int state = atomic_load(&workers->shared->slots[i].state);

		if (process->state == PROCESS_STARTING &&
		    state != SHARED_STARTING) {
			process->state = PROCESS_SERVING;
			process->served_us = clock_monotonic_us();
		}
		count += process->state == PROCESS_SERVING &&
			 process->generation == generation &&
			 !is_keeper(process);
	}
	return count;
}

size_t workers_running(const struct workers *workers)
{
	size_t count = 0;

	for (size_t i = 0; i < SHARED_SLOTS; i++)
		count += workers->processes[i].state != PROCESS_NONE;
	return count;
}

size_t workers_count(const struct workers *workers)
{
	size_t count = 0;

	for (size_t i = 0; i < SHARED_SLOTS; i++)
		count += workers->processes[i].state != PROCESS_NONE &&
			 !is_keeper(&workers->processes[i]);
	return count;
}

void workers_drain(struct workers *workers, unsigned first, unsigned last,
		   int64_t timeout_ms)
{
	int64_t kill_at_us = clock_monotonic_us() +
			     (timeout_ms + DRAIN_GRACE_MS) * US_PER_MS;

	for (size_t i = 0; i < SHARED_SLOTS; i++) {
		struct process *process = &workers->processes[i];

		if (process->state == PROCESS_NONE ||
		    process->state == PROCESS_STOPPING ||
		    process->generation < first || process->generation > last)
			continue;
		process->state = PROCESS_STOPPING;
		process->kill_at_us = kill_at_us;
		(void)kill(process->pid, SIGTERM);
	}
}

void workers_kill(struct workers *workers)
{
	for (size_t i = 0; i < SHARED_SLOTS; i++)
		if (workers->processes[i].state != PROCESS_NONE)
			(void)kill(workers->processes[i].pid, SIGKILL);
}

/* One that hangs gets the chance to leave a core behind. */
static void check_heart(struct process *process, int64_t heartbeat_us,
			int64_t now_us)
{
	int64_t limit_ms = process->state == PROCESS_STARTING ? START_MAX_MS :
								STALE_MS;

	if (process->aborted_us > 0) {
		if (now_us - process->aborted_us > ABORT_GRACE_MS * US_PER_MS)
			(void)kill(process->pid, SIGKILL);
		return;
	}
	if (now_us - heartbeat_us <= limit_ms * US_PER_MS)
		return;
	log_process(LOG_ERROR, process, "worker hangs", "keeper hangs",
		    LOG_MS("silent_ms", now_us - heartbeat_us));
	process->aborted_us = now_us;
	(void)kill(process->pid, SIGABRT);
}

void workers_check(struct workers *workers, int64_t now_us)
{
	if (now_us - workers->checked_us > GAP_MS * US_PER_MS)
		workers->grace_until_us = now_us + GRACE_MS * US_PER_MS;
	workers->checked_us = now_us;
	for (size_t i = 0; i < SHARED_SLOTS; i++) {
		struct process *process = &workers->processes[i];
		const struct shared_slot *slot = &workers->shared->slots[i];

		if (process->state == PROCESS_NONE)
			continue;
		if (process->state == PROCESS_STOPPING) {
			if (now_us >= process->kill_at_us)
				(void)kill(process->pid, SIGKILL);
		} else if (now_us >= workers->grace_until_us) {
			check_heart(process, atomic_load(&slot->heartbeat_us),
				    now_us);
		}
	}
}

int64_t workers_next_ms(const struct workers *workers, int64_t now_us)
{
	int64_t next_us = now_us + CHECK_MS * US_PER_MS;

	for (size_t i = 0; i < WORKERS_SEATS; i++) {
		int64_t at_us = workers->seats[i].respawn_at_us;

		if (at_us > 0 && at_us < next_us)
			next_us = at_us;
	}
	for (size_t i = 0; i < SHARED_SLOTS; i++) {
		const struct process *process = &workers->processes[i];

		if (process->state == PROCESS_STOPPING &&
		    process->kill_at_us < next_us)
			next_us = process->kill_at_us;
	}
	/* Rounded up: not a moment too early, and never in a busy loop. */
	return next_us > now_us ? (next_us - now_us) / US_PER_MS + 1 : 1;
}
