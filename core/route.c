/* The route table and the search in it. */
#include "config.h"

#include <string.h>

#include "core/api.h"
#include "core/err.h"
#include "core/route.h"

#define TASKS	   "/api/{user_id}/tasks"
#define TASK	   TASKS "/{task_id}"
#define TODOS	   "/api/todos"
#define TODOS_ITEM TODOS "/{todo_id}"

static const struct route routes[] = {
	/* tasks */
	{ HTTP_GET, TASKS, ROUTE_TASKS, ROUTE_BEARER, ROUTE_BODY_IGNORED,
	  api_tasks_list },
	{ HTTP_POST, TASKS, ROUTE_TASKS, ROUTE_BEARER, ROUTE_BODY_JSON,
	  api_task_create },
	{ HTTP_GET, TASK, ROUTE_TASKS, ROUTE_BEARER, ROUTE_BODY_IGNORED,
	  api_task_get },
	{ HTTP_PUT, TASK, ROUTE_TASKS, ROUTE_BEARER, ROUTE_BODY_JSON,
	  api_task_update },
	{ HTTP_DELETE, TASK, ROUTE_TASKS, ROUTE_BEARER, ROUTE_BODY_IGNORED,
	  api_task_delete },
	{ HTTP_PATCH, TASK "/complete", ROUTE_TASKS, ROUTE_BEARER,
	  ROUTE_BODY_IGNORED, api_task_toggle },
	/* todos; of two rows for one method and path the first counts, so that
	 * a user may be called "todos" */
	{ HTTP_GET, TODOS, ROUTE_TODOS, ROUTE_BEARER, ROUTE_BODY_IGNORED,
	  api_tasks_list },
	{ HTTP_POST, TODOS, ROUTE_TODOS, ROUTE_BEARER, ROUTE_BODY_JSON,
	  api_task_create },
	{ HTTP_GET, TODOS_ITEM, ROUTE_TODOS, ROUTE_BEARER, ROUTE_BODY_IGNORED,
	  api_task_get },
	{ HTTP_PATCH, TODOS_ITEM, ROUTE_TODOS, ROUTE_BEARER, ROUTE_BODY_JSON,
	  api_task_update },
	{ HTTP_DELETE, TODOS_ITEM, ROUTE_TODOS, ROUTE_BEARER,
	  ROUTE_BODY_IGNORED, api_task_delete },
	/* accounts */
	{ HTTP_POST, "/api/auth/signup", ROUTE_ACCOUNTS, ROUTE_OPEN,
	  ROUTE_BODY_JSON, api_signup },
	{ HTTP_POST, "/api/auth/signin", ROUTE_ACCOUNTS, ROUTE_OPEN,
	  ROUTE_BODY_JSON, api_signin },
	/* the service itself */
	{ HTTP_GET, "/health", ROUTE_ALWAYS, ROUTE_OPEN, ROUTE_BODY_IGNORED,
	  api_health },
	{ HTTP_GET, "/api/health", ROUTE_ALWAYS, ROUTE_OPEN, ROUTE_BODY_IGNORED,
	  api_health_database },
	{ HTTP_GET, "/", ROUTE_ALWAYS, ROUTE_OPEN, ROUTE_BODY_IGNORED,
	  api_root },
	{ HTTP_GET, "/openapi.json", ROUTE_ALWAYS, ROUTE_OPEN,
	  ROUTE_BODY_IGNORED, api_openapi },
	{ HTTP_GET, "/docs", ROUTE_ALWAYS, ROUTE_OPEN, ROUTE_BODY_IGNORED,
	  api_docs },
	{ HTTP_GET, "/docs/{file}", ROUTE_ALWAYS, ROUTE_OPEN,
	  ROUTE_BODY_IGNORED, api_docs_file },
};

static bool is_mounted(const struct route *route,
		       const struct route_mounts *mounts)
{
	switch (route->group) {
	case ROUTE_ALWAYS:
	case ROUTE_TASKS:
	case ROUTE_TODOS:
		return true;
	case ROUTE_ACCOUNTS:
		return mounts->accounts;
	}
	return false;
}

enum dialect_name route_dialect(const struct route *route,
				const struct route_mounts *mounts)
{
	switch (route->group) {
	case ROUTE_ALWAYS:
	case ROUTE_TASKS:
		break;
	case ROUTE_TODOS:
		return DIALECT_TODOS;
	case ROUTE_ACCOUNTS:
		return DIALECT_MULTIUSER;
	}
	return mounts->tasks_dialect;
}

/* Cuts the next segment off a pattern; false at its end. */
static bool next_segment(const char **pattern, struct text *segment)
{
	const char *start = *pattern + 1;

	if (**pattern == '\0' || *start == '\0')
		return false;
	segment->ptr = start;
	segment->len = strcspn(start, "/");
	*pattern = start + segment->len;
	return true;
}

static bool is_param(struct text segment)
{
	return segment.ptr[0] == '{';
}

/* How many bytes a pattern and a segment have in common at their beginning.
 * No byte of a segment is NUL: it stops at the pattern's. */
static size_t common_length(const char *pattern, struct text segment)
{
	size_t len = 0;

	while (len < segment.len && pattern[len] == segment.ptr[len])
		len++;
	return len;
}

/* Walks along the pattern, which is not cut up: every request comes by every
 * row of the table. */
static bool is_match(const struct route *route, const struct path *path,
		     struct text params[ROUTE_PARAMS_MAX])
{
	const char *rest = route->pattern;
	size_t param_count = 0;

	for (size_t i = 0; i < path->count; i++) {
		struct text segment = path->segments[i];

		if (*rest++ != '/' || segment.len == 0)
			return false;
		if (*rest == '{') {
			params[param_count++] = segment;
			rest = strchr(rest, '}') + 1;
			continue;
		}
		if (common_length(rest, segment) < segment.len)
			return false;
		rest += segment.len;
	}
	return *rest == '\0' || (path->count == 0 && strcmp(rest, "/") == 0);
}

void route_find(const struct route_mounts *mounts, enum http_method method,
		const struct path *path, struct route_match *match)
{
	enum http_method wanted = method == HTTP_HEAD ? HTTP_GET : method;
	struct text params[ROUTE_PARAMS_MAX] = { { NULL, 0 } };

	memset(match, 0, sizeof(*match));
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		const struct route *route = &routes[i];

		if (!is_mounted(route, mounts) ||
		    !is_match(route, path, params))
			continue;
		match->methods |= route->method;
		if (route->method == wanted && !match->route) {
			match->route = route;
			memcpy(match->params, params, sizeof(params));
		}
	}
}

void route_allow(unsigned methods, char out[ROUTE_ALLOW_BYTES])
{
	static const struct {
		enum http_method method;
		const char *name;
	} names[] = {
		{ HTTP_DELETE, "DELETE" }, { HTTP_GET, "GET" },
		{ HTTP_HEAD, "HEAD" },	   { HTTP_OPTIONS, "OPTIONS" },
		{ HTTP_PATCH, "PATCH" },   { HTTP_POST, "POST" },
		{ HTTP_PUT, "PUT" },
	};
	size_t used = 0;

	methods |= HTTP_OPTIONS;
	if (methods & HTTP_GET)
		methods |= HTTP_HEAD;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len = strlen(names[i].name);

		if (!(methods & names[i].method))
			continue;
		if (used > 0) {
			memcpy(out + used, ", ", 2);
			used += 2;
		}
		memcpy(out + used, names[i].name, len);
		used += len;
	}
	out[used] = '\0';
}

size_t route_param(const struct route *route, const char *name)
{
	const char *pattern = route->pattern;
	struct text segment;
	size_t position = 0;

	while (next_segment(&pattern, &segment)) {
		if (!is_param(segment))
			continue;
		if (text_is_equal(text_slice(segment, 1, segment.len - 2),
				  text_of(name)))
			return position;
		position++;
	}
	BUG("a handler asks for a parameter its route does not have");
}
