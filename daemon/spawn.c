/* Children. */
#include "config.h"

#include "daemon/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/keeper.h"
#include "daemon/logsink.h"
#include "daemon/settings.h"
#include "daemon/worker.h"

/* What an orphan may need for its end after it has drained. */
#define ORPHAN_GRACE_S 5

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

enum err spawn_job(spawn_job_fn *job, void *arg)
{
	pid_t pid, waited;
	int status;

	logsink_flush();
	pid = fork();
	if (pid < 0)
		return ERR_SYSTEM;
	if (pid == 0) {
		logsink_reset();
		/* An error number is small enough for an exit status. */
		exit((int)job(arg));
	}
	do {
		waited = waitpid(pid, &status, 0);
	} while (waited < 0 && errno == EINTR);
	if (waited != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) > ERR_SYSTEM)
		return ERR_SYSTEM;
	return (enum err)WEXITSTATUS(status);
}
