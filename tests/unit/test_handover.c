/* What one todod leaves to the next, and how it waits for that one's word. */
#include "config.h"

#include "daemon/handover.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "daemon/fault.h"
#include "daemon/upgrade.h"

#include "tests/support/tap.h"

static bool lives_through_exec(int fd)
{
	return (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0;
}

static void make_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		bail_out("no pipe");
}

/* The sockets can be any descriptors here. */
static void test_round(void)
{
	struct listeners listeners = { .count = 2 };
	struct handover handover;
	struct fault fault = { 0, "" };
	char text[HANDOVER_TEXT_BYTES], path[] = "/a/path";
	char said[8] = "";
	int report[2], sockets[2];

	make_pipe(report);
	make_pipe(sockets);
	listeners.items[0].fd = sockets[0];
	listeners.items[1].fd = sockets[1];
	listeners.items[1].unlink_path = path;
	is_err(handover_leave(&listeners, report[1], text), ERR_OK,
	       "sockets and a pipe are left");
	ok(lives_through_exec(report[1]) && lives_through_exec(sockets[0]) &&
		   lives_through_exec(sockets[1]),
	   "they live through an exec");
	ok(!lives_through_exec(report[0]), "and nothing else does");

	(void)setenv(HANDOVER_VARIABLE, text, 1);
	is_err(handover_take(&handover, &fault), ERR_OK, "they are taken");
	ok(handover.count == 2 && handover.sockets[0].fd == sockets[0] &&
		   handover.sockets[1].fd == sockets[1],
	   "in their order");
	ok(!handover.sockets[0].is_unlinked && handover.sockets[1].is_unlinked,
	   "with what is to be done in the end");
	ok(!lives_through_exec(report[1]) && !lives_through_exec(sockets[0]),
	   "and live through no other exec");
	ok(!getenv(HANDOVER_VARIABLE), "the variable is for nobody else");

	ok(handover_accept(&handover), "the old one can be told");
	ok(read(report[0], said, sizeof(said)) == 1 &&
		   said[0] == HANDOVER_TAKEN,
	   "with one byte");
	ok(!handover_is_open(&handover) && !handover_accept(&handover) &&
		   !handover_refuse(&handover, "late"),
	   "and only once");
	close(report[0]);
	close(sockets[0]);
	close(sockets[1]);
}

static void test_nothing(void)
{
	struct handover handover;
	struct fault fault = { 0, "" };

	(void)unsetenv(HANDOVER_VARIABLE);
	is_err(handover_take(&handover, &fault), ERR_OK,
	       "there need be no handover");
	ok(handover.count == 0 && !handover_is_open(&handover),
	   "and then there is none");
}

/* Writes the form with the numbers of a pipe (P) and a socket (S) in it. */
static void fill(const char *form, int report_fd, int socket_fd, char *text,
		 size_t size)
{
	size_t len = 0;

	for (; *form; form++) {
		if (*form == 'P' || *form == 'S')
			len += (size_t)snprintf(text + len, size - len, "%d",
						*form == 'P' ? report_fd :
							       socket_fd);
		else
			len += (size_t)snprintf(text + len, size - len, "%c",
						*form);
	}
	text[len] = '\0';
}

static void test_nonsense(void)
{
	static const char too_many[] =
		"P:S,S,S,S,S,S,S,S,S,S,S,S,S,S,S,S,S,S,S,S,S,S,S,S,S,S,S,S,S,"
		"S,S,S,S";
	static const char *const forms[] = {
		"",	  "P",
		"P:",	  ":S",
		"P:x",	  "P:0",
		"P:-1",	  "P:1",
		"0:S",	  "P:999",
		"P:u",	  "P:Suu",
		"P:,S",	  "P:S,,S",
		"x:S",	  "P S",
		"P:S ",	  "P:S,x",
		"-P:S",	  "P:S:S",
		"P:+S",	  "P:99999999999999999999",
		too_many,
	};
	int report[2], sockets[2];

	make_pipe(report);
	make_pipe(sockets);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct handover handover;
		struct fault fault = { 0, "" };
		char text[HANDOVER_TEXT_BYTES], name[64];
		enum err err;

		fill(forms[i], report[1], sockets[0], text, sizeof(text));
		(void)setenv(HANDOVER_VARIABLE, text, 1);
		err = handover_take(&handover, &fault);
		(void)snprintf(name, sizeof(name), "\"%.40s\" is refused",
			       forms[i]);
		ok(err == ERR_INVALID && fault.text[0] && handover.count == 0 &&
			   !handover_is_open(&handover) &&
			   !getenv(HANDOVER_VARIABLE),
		   name);
	}
	close(report[0]);
	close(report[1]);
	close(sockets[0]);
	close(sockets[1]);
}

/* The end of the successor, and what is made of it. */
static void bury(struct upgrade *upgrade)
{
	pid_t pid = upgrade->pid;
	int status = 0;

	if (waitpid(pid, &status, 0) != pid)
		bail_out("no successor");
	upgrade_ended(upgrade, WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
						     WEXITSTATUS(status));
}

static void start(struct upgrade *upgrade, const char *script)
{
	static const struct listeners none;
	char shell[] = "/bin/sh", flag[] = "-c", text[256];
	char *const argv[] = { shell, flag, text, NULL };

	(void)snprintf(text, sizeof(text), "%s", script);
	if (upgrade_start(upgrade, argv, &none) != ERR_OK)
		bail_out("no successor: %s", upgrade->reason);
}

static void wait_for_word(void)
{
	const struct timespec patience = { 60, 0 };
	sigset_t word;

	sigemptyset(&word);
	sigaddset(&word, SIGUSR1);
	ok(sigtimedwait(&word, NULL, &patience) == SIGUSR1,
	   "a word comes with a signal");
}

static void test_word(void)
{
	struct upgrade upgrade;

	start(&upgrade, "printf + >&${TODOD_HANDOVER%%:*}; exec sleep 300");
	wait_for_word();
	upgrade_look(&upgrade, clock_monotonic_us());
	is_int(upgrade.state, UPGRADE_TAKEN, "it may say that it serves");
	upgrade_look(&upgrade, clock_monotonic_us() + UPGRADE_MAX_MS * 1000);
	ok(!upgrade.is_late, "then there is no deadline any more");
	(void)kill(upgrade.pid, SIGKILL);
	bury(&upgrade);
	is_int(upgrade.state, UPGRADE_TAKEN, "its end does not undo it");

	start(&upgrade, "printf 'no luck' >&${TODOD_HANDOVER%%:*}; exit 5");
	wait_for_word();
	upgrade_look(&upgrade, clock_monotonic_us());
	is_int(upgrade.state, UPGRADE_WAITING, "a reason is no end");
	bury(&upgrade);
	is_int(upgrade.state, UPGRADE_FAILED, "the end is one");
	is_string(upgrade.reason, "no luck", "and the reason its own");

	start(&upgrade, "printf + >&${TODOD_HANDOVER%%:*}; exit 5");
	bury(&upgrade);
	is_int(upgrade.state, UPGRADE_FAILED,
	       "one that has ended does not serve, whatever it said");
	ok(strstr(upgrade.reason, "status 5") != NULL, "its status is told");
}

static void test_deadline(void)
{
	struct upgrade upgrade;

	start(&upgrade, "exec sleep 300");
	upgrade_look(&upgrade, clock_monotonic_us());
	ok(upgrade.state == UPGRADE_WAITING && !upgrade.is_late,
	   "a silent one is waited for");
	upgrade_look(&upgrade, clock_monotonic_us() + UPGRADE_MAX_MS * 1000);
	bury(&upgrade);
	ok(upgrade.state == UPGRADE_FAILED && upgrade.is_late,
	   "not for ever: it is killed");
	ok(strstr(upgrade.reason, "300 s") != NULL, "and that is the reason");

	start(&upgrade, "exec sleep 300");
	upgrade_stop(&upgrade, 1000);
	upgrade_look(&upgrade, clock_monotonic_us() + 1000 * 1000);
	bury(&upgrade);
	is_int(upgrade.state, UPGRADE_FAILED, "a stop has a deadline, too");
	upgrade_stop(&upgrade, 0);
	ok(upgrade.pid == 0, "nobody else is told to stop");
}

/* As the master has them. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		bail_out("no signal mask");
}

int main(void)
{
	block_signals();
	test_round();
	test_nothing();
	test_nonsense();
	test_word();
	test_deadline();
	return tap_done();
}
