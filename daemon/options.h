/*
 * The options of todod: one table says everything about each of them, and
 * their values with where each came from.  Flags go before the environment,
 * that before .env, that before todod.conf, that before the defaults.
 *
 * What the values mean together is daemon/settings.h's business.
 */
#ifndef TODOD_DAEMON_OPTIONS_H
#define TODOD_DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/text.h"

struct fault;

enum option_id {
	OPTION_CONFIG,
	OPTION_ENVIRONMENT,
	OPTION_USER,
	OPTION_WORKERS,
	OPTION_DRAIN_TIMEOUT,
	OPTION_DATABASE_URL,
	OPTION_DATABASE_URL_UNPOOLED,
	OPTION_DIRECT_URL,
	OPTION_DATABASE_POOLED,
	OPTION_AUTO_MIGRATE,
	OPTION_DB_POOL_SIZE,
	OPTION_DB_CONNECT_TIMEOUT,
	OPTION_DB_WAIT_TIMEOUT,
	OPTION_DB_IDLE_TIMEOUT,
	OPTION_DATA_DIR,
	OPTION_REQUEST_TIMEOUT,
	OPTION_HEALTH_DB_MAX_AGE,
	OPTION_HOST,
	OPTION_PORT,
	OPTION_MAX_CONNECTIONS,
	OPTION_MAX_CONNECTIONS_PER_CLIENT,
	OPTION_IDLE_TIMEOUT,
	OPTION_HEAD_TIMEOUT,
	OPTION_BODY_TIMEOUT,
	OPTION_SEND_TIMEOUT,
	OPTION_TRUSTED_PROXIES,
	OPTION_PROXY_PROTOCOL,
	OPTION_REQUIRE_HTTPS,
	OPTION_TLS_CERT,
	OPTION_TLS_KEY,
	OPTION_TASKS_DIALECT,
	OPTION_ACCOUNTS,
	OPTION_CORS_ORIGINS,
	OPTION_FRONTEND_BASE_URL,
	OPTION_JWT_SECRET_KEY,
	OPTION_JWT_SECRET_KEY_FILE,
	OPTION_JWT_ALLOW_WEAK_SECRET,
	OPTION_BETTER_AUTH_SECRET,
	OPTION_BETTER_AUTH_SECRET_FILE,
	OPTION_BETTER_AUTH_URL,
	OPTION_JWKS_URL,
	OPTION_JWKS_FILE,
	OPTION_JWKS_CA_FILE,
	OPTION_JWKS_ALLOW_HTTP,
	OPTION_JWKS_CACHE_TTL,
	OPTION_JWKS_TIMEOUT,
	OPTION_JWKS_COOL_DOWN,
	OPTION_JWT_ISSUER,
	OPTION_JWT_AUDIENCE,
	OPTION_JWT_REQUIRE_EXP,
	OPTION_HASH_MEMORY_KIB,
	OPTION_HASH_PASSES,
	OPTION_HASH_THREADS,
	OPTION_HASH_QUEUE,
	OPTION_RATE_LIMIT,
	OPTION_RATE_LIMIT_SIGNIN,
	OPTION_RATE_LIMIT_SIGNUP,
	OPTION_RATE_LIMIT_ACCOUNT,
	OPTION_RATE_LIMIT_ADDRESS,
	OPTION_RATE_LIMIT_USER,
	OPTION_LOG_LEVEL,
	OPTION_LOG_FORMAT,
	OPTION_COUNT,
};

enum option_type { OPTION_TEXT, OPTION_NUMBER, OPTION_SWITCH, OPTION_CHOICE };

/* Bits of an option. */
enum option_trait {
	OPTION_IS_SECRET = 1 << 0,	/* no flag, its value is never shown */
	OPTION_HIDES_PASSWORD = 1 << 1, /* a URL: its password is not shown */
	OPTION_NEEDS_RESTART = 1 << 2,	/* a reload does not change it */
	OPTION_MAY_BE_EMPTY = 1 << 3,	/* in flags and todod.conf */
	OPTION_IS_NO_KEY = 1 << 4,	/* not in todod.conf or .env */
};

struct option {
	const char *name; /* the flag without dashes, the key in todod.conf */
	const char *variable; /* in the environment and in .env */
	const char *section;  /* heading of the lists */
	enum option_type type;
	unsigned traits;
	const char *value;    /* what stands for the value in --help */
	const char *fallback; /* the default; NULL: found out at start … */
	const char *derived;  /* … as this says, for --help */
	const char *help;     /* sentences, lines of at most 60 columns */
	long min, max;	      /* OPTION_NUMBER */
	const char *choices;  /* OPTION_CHOICE: words between blanks */
};

/* Later ones go before earlier ones. */
enum option_origin {
	ORIGIN_DEFAULT,
	ORIGIN_CONF,
	ORIGIN_DOTENV,
	ORIGIN_ENVIRONMENT,
	ORIGIN_FLAG,
};

struct option_value {
	char *text; /* NULL: not set; owned, wiped when secret */
	enum option_origin origin;
	char *place; /* "todod.conf:3"; owned, NULL when there is none */
};

struct options {
	struct option_value values[OPTION_COUNT];
};

const struct option *option_get(enum option_id id);

/* By flag or key ("log-level", "log_level") or by variable; OPTION_COUNT when
 * there is none. */
enum option_id option_find_name(struct text name);
enum option_id option_find_variable(struct text variable);

/* Whether it can be given on the command line, and in todod.conf. */
bool option_is_flag(const struct option *option);
bool option_is_key(const struct option *option);

/* The flag or key that a misspelt one resembles, NULL when none does. */
const char *option_nearest(struct text name);

void options_init(struct options *options);
void options_release(struct options *options);

/* Where a value comes from; place as in struct option_value, or NULL. */
struct option_source {
	enum option_origin origin;
	const char *place;
};

/*
 * Checks the value and keeps it unless one of a stronger origin is there.
 * ERR_INVALID with a fault that names the place, what is expected and, unless
 * it is secret, the value; ERR_NO_MEMORY.
 */
enum err options_set(struct options *options, enum option_id id,
		     struct text value, const struct option_source *source,
		     struct fault *fault) __attribute__((warn_unused_result));

/* Fills in a default that was found out at start; ERR_NO_MEMORY. */
enum err options_derive(struct options *options, enum option_id id,
			const char *value) __attribute__((warn_unused_result));

/* Makes an option what it is in from, its origin too; ERR_NO_MEMORY. */
enum err options_copy(struct options *options, const struct options *from,
		      enum option_id id) __attribute__((warn_unused_result));

/* The value or its default, borrowed; NULL: neither. */
const char *options_text(const struct options *options, enum option_id id);
/* For OPTION_NUMBER; 0 when there is neither a value nor a default. */
long options_number(const struct options *options, enum option_id id);
/* For OPTION_SWITCH. */
bool options_is_on(const struct options *options, enum option_id id);
/* Whether somebody gave a value. */
bool options_is_given(const struct options *options, enum option_id id);

#endif
