/*
 * The way of a request: preflight, route, size and type of the body, token,
 * JSON, handler.  The order is part of the contract.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/apidoc.h"
#include "core/app.h"
#include "core/auth.h"
#include "core/call.h"
#include "core/clock.h"
#include "core/cors.h"
#include "core/digest.h"
#include "core/forwarded.h"
#include "core/healthcheck.h"
#include "core/https.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/path.h"
#include "core/reply.h"

#define REQUEST_ID_MAX_BYTES  128
#define REQUEST_ID_PREFIX_LEN 16 /* hexadecimal digits, random per worker */
#define REQUEST_ID_LEN_MAX    (REQUEST_ID_PREFIX_LEN + 1 + 16)

#define BODY_TOO_LARGE "Request body too large"

struct app {
	struct app_options options;
	struct services services;
	char id_prefix[REQUEST_ID_PREFIX_LEN];
	uint64_t id_count;
};

static const char digits[] = "0123456789abcdef";

static void make_id_prefix(char prefix[REQUEST_ID_PREFIX_LEN])
{
	unsigned char random[REQUEST_ID_PREFIX_LEN];

	digest_random(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		prefix[i] = digits[random[i] & 15];
}

enum err app_new(const struct app_options *options, struct loop *loop,
		 struct storage *storage, struct hashpool *hashes,
		 struct app **out)
{
	struct app *app = calloc(1, sizeof(*app));
	enum err err;

	if (!app)
		return ERR_NO_MEMORY;
	app->options = *options;
	app->services.options = &app->options;
	app->services.mounts.tasks_dialect = options->tasks_dialect;
	app->services.mounts.accounts = options->accounts;
	app->services.storage = storage;
	app->services.hashes = hashes;
	make_id_prefix(app->id_prefix);
	err = auth_new(&app->options, loop, storage, &app->services.auth);
	if (err == ERR_OK)
		err = apidoc_new(&app->options, &app->services.apidoc);
	if (err == ERR_OK)
		err = healthcheck_new(loop, storage, options->health,
				      options->health_max_age_ms,
				      &app->services.healthcheck);
	if (err != ERR_OK)
		app_free(&app);
	else
		*out = app;
	return err;
}

void app_free(struct app **app)
{
	if (!*app)
		return;
	auth_free(&(*app)->services.auth);
	apidoc_free(&(*app)->services.apidoc);
	healthcheck_free(&(*app)->services.healthcheck);
	free(*app);
	*app = NULL;
}

static bool is_request_id(struct text text)
{
	if (text.len == 0 || text.len > REQUEST_ID_MAX_BYTES)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || c == '.' || c == '_' ||
		      c == '-'))
			return false;
	}
	return true;
}

/* The prefix, a dash and the count in hexadecimal. */
static struct text make_request_id(struct app *app, struct arena *arena)
{
	char *id = arena_alloc(arena, REQUEST_ID_LEN_MAX);
	uint64_t count = ++app->id_count;
	size_t len = REQUEST_ID_PREFIX_LEN + 1;
	int shift = 60;

	if (!id)
		return (struct text){ NULL, 0 };
	memcpy(id, app->id_prefix, REQUEST_ID_PREFIX_LEN);
	id[REQUEST_ID_PREFIX_LEN] = '-';
	while (shift > 0 && count >> shift == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		id[len++] = digits[count >> shift & 15];
	return (struct text){ id, len };
}

/* The client's own id when it is well-formed, else a new one. */
static struct text request_id(struct app *app, struct http_exchange *exchange)
{
	size_t count;
	struct text sent = http_header_find(&exchange->request,
					    TEXT("X-Request-Id"), &count);

	if (count == 1 && is_request_id(sent))
		return sent;
	return make_request_id(app, &exchange->arena);
}

static void find_client(struct app *app, struct call *call)
{
	struct http_exchange *exchange = call->exchange;
	char peer[IP_TEXT_BYTES];

	forwarded_judge(&exchange->request, app->options.trusted_proxies,
			&call->forwarded);
	exchange->client = call->forwarded.client;
	if (!call->forwarded.is_contradictory ||
	    app->services.has_warned_of_contradiction)
		return;
	app->services.has_warned_of_contradiction = true;
	ip_format(&exchange->request.peer, peer);
	log_event(LOG_WARN,
		  "a trusted proxy passes on headers that contradict each "
		  "other: its clients are not told apart; let it remove "
		  "Forwarded, X-Forwarded-For and X-Real-IP from what it gets",
		  LOG_STRING("peer", peer));
}

/* NULL when there is no memory even for that: the exchange was aborted. */
static struct call *call_new(struct app *app, struct http_exchange *exchange)
{
	struct call *call = arena_alloc(&exchange->arena, sizeof(*call));
	struct text origin;
	size_t count;

	if (!call) {
		exchange->ops->abort(exchange);
		return NULL;
	}
	memset(call, 0, sizeof(*call));
	call->services = &app->services;
	call->exchange = exchange;
	call->dialect = dialect_find(app->options.tasks_dialect);
	call->now_us = clock_wall_us();
	origin = http_header_find(&exchange->request, TEXT("Origin"), &count);
	/* Of several it cannot be known whose page it is. */
	if (count == 1)
		call->origin = origin;
	exchange->request_id = request_id(app, exchange);
	find_client(app, call);
	return call;
}

static void reply_allow(struct call *call, unsigned methods, int status,
			const char *detail)
{
	struct http_response response = { .status = status };
	char allow[ROUTE_ALLOW_BYTES];
	struct text value;

	route_allow(methods, allow);
	value = arena_copy(&call->exchange->arena, text_of(allow));
	http_response_header(&response, TEXT("Allow"), value);
	if (detail)
		reply_detail_with(call, &response, status, detail);
	else
		reply_send(call, &response);
}

/* A path with a slash too many: where it is without it. */
static void reply_redirect(struct call *call, struct text path)
{
	struct http_response response = { 0 };
	struct buffer url;
	struct text location;

	buffer_init(&url);
	http_append_target(&url, text_slice(path, 0, path.len - 1));
	if (call->query.len > 0) {
		buffer_append_text(&url, TEXT("?"));
		http_append_target(&url, call->query);
	}
	location = arena_copy(&call->exchange->arena, buffer_text(&url));
	if (buffer_is_failed(&url) || !location.ptr) {
		reply_err(call, ERR_NO_MEMORY);
	} else {
		http_response_header(&response, TEXT("Location"), location);
		reply_detail_with(call, &response, 307, "Temporary Redirect");
	}
	buffer_release(&url);
}

static void reply_preflight(struct call *call)
{
	struct http_response response = { 0 };
	const char *detail = NULL;

	response.status = cors_preflight(call->services->options->cors,
					 &call->exchange->request, &response,
					 &detail);
	if (detail)
		reply_detail_with(call, &response, response.status, detail);
	else
		reply_send(call, &response);
}

static bool is_preflight(const struct call *call)
{
	const struct http_request *request = &call->exchange->request;
	size_t count;

	if (request->method != HTTP_OPTIONS || call->origin.len == 0)
		return false;
	http_header_find(request, TEXT("Access-Control-Request-Method"),
			 &count);
	return count > 0;
}

/* Whether a request target has spaces or control characters: it could not be
 * shown in a header or a log as it is. */
static bool has_controls(struct text target)
{
	for (size_t i = 0; i < target.len; i++) {
		unsigned char byte = (unsigned char)target.ptr[i];

		if (byte <= ' ' || byte == 0x7f)
			return true;
	}
	return false;
}

/* Whether the body's type is absent, or JSON. */
static bool is_json_type(const struct http_request *request)
{
	size_t count;
	struct text type =
		http_header_find(request, TEXT("Content-Type"), &count);
	struct text suffix;

	type = text_slice(type, 0, text_find_byte(type, ';'));
	type = text_trim_blank(type);
	if (count > 1)
		return false;
	if (type.len == 0)
		return true;
	suffix = text_slice(type, type.len > 5 ? type.len - 5 : 0, 5);
	return text_is_equal_nocase(type, TEXT("application/json")) ||
	       text_is_equal_nocase(type, TEXT("text/json")) ||
	       text_is_equal_nocase(suffix, TEXT("+json"));
}

/*
 * Whether this is one request too many of a client behind a trusted proxy.  The
 * peer's connections are counted where they are made, and what a proxy asks for
 * itself is not.  Clients that cannot be told apart are one: else whoever sends
 * a header that contradicts his proxy's would be nobody.
 */
static bool is_surplus(const struct app *app, struct call *call)
{
	struct http_exchange *exchange = call->exchange;
	const struct forwarded *forwarded = &call->forwarded;

	if (!forwarded->is_contradictory &&
	    (ip_is_equal(&forwarded->client, &exchange->request.peer) ||
	     cidr_list_contains(app->options.trusted_proxies,
				&forwarded->client)))
		return false;
	return !exchange->ops->admit_client(exchange, &forwarded->client);
}

/* The last conditions of a route: its user is not too busy, its body parses.
 * Then its handler. */
static void handle(struct call *call)
{
	const struct route *route = call->match.route;
	struct text body = call->exchange->request.body;
	struct problem problem = {
		.type = PROBLEM_JSON_INVALID,
		.place = PROBLEM_IN_BODY,
	};
	size_t offset = 0;
	enum err err;

	if (route->access == ROUTE_BEARER && !limits_admit_user(call))
		return;
	if (route->body == ROUTE_BODY_JSON && body.len > 0) {
		err = jsonreader_parse(body, &call->body, &offset);
		if (err == ERR_INVALID) {
			problem.offset = (int64_t)offset;
			problems_add(&call->problems, &problem);
			reply_problems(call);
			return;
		}
		if (err != ERR_OK) {
			reply_err(call, err);
			return;
		}
	}
	route->handler(call);
}

/* A method and path that exist: size and type of the body, then the token. */
static void admit(struct call *call)
{
	const struct http_request *request = &call->exchange->request;
	const struct route *route = call->match.route;

	if (request->is_body_too_large) {
		reply_detail(call, 413, BODY_TOO_LARGE);
		return;
	}
	if (route->body == ROUTE_BODY_JSON && request->body.len > 0 &&
	    !is_json_type(request)) {
		reply_detail(call, 415,
			     "Content-Type must be application/json");
		return;
	}
	if (route->access == ROUTE_BEARER)
		auth_check(call->services->auth, call, handle);
	else
		handle(call);
}

static void dispatch(struct call *call, struct text raw,
		     const struct path *path)
{
	const struct http_request *request = &call->exchange->request;
	struct route_match *match = &call->match;

	route_find(&call->services->mounts, request->method, path, match);
	if (match->methods == 0) {
		reply_detail(call, 404, "Not Found");
		return;
	}
	if (path->has_trailing_slash) {
		reply_redirect(call, raw);
		return;
	}
	if (match->route) {
		call->exchange->route = match->route->pattern;
		call->dialect = dialect_find(
			route_dialect(match->route, &call->services->mounts));
		admit(call);
	} else if (request->method == HTTP_OPTIONS) {
		reply_allow(call, match->methods, 204, NULL);
	} else {
		reply_allow(call, match->methods, 405, "Method Not Allowed");
	}
}

/* A health check comes from inside, often, and without TLS. */
static bool is_health(const struct call *call)
{
	struct text path, query;

	path_split_target(call->exchange->request.target, &path, &query);
	return text_is_equal(path, TEXT("/health")) ||
	       text_is_equal(path, TEXT("/api/health"));
}

/* A request that may be answered: by what it asks for. */
static void handle_target(struct call *call)
{
	struct http_exchange *exchange = call->exchange;
	const struct http_request *request = &exchange->request;
	struct path path;
	struct text raw;
	enum err err;

	if (request->method == HTTP_OPTIONS &&
	    text_is_equal(request->target, TEXT("*"))) {
		reply_allow(call, ~0u, 204, NULL);
		return;
	}
	path_split_target(request->target, &raw, &call->query);
	err = has_controls(request->target) ?
		      ERR_INVALID :
		      path_parse(&exchange->arena, raw, &path);
	if (err == ERR_OK)
		dispatch(call, raw, &path);
	else if (err == ERR_NOT_FOUND)
		reply_detail(call, 404, "Not Found");
	else if (err == ERR_INVALID)
		reply_detail(call, 400, "Invalid request path");
	else
		reply_err(call, err);
}

void app_handle(struct app *app, struct http_exchange *exchange)
{
	struct call *call = call_new(app, exchange);
	bool is_exempt, asks_before;

	if (!call)
		return;
	if (is_surplus(app, call)) {
		reply_err(call, ERR_BUSY);
		return;
	}
	is_exempt = is_health(call);
	asks_before = is_preflight(call);
	if (!is_exempt && !asks_before && !limits_admit_address(call))
		return;
	if (!is_exempt && https_is_missing(call))
		https_refuse(call);
	else if (exchange->request.method == HTTP_OTHER)
		reply_detail(call, 501, "Not Implemented");
	else if (asks_before)
		reply_preflight(call);
	else
		handle_target(call);
}

void app_refuse(struct app *app, struct http_exchange *exchange, int status)
{
	struct call *call = call_new(app, exchange);

	if (!call)
		return;
	if (status == 503)
		reply_err(call, ERR_BUSY);
	else if (status == 413)
		reply_detail(call, status, BODY_TOO_LARGE);
	else
		reply_detail(call, status, http_reason(status));
}

enum err app_keys_arrived(struct app *app, struct text json)
{
	return auth_keys_arrived(app->services.auth, json);
}

void app_keys_expired(struct app *app)
{
	auth_keys_expired(app->services.auth);
}
