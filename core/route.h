/*
 * The route table: which method and path is answered by which handler, and
 * what must hold before the handler runs.  A new route is a new row in
 * core/route.c.
 */
#ifndef TODOD_CORE_ROUTE_H
#define TODOD_CORE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/dialect.h"
#include "core/http.h"
#include "core/path.h"
#include "core/text.h"

#define ROUTE_PARAMS_MAX 2

struct call;
typedef void route_handler_fn(struct call *call);

/* When a route is there at all. */
enum route_group {
	ROUTE_ALWAYS,
	ROUTE_ACCOUNTS, /* while accounts are on */
	ROUTE_TASKS,	/* /api/{user_id}/tasks, in the chosen dialect */
	ROUTE_TODOS,	/* /api/todos, always */
};

enum route_access { ROUTE_OPEN, ROUTE_BEARER };
enum route_body { ROUTE_BODY_IGNORED, ROUTE_BODY_JSON };

struct route {
	enum http_method method;
	/* Segments in braces match any non-empty segment. */
	const char *pattern;
	enum route_group group;
	enum route_access access;
	enum route_body body;
	route_handler_fn *handler;
};

/* What decides whether a group is mounted. */
struct route_mounts {
	enum dialect_name tasks_dialect;
	bool accounts;
};

struct route_match {
	const struct route *route; /* NULL: none for this method */
	unsigned methods; /* enum http_method set the path has; 0: no path */
	struct text params[ROUTE_PARAMS_MAX]; /* in the pattern's order */
};

/* Finds the route of a method (HEAD is GET) and a path, whose trailing slash
 * is not looked at. */
void route_find(const struct route_mounts *mounts, enum http_method method,
		const struct path *path, struct route_match *match);

/* Whose words a route speaks. */
enum dialect_name route_dialect(const struct route *route,
				const struct route_mounts *mounts);

/* The set as Allow shows it, HEAD beside GET and OPTIONS always; at most
 * ROUTE_ALLOW_BYTES with the NUL. */
#define ROUTE_ALLOW_BYTES 64
void route_allow(unsigned methods, char out[ROUTE_ALLOW_BYTES]);

/* The position in params of the parameter called name in route's pattern;
 * BUG() when it has none. */
size_t route_param(const struct route *route, const char *name);

#endif
