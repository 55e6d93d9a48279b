/* A PostgreSQL server of the test's own. */
#include "config.h"

#include "tests/support/pgfixture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/backends.h"
#include "tests/support/tap.h"

#define ANSWER_BYTES 65536
#define EXIT_MISSING 77
#define MEMBERS_MAX  32

static struct {
	pid_t pid;
	FILE *to, *from;
	char said[ANSWER_BYTES];
	char answer[ANSWER_BYTES];
	char member[MEMBERS_MAX][512];
	size_t members;
	const char *used;
} fixture;

static const char *top(void)
{
	const char *given = getenv("abs_top_srcdir");

	if (given == NULL)
		bail_out("abs_top_srcdir is not set");
	return given;
}

static void run_server(int in, int out)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/tests/support/pgserver", top());
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(1);
	/* Python's own leaks are not the test's. */
	(void)unsetenv("LD_PRELOAD");
	execlp("python3", "python3", path, "--pgbouncer", (char *)NULL);
	_exit(1);
}

bool pgfixture_start(void)
{
	int to[2], from[2], status = 0;

	if (pipe(to) != 0 || pipe(from) != 0)
		bail_out("no pipes");
	fixture.pid = fork();
	if (fixture.pid < 0)
		bail_out("no process");
	if (fixture.pid == 0) {
		/* Else it would keep its own input open. */
		close(to[1]);
		close(from[0]);
		run_server(to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	fixture.to = fdopen(to[1], "w");
	fixture.from = fdopen(from[0], "r");
	fixture.used = "url";
	if (fgets(fixture.said, sizeof(fixture.said), fixture.from) != NULL)
		return true;
	if (waitpid(fixture.pid, &status, 0) > 0 && WIFEXITED(status) &&
	    WEXITSTATUS(status) == EXIT_MISSING) {
		skip("a private PostgreSQL server",
		     "PostgreSQL or PgBouncer is not installed");
		return false;
	}
	bail_out("no PostgreSQL server");
}

void pgfixture_stop(void)
{
	fclose(fixture.to);
	fclose(fixture.from);
	(void)waitpid(fixture.pid, NULL, 0);
}

/* The JSON is pgserver's own: texts without escapes, and numbers. */
const char *pgfixture_get(const char *name)
{
	char quoted[64];
	char *out = fixture.member[fixture.members % MEMBERS_MAX];
	const char *at;
	size_t len;

	(void)snprintf(quoted, sizeof(quoted), "\"%s\": ", name);
	at = strstr(fixture.said, quoted);
	if (at == NULL)
		bail_out("pgserver says no %s", name);
	at += strlen(quoted);
	len = strcspn(at, *at == '"' ? "" : ",}");
	if (*at == '"')
		len = strcspn(++at, "\"");
	fixture.members++;
	(void)snprintf(out, sizeof(fixture.member[0]), "%.*s", (int)len, at);
	return out;
}

void pgfixture_use(const char *name)
{
	fixture.used = name;
}

const char *pgfixture_tell(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vfprintf(fixture.to, format, args);
	va_end(args);
	(void)fputc('\n', fixture.to);
	(void)fflush(fixture.to);
	if (fgets(fixture.answer, sizeof(fixture.answer), fixture.from) == NULL)
		bail_out("pgserver is gone");
	if (strncmp(fixture.answer, "ok", 2) != 0)
		bail_out("pgserver: %s", fixture.answer);
	return fixture.answer + 2;
}

void pgfixture_locate_url(const char *url, struct backend_location *location)
{
	static const struct backend_location empty;
	char problem[256] = "";

	*location = empty;
	if (backend_locate(url, location, problem, sizeof(problem)) != ERR_OK)
		bail_out("no location: %s", problem);
}

void pgfixture_locate(struct backend_location *location)
{
	pgfixture_tell("sql DROP SCHEMA IF EXISTS todod CASCADE");
	pgfixture_locate_url(pgfixture_get(fixture.used), location);
}
