/* Children. */
#include "config.h"

#include "daemon/spawn.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/keeper.h"
#include "daemon/logsink.h"
#include "daemon/settings.h"
#include "daemon/worker.h"

pid_t spawn_worker(const struct worker_options *options, int master_write_fd)
{
	const struct settings *settings = options->settings;
	pid_t pid;

	logsink_flush();
	pid = fork();
	if (pid != 0)
		return pid;
	close(master_write_fd);
	logsink_reset();
	logsink_configure(settings->log_level, settings->log_format,
			  (int)options->number);
	exit(worker_run(options));
}

pid_t spawn_keeper(const struct keeper_options *options,
		   const struct settings *settings, int master_write_fd,
		   const int *listener_fds, size_t listener_count)
{
	pid_t pid;

	logsink_flush();
	pid = fork();
	if (pid != 0)
		return pid;
	close(master_write_fd);
	for (size_t i = 0; i < listener_count; i++)
		close(listener_fds[i]);
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
