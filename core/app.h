/*
 * The application of one worker: every request todod answers goes through
 * app_handle().  Socket-free: tests and fuzzers drive it with an exchange of
 * their own.
 */
#ifndef TODOD_CORE_APP_H
#define TODOD_CORE_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/dialect.h"
#include "core/err.h"
#include "core/http.h"
#include "core/limits.h"
#include "core/text.h"

struct app;
struct cidr_list;
struct cors;
struct embedded_file;
struct hashpool;
struct health;
struct keysource;
struct loop;
struct storage;

/* Borrowed until app_free(), texts included. */
struct app_options {
	const char *version;
	enum dialect_name tasks_dialect; /* who has /api/{user_id}/tasks */
	bool accounts;			 /* sign-up and sign-in are open */
	struct text jwt_secret;		 /* our own; may be empty */
	struct text shared_secret;	 /* BETTER_AUTH_SECRET; may be empty */
	struct text jwt_issuer;		 /* of foreign tokens; empty: any */
	struct text jwt_audience;	 /* so too */
	bool jwt_exp_optional;		 /* for shared secrets only */
	struct keysource *keysource;	 /* NULL: no JWKS is configured */
	const struct cors *cors;
	const struct cidr_list *trusted_proxies; /* NULL: nobody has said */
	bool https_required;
	struct limits_options limits;
	struct health *health;		       /* what storage reports to */
	int64_t health_max_age_ms;	       /* core/healthcheck.h */
	const struct embedded_file *api_files; /* OpenAPI fragments */
	size_t api_file_count;
	const struct embedded_file *docs_files; /* the page at /docs */
	size_t docs_file_count;
};

/* storage and hashes are borrowed too.  ERR_NO_MEMORY; ERR_SYSTEM when the
 * embedded API description does not parse. */
enum err app_new(const struct app_options *options, struct loop *loop,
		 struct storage *storage, struct hashpool *hashes,
		 struct app **app) __attribute__((warn_unused_result));
void app_free(struct app **app);

/* Answers the exchange exactly once, now or later from the loop. */
void app_handle(struct app *app, struct http_exchange *exchange);

/* Answers an exchange that the server itself refuses (503: too much unsent
 * output, …) in the form of every other error. */
void app_refuse(struct app *app, struct http_exchange *exchange, int status);

/*
 * The keysource has fetched: json is the newest set of keys, or empty when
 * there is none that is newer.  ERR_INVALID: the set was not usable and the one
 * before it stays; ERR_NO_MEMORY.  Either way who waited for it is judged.
 */
enum err app_keys_arrived(struct app *app, struct text json)
	__attribute__((warn_unused_result));

/* The newest set is too old to be trusted: until another one arrives it is as
 * if there had been none. */
void app_keys_expired(struct app *app);

#endif
