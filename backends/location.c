/* DATABASE_URL: which backend, and where its data are. */
#include "config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "backends/backends.h"
#include "core/text.h"

struct problem {
	char *text;
	size_t size;
};

static enum err refuse(const struct problem *problem, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A URL may hold a password: only the parts that cannot are ever quoted. */
static enum err refuse(const struct problem *problem, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(problem->text, problem->size, format, args);
	va_end(args);
	return ERR_INVALID;
}

static const struct backend *backend_find(const char *name)
{
	size_t i;

	for (i = 0; backends_table[i] != NULL; i++)
		if (strcmp(backends_table[i]->name, name) == 0)
			return backends_table[i];
	return NULL;
}

/* rest is what stands after the scheme and its colon; so too below. */
static enum err locate_memory(struct text rest,
			      struct backend_location *location,
			      const struct problem *problem)
{
	if (rest.len > 0 && !text_is_equal(rest, TEXT("//")))
		return refuse(problem, "nothing follows memory: in a database "
				       "URL");
	location->backend = backend_find("memory");
	location->path = NULL;
	return ERR_OK;
}

/* Undoes %XX into out, which has room for all of text and a NUL. */
static enum err percent_decode(struct text text, char *out)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		int high, low;

		*out = text.ptr[i];
		if (text.ptr[i] == '%') {
			if (text.len - i < 3)
				return ERR_INVALID;
			high = text_hex_value(text.ptr[i + 1]);
			low = text_hex_value(text.ptr[i + 2]);
			if (high < 0 || low < 0 || high + low == 0)
				return ERR_INVALID;
			*out = (char)(high * 16 + low);
			i += 2;
		}
		out++;
	}
	*out = '\0';
	return ERR_OK;
}

/* path is what stands after sqlite:///. */
static enum err locate_file(struct text path, struct backend_location *location,
			    const struct problem *problem)
{
	char *decoded;
	size_t len;

	if (path.len == 0)
		return refuse(problem, "the database URL names no file: write "
				       "sqlite:///todod.db, or memory: to keep "
				       "nothing");
	decoded = malloc(path.len + 1);
	if (decoded == NULL) {
		refuse(problem, "memory is exhausted");
		return ERR_NO_MEMORY;
	}
	if (percent_decode(path, decoded) != ERR_OK) {
		free(decoded);
		return refuse(problem, "a percent sign in the database URL is "
				       "followed by no two hexadecimal digits, "
				       "or by 00: write %%25 for the sign");
	}
	len = strlen(decoded);
	if (strncmp(decoded, "file:", 5) == 0) {
		free(decoded);
		return refuse(problem, "the database URL names a file: URI: "
				       "write the path itself after "
				       "sqlite:///");
	}
	if (decoded[len - 1] == '/') {
		free(decoded);
		return refuse(problem, "the database URL names a folder: add "
				       "the name of the file");
	}
	location->backend = backend_find("sqlite");
	location->path = decoded;
	return ERR_OK;
}

static enum err locate_sqlite(struct text rest,
			      struct backend_location *location,
			      const struct problem *problem)
{
	size_t query = text_find_byte(rest, '?');
	struct text option = text_slice(rest, query + 1, rest.len);

	if (query < rest.len) {
		option = text_slice(option, 0, text_find_byte(option, '='));
		option = text_slice(option, 0, text_find_byte(option, '&'));
		return refuse(problem,
			      "todod knows no option \"%.*s\" of an SQLite "
			      "URL: remove it (a ? in a file name is written "
			      "%%3F)",
			      option.len < 64 ? (int)option.len : 64,
			      option.len > 0 ? option.ptr : "");
	}
	if (text_is_equal(rest, TEXT("//")) ||
	    text_is_equal(rest, TEXT("///:memory:")))
		return locate_memory(TEXT(""), location, problem);
	if (!text_has_prefix(rest, TEXT("///")))
		return refuse(problem, "the database URL needs three slashes "
				       "and a path: sqlite:///relative.db or "
				       "sqlite:////absolute/path.db");
	return locate_file(text_slice(rest, 3, rest.len), location, problem);
}

/* The spellings, SQLAlchemy's drivers included. */
static const struct scheme {
	const char *name;
	const char *backend;
	const char *title;
	enum err (*locate)(struct text rest, struct backend_location *location,
			   const struct problem *problem);
} schemes[] = {
	{ "memory", "memory", "memory", locate_memory },
	{ "postgres", "postgres", "PostgreSQL", NULL },
	{ "postgresql", "postgres", "PostgreSQL", NULL },
	{ "postgresql+asyncpg", "postgres", "PostgreSQL", NULL },
	{ "postgresql+psycopg", "postgres", "PostgreSQL", NULL },
	{ "postgresql+psycopg2", "postgres", "PostgreSQL", NULL },
	{ "sqlite", "sqlite", "SQLite", locate_sqlite },
	{ "sqlite+aiosqlite", "sqlite", "SQLite", locate_sqlite },
	{ "sqlite+pysqlite", "sqlite", "SQLite", locate_sqlite },
};

static const struct scheme *scheme_find(struct text name)
{
	size_t i;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (text_is_equal_nocase(name, text_of(schemes[i].name)))
			return &schemes[i];
	return NULL;
}

enum err backend_locate(const char *database_url,
			struct backend_location *location, char *problem_text,
			size_t problem_size)
{
	const struct problem problem = { problem_text, problem_size };
	struct text url = text_of(database_url);
	size_t colon = text_find_byte(url, ':');
	struct text name = text_slice(url, 0, colon);
	const struct scheme *scheme = scheme_find(name);
	const struct backend *backend;

	if (colon == url.len)
		return refuse(&problem, "the database URL has no scheme: write "
					"sqlite:///path for a file");
	if (text_is_equal_nocase(name, TEXT("file")))
		return refuse(&problem, "file: is no scheme of a database URL: "
					"write sqlite:///path");
	if (scheme == NULL)
		return refuse(&problem, "the database URL begins with none of "
					"sqlite:///, postgresql:// and "
					"memory:");
	backend = backend_find(scheme->backend);
	if (backend == NULL)
		return refuse(&problem, "this build has no %s backend",
			      scheme->title);
	if (backend->locate != NULL) {
		location->backend = backend;
		return backend->locate(text_slice(url, colon + 1, url.len),
				       location, problem_text, problem_size);
	}
	return scheme->locate(text_slice(url, colon + 1, url.len), location,
			      &problem);
}

void backend_location_release(struct backend_location *location)
{
	if (location->backend != NULL && location->backend->release != NULL)
		location->backend->release(location);
	free(location->path);
	location->path = NULL;
	location->backend = NULL;
}
