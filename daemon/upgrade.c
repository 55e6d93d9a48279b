/* Starting a successor and listening to it. */
#include "config.h"

#include "daemon/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/clock.h"
#include "daemon/handover.h"
#include "daemon/logsink.h"

void upgrade_init(struct upgrade *upgrade)
{
	memset(upgrade, 0, sizeof(*upgrade));
	upgrade->report_fd = -1;
}

/* The signals stay blocked until its own loop takes them: none is lost, and
 * none ends it on the way. */
static _Noreturn void become_successor(char *const argv[],
				       const struct listeners *listeners,
				       int report_fd)
{
	char text[HANDOVER_TEXT_BYTES];
	char reason[256];

	if (handover_leave(listeners, report_fd, text) == ERR_OK &&
	    setenv(HANDOVER_VARIABLE, text, 1) == 0) {
		/* execvp() gives what is no program to a shell. */
		if (strchr(argv[0], '/'))
			(void)execv(argv[0], argv);
		else
			(void)execvp(argv[0], argv);
	}
	(void)snprintf(reason, sizeof(reason), "cannot run %s: %m", argv[0]);
	(void)!write(report_fd, reason, strlen(reason));
	_exit(EX_OSERR);
}

static enum err fail(struct upgrade *upgrade, const char *what)
{
	(void)snprintf(upgrade->reason, sizeof(upgrade->reason), "%s: %m",
		       what);
	upgrade->state = UPGRADE_FAILED;
	return ERR_SYSTEM;
}

/* Has the signal sent with each word, and with the last one's end. */
static bool ask_for_signal(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETOWN, getpid()) == 0 &&
	       fcntl(fd, F_SETSIG, SIGUSR1) == 0 &&
	       fcntl(fd, F_SETFL, flags | O_ASYNC) == 0;
}

enum err upgrade_start(struct upgrade *upgrade, char *const argv[],
		       const struct listeners *listeners)
{
	int fds[2];
	enum err err = ERR_OK;

	upgrade_init(upgrade);
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return fail(upgrade, "no pipe");
	logsink_flush();
	upgrade->deadline_us = clock_monotonic_us() + UPGRADE_MAX_MS * 1000;
	upgrade->state = UPGRADE_WAITING;
	if (!ask_for_signal(fds[0]))
		err = fail(upgrade, "no signal for a pipe");
	if (err == ERR_OK) {
		upgrade->pid = fork();
		if (upgrade->pid == 0)
			become_successor(argv, listeners, fds[1]);
		if (upgrade->pid < 0)
			err = fail(upgrade, "cannot fork");
	}
	close(fds[1]);
	upgrade->report_fd = fds[0];
	if (err != ERR_OK) {
		close(fds[0]);
		upgrade->report_fd = -1;
		upgrade->pid = 0;
	}
	return err;
}

static void listen_no_more(struct upgrade *upgrade)
{
	if (upgrade->report_fd >= 0)
		close(upgrade->report_fd);
	upgrade->report_fd = -1;
}

static void read_report(struct upgrade *upgrade)
{
	ssize_t got = -1;

	if (upgrade->report_fd >= 0)
		got = read(upgrade->report_fd, upgrade->reason,
			   sizeof(upgrade->reason) - 1);
	if (got > 0)
		upgrade->reason[got] = '\0';
}

void upgrade_look(struct upgrade *upgrade, int64_t now_us)
{
	if (upgrade->state == UPGRADE_WAITING)
		read_report(upgrade);
	if (upgrade->state == UPGRADE_WAITING &&
	    upgrade->reason[0] == HANDOVER_TAKEN) {
		upgrade->state = UPGRADE_TAKEN;
		upgrade->deadline_us = 0;
		listen_no_more(upgrade);
	}
	if (upgrade->pid > 0 && upgrade->deadline_us > 0 &&
	    now_us >= upgrade->deadline_us) {
		upgrade->is_late = true;
		(void)kill(upgrade->pid, SIGKILL);
	}
}

/* What it said itself is the best there is. */
static void find_reason(struct upgrade *upgrade, int exit_code)
{
	char *reason = upgrade->reason;
	size_t size = sizeof(upgrade->reason);

	if (upgrade->is_late)
		(void)snprintf(reason, size,
			       "the new one did not serve within %d s",
			       (int)(UPGRADE_MAX_MS / 1000));
	else if (reason[0] && reason[0] != HANDOVER_TAKEN)
		return;
	else if (exit_code > 128)
		(void)snprintf(reason, size,
			       "the new one was killed by signal %d",
			       exit_code - 128);
	else
		(void)snprintf(reason, size,
			       "the new one ended with status %d before it "
			       "served",
			       exit_code);
}

void upgrade_ended(struct upgrade *upgrade, int exit_code)
{
	upgrade->pid = 0;
	if (upgrade->state != UPGRADE_WAITING)
		return;
	read_report(upgrade);
	listen_no_more(upgrade);
	find_reason(upgrade, exit_code);
	upgrade->state = UPGRADE_FAILED;
}

void upgrade_stop(struct upgrade *upgrade, int64_t timeout_ms)
{
	if (upgrade->pid <= 0)
		return;
	upgrade->deadline_us = clock_monotonic_us() + timeout_ms * 1000;
	(void)kill(upgrade->pid, SIGTERM);
}
