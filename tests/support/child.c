/* A process beside the test. */
#include "config.h"

#include "tests/support/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/tap.h"

void child_start(struct child *child, child_main_fn *child_main, void *arg)
{
	int to[2], from[2];

	if (pipe(to) != 0 || pipe(from) != 0)
		bail_out("no pipe: %m");
	fflush(NULL);
	child->pid = fork();
	if (child->pid < 0)
		bail_out("no process: %m");
	if (child->pid == 0) {
		const struct parent parent = { .to = from[1], .from = to[0] };

		/* A test that is killed leaves nobody behind. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(to[1]);
		close(from[0]);
		_exit(child_main(&parent, arg));
	}
	close(to[0]);
	close(from[1]);
	child->to = to[1];
	child->from = from[0];
}

static bool read_byte(int fd)
{
	ssize_t got;
	char byte;

	do
		got = read(fd, &byte, 1);
	while (got < 0 && errno == EINTR);
	return got == 1;
}

static void write_byte(int fd)
{
	ssize_t written = write(fd, "x", 1);

	(void)written;
}

bool child_wait_ready(const struct child *child)
{
	return read_byte(child->from);
}

void child_tell(const struct child *child)
{
	write_byte(child->to);
}

int child_end(struct child *child)
{
	int status;

	close(child->to);
	while (waitpid(child->pid, &status, 0) != child->pid)
		if (errno != EINTR)
			bail_out("the child is lost: %m");
	close(child->from);
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

void child_kill(const struct child *child)
{
	(void)kill(child->pid, SIGKILL);
}

void child_say_ready(const struct parent *parent)
{
	write_byte(parent->to);
}

void child_wait_told(const struct parent *parent)
{
	(void)read_byte(parent->from);
}
