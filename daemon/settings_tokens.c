/* Working out whose tokens count. */
#include "config.h"

#include "daemon/settings_tokens.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/log.h"
#include "core/token.h"
#include "daemon/fault.h"
#include "daemon/keyfetch.h"
#include "daemon/keyfile.h"
#include "daemon/options.h"
#include "daemon/safefile.h"
#include "daemon/secret.h"
#include "daemon/settings.h"

#define URL_MAX_BYTES 2048
#define JWKS_PATH     "/api/auth/jwks" /* of a Better Auth server */
#define STORE_SUFFIX  ".jwks"	       /* beside the database */
#define STORE_FILE    "todod.jwks"     /* in the data folder */

#define ADVICE "make one of at least 32 bytes with: openssl rand -base64 48"

struct maker {
	struct options *options;
	struct settings *settings;
	struct fault *fault;
};

/* --- secrets ------------------------------------------------------------- */

/* Of a secret and the file with it the one of the stronger origin. */
static enum err read_secret(struct maker *maker, enum option_id id,
			    enum option_id file_id, struct text *secret)
{
	const struct option_value *value = &maker->options->values[id];
	const struct option_value *file = &maker->options->values[file_id];

	if (file->text && value->text && file->origin == value->origin)
		return fault_set(maker->fault, EX_CONFIG,
				 "%s and %s are both set: unset one of them",
				 option_get(id)->variable,
				 option_get(file_id)->variable);
	if (file->text && (!value->text || file->origin > value->origin)) {
		safefile_look(option_get(file_id)->variable, file->text,
			      SAFEFILE_SECRET);
		return secret_read(file->text, secret, maker->fault);
	}
	if (!value->text)
		return ERR_OK;
	secret->ptr = strdup(value->text);
	secret->len = strlen(value->text);
	return secret->ptr ? ERR_OK : ERR_NO_MEMORY;
}

static enum err judge_secret(struct maker *maker, enum option_id id,
			     const struct text *secret)
{
	bool allows_weak =
		options_is_on(maker->options, OPTION_JWT_ALLOW_WEAK_SECRET);
	const char *variable = option_get(id)->variable;
	const char *problem = NULL;

	if (secret->ptr)
		problem = token_secret_problem(*secret);
	/* With an empty one everybody could sign. */
	if (problem && (!allows_weak || secret->len == 0))
		return fault_set(maker->fault, EX_CONFIG, "%s %s; " ADVICE,
				 variable, problem);
	if (problem)
		log_event(LOG_WARN,
			  "a secret is weak: everybody who guesses it is every "
			  "user",
			  LOG_STRING("secret", variable),
			  LOG_STRING("reason", problem));
	return ERR_OK;
}

static enum err set_secrets(struct maker *maker)
{
	struct settings *settings = maker->settings;
	bool is_production = settings->environment == SETTINGS_PRODUCTION;
	struct text *own = &settings->jwt_secret;
	struct text *shared = &settings->shared_secret;
	enum err err;

	if (is_production &&
	    options_is_on(maker->options, OPTION_JWT_ALLOW_WEAK_SECRET))
		return fault_set(maker->fault, EX_CONFIG,
				 "JWT_ALLOW_WEAK_SECRET is for development "
				 "only: unset it, and for each secret " ADVICE);
	err = read_secret(maker, OPTION_JWT_SECRET_KEY,
			  OPTION_JWT_SECRET_KEY_FILE, own);
	if (err == ERR_OK)
		err = read_secret(maker, OPTION_BETTER_AUTH_SECRET,
				  OPTION_BETTER_AUTH_SECRET_FILE, shared);
	if (err == ERR_OK)
		err = judge_secret(maker, OPTION_JWT_SECRET_KEY, own);
	if (err == ERR_OK)
		err = judge_secret(maker, OPTION_BETTER_AUTH_SECRET, shared);
	if (err != ERR_OK)
		return err;
	if (settings->accounts && is_production && !own->ptr)
		return fault_set(maker->fault, EX_CONFIG,
				 "JWT_SECRET_KEY is not set; " ADVICE);
	/* Tokens of one need an account here, those of the other do not. */
	if (settings->accounts && own->ptr && shared->ptr &&
	    text_is_equal(*own, *shared))
		return fault_set(maker->fault, EX_CONFIG,
				 "JWT_SECRET_KEY and BETTER_AUTH_SECRET are "
				 "the same: whose tokens are they? Make "
				 "another JWT_SECRET_KEY with: openssl rand "
				 "-base64 48, or set ACCOUNTS=off");
	return ERR_OK;
}

/* --- where the keys are -------------------------------------------------- */

static bool is_this_machine(struct text host)
{
	char name[64];
	struct in_addr address;

	if (text_is_equal_nocase(host, TEXT("localhost")) ||
	    text_is_equal(host, TEXT("[::1]")))
		return true;
	if (host.len >= sizeof(name))
		return false;
	memcpy(name, host.ptr, host.len);
	name[host.len] = '\0';
	return inet_pton(AF_INET, name, &address) == 1 &&
	       ntohl(address.s_addr) >> 24 == 127;
}

/* The host of "host", "host:port" or "[host]:port". */
static struct text host_of(struct text authority)
{
	size_t end = text_find_byte(authority, ':');

	if (authority.len > 0 && authority.ptr[0] == '[')
		end = text_find_byte(authority, ']') + 1;
	return text_slice(authority, 0, end);
}

/* Whether what follows the host is nothing, or a port. */
static bool is_port(struct text rest)
{
	int64_t port;

	if (rest.len == 0)
		return true;
	return rest.ptr[0] == ':' &&
	       text_to_int64(text_slice(rest, 1, rest.len), &port) == ERR_OK &&
	       port >= 1 && port <= 65535;
}

/* What is wrong with a URL, in words that follow its name; NULL: nothing. */
static const char *url_problem(const char *url, bool allows_http)
{
	bool is_http = strncasecmp(url, "http://", 7) == 0;
	struct text authority, host;

	if (strlen(url) > URL_MAX_BYTES)
		return "is too long";
	for (const char *p = url; *p; p++)
		if (*p <= ' ' || *p > '~' || *p == '#' || *p == '\\')
			return "has a character that does not belong in it";
	if (!is_http && strncasecmp(url, "https://", 8) != 0)
		return "must begin with https://";
	authority.ptr = url + (is_http ? 7 : 8);
	authority.len = strcspn(authority.ptr, "/?");
	if (text_find_byte(authority, '@') < authority.len)
		return "must not hold a user or a password";
	host = host_of(authority);
	if (host.len == 0)
		return "names no host";
	if (host.ptr[0] == '[' && host.ptr[host.len - 1] != ']')
		return "has a bracket that stays open";
	if (!is_port(text_slice(authority, host.len, authority.len)))
		return "has a port that is no number from 1 to 65535";
	if (is_http && !allows_http && !is_this_machine(host))
		return "is http:// to another machine, and whoever is on the "
		       "way could be every user: use https://, or set "
		       "JWKS_ALLOW_HTTP=yes";
	return NULL;
}

/* The URL of a Better Auth server's keys; from malloc. */
static enum err better_auth_keys(struct maker *maker, const char *base,
				 char **url)
{
	size_t len = strlen(base);
	int written;

	if (strchr(base, '?'))
		return fault_set(maker->fault, EX_CONFIG,
				 "BETTER_AUTH_URL must end with the host or a "
				 "path; JWKS_URL takes a whole URL");
	while (len > 0 && base[len - 1] == '/')
		len--;
	written = asprintf(url, "%.*s" JWKS_PATH, (int)len, base);
	return written < 0 ? ERR_NO_MEMORY : ERR_OK;
}

static enum err set_url(struct maker *maker, enum option_id id)
{
	struct keys_settings *keys = &maker->settings->keys;
	const char *given = options_text(maker->options, id);
	const char *problem = url_problem(
		given, options_is_on(maker->options, OPTION_JWKS_ALLOW_HTTP));
	enum err err = ERR_OK;

	if (problem)
		return fault_set(maker->fault, EX_CONFIG, "%s %s",
				 option_get(id)->variable, problem);
	if (!keyfetch_is_built_in())
		return fault_set(maker->fault, EX_CONFIG,
				 "%s is set, but this todod was built without "
				 "libcurl and cannot fetch keys: name a file "
				 "with them by JWKS_FILE",
				 option_get(id)->variable);
	if (id == OPTION_BETTER_AUTH_URL)
		err = better_auth_keys(maker, given, &keys->url);
	else if (!(keys->url = strdup(given)))
		err = ERR_NO_MEMORY;
	keys->source = KEYS_AT_URL;
	return err;
}

static enum err set_file(struct maker *maker)
{
	struct keys_settings *keys = &maker->settings->keys;
	const char *file = options_text(maker->options, OPTION_JWKS_FILE);
	char problem[FAULT_TEXT_BYTES / 2];
	struct text json = { NULL, 0 };
	enum err err;

	if (options_is_given(maker->options, OPTION_JWKS_URL))
		return fault_set(maker->fault, EX_CONFIG,
				 "JWKS_URL and JWKS_FILE are both set: unset "
				 "one of them");
	err = keyfile_read(file, &json, problem, sizeof(problem));
	if (err == ERR_INVALID)
		return fault_set(maker->fault, EX_CONFIG, "JWKS_FILE %s: %s",
				 file, problem);
	keyfile_release(&json);
	safefile_look("JWKS_FILE", file, SAFEFILE_TRUSTED);
	keys->source = KEYS_IN_FILE;
	keys->file = err == ERR_OK ? strdup(file) : NULL;
	return keys->file ? ERR_OK : ERR_NO_MEMORY;
}

/* The last good set is kept with the data; a database in memory keeps nothing.
 */
static enum err set_store(struct maker *maker)
{
	const struct settings *settings = maker->settings;
	const struct backend_location *location = &settings->location;
	bool is_served = settings->environment == SETTINGS_PRODUCTION;
	const char *folder = options_text(maker->options, OPTION_DATA_DIR);
	int written = 0;

	if (settings->keys.source != KEYS_AT_URL ||
	    !location->backend->is_shared)
		return ERR_OK;
	if (!folder)
		folder = is_served ? SETTINGS_DATA_DIR_IN_PRODUCTION : ".";
	if (location->path)
		written = asprintf(&maker->settings->keys.store,
				   "%s" STORE_SUFFIX, location->path);
	else
		written = asprintf(&maker->settings->keys.store,
				   "%s/" STORE_FILE, folder);
	return written < 0 ? ERR_NO_MEMORY : ERR_OK;
}

static enum err set_ca_file(struct maker *maker)
{
	const char *file = options_text(maker->options, OPTION_JWKS_CA_FILE);
	int fd;

	if (!file)
		return ERR_OK;
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return fault_set(maker->fault, EX_CONFIG, "JWKS_CA_FILE %s: %m",
				 file);
	close(fd);
	safefile_look("JWKS_CA_FILE", file, SAFEFILE_TRUSTED);
	maker->settings->keys.ca_file = strdup(file);
	return maker->settings->keys.ca_file ? ERR_OK : ERR_NO_MEMORY;
}

static enum err set_keys(struct maker *maker)
{
	struct keys_settings *keys = &maker->settings->keys;
	struct options *options = maker->options;
	enum err err = ERR_OK;

	/* A Better Auth URL may be there for other reasons. */
	if (options_text(options, OPTION_JWKS_FILE))
		err = set_file(maker);
	else if (options_text(options, OPTION_JWKS_URL))
		err = set_url(maker, OPTION_JWKS_URL);
	else if (options_text(options, OPTION_BETTER_AUTH_URL))
		err = set_url(maker, OPTION_BETTER_AUTH_URL);
	if (err == ERR_OK)
		err = set_ca_file(maker);
	if (err == ERR_OK)
		err = set_store(maker);
	keys->ttl_ms = options_number(options, OPTION_JWKS_CACHE_TTL) * 1000;
	keys->timeout_ms = options_number(options, OPTION_JWKS_TIMEOUT) * 1000;
	keys->cool_down_ms =
		options_number(options, OPTION_JWKS_COOL_DOWN) * 1000;
	return err;
}

/* --- all of it ----------------------------------------------------------- */

static enum err copy_text(const struct options *options, enum option_id id,
			  struct text *copy)
{
	const char *given = options_text(options, id);

	if (!given)
		return ERR_OK;
	copy->ptr = strdup(given);
	copy->len = strlen(given);
	return copy->ptr ? ERR_OK : ERR_NO_MEMORY;
}

bool settings_tokens_are_foreign(const struct options *options)
{
	static const enum option_id ids[] = {
		OPTION_BETTER_AUTH_SECRET, OPTION_BETTER_AUTH_SECRET_FILE,
		OPTION_BETTER_AUTH_URL,	   OPTION_JWKS_URL,
		OPTION_JWKS_FILE,
	};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		if (options_is_given(options, ids[i]))
			return true;
	return false;
}

enum err settings_tokens_init(struct options *options,
			      struct settings *settings, struct fault *fault)
{
	struct maker maker = { options, settings, fault };
	enum err err = set_secrets(&maker);

	if (err == ERR_OK)
		err = set_keys(&maker);
	if (err == ERR_OK)
		err = copy_text(options, OPTION_JWT_ISSUER,
				&settings->jwt_issuer);
	if (err == ERR_OK)
		err = copy_text(options, OPTION_JWT_AUDIENCE,
				&settings->jwt_audience);
	settings->jwt_exp_optional =
		!options_is_on(options, OPTION_JWT_REQUIRE_EXP);
	if (err == ERR_OK && !settings->accounts && !settings->jwt_secret.ptr &&
	    !settings->shared_secret.ptr &&
	    settings->keys.source == KEYS_NOWHERE)
		return fault_set(fault, EX_CONFIG,
				 "there is nothing to judge tokens by: set "
				 "BETTER_AUTH_URL, JWKS_URL, JWKS_FILE, "
				 "BETTER_AUTH_SECRET or JWT_SECRET_KEY, or "
				 "ACCOUNTS=on");
	return err;
}

static void release_text(struct text *text)
{
	/* What was allocated is ours to free. */
	free((char *)(uintptr_t)text->ptr);
	text->ptr = NULL;
	text->len = 0;
}

void settings_tokens_release(struct settings *settings)
{
	struct keys_settings *keys = &settings->keys;

	secret_release(&settings->jwt_secret);
	secret_release(&settings->shared_secret);
	release_text(&settings->jwt_issuer);
	release_text(&settings->jwt_audience);
	free(keys->url);
	free(keys->file);
	free(keys->ca_file);
	free(keys->store);
	memset(keys, 0, sizeof(*keys));
}
