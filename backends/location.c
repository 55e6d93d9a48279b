/* DATABASE_URL: which backend, and where its data are. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/backends.h"
#include "backends/location.h"
#include "core/text.h"

enum err location_refuse(const struct location_problem *problem,
			 const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(problem->text, problem->size, format, args);
	va_end(args);
	return ERR_INVALID;
}

enum err location_decode(struct text text, char **decoded)
{
	char *out = malloc(text.len + 1);
	size_t i, len = 0;

	if (out == NULL)
		return ERR_NO_MEMORY;
	for (i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '%') {
			int high = -1, low = -1;

			if (text.len - i >= 3) {
				high = text_hex_value(text.ptr[i + 1]);
				low = text_hex_value(text.ptr[i + 2]);
			}
			if (high < 0 || low < 0 || high + low == 0) {
				free(out);
				return ERR_INVALID;
			}
			c = (char)(high * 16 + low);
			i += 2;
		}
		out[len++] = c;
	}
	out[len] = '\0';
	*decoded = out;
	return ERR_OK;
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
			      const struct location_problem *problem)
{
	if (rest.len > 0 && !text_is_equal(rest, TEXT("//")))
		return location_refuse(problem,
				       "nothing follows memory: in a database "
				       "URL");
	location->backend = backend_find("memory");
	location->path = NULL;
	return ERR_OK;
}

/* path is what stands after sqlite:///. */
static enum err locate_file(struct text path, struct backend_location *location,
			    const struct location_problem *problem)
{
	char *decoded;
	size_t len;
	enum err err;

	if (path.len == 0)
		return location_refuse(problem,
				       "the database URL names no file: write "
				       "sqlite:///todod.db, or memory: to keep "
				       "nothing");
	err = location_decode(path, &decoded);
	if (err == ERR_NO_MEMORY)
		(void)location_refuse(problem, "memory is exhausted");
	if (err == ERR_INVALID)
		return location_refuse(problem,
				       "a percent sign in the database URL is "
				       "followed by no two hexadecimal digits, "
				       "or by 00: write %%25 for the sign");
	if (err != ERR_OK)
		return err;
	len = strlen(decoded);
	if (strncmp(decoded, "file:", 5) == 0) {
		free(decoded);
		return location_refuse(problem,
				       "the database URL names a file: URI: "
				       "write the path itself after "
				       "sqlite:///");
	}
	if (decoded[len - 1] == '/') {
		free(decoded);
		return location_refuse(problem,
				       "the database URL names a folder: add "
				       "the name of the file");
	}
	location->backend = backend_find("sqlite");
	location->path = decoded;
	return ERR_OK;
}

static enum err locate_sqlite(struct text rest,
			      struct backend_location *location,
			      const struct location_problem *problem)
{
	size_t query = text_find_byte(rest, '?');
	struct text option = text_slice(rest, query + 1, rest.len);

	if (query < rest.len) {
		option = text_slice(option, 0, text_find_byte(option, '='));
		option = text_slice(option, 0, text_find_byte(option, '&'));
		return location_refuse(
			problem,
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
		return location_refuse(problem,
				       "the database URL needs three slashes "
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
			   const struct location_problem *problem);
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
	const struct location_problem problem = { problem_text, problem_size };
	struct text url = text_of(database_url);
	size_t colon = text_find_byte(url, ':');
	struct text name = text_slice(url, 0, colon);
	const struct scheme *scheme = scheme_find(name);
	const struct backend *backend;

	if (colon == url.len)
		return location_refuse(&problem,
				       "the database URL has no scheme: write "
				       "sqlite:///path for a file");
	if (text_is_equal_nocase(name, TEXT("file")))
		return location_refuse(&problem,
				       "file: is no scheme of a database URL: "
				       "write sqlite:///path");
	if (scheme == NULL)
		return location_refuse(&problem,
				       "the database URL begins with none of "
				       "sqlite:///, postgresql:// and "
				       "memory:");
	backend = backend_find(scheme->backend);
	if (backend == NULL)
		return location_refuse(&problem, "this build has no %s backend",
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
