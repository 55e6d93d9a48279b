/* Working out the settings. */
#include "config.h"

#include "daemon/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/cors.h"
#include "daemon/cpus.h"
#include "daemon/fault.h"
#include "daemon/options.h"
#include "daemon/settings_limits.h"
#include "daemon/settings_tokens.h"
#include "daemon/tls.h"

#define DATABASE_FILE	    "todod.db"
#define WORKERS_DEFAULT_MAX 8
#define HASH_THREADS_MAX    64
#define DB_POOL_DEFAULT	    20
#define URL_BYTES	    4096

#define HOST_IN_DEVELOPMENT "127.0.0.1,::1"
#define HOST_IN_PRODUCTION  "::"
#define CORS_IN_DEVELOPMENT                                                  \
	"http://localhost:3000,http://localhost:3001,http://localhost:5173," \
	"http://127.0.0.1:3000,http://127.0.0.1:3001,http://127.0.0.1:5173"

/* What the steps below work on. */
struct maker {
	struct options *options;
	struct settings *settings;
	struct fault *fault;
};

static bool is_production(const struct maker *maker)
{
	return maker->settings->environment == SETTINGS_PRODUCTION;
}

/* The URL of todod.db in the data folder; %, ? and # are escaped. */
static enum err default_url(struct maker *maker, char url[URL_BYTES])
{
	const char *environment =
		options_text(maker->options, OPTION_ENVIRONMENT);
	const char *folder = options_text(maker->options, OPTION_DATA_DIR);
	bool is_served = environment && strcmp(environment, "production") == 0;
	size_t len;

	if (!folder) {
		folder = is_served ? SETTINGS_DATA_DIR_IN_PRODUCTION : ".";
		if (options_derive(maker->options, OPTION_DATA_DIR, folder) !=
		    ERR_OK)
			return ERR_NO_MEMORY;
	}
	len = (size_t)snprintf(url, URL_BYTES, "sqlite:///");
	for (const char *p = folder; *p && len + 4 < URL_BYTES; p++)
		len += (size_t)snprintf(url + len, URL_BYTES - len,
					strchr("%?#", *p) ? "%%%02X" : "%c",
					(unsigned char)*p);
	if (len + sizeof("/" DATABASE_FILE) >= URL_BYTES)
		return fault_set(maker->fault, EX_CONFIG,
				 "DATA_DIR is too long");
	(void)snprintf(url + len, URL_BYTES - len, "%s%s",
		       url[len - 1] == '/' ? "" : "/", DATABASE_FILE);
	return ERR_OK;
}

/* The folder the path is in; from malloc. */
static char *folder_of(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	if (!slash)
		return strdup(".");
	if (slash == path)
		return strdup("/");
	return strndup(path, (size_t)(slash - path));
}

static enum err set_database(struct maker *maker)
{
	struct settings *settings = maker->settings;
	char url[URL_BYTES], problem[FAULT_TEXT_BYTES / 2] = "";
	enum err err = ERR_OK;

	if (!options_text(maker->options, OPTION_DATABASE_URL)) {
		err = default_url(maker, url);
		if (err == ERR_OK)
			err = options_derive(maker->options,
					     OPTION_DATABASE_URL, url);
	}
	if (err != ERR_OK)
		return err;
	err = backend_locate(options_text(maker->options, OPTION_DATABASE_URL),
			     &settings->location, problem, sizeof(problem));
	if (err == ERR_INVALID)
		return fault_set(maker->fault, EX_CONFIG, "DATABASE_URL: %s",
				 problem);
	if (err != ERR_OK)
		return err;
	settings->data_folder = folder_of(settings->location.path);
	return settings->data_folder ? ERR_OK : ERR_NO_MEMORY;
}

const struct backend_location *settings_migrate_location(
	const struct settings *settings)
{
	return settings->migrate_location.backend ?
		       &settings->migrate_location :
		       &settings->location;
}

/* A pooler is no place to migrate from. */
static enum err set_migrate_location(struct maker *maker)
{
	static const enum option_id ids[] = { OPTION_DATABASE_URL_UNPOOLED,
					      OPTION_DIRECT_URL };
	struct settings *settings = maker->settings;
	char problem[FAULT_TEXT_BYTES / 2] = "";
	const char *url = NULL;
	enum option_id id = ids[0];
	enum err err;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]) && !url; i++) {
		id = ids[i];
		url = options_text(maker->options, id);
	}
	if (!url || !settings->location.server)
		return ERR_OK;
	err = backend_locate(url, &settings->migrate_location, problem,
			     sizeof(problem));
	if (err == ERR_OK &&
	    settings->migrate_location.backend != settings->location.backend)
		return fault_set(maker->fault, EX_CONFIG,
				 "%s is of another kind than DATABASE_URL: "
				 "name the same database",
				 option_get(id)->variable);
	if (err == ERR_INVALID)
		return fault_set(maker->fault, EX_CONFIG, "%s: %s",
				 option_get(id)->variable, problem);
	return err;
}

/* A database on a server of its own is a production one, unless it is said
 * otherwise. */
static enum err set_environment(struct maker *maker)
{
	const struct backend *backend = maker->settings->location.backend;
	bool is_here = backend->migrates_at_start || !backend->is_shared;
	const char *name = options_text(maker->options, OPTION_ENVIRONMENT);
	enum err err = ERR_OK;

	if (!name) {
		name = is_here ? "development" : "production";
		err = options_derive(maker->options, OPTION_ENVIRONMENT, name);
	}
	maker->settings->environment = strcmp(name, "production") == 0 ?
					       SETTINGS_PRODUCTION :
					       SETTINGS_DEVELOPMENT;
	return err;
}

static enum err set_network(struct maker *maker)
{
	struct settings *settings = maker->settings;
	struct options *options = maker->options;
	const char *host = options_text(options, OPTION_HOST);
	enum err err = ERR_OK;

	settings->addresses_are_default = !host;
	if (!host) {
		host = is_production(maker) ? HOST_IN_PRODUCTION :
					      HOST_IN_DEVELOPMENT;
		err = options_derive(options, OPTION_HOST, host);
	}
	if (err == ERR_OK)
		err = address_list_parse(text_of(host), &settings->addresses,
					 maker->fault);
	settings->port = (uint16_t)options_number(options, OPTION_PORT);
	settings->connections_max =
		(size_t)options_number(options, OPTION_MAX_CONNECTIONS);
	settings->limits = (struct connection_limits){
		.idle_ms = options_number(options, OPTION_IDLE_TIMEOUT) * 1000,
		.head_ms = options_number(options, OPTION_HEAD_TIMEOUT) * 1000,
		.body_ms = options_number(options, OPTION_BODY_TIMEOUT) * 1000,
		.send_ms = options_number(options, OPTION_SEND_TIMEOUT) * 1000,
		.per_client = (size_t)options_number(
			options, OPTION_MAX_CONNECTIONS_PER_CLIENT),
	};
	return err;
}

static enum err set_tls(struct maker *maker)
{
	const char *certificate = options_text(maker->options, OPTION_TLS_CERT);
	const char *key = options_text(maker->options, OPTION_TLS_KEY);

	if (!certificate && key)
		return fault_set(maker->fault, EX_CONFIG,
				 "TLS_KEY is set, but TLS_CERT is not: name "
				 "the file of the certificate, too");
	if (!certificate)
		return ERR_OK;
	if (!tls_is_built_in())
		return fault_set(maker->fault, EX_CONFIG,
				 "TLS_CERT is set, but this todod was built "
				 "without TLS: unset it, and let a proxy speak "
				 "HTTPS");
	return tls_new(certificate, key ? key : certificate,
		       &maker->settings->tls, maker->fault);
}

static enum err derive_number(struct maker *maker, enum option_id id,
			      unsigned number)
{
	char text[16];

	if (options_text(maker->options, id))
		return ERR_OK;
	(void)snprintf(text, sizeof(text), "%u", number);
	return options_derive(maker->options, id, text);
}

static enum err set_process(struct maker *maker)
{
	struct settings *settings = maker->settings;
	struct options *options = maker->options;
	const char *user = options_text(options, OPTION_USER);
	unsigned cpus = cpus_available();
	bool is_shared = settings->location.backend->is_shared;
	enum err err;

	if (is_shared)
		err = derive_number(maker, OPTION_WORKERS,
				    cpus < WORKERS_DEFAULT_MAX ?
					    cpus :
					    WORKERS_DEFAULT_MAX);
	else
		err = options_derive(options, OPTION_WORKERS, "1");
	if (err == ERR_OK)
		err = derive_number(maker, OPTION_HASH_THREADS,
				    cpus < HASH_THREADS_MAX ? cpus :
							      HASH_THREADS_MAX);
	if (err != ERR_OK)
		return err;
	if (!is_shared)
		log_write(LOG_WARN,
			  "the data are kept in memory by one worker and end "
			  "with it",
			  NULL, 0);
	settings->workers = (unsigned)options_number(options, OPTION_WORKERS);
	settings->hash_threads =
		(unsigned)options_number(options, OPTION_HASH_THREADS);
	settings->hash_queue_max =
		(size_t)options_number(options, OPTION_HASH_QUEUE);
	settings->hash_cost.memory_kib =
		(size_t)options_number(options, OPTION_HASH_MEMORY_KIB);
	settings->hash_cost.passes =
		(unsigned)options_number(options, OPTION_HASH_PASSES);
	settings->drain_timeout_ms =
		options_number(options, OPTION_DRAIN_TIMEOUT) * 1000;
	settings->request_timeout_ms =
		options_number(options, OPTION_REQUEST_TIMEOUT) * 1000;
	settings->health_max_age_ms =
		options_number(options, OPTION_HEALTH_DB_MAX_AGE) * 1000;
	if (user && !(settings->user = strdup(user)))
		return ERR_NO_MEMORY;
	return ERR_OK;
}

/* How to talk to PostgreSQL; the workers are known by now. */
static enum err set_tuning(struct maker *maker)
{
	struct settings *settings = maker->settings;
	struct options *options = maker->options;
	struct backend_tuning *tuning = &settings->location.tuning;
	unsigned least = 2 * settings->workers;
	const char *pooled = options_text(options, OPTION_DATABASE_POOLED);
	unsigned connections;

	settings->auto_migrate = options_is_on(options, OPTION_AUTO_MIGRATE);
	if (derive_number(maker, OPTION_DB_POOL_SIZE,
			  least > DB_POOL_DEFAULT ? least : DB_POOL_DEFAULT) !=
	    ERR_OK)
		return ERR_NO_MEMORY;
	connections = (unsigned)options_number(options, OPTION_DB_POOL_SIZE);
	if (settings->location.server && connections < least)
		return fault_set(maker->fault, EX_CONFIG,
				 "DB_POOL_SIZE is %u, but each of the %u "
				 "workers needs two connections: set it to %u, "
				 "or WORKERS to %u",
				 connections, settings->workers, least,
				 connections / 2);
	if (strcmp(pooled, "yes") == 0)
		tuning->pooling = BACKEND_POOLING_YES;
	else if (strcmp(pooled, "no") == 0)
		tuning->pooling = BACKEND_POOLING_NO;
	tuning->connections_max = connections / settings->workers;
	tuning->statement_timeout_ms = settings->request_timeout_ms;
	tuning->connect_timeout_ms =
		options_number(options, OPTION_DB_CONNECT_TIMEOUT) * 1000;
	settings->migrate_location.tuning.connect_timeout_ms =
		tuning->connect_timeout_ms;
	tuning->wait_timeout_ms =
		options_number(options, OPTION_DB_WAIT_TIMEOUT) * 1000;
	tuning->idle_timeout_ms =
		options_number(options, OPTION_DB_IDLE_TIMEOUT) * 1000;
	return ERR_OK;
}

/* The list and the frontend's own origin behind it; from malloc. */
static char *join_origins(const char *list, struct text frontend)
{
	size_t size = strlen(list) + frontend.len + 2;
	char *joined = malloc(size);

	if (joined)
		(void)snprintf(joined, size, "%s%s%.*s", list,
			       *list && frontend.len > 0 ? "," : "",
			       (int)frontend.len,
			       frontend.len > 0 ? frontend.ptr : "");
	return joined;
}

static enum err set_cors(struct maker *maker)
{
	struct options *options = maker->options;
	char problem[FAULT_TEXT_BYTES / 2] = "";
	const char *list = options_text(options, OPTION_CORS_ORIGINS);
	const char *url = options_text(options, OPTION_FRONTEND_BASE_URL);
	struct text frontend = { NULL, 0 };
	struct cors *probe = NULL;
	char *joined;
	enum err err = ERR_OK;

	if (!list) {
		list = is_production(maker) ? "" : CORS_IN_DEVELOPMENT;
		if (options_derive(options, OPTION_CORS_ORIGINS, list) !=
		    ERR_OK)
			return ERR_NO_MEMORY;
		list = options_text(options, OPTION_CORS_ORIGINS);
	}
	if (url) {
		frontend = cors_origin_of(text_of(url));
		err = cors_new(frontend, &probe, problem, sizeof(problem));
		cors_free(&probe);
	}
	if (err == ERR_INVALID)
		return fault_set(maker->fault, EX_CONFIG,
				 "FRONTEND_BASE_URL: %s", problem);
	joined = err == ERR_OK ? join_origins(list, frontend) : NULL;
	if (!joined)
		return ERR_NO_MEMORY;
	err = cors_new(text_of(joined), &maker->settings->cors, problem,
		       sizeof(problem));
	free(joined);
	if (err == ERR_INVALID)
		return fault_set(maker->fault, EX_CONFIG, "CORS_ORIGINS: %s",
				 problem);
	return err;
}

/* Users who live elsewhere must not get a sign-up beside them unasked. */
static bool has_own_users(const struct maker *maker)
{
	const struct options *options = maker->options;

	return maker->settings->tasks_dialect == DIALECT_MULTIUSER &&
	       (options_is_given(options, OPTION_JWT_SECRET_KEY) ||
		options_is_given(options, OPTION_JWT_SECRET_KEY_FILE) ||
		!settings_tokens_are_foreign(options));
}

static enum err set_api(struct maker *maker)
{
	struct settings *settings = maker->settings;
	struct options *options = maker->options;
	enum err err;

	err = dialect_parse(
		text_of(options_text(options, OPTION_TASKS_DIALECT)),
		&settings->tasks_dialect);
	if (err == ERR_OK && !options_text(options, OPTION_ACCOUNTS))
		err = options_derive(options, OPTION_ACCOUNTS,
				     has_own_users(maker) ? "on" : "off");
	settings->accounts = options_is_on(options, OPTION_ACCOUNTS);
	return err == ERR_OK ? set_cors(maker) : err;
}

static enum err set_limits(struct maker *maker)
{
	return settings_limits_init(maker->options, maker->settings,
				    maker->fault);
}

static enum err set_tokens(struct maker *maker)
{
	return settings_tokens_init(maker->options, maker->settings,
				    maker->fault);
}

void settings_log(const struct options *options, enum log_level *level,
		  enum log_format *format)
{
	const char *given = options_text(options, OPTION_LOG_FORMAT);

	/* The option's choices are exactly these names. */
	(void)log_level_parse(text_of(options_text(options, OPTION_LOG_LEVEL)),
			      level);
	if (given)
		*format = strcmp(given, "text") == 0 ? LOG_FORMAT_TEXT :
						       LOG_FORMAT_JSON;
	else
		*format = isatty(STDERR_FILENO) ? LOG_FORMAT_TEXT :
						  LOG_FORMAT_JSON;
}

static enum err set_log(struct maker *maker)
{
	struct settings *settings = maker->settings;

	settings_log(maker->options, &settings->log_level,
		     &settings->log_format);
	if (options_text(maker->options, OPTION_LOG_FORMAT))
		return ERR_OK;
	return options_derive(maker->options, OPTION_LOG_FORMAT,
			      settings->log_format == LOG_FORMAT_TEXT ? "text" :
									"json");
}

enum err settings_new(struct options *options, struct settings **out,
		      struct fault *fault)
{
	/* Each step may use what the earlier ones found. */
	static enum err (*const steps[])(struct maker * maker) = {
		set_log,	 set_database, set_migrate_location,
		set_environment, set_network,  set_process,
		set_tuning,	 set_api,      set_tokens,
		set_limits,	 set_tls,
	};
	struct settings *settings = calloc(1, sizeof(*settings));
	struct maker maker = { options, settings, fault };
	enum err err = ERR_OK;

	if (!settings)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		err = steps[i](&maker);
		if (err != ERR_OK)
			break;
	}
	if (err == ERR_OK)
		*out = settings;
	else
		settings_free(&settings);
	return err;
}

void settings_free(struct settings **settings)
{
	if (!*settings)
		return;
	backend_location_release(&(*settings)->location);
	backend_location_release(&(*settings)->migrate_location);
	settings_tokens_release(*settings);
	cors_free(&(*settings)->cors);
	tls_free(&(*settings)->tls);
	free((*settings)->data_folder);
	free((*settings)->user);
	free(*settings);
	*settings = NULL;
}
