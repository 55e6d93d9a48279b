/* Spellings of DATABASE_URL. */
#include "config.h"

#include <string.h>

#include "backends/backends.h"
#include "tests/support/tap.h"

static const struct {
	const char *url;
	const char *backend;
	const char *path;
} accepted[] = {
	{ "sqlite:///todod.db", "sqlite", "todod.db" },
	{ "sqlite:///./data/todod.db", "sqlite", "./data/todod.db" },
	{ "sqlite:////var/lib/todod.db", "sqlite", "/var/lib/todod.db" },
	{ "sqlite+aiosqlite:///a.db", "sqlite", "a.db" },
	{ "sqlite+pysqlite:////a.db", "sqlite", "/a.db" },
	{ "SQLite:///a.db", "sqlite", "a.db" },
	{ "sqlite:///a%20b%3Fc%25.db", "sqlite", "a b?c%.db" },
	{ "sqlite:///%C3%A4.db", "sqlite", "\xc3\xa4.db" },
	{ "sqlite://", "memory", NULL },
	{ "sqlite+aiosqlite://", "memory", NULL },
	{ "sqlite:///:memory:", "memory", NULL },
	{ "memory:", "memory", NULL },
	{ "memory://", "memory", NULL },
};

static const struct {
	const char *url;
	const char *said; /* part of the problem */
} refused[] = {
	{ "", "scheme" },
	{ "todod.db", "sqlite:///" },
	{ "/var/lib/todod.db", "sqlite:///" },
	{ "mysql://u:p4ss@host/db", "sqlite:///" },
	{ "sqlite+pysqlcipher:///a.db", "sqlite:///" },
	{ "file:todod.db", "file:" },
	{ "memory:todod.db", "memory:" },
#ifndef HAVE_POSTGRES
	{ "postgres://u:p4ss@host/db", "no PostgreSQL backend" },
	{ "postgresql://u:p4ss@host/db", "no PostgreSQL backend" },
	{ "postgresql+psycopg://u:p4ss@host/db", "no PostgreSQL backend" },
	{ "postgresql+asyncpg://u:p4ss@host/db", "no PostgreSQL backend" },
#endif
};

/* Only where there is a backend that says so. */
static const struct {
	const char *url;
	const char *said;
} refused_by_sqlite[] = {
	{ "sqlite:a.db", "three slashes" },
	{ "sqlite:/a.db", "three slashes" },
	{ "sqlite://a.db", "three slashes" },
	{ "sqlite://host/a.db", "three slashes" },
	{ "sqlite:///", "no file" },
	{ "sqlite:///data/", "folder" },
	{ "sqlite:///file:a.db", "file:" },
	{ "sqlite:///%66ile:a.db", "file:" },
	{ "sqlite:///a.db?mode=ro", "\"mode\"" },
	{ "sqlite:///a.db?timeout", "\"timeout\"" },
	{ "sqlite:///a.db?a&b=c", "\"a\"" },
	{ "sqlite:///a.db?", "\"\"" },
	{ "sqlite:///a%", "%25" },
	{ "sqlite:///a%4", "%25" },
	{ "sqlite:///a%4g.db", "%25" },
	{ "sqlite:///a%00.db", "%25" },
};

static void check_refused(const char *url, const char *said)
{
	struct backend_location location = { 0 };
	char problem[256] = "";
	enum err err;

	diag("%s", url);
	err = backend_locate(url, &location, problem, sizeof(problem));
	is_err(err, ERR_INVALID, "a wrong URL is refused");
	if (!ok(strstr(problem, said) != NULL, "and the user is told why"))
		diag("got %s", problem);
	ok(strstr(problem, "p4ss") == NULL, "without the password");
	if (err == ERR_OK)
		backend_location_release(&location);
}

static void check_accepted(const char *url, const char *backend,
			   const char *path)
{
	struct backend_location location = { 0 };
	char problem[256] = "";

	diag("%s", url);
	if (!is_err(backend_locate(url, &location, problem, sizeof(problem)),
		    ERR_OK, "a URL is understood"))
		return;
	is_string(location.backend->name, backend, "it names its backend");
	is_string(location.path, path, "and the file");
	backend_location_release(&location);
	ok(location.path == NULL, "which is released");
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_built_in(const char *name)
{
	size_t i;

	for (i = 0; backends_table[i] != NULL; i++)
		if (strcmp(backends_table[i]->name, name) == 0)
			return true;
	return false;
}

int main(void)
{
	char problem[8];
	struct backend_location location = { 0 };
	bool has_sqlite = is_built_in("sqlite");
	size_t i;

	for (i = 0; i < COUNT(accepted); i++)
		if (has_sqlite || strncmp(accepted[i].url, "memory", 6) == 0)
			check_accepted(accepted[i].url, accepted[i].backend,
				       accepted[i].path);
	for (i = 0; i < COUNT(refused); i++)
		check_refused(refused[i].url, refused[i].said);
	for (i = 0; i < COUNT(refused_by_sqlite); i++)
		check_refused(refused_by_sqlite[i].url,
			      has_sqlite ? refused_by_sqlite[i].said :
					   "no SQLite backend");
	ok(backend_locate("x", &location, problem, sizeof(problem)) ==
			   ERR_INVALID &&
		   strlen(problem) == sizeof(problem) - 1,
	   "a problem is cut to the room there is");
	return tap_done();
}
