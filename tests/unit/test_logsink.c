/* The log's way out: never waiting, never in parts, never silent of losses. */
#include "config.h"

#include "daemon/logsink.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buffer.h"
#include "tests/support/tap.h"

#define LINES 5000 /* more than a pipe and what waits hold */

/* Puts fd where stderr is. */
static void set_stderr(int fd)
{
	if (dup2(fd, STDERR_FILENO) < 0)
		bail_out("dup2");
	close(fd);
	logsink_open();
	logsink_configure(LOG_INFO, LOG_FORMAT_JSON, -1);
}

static void log_lines(int count)
{
	for (int i = 0; i < count; i++)
		log_event(LOG_INFO, "line", LOG_INT("number", i));
}

static struct text drain(int fd, struct buffer *seen)
{
	ssize_t got = 1;

	while (got > 0) {
		char *into = buffer_reserve(seen, 65536);

		got = into ? read(fd, into, 65536) : 0;
		if (got > 0)
			seen->len += (size_t)got;
	}
	return buffer_text(seen);
}

/* Whether every line begins and ends as one. */
static bool are_whole(struct text text)
{
	while (text.len > 0) {
		size_t end = text_find_byte(text, '\n');

		if (end == text.len || end < 2 || text.ptr[0] != '{' ||
		    text.ptr[end - 1] != '}')
			return false;
		text = text_slice(text, end + 1, text.len);
	}
	return true;
}

static void check_full(int read_fd, const char *what)
{
	struct buffer seen;
	struct text text;

	tap_prefix(what);
	buffer_init(&seen);
	log_lines(LINES);
	ok(true, "a log that nobody reads holds nobody up");
	text = drain(read_fd, &seen);
	ok(text.len > 0 && are_whole(text), "what came out are whole lines");
	ok(!memmem(text.ptr, text.len, "dropped", 7),
	   "while it is full no loss is reported");
	/* What waited may fill it once more. */
	for (int i = 0; i < 3; i++) {
		logsink_flush();
		text = drain(read_fd, &seen);
	}
	ok(are_whole(text), "later lines are whole, too");
	ok(memmem(text.ptr, text.len, "log lines dropped", 17) != NULL,
	   "once it is read the loss is reported");
	ok(memmem(text.ptr, text.len, "\"number\":0}", 11) != NULL,
	   "the oldest lines are kept");
	buffer_release(&seen);
	tap_prefix(NULL);
}

static void test_pipe(void)
{
	int fds[2];
	int write_fd;

	if (pipe2(fds, O_CLOEXEC) != 0)
		bail_out("pipe");
	(void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
	write_fd = dup(fds[1]);
	set_stderr(fds[1]);
	check_full(fds[0], "a pipe");
	ok(!(fcntl(write_fd, F_GETFL) & O_NONBLOCK),
	   "others who share the pipe still wait for it");
	close(fds[0]);
	log_lines(LINES);
	logsink_flush();
	ok(true, "a pipe without a reader holds nobody up");
	close(write_fd);
}

static void test_socket(void)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		bail_out("socketpair");
	(void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
	set_stderr(fds[1]);
	check_full(fds[0], "a socket");
	close(fds[0]);
	log_lines(LINES);
	ok(true, "a socket without a reader holds nobody up");
}

static void test_file(void)
{
	char name[] = "/tmp/todod-log-XXXXXX";
	struct buffer seen;
	int fd = mkstemp(name);
	int read_fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read_fd < 0)
		bail_out("no file");
	(void)unlink(name);
	buffer_init(&seen);
	set_stderr(fd);
	log_lines(LINES);
	drain(read_fd, &seen);
	ok(are_whole(buffer_text(&seen)), "a file gets whole lines");
	ok(memmem(seen.ptr, seen.len, "\"number\":4999}", 14) != NULL,
	   "a file gets all of them");
	buffer_release(&seen);
	close(read_fd);
}

static void test_full_device(void)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	if (fd < 0) {
		skip("a full disk holds nobody up", "no /dev/full");
		return;
	}
	set_stderr(fd);
	log_lines(LINES);
	logsink_flush();
	ok(true, "a full disk holds nobody up");
}

int main(void)
{
	int saved = dup(STDERR_FILENO);

	/* As in the daemon. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		bail_out("signal");
	test_pipe();
	test_socket();
	test_file();
	test_full_device();
	set_stderr(saved);
	return tap_done();
}
