/* What options mean together. */
#include "config.h"

#include "daemon/settings.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "core/cors.h"
#include "daemon/fault.h"
#include "daemon/keyfetch.h"
#include "daemon/options.h"
#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define GIVEN_MAX     4
#define SECRET	      "a secret that is longer than 32 bytes"
#define SHARED	      "another one that is longer than 32 bytes"
#define AUTH	      "https://auth.example"

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

/* A URL of keys is of use only where they can be fetched. */
static bool lacks_libcurl(const struct given *given, const char *name)
{
	for (size_t i = 0; i < GIVEN_MAX && given[i].value; i++) {
		if (keyfetch_is_built_in() ||
		    (given[i].id != OPTION_BETTER_AUTH_URL &&
		     given[i].id != OPTION_JWKS_URL))
			continue;
		skip(name, "built without libcurl");
		return true;
	}
	return false;
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
	  { { OPTION_TASKS_DIALECT, "secured" },
	    { OPTION_JWT_SECRET_KEY, SECRET } },
	  OPTION_ACCOUNTS,
	  "off" },
	{ "and off when that is said",
	  { { OPTION_ACCOUNTS, "off" }, { OPTION_JWT_SECRET_KEY, SECRET } },
	  OPTION_ACCOUNTS,
	  "off" },
	{ "a Better Auth server has the users",
	  { { OPTION_BETTER_AUTH_URL, AUTH } },
	  OPTION_ACCOUNTS,
	  "off" },
	{ "a key set is from elsewhere",
	  { { OPTION_JWKS_URL, AUTH "/keys" } },
	  OPTION_ACCOUNTS,
	  "off" },
	{ "a shared secret is, too",
	  { { OPTION_BETTER_AUTH_SECRET, SHARED } },
	  OPTION_ACCOUNTS,
	  "off" },
	{ "unless there is a secret of our own",
	  { { OPTION_BETTER_AUTH_URL, AUTH },
	    { OPTION_JWT_SECRET_KEY, SECRET } },
	  OPTION_ACCOUNTS,
	  "on" },
	{ "or accounts are wanted",
	  { { OPTION_BETTER_AUTH_URL, AUTH }, { OPTION_ACCOUNTS, "on" } },
	  OPTION_ACCOUNTS,
	  "on" },
	{ "production needs no secret for users from elsewhere",
	  { { OPTION_ENVIRONMENT, "production" },
	    { OPTION_BETTER_AUTH_URL, AUTH } },
	  OPTION_ACCOUNTS,
	  "off" },
	{ "the two secrets may be one without accounts",
	  { { OPTION_ACCOUNTS, "off" },
	    { OPTION_JWT_SECRET_KEY, SECRET },
	    { OPTION_BETTER_AUTH_SECRET, SECRET } },
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

		if (lacks_libcurl(derived[i].given, derived[i].name))
			continue;
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
	{ "a key set that is not there",
	  { { OPTION_JWKS_FILE, "/nowhere/keys" } },
	  "/nowhere/keys" },
	{ "an authority that is not there",
	  { { OPTION_JWKS_URL, AUTH }, { OPTION_JWKS_CA_FILE, "/nowhere/ca" } },
	  "/nowhere/ca" },
	{ "a key set here and there",
	  { { OPTION_JWKS_URL, AUTH }, { OPTION_JWKS_FILE, "keys" } },
	  "JWKS_FILE" },
	{ "nothing to judge tokens by",
	  { { OPTION_ACCOUNTS, "off" } },
	  "nothing to judge tokens by" },
	{ "a short shared secret",
	  { { OPTION_BETTER_AUTH_SECRET, "short" } },
	  "BETTER_AUTH_SECRET" },
	{ "a shared secret that is a key",
	  { { OPTION_BETTER_AUTH_SECRET,
	      "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQ" } },
	  "BETTER_AUTH_SECRET" },
	{ "two shared secrets",
	  { { OPTION_BETTER_AUTH_SECRET, SECRET },
	    { OPTION_BETTER_AUTH_SECRET_FILE, "file" } },
	  "BETTER_AUTH_SECRET_FILE" },
	{ "one secret for two with accounts",
	  { { OPTION_JWT_SECRET_KEY, SECRET },
	    { OPTION_BETTER_AUTH_SECRET, SECRET } },
	  "BETTER_AUTH_SECRET" },
	{ "production without a secret for its accounts",
	  { { OPTION_ENVIRONMENT, "production" },
	    { OPTION_BETTER_AUTH_URL, AUTH },
	    { OPTION_ACCOUNTS, "on" } },
	  "JWT_SECRET_KEY" },
	{ "the dialect secured without a key",
	  { { OPTION_TASKS_DIALECT, "secured" } },
	  "nothing to judge tokens by" },
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
	{ "a proxy that is none",
	  { { OPTION_TRUSTED_PROXIES, "127.0.0.1,proxy.example" } },
	  "proxy.example" },
	{ "https that nobody can vouch for",
	  { { OPTION_REQUIRE_HTTPS, "yes" } },
	  "TRUSTED_PROXIES" },
	{ "so too with no proxy",
	  { { OPTION_REQUIRE_HTTPS, "yes" },
	    { OPTION_TRUSTED_PROXIES, "none" } },
	  "REQUIRE_HTTPS" },
	{ "a rate limit that is none",
	  { { OPTION_RATE_LIMIT_ACCOUNT, "many" } },
	  "RATE_LIMIT_ACCOUNT" },
	{ "even while they are off",
	  { { OPTION_RATE_LIMIT, "off" },
	    { OPTION_RATE_LIMIT_ADDRESS, "10/x" } },
	  "RATE_LIMIT_ADDRESS" },
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

		if (lacks_libcurl(refused[i].given, refused[i].name))
			continue;
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
		{ OPTION_SEND_TIMEOUT, "7" },
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
	is_int(settings->limits.idle_ms, 75000, "an idle client has 75 s");
	is_int(settings->limits.head_ms, 10000, "a head may take 10 s");
	is_int(settings->limits.body_ms, 20000, "a body 20 s");
	is_int(settings->limits.send_ms, 7000, "an answer what is said");
	is_int(settings->limits.per_client, 0, "an address has no limit");
	is_int(settings->port, 8000, "the port has a default");
	is_int(settings->addresses.count, 2, "the addresses are read");
	ok(settings->addresses_are_default, "and known to be nobody's wish");
	is_string(settings->data_folder, ".", "the data folder is known");
	ok(settings->jwt_secret.ptr == NULL,
	   "a missing secret is to be made later");
	settings_free(&settings);
	options_release(&options);
}

static void test_limits(void)
{
	const struct given given[GIVEN_MAX] = {
		{ OPTION_TRUSTED_PROXIES, "10.0.0.0/8" },
		{ OPTION_REQUIRE_HTTPS, "yes" },
		{ OPTION_RATE_LIMIT_USER, "5/10m" },
		{ OPTION_RATE_LIMIT_SIGNUP, "off" },
	};
	const struct given nothing[GIVEN_MAX] = { { 0 } };
	const struct ratelimit_policy *policies;
	struct settings *settings = NULL;
	struct options options;
	struct fault fault = { 0, "" };

	give(&options, given);
	if (settings_new(&options, &settings, &fault) != ERR_OK)
		bail_out("%s", fault.text);
	policies = settings->rate_limits.policies;
	ok(settings->proxies.https_required, "https is required");
	is_int(settings->proxies.trusted.count, 1, "and a network trusted");
	is_int(policies[LIMIT_USER].quota, 5, "a limit is read");
	is_int(policies[LIMIT_USER].window_s, 600, "with its time");
	is_int(policies[LIMIT_USER].growth, RATELIMIT_STEADY,
	       "the wait for any request does not grow");
	is_int(policies[LIMIT_SIGNUP].quota, 0, "one can be off");
	settings_free(&settings);
	options_release(&options);

	give(&options, nothing);
	if (settings_new(&options, &settings, &fault) != ERR_OK)
		bail_out("%s", fault.text);
	policies = settings->rate_limits.policies;
	ok(settings->rate_limits.is_on && !settings->proxies.has_trusted,
	   "limits are on and nobody is trusted");
	for (int i = LIMIT_SIGNIN; i <= LIMIT_ACCOUNT; i++)
		ok(policies[i].quota > 0 &&
			   policies[i].growth == RATELIMIT_GROWING,
		   "sign-in has limits, with waits that grow");
	ok(policies[LIMIT_ADDRESS].quota == 0 &&
		   policies[LIMIT_USER].quota == 0,
	   "other requests have none");
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

static const struct {
	const char *name;
	struct given given[GIVEN_MAX];
	const char *url; /* NULL: refused */
} urls[] = {
	{ "the path of a Better Auth server is known",
	  { { OPTION_BETTER_AUTH_URL, AUTH } },
	  AUTH "/api/auth/jwks" },
	{ "a slash at its end is no harm",
	  { { OPTION_BETTER_AUTH_URL, AUTH "//" } },
	  AUTH "/api/auth/jwks" },
	{ "a path is kept",
	  { { OPTION_BETTER_AUTH_URL, AUTH "/x" } },
	  AUTH "/x/api/auth/jwks" },
	{ "a whole URL is as it is",
	  { { OPTION_JWKS_URL, AUTH "/keys?x=1" } },
	  AUTH "/keys?x=1" },
	{ "a whole URL goes before the server's",
	  { { OPTION_BETTER_AUTH_URL, AUTH },
	    { OPTION_JWKS_URL, "https://k.example/" } },
	  "https://k.example/" },
	{ "the scheme may be in any case",
	  { { OPTION_JWKS_URL, "HTTPS://k.example/" } },
	  "HTTPS://k.example/" },
	{ "http to localhost is fine",
	  { { OPTION_JWKS_URL, "http://localhost:3000/keys" } },
	  "http://localhost:3000/keys" },
	{ "and to 127.0.0.2",
	  { { OPTION_JWKS_URL, "http://127.0.0.2/keys" } },
	  "http://127.0.0.2/keys" },
	{ "and to ::1",
	  { { OPTION_JWKS_URL, "http://[::1]:3000/keys" } },
	  "http://[::1]:3000/keys" },
	{ "http to another machine is not",
	  { { OPTION_JWKS_URL, "http://issuer.example/keys" } },
	  NULL },
	{ "nor to one whose name begins like this one's",
	  { { OPTION_JWKS_URL, "http://localhost.example/keys" } },
	  NULL },
	{ "nor to 127.0.0.1.example",
	  { { OPTION_JWKS_URL, "http://127.0.0.1.example/keys" } },
	  NULL },
	{ "nor to an address that is none",
	  { { OPTION_JWKS_URL, "http://127.1/keys" } },
	  NULL },
	{ "unless it is allowed",
	  { { OPTION_JWKS_URL, "http://issuer.example/keys" },
	    { OPTION_JWKS_ALLOW_HTTP, "yes" } },
	  "http://issuer.example/keys" },
	{ "another scheme is refused",
	  { { OPTION_JWKS_URL, "file:///etc/keys" } },
	  NULL },
	{ "no scheme is", { { OPTION_JWKS_URL, "issuer.example" } }, NULL },
	{ "a word that is shorter than any scheme is",
	  { { OPTION_JWKS_URL, "x" } },
	  NULL },
	{ "half a scheme is", { { OPTION_BETTER_AUTH_URL, "https:/" } }, NULL },
	{ "a scheme alone is", { { OPTION_JWKS_URL, "https://" } }, NULL },
	{ "no host is", { { OPTION_JWKS_URL, "https:///keys" } }, NULL },
	{ "a port alone is", { { OPTION_JWKS_URL, "https://:1/" } }, NULL },
	{ "a port is a number",
	  { { OPTION_BETTER_AUTH_URL, AUTH ":port" } },
	  NULL },
	{ "of at most 65535", { { OPTION_JWKS_URL, AUTH ":65536/" } }, NULL },
	{ "and not 0", { { OPTION_JWKS_URL, AUTH ":0/" } }, NULL },
	{ "of digits only", { { OPTION_JWKS_URL, AUTH ":+1/" } }, NULL },
	{ "65535 is one",
	  { { OPTION_JWKS_URL, AUTH ":65535/" } },
	  AUTH ":65535/" },
	{ "a bracket that stays open is refused",
	  { { OPTION_JWKS_URL, "https://[::1/keys" } },
	  NULL },
	{ "so is what follows one but a port",
	  { { OPTION_JWKS_URL, "https://[::1]x/keys" } },
	  NULL },
	{ "a user is",
	  { { OPTION_JWKS_URL, "https://me:pw@issuer.example/" } },
	  NULL },
	{ "a fragment is", { { OPTION_JWKS_URL, AUTH "/#x" } }, NULL },
	{ "a blank is", { { OPTION_JWKS_URL, AUTH "/ x" } }, NULL },
	{ "a control character is", { { OPTION_JWKS_URL, AUTH "/\n" } }, NULL },
	{ "a backslash is", { { OPTION_JWKS_URL, AUTH "\\x" } }, NULL },
	{ "a letter that is not ASCII is",
	  { { OPTION_JWKS_URL, AUTH "/\xc3\xa4" } },
	  NULL },
	{ "a query in the server's URL is",
	  { { OPTION_BETTER_AUTH_URL, AUTH "/?x" } },
	  NULL },
};

static void test_urls(void)
{
	for (size_t i = 0; i < LENGTH(urls); i++) {
		struct settings *settings = NULL;
		struct options options;
		struct fault fault = { 0, "" };
		enum err err;

		if (lacks_libcurl(urls[i].given, urls[i].name))
			continue;
		give(&options, urls[i].given);
		err = settings_new(&options, &settings, &fault);
		is_err(err, urls[i].url ? ERR_OK : ERR_INVALID, urls[i].name);
		if (err == ERR_OK && urls[i].url)
			is_string(settings->keys.url, urls[i].url,
				  urls[i].name);
		settings_free(&settings);
		options_release(&options);
	}
}

static void test_store(void)
{
	static const struct {
		const char *name;
		struct given given[GIVEN_MAX];
		const char *store;
	} cases[] = {
		{ "beside the database",
		  { { OPTION_DATABASE_URL, "sqlite:////srv/x.db" } },
		  "/srv/x.db.jwks" },
#ifdef HAVE_POSTGRES
		{ "in the data folder",
		  { { OPTION_DATABASE_URL, "postgresql://u@h/d" } },
		  "/var/lib/todod/todod.jwks" },
#endif
		{ "not in memory",
		  { { OPTION_DATABASE_URL, "memory:" } },
		  NULL },
	};

	tap_prefix("the last keys are kept");
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct given given[GIVEN_MAX] = {
			cases[i].given[0], { OPTION_BETTER_AUTH_URL, AUTH }
		};
		struct settings *settings = NULL;
		struct options options;
		struct fault fault = { 0, "" };

		if (lacks_libcurl(given, cases[i].name))
			continue;
		give(&options, given);
		if (settings_new(&options, &settings, &fault) != ERR_OK)
			bail_out("%s", fault.text);
		is_string(settings->keys.store, cases[i].store, cases[i].name);
		settings_free(&settings);
		options_release(&options);
	}
	tap_prefix(NULL);
}

static void test_no_libcurl(void)
{
	const struct given given[GIVEN_MAX] = {
		{ OPTION_BETTER_AUTH_URL, AUTH },
	};
	struct settings *settings = NULL;
	struct options options;
	struct fault fault = { 0, "" };

	if (keyfetch_is_built_in())
		return;
	give(&options, given);
	is_err(settings_new(&options, &settings, &fault), ERR_INVALID,
	       "without libcurl a URL of keys is refused");
	ok(strstr(fault.text, "libcurl") != NULL, "and the reason said");
	options_release(&options);
}

static void test_tokens(void)
{
	const struct given given[GIVEN_MAX] = {
		{ OPTION_BETTER_AUTH_SECRET, SHARED },
		{ OPTION_JWT_ISSUER, "me" },
		{ OPTION_JWT_REQUIRE_EXP, "no" },
		{ OPTION_JWKS_CACHE_TTL, "7" },
	};
	struct settings *settings = NULL;
	struct options options;
	struct fault fault = { 0, "" };

	give(&options, given);
	if (settings_new(&options, &settings, &fault) != ERR_OK)
		bail_out("%s", fault.text);
	is_text(settings->shared_secret, TEXT(SHARED),
		"a shared secret is read");
	ok(settings->jwt_secret.ptr == NULL, "and no other is needed");
	is_text(settings->jwt_issuer, TEXT("me"), "so is the issuer");
	ok(settings->jwt_audience.ptr == NULL, "any audience will do");
	ok(settings->jwt_exp_optional, "exp may be missing when that is said");
	is_int(settings->keys.source, KEYS_NOWHERE, "there is no key set");
	is_int(settings->keys.ttl_ms, 7000, "its times are known");
	is_int(settings->keys.timeout_ms, 5000, "with their defaults");
	is_int(settings->keys.cool_down_ms, 10000, "all of them");
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
	test_limits();
	test_strength();
	test_urls();
	test_store();
	test_no_libcurl();
	test_tokens();
	return tap_done();
}
