/*
 * One request on its way through the application: what the handlers know about
 * it, and the services they use.  Lives in the exchange's arena and ends with
 * the answer (core/reply.h).
 */
#ifndef TODOD_CORE_CALL_H
#define TODOD_CORE_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/app.h"
#include "core/dialect.h"
#include "core/forwarded.h"
#include "core/http.h"
#include "core/jsonreader.h"
#include "core/limits.h"
#include "core/loglimit.h"
#include "core/problems.h"
#include "core/route.h"
#include "core/text.h"
#include "core/uuid.h"

struct apidoc;
struct auth;
struct hashpool;
struct healthcheck;
struct storage;

/* What every handler of a worker shares. */
struct services {
	const struct app_options *options;
	struct route_mounts mounts;
	struct storage *storage;
	struct hashpool *hashes;
	struct healthcheck *healthcheck;
	struct auth *auth;
	struct apidoc *apidoc;
	struct loglimit refused_signins;
	struct loglimit limited;
	bool has_warned_of_proxy;
	bool has_warned_of_contradiction;
};

/* Whom a verified token speaks for. */
struct principal {
	struct text user_id; /* as storage has it */
	bool has_uuid;	     /* user_id is that of a local account */
	struct uuid uuid;
};

struct call {
	struct services *services;
	struct http_exchange *exchange;
	const struct dialect *dialect;
	struct route_match match;
	struct text query;
	struct text origin; /* empty: none was sent */
	struct forwarded forwarded;
	struct principal principal;
	struct limits_seen limits;
	int64_t now_us;		 /* wall clock at the request's arrival */
	struct jsonreader *body; /* owned; NULL: no body */
	struct problems problems;
	void *state; /* the handler's, in the arena */
};

/* The value of a path parameter of the call's route. */
struct text call_param(const struct call *call, const char *name);

/*
 * The body's outermost object.  NULL when there is no body or it is no object;
 * the problem has then been added.
 */
const struct json_value *call_body_object(struct call *call);

/* size zeroed bytes in the call's arena for the handler's state; on failure
 * the call has been answered and the result is NULL. */
void *call_state(struct call *call, size_t size);

#endif
