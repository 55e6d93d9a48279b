/* Children. */
#include "config.h"

#include "daemon/spawn.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/keeper.h"
#include "daemon/logsink.h"
#include "daemon/notify.h"
#include "daemon/settings.h"
#include "daemon/worker.h"

/* What an orphan may need for its end after it has drained. */
#define ORPHAN_GRACE_S 5

/* How often systemd is told that a job goes on, and for how long to wait. */
#define JOB_SIGN_OF_LIFE_S 10
#define JOB_EXTENSION	   "EXTEND_TIMEOUT_USEC=30000000"

static pid_t master;
static unsigned orphan_seconds;

/* The default action of SIGALRM is the end. */
static void on_continued(int number)
{
	(void)number;
	if (getppid() == master)
		return;
	(void)alarm(orphan_seconds);
	(void)signal(SIGCONT, SIG_DFL);
}

/*
 * A child hears of its master's death from a pipe, unless it is stopped or does
 * not come back to its loop: then it would hold the listeners with nobody left
 * to wake or kill it.  So the kernel wakes it, and its time is limited.
 */
static void begin(const struct spawn_closing *closing,
		  const struct settings *settings, pid_t parent)
{
	struct sigaction action = { .sa_flags = SA_RESTART };

	master = parent;
	orphan_seconds = (unsigned)(settings->drain_timeout_ms / 1000) + 1 +
			 ORPHAN_GRACE_S;
	action.sa_handler = on_continued;
	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(SIGCONT, &action, NULL);
	(void)prctl(PR_SET_PDEATHSIG, SIGCONT, 0, 0, 0);
	for (size_t i = 0; i < closing->count; i++)
		close(closing->fds[i]);
}

pid_t spawn_worker(const struct worker_options *options,
		   const struct spawn_closing *closing)
{
	const struct settings *settings = options->settings;
	const pid_t parent = getpid();
	pid_t pid;

	logsink_flush();
	pid = fork();
	if (pid != 0)
		return pid;
	begin(closing, settings, parent);
	logsink_reset();
	logsink_configure(settings->log_level, settings->log_format,
			  (int)options->number);
	exit(worker_run(options));
}

pid_t spawn_keeper(const struct keeper_options *options,
		   const struct settings *settings,
		   const struct spawn_closing *closing)
{
	const pid_t parent = getpid();
	pid_t pid;

	logsink_flush();
	pid = fork();
	if (pid != 0)
		return pid;
	begin(closing, settings, parent);
	logsink_reset();
	logsink_configure(settings->log_level, settings->log_format, -1);
	exit(keeper_run(options));
}

/* The other processes are as they would be without the master. */
static enum err run_job(spawn_job_fn *job, void *arg,
			const struct listeners *listeners, pid_t parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		return ERR_SYSTEM;
	for (size_t i = 0; i < listeners->count; i++)
		close(listeners->items[i].fd);
	logsink_reset();
	return job(arg);
}

/* False: there is no child to wait for. */
static bool wait_for_job(pid_t pid, int *status, bool *is_told)
{
	static const int numbers[] = { SIGCHLD, SIGTERM, SIGINT, SIGQUIT };
	static const struct timespec pause = { .tv_sec = JOB_SIGN_OF_LIFE_S };
	sigset_t awaited;
	pid_t waited;

	(void)sigemptyset(&awaited);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		(void)sigaddset(&awaited, numbers[i]);
	while ((waited = waitpid(pid, status, WNOHANG)) == 0) {
		int number = sigtimedwait(&awaited, NULL, &pause);

		if (number < 0) {
			notify_send(JOB_EXTENSION);
		} else if (number != SIGCHLD) {
			*is_told = true;
			(void)kill(pid, SIGKILL);
		}
	}
	return waited == pid;
}

enum err spawn_job(spawn_job_fn *job, void *arg,
		   const struct listeners *listeners, bool *is_told)
{
	const pid_t parent = getpid();
	pid_t pid;
	int status;

	logsink_flush();
	pid = fork();
	if (pid < 0)
		return ERR_SYSTEM;
	/* An error number is small enough for an exit status. */
	if (pid == 0)
		exit((int)run_job(job, arg, listeners, parent));
	if (!wait_for_job(pid, &status, is_told) || !WIFEXITED(status) ||
	    WEXITSTATUS(status) > ERR_SYSTEM)
		return ERR_SYSTEM;
	return (enum err)WEXITSTATUS(status);
}
