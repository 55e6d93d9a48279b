/* Error numbers have words, and a bug ends the process. */
#include "config.h"

#include "core/err.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/tap.h"

static void test_texts(void)
{
	bool all = true;

	for (int err = ERR_OK; err <= ERR_SYSTEM; err++) {
		const char *text = err_text(err);

		all = all && text[0] != '\0' &&
		      strcmp(text, "unknown error") != 0;
		for (int other = ERR_OK; other < err; other++)
			all = all && strcmp(text, err_text(other)) != 0;
	}
	ok(all, "every error has words of its own");
	is_string(err_text(99), "unknown error", "a strange number has words");
}

static void test_bug(void)
{
	char said[512];
	ssize_t len;
	int status, ends[2];
	pid_t child;

	if (pipe(ends) != 0)
		bail_out("no pipe");
	child = fork();
	if (child == 0) {
		(void)signal(SIGABRT, SIG_DFL);
		(void)dup2(ends[1], STDERR_FILENO);
		BUG("the test wants it");
	}
	close(ends[1]);
	len = read(ends[0], said, sizeof(said) - 1);
	close(ends[0]);
	(void)waitpid(child, &status, 0);
	said[len > 0 ? len : 0] = '\0';
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
	   "a bug aborts the process");
	ok(strstr(said, "test_err.c") != NULL &&
		   strstr(said, "the test wants it\n") != NULL,
	   "a bug says where and what");
}

int main(void)
{
	test_texts();
	test_bug();
	return tap_done();
}
