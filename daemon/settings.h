/*
 * What the options mean: typed values with the defaults that depend on each
 * other worked out, and everything refused that todod must not start with.
 */
#ifndef TODOD_DAEMON_SETTINGS_H
#define TODOD_DAEMON_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/backends.h"
#include "core/dialect.h"
#include "core/err.h"
#include "core/log.h"
#include "core/password.h"
#include "core/text.h"
#include "daemon/address.h"
#include "daemon/connection.h"
#include "daemon/settings_limits.h"
#include "daemon/settings_tokens.h"

/* Where the data and the keys are when nothing is said. */
#define SETTINGS_DATA_DIR_IN_PRODUCTION "/var/lib/todod"

struct cors;
struct fault;
struct options;
struct tls;

enum settings_environment { SETTINGS_DEVELOPMENT, SETTINGS_PRODUCTION };

struct settings {
	enum settings_environment environment;
	struct backend_location location;
	/* Where migrations go when that is elsewhere; backend NULL: it is
	 * not. */
	struct backend_location migrate_location;
	bool auto_migrate;
	char *data_folder; /* where the database is; owned */
	struct address_list addresses;
	bool addresses_are_default; /* one that is not there is no error */
	uint16_t port;
	struct tls *tls; /* what TCP ports speak; NULL: plain HTTP; owned */
	unsigned workers;
	char *user;		/* given by --user; NULL: not given; owned */
	size_t connections_max; /* of a worker; 0: as the descriptors allow */
	struct connection_limits limits;
	int64_t drain_timeout_ms;
	int64_t request_timeout_ms;
	int64_t health_max_age_ms;
	enum dialect_name tasks_dialect;
	bool accounts;
	struct proxies_settings proxies;
	struct limits_settings rate_limits;
	struct cors *cors;	   /* owned */
	struct text jwt_secret;	   /* ptr NULL: to be made (daemon/secret.h), or
				 * no tokens of our own */
	struct text shared_secret; /* BETTER_AUTH_SECRET; ptr NULL: none */
	struct text jwt_issuer;	   /* of foreign tokens; ptr NULL: any */
	struct text jwt_audience;
	bool jwt_exp_optional;
	struct keys_settings keys;
	struct password_cost hash_cost;
	unsigned hash_threads; /* over all workers */
	size_t hash_queue_max;
	enum log_level log_level;
	enum log_format log_format;
};

/* Level and format alone, which are wanted before anything can be logged. */
void settings_log(const struct options *options, enum log_level *level,
		  enum log_format *format);

/*
 * Works the settings out and fills options' derived defaults in, for
 * --dump-config.  Logs warnings.  Makes nothing and opens only the files with
 * secrets, keys and certificates.  ERR_INVALID with a fault, ERR_NO_MEMORY.
 */
enum err settings_new(struct options *options, struct settings **settings,
		      struct fault *fault) __attribute__((warn_unused_result));
void settings_free(struct settings **settings);

/* Where migrations go. */
const struct backend_location *settings_migrate_location(
	const struct settings *settings);

#endif
