/* What options mean together. */
#include "config.h"

#include "daemon/settings.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "core/cors.h"
#include "daemon/fault.h"
#include "daemon/options.h"
#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define GIVEN_MAX     3
#define SECRET	      "a secret that is longer than 32 bytes"

struct given {
	enum option_id id;
	const char *value;
};

static void give(struct options *options, const struct given *given)
{
	const struct option_source source = { ORIGIN_ENVIRONMENT, NULL };
	struct fault fault;

	options_init(options);
	for (size_t i = 0; i < GIVEN_MAX && given[i].value; i++)
		if (options_set(options, given[i].id, text_of(given[i].value),
				&source, &fault) != ERR_OK)
			bail_out("%s", fault.text);
}

static const struct {
	const char *name;
	struct given given[GIVEN_MAX];
	enum option_id id;
	const char *value;
} derived[] = {
	{ "nothing said is development",
	  { { 0 } },
	  OPTION_ENVIRONMENT,
	  "development" },
	{ "memory is development",
	  { { OPTION_DATABASE_URL, "memory:" } },
	  OPTION_ENVIRONMENT,
	  "development" },
	{ "development is in the working directory",
	  { { 0 } },
	  OPTION_DATABASE_URL,
	  "sqlite:///./todod.db" },
	{ "a data folder holds the database",
	  { { OPTION_DATA_DIR, "/srv/x/" } },
	  OPTION_DATABASE_URL,
	  "sqlite:////srv/x/todod.db" },
	{ "a data folder may have any name",
	  { { OPTION_DATA_DIR, "/a?b#c%d" } },
	  OPTION_DATABASE_URL,
	  "sqlite:////a%3Fb%23c%25d/todod.db" },
	{ "a data folder stays what was given",
	  { { OPTION_DATA_DIR, "/srv/x" } },
	  OPTION_DATA_DIR,
	  "/srv/x" },
	{ "production is in /var/lib",
	  { { OPTION_ENVIRONMENT, "production" },
	    { OPTION_JWT_SECRET_KEY, SECRET } },
	  OPTION_DATABASE_URL,
	  "sqlite:////var/lib/todod/todod.db" },
	{ "development listens on this machine only",
	  { { 0 } },
	  OPTION_HOST,
	  "127.0.0.1,::1" },
	{ "production listens everywhere",
	  { { OPTION_ENVIRONMENT, "production" },
	    { OPTION_JWT_SECRET_KEY, SECRET } },
	  OPTION_HOST,
	  "::" },
	{ "memory has one worker whatever is asked for",
	  { { OPTION_DATABASE_URL, "memory:" }, { OPTION_WORKERS, "4" } },
	  OPTION_WORKERS,
	  "1" },
	{ "a file has as many as asked for",
	  { { OPTION_WORKERS, "4" } },
	  OPTION_WORKERS,
	  "4" },
	{ "accounts are on", { { 0 } }, OPTION_ACCOUNTS, "on" },
	{ "but not in the dialect of Better Auth",
	  { { OPTION_TASKS_DIALECT, "secured" } },
	  OPTION_ACCOUNTS,
	  "off" },
	{ "and off when that is said",
	  { { OPTION_ACCOUNTS, "off" } },
	  OPTION_ACCOUNTS,
	  "off" },
	{ "production lists no origin",
	  { { OPTION_ENVIRONMENT, "production" },
	    { OPTION_JWT_SECRET_KEY, SECRET } },
	  OPTION_CORS_ORIGINS,
	  "" },
};

static void test_derived(void)
{
	for (size_t i = 0; i < LENGTH(derived); i++) {
		struct settings *settings = NULL;
		struct options options;
		struct fault fault = { 0, "" };
		enum err err;

		give(&options, derived[i].given);
		err = settings_new(&options, &settings, &fault);
		if (is_err(err, ERR_OK, derived[i].name))
			is_string(options_text(&options, derived[i].id),
				  derived[i].value, derived[i].name);
		else
			diag("%s", fault.text);
		settings_free(&settings);
		options_release(&options);
	}
}

static const struct {
	const char *name;
	struct given given[GIVEN_MAX];
	const char *said;
} refused[] = {
	{ "a Better Auth server",
	  { { OPTION_BETTER_AUTH_URL, "https://x" } },
	  "BETTER_AUTH_URL" },
	{ "its secret",
	  { { OPTION_BETTER_AUTH_SECRET, SECRET } },
	  "BETTER_AUTH_SECRET" },
	{ "a key set", { { OPTION_JWKS_FILE, "keys" } }, "JWKS_FILE" },
	{ "an unknown database",
	  { { OPTION_DATABASE_URL, "mysql://x" } },
	  "DATABASE_URL" },
	{ "a bad address", { { OPTION_HOST, "a b" } }, "HOST" },
	{ "a bad origin",
	  { { OPTION_CORS_ORIGINS, "nonsense" } },
	  "CORS_ORIGINS" },
	{ "a bad frontend",
	  { { OPTION_FRONTEND_BASE_URL, "nonsense" } },
	  "FRONTEND_BASE_URL" },
	{ "production without a secret",
	  { { OPTION_ENVIRONMENT, "production" } },
	  "openssl rand -base64 48" },
	{ "a short secret",
	  { { OPTION_JWT_SECRET_KEY, "short" } },
	  "JWT_SECRET_KEY" },
	{ "a weak secret in production",
	  { { OPTION_ENVIRONMENT, "production" },
	    { OPTION_JWT_SECRET_KEY, SECRET },
	    { OPTION_JWT_ALLOW_WEAK_SECRET, "yes" } },
	  "JWT_ALLOW_WEAK_SECRET" },
	{ "two secrets",
	  { { OPTION_JWT_SECRET_KEY, SECRET },
	    { OPTION_JWT_SECRET_KEY_FILE, "file" } },
	  "JWT_SECRET_KEY_FILE" },
	{ "a file with a secret that is not there",
	  { { OPTION_JWT_SECRET_KEY_FILE, "/nowhere/key" } },
	  "/nowhere/key" },
};

static void test_refused(void)
{
	for (size_t i = 0; i < LENGTH(refused); i++) {
		struct settings *settings = NULL;
		struct options options;
		struct fault fault = { 0, "" };

		give(&options, refused[i].given);
		is_err(settings_new(&options, &settings, &fault), ERR_INVALID,
		       refused[i].name);
		is_int(fault.exit_code, EX_CONFIG, refused[i].name);
		ok(strstr(fault.text, refused[i].said) != NULL,
		   refused[i].name);
		ok(!strstr(fault.text, SECRET), refused[i].name);
		settings_free(&settings);
		options_release(&options);
	}
}

static void test_values(void)
{
	const struct given given[GIVEN_MAX] = {
		{ OPTION_FRONTEND_BASE_URL, "https://app.example/path" },
		{ OPTION_DRAIN_TIMEOUT, "3" },
	};
	struct settings *settings = NULL;
	struct options options;
	struct fault fault = { 0, "" };

	give(&options, given);
	if (settings_new(&options, &settings, &fault) != ERR_OK)
		bail_out("%s", fault.text);
	ok(cors_is_listed(settings->cors, TEXT("https://app.example")),
	   "the frontend's origin is listed");
	ok(cors_is_listed(settings->cors, TEXT("http://localhost:3000")),
	   "beside those of development");
	is_int(settings->drain_timeout_ms, 3000, "times are in milliseconds");
	is_int(settings->request_timeout_ms, 10000, "defaults, too");
	is_int(settings->port, 8000, "the port has a default");
	is_int(settings->addresses.count, 2, "the addresses are read");
	ok(settings->addresses_are_default, "and known to be nobody's wish");
	is_string(settings->data_folder, ".", "the data folder is known");
	ok(settings->jwt_secret.ptr == NULL,
	   "a missing secret is to be made later");
	settings_free(&settings);
	options_release(&options);
}

static void test_strength(void)
{
	const struct option_source flag = { ORIGIN_FLAG, NULL };
	const struct given given[GIVEN_MAX] = {
		{ OPTION_JWT_SECRET_KEY, SECRET },
	};
	struct settings *settings = NULL;
	struct options options;
	struct fault fault = { 0, "" };

	give(&options, given);
	if (options_set(&options, OPTION_JWT_SECRET_KEY_FILE,
			TEXT("/nowhere/key"), &flag, &fault) != ERR_OK)
		bail_out("%s", fault.text);
	is_err(settings_new(&options, &settings, &fault), ERR_INVALID,
	       "a file named by a flag goes before a secret of a variable");
	settings_free(&settings);
	options_release(&options);
}

static void drop_line(void *arg, const char *line, size_t len)
{
	(void)arg;
	(void)line;
	(void)len;
}

int main(void)
{
	const struct log_options quiet = {
		.level = LOG_ERROR,
		.worker = -1,
		.sink = drop_line,
	};

	log_init(&quiet);
	test_derived();
	test_refused();
	test_values();
	test_strength();
	return tap_done();
}
