/* DATABASE_URL for libpq: what is let through, and what is added. */
#include "config.h"

#include "backends/postgres_target.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "backends/location.h"

#define POOLER_PORT	    "6432"
#define POOLER_MARK	    "-pooler"
#define CONNECT_SECONDS_MAX 3600

/* Every parameter that a URL may have, or that is added. */
enum param {
	PARAM_HOST,
	PARAM_HOSTADDR,
	PARAM_PORT,
	PARAM_DBNAME,
	PARAM_USER,
	PARAM_PASSWORD,
	PARAM_PASSFILE,
	PARAM_SSLMODE,
	PARAM_SSLROOTCERT,
	PARAM_SSLCERT,
	PARAM_SSLKEY,
	PARAM_SSLCRL,
	PARAM_SSLPASSWORD,
	PARAM_SSL_MIN,
	PARAM_SSL_MAX,
	PARAM_SSLSNI,
	PARAM_CHANNEL_BINDING,
	PARAM_GSSENCMODE,
	PARAM_APPLICATION_NAME,
	PARAM_OPTIONS,
	PARAM_TARGET,
	PARAM_KEEPALIVES,
	PARAM_KEEPALIVES_IDLE,
	PARAM_KEEPALIVES_INTERVAL,
	PARAM_KEEPALIVES_COUNT,
	PARAM_TCP_USER_TIMEOUT,
	PARAM_CLIENT_ENCODING,
	/* From here on ours, not libpq's. */
	PARAM_CONNECT_TIMEOUT,
	PARAM_PGBOUNCER,
	PARAM_SSL,
	PARAM_COUNT
};

#define PARAM_LIBPQ_COUNT PARAM_CONNECT_TIMEOUT

/* fallback: what a URL without it gets; NULL: libpq's own. */
static const struct {
	const char *name;
	const char *fallback;
} params_known[PARAM_COUNT] = {
	[PARAM_HOST] = { "host", NULL },
	[PARAM_HOSTADDR] = { "hostaddr", NULL },
	[PARAM_PORT] = { "port", NULL },
	[PARAM_DBNAME] = { "dbname", NULL },
	[PARAM_USER] = { "user", NULL },
	[PARAM_PASSWORD] = { "password", NULL },
	[PARAM_PASSFILE] = { "passfile", NULL },
	[PARAM_SSLMODE] = { "sslmode", NULL },
	[PARAM_SSLROOTCERT] = { "sslrootcert", NULL },
	[PARAM_SSLCERT] = { "sslcert", NULL },
	[PARAM_SSLKEY] = { "sslkey", NULL },
	[PARAM_SSLCRL] = { "sslcrl", NULL },
	[PARAM_SSLPASSWORD] = { "sslpassword", NULL },
	[PARAM_SSL_MIN] = { "ssl_min_protocol_version", NULL },
	[PARAM_SSL_MAX] = { "ssl_max_protocol_version", NULL },
	[PARAM_SSLSNI] = { "sslsni", NULL },
	[PARAM_CHANNEL_BINDING] = { "channel_binding", NULL },
	/* Costs a round trip and has nothing for us. */
	[PARAM_GSSENCMODE] = { "gssencmode", "disable" },
	[PARAM_APPLICATION_NAME] = { "application_name", PACKAGE_NAME },
	[PARAM_OPTIONS] = { "options", NULL },
	[PARAM_TARGET] = { "target_session_attrs", NULL },
	[PARAM_KEEPALIVES] = { "keepalives", NULL },
	[PARAM_KEEPALIVES_IDLE] = { "keepalives_idle", "30" },
	[PARAM_KEEPALIVES_INTERVAL] = { "keepalives_interval", "10" },
	[PARAM_KEEPALIVES_COUNT] = { "keepalives_count", "3" },
	[PARAM_TCP_USER_TIMEOUT] = { "tcp_user_timeout", "15000" },
	[PARAM_CLIENT_ENCODING] = { "client_encoding", "UTF8" },
	[PARAM_CONNECT_TIMEOUT] = { "connect_timeout", NULL },
	[PARAM_PGBOUNCER] = { "pgbouncer", NULL },
	[PARAM_SSL] = { "ssl", NULL },
};

/* Where distributions keep the bundle of certificate authorities. */
static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/cert.pem",
};

struct postgres_target {
	char *values[PARAM_COUNT]; /* NULL: not given; owned */
	bool is_local;
};

static enum param param_find(struct text name)
{
	int i;

	for (i = 0; i < PARAM_COUNT; i++)
		if (text_is_equal(name, text_of(params_known[i].name)))
			break;
	return (enum param)i;
}

static enum err set(struct postgres_target *target, enum param param,
		    const char *value)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return ERR_NO_MEMORY;
	free(target->values[param]);
	target->values[param] = copy;
	return ERR_OK;
}

/* Whether pair can be a parameter with this name.  Anything else may be the
 * rest of a password that has a question mark. */
static bool is_param(struct text pair, struct text name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] != '_' &&
		    (name.ptr[i] < 'a' || name.ptr[i] > 'z'))
			return false;
	return name.len > 0 && text_find_byte(pair, '@') == pair.len;
}

/* One name=value of the query.  Only names of parameters are ever quoted: a
 * value may be a password. */
static enum err read_param(struct postgres_target *target, struct text pair,
			   const struct location_problem *problem)
{
	size_t equals = text_find_byte(pair, '=');
	struct text name = text_slice(pair, 0, equals);
	struct text value = text_slice(pair, equals + 1, pair.len);
	enum param param = param_find(name);
	enum err err;

	if (pair.len == 0)
		return ERR_OK;
	if (param == PARAM_COUNT && !is_param(pair, name))
		return location_refuse(problem,
				       "the database URL has something behind "
				       "its \"?\" that is no name=value; in a "
				       "password write %%3F for ?");
	if (param == PARAM_COUNT)
		return location_refuse(problem,
				       "todod knows no parameter \"%.*s\" of a "
				       "PostgreSQL URL: remove it",
				       name.len < 64 ? (int)name.len : 64,
				       name.ptr);
	free(target->values[param]);
	target->values[param] = NULL;
	err = location_decode(value, &target->values[param]);
	if (err == ERR_INVALID)
		return location_refuse(
			problem,
			"the value of \"%s\" in the database URL has a "
			"percent sign without two hexadecimal digits: "
			"write %%25 for the sign",
			params_known[param].name);
	return err;
}

static enum err read_query(struct postgres_target *target, struct text query,
			   const struct location_problem *problem)
{
	enum err err = ERR_OK;

	while (query.len > 0 && err == ERR_OK) {
		size_t end = text_find_byte(query, '&');

		err = read_param(target, text_slice(query, 0, end), problem);
		query = text_slice(query, end + 1, query.len);
	}
	return err;
}

/* What libpq found in the URL without its query. */
static enum err take_base(struct postgres_target *target,
			  const PQconninfoOption *option)
{
	enum err err = ERR_OK;

	for (; option->keyword != NULL && err == ERR_OK; option++) {
		enum param param;

		if (option->val == NULL)
			continue;
		param = param_find(text_of(option->keyword));
		/* The query goes before, as with libpq. */
		if (param != PARAM_COUNT && target->values[param] == NULL)
			err = set(target, param, option->val);
	}
	return err;
}

/* A slash in a password makes its rest the path, and the user's name the host,
 * which is told to everybody who asks for it. */
static bool has_user_in_path(struct text base)
{
	struct text path = text_slice(base, 2, base.len);

	path = text_slice(path, text_find_byte(path, '/'), path.len);
	return text_find_byte(path, '@') < path.len;
}

static enum err read_base(struct postgres_target *target, struct text base,
			  const struct location_problem *problem)
{
	PQconninfoOption *options;
	size_t size = base.len + sizeof("postgresql:");
	char *url, *error = NULL;
	enum err err;

	if (has_user_in_path(base))
		return location_refuse(problem,
				       "the database URL has an @ behind its "
				       "host: in a password write %%2F for /, "
				       "in a database's name %%40 for @");
	url = malloc(size);
	if (url == NULL)
		return ERR_NO_MEMORY;
	(void)snprintf(url, size, "postgresql:%.*s", (int)base.len, base.ptr);
	options = PQconninfoParse(url, &error);
	free(url);
	if (options == NULL) {
		/* Its message may quote a part of the password. */
		PQfreemem(error);
		return location_refuse(
			problem,
			"the database URL is not of the form "
			"postgresql://user:password@host:port/database; "
			"in a password write %%40 for @, %%3A for :, "
			"%%2F for /, %%3F for ?, %%23 for #, %%25 for %%");
	}
	err = take_base(target, options);
	PQconninfoFree(options);
	return err;
}

static bool is_word(const char *value, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcasecmp(value, *words) == 0)
			return true;
	return false;
}

/* ssl=… is how asyncpg spells sslmode. */
static enum err settle_ssl(struct postgres_target *target,
			   const struct location_problem *problem)
{
	static const char *const yes[] = { "true", "1", "yes", "on", NULL };
	static const char *const no[] = { "false", "0", "no", "off", NULL };
	static const char *const modes[] = { "disable",	  "allow",
					     "prefer",	  "require",
					     "verify-ca", "verify-full",
					     NULL };
	const char *mode = target->values[PARAM_SSLMODE];
	const char *ssl = target->values[PARAM_SSL];

	if (mode == NULL && ssl != NULL) {
		if (is_word(ssl, yes))
			ssl = "require";
		else if (is_word(ssl, no))
			ssl = "disable";
		if (set(target, PARAM_SSLMODE, ssl) != ERR_OK)
			return ERR_NO_MEMORY;
		mode = target->values[PARAM_SSLMODE];
	}
	if (mode != NULL && !is_word(mode, modes))
		return location_refuse(problem,
				       "sslmode in the database URL is none of "
				       "disable, allow, prefer, require, "
				       "verify-ca and verify-full");
	if (mode == NULL && !target->is_local)
		return set(target, PARAM_SSLMODE, "verify-full");
	return ERR_OK;
}

/* Of a list with commas; one that is empty or NULL has one item. */
static size_t count_of(const char *list)
{
	size_t count = 1;

	for (; list != NULL && *list != '\0'; list++)
		count += *list == ',';
	return count;
}

static struct text item_of(const char *list, size_t index)
{
	struct text rest = text_of(list);

	for (; index > 0; index--)
		rest = text_slice(rest, text_find_byte(rest, ',') + 1,
				  rest.len);
	return text_slice(rest, 0, text_find_byte(rest, ','));
}

static const char *bundle_find(void)
{
	const char *given = getenv("SSL_CERT_FILE");
	size_t i;

	if (given != NULL && given[0] != '\0')
		return given;
	for (i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++)
		if (access(bundles[i], R_OK) == 0)
			return bundles[i];
	return NULL;
}

/* A certificate can be checked only with somebody's authorities. */
static enum err settle_bundle(struct postgres_target *target,
			      const struct location_problem *problem)
{
	const char *mode = target->values[PARAM_SSLMODE];
	const char *root = target->values[PARAM_SSLROOTCERT];
	bool is_system = root != NULL && strcmp(root, "system") == 0;
	const char *bundle;

	if (root != NULL && !is_system)
		return ERR_OK;
	if (!is_system && (mode == NULL || strncmp(mode, "verify-", 7) != 0))
		return ERR_OK;
	bundle = bundle_find();
	if (bundle == NULL)
		return location_refuse(problem,
				       "there is no bundle of certificate "
				       "authorities to check the database's "
				       "certificate with: install "
				       "ca-certificates, or name one with "
				       "sslrootcert=");
	return set(target, PARAM_SSLROOTCERT, bundle);
}

static bool is_this_machine(struct text host)
{
	return host.len == 0 || host.ptr[0] == '/' || host.ptr[0] == '@' ||
	       text_is_equal_nocase(host, TEXT("localhost")) ||
	       (text_has_prefix(host, TEXT("127.")) &&
		!postgres_target_is_name(host)) ||
	       text_is_equal(host, TEXT("::1"));
}

/* hostaddr alone names the server too. */
static const char *hosts_of(const struct postgres_target *target)
{
	const char *hosts = target->values[PARAM_HOST];

	return hosts == NULL || hosts[0] == '\0' ?
		       target->values[PARAM_HOSTADDR] :
		       hosts;
}

/* Of several all must be here. */
static bool is_local(const struct postgres_target *target)
{
	const char *hosts = hosts_of(target);
	size_t i;

	for (i = 0; i < count_of(hosts); i++)
		if (!is_this_machine(item_of(hosts, i)))
			return false;
	return true;
}

static enum err settle_fallbacks(struct postgres_target *target)
{
	enum err err = ERR_OK;
	int i;

	for (i = 0; i < PARAM_COUNT && err == ERR_OK; i++)
		if (target->values[i] == NULL &&
		    params_known[i].fallback != NULL)
			err = set(target, (enum param)i,
				  params_known[i].fallback);
	return err;
}

static enum err check_hosts(const struct postgres_target *target,
			    const struct location_problem *problem)
{
	const char *hosts = hosts_of(target);
	const char *addresses = target->values[PARAM_HOSTADDR];
	const char *port = target->values[PARAM_PORT];
	size_t count = count_of(hosts), ports = count_of(port), i;

	if (hosts == NULL)
		return ERR_OK;
	if (count > POSTGRES_HOSTS_MAX)
		return location_refuse(problem,
				       "the database URL names more than %d "
				       "hosts",
				       POSTGRES_HOSTS_MAX);
	if (ports > 1 && ports != count)
		return location_refuse(problem,
				       "the database URL must name one port, "
				       "or one for each host");
	if (addresses != NULL && count_of(addresses) != count)
		return location_refuse(problem,
				       "the database URL must name one "
				       "hostaddr for each host");
	for (i = 0; i < count; i++)
		if (item_of(hosts, i).len >= POSTGRES_HOST_BYTES ||
		    item_of(addresses, i).len >= POSTGRES_HOST_BYTES ||
		    item_of(port, i % ports).len >= POSTGRES_PORT_BYTES)
			return location_refuse(problem,
					       "a host or a port of the "
					       "database URL is too long");
	return ERR_OK;
}

/* Names of a language and a client's encoding would break our texts. */
static enum err check(struct postgres_target *target,
		      const struct location_problem *problem)
{
	const char *encoding = target->values[PARAM_CLIENT_ENCODING];
	const char *timeout = target->values[PARAM_CONNECT_TIMEOUT];
	int64_t seconds;

	if (encoding != NULL && strcasecmp(encoding, "utf8") != 0 &&
	    strcasecmp(encoding, "utf-8") != 0)
		return location_refuse(problem,
				       "client_encoding in the database URL "
				       "must be UTF8: remove it");
	if (timeout != NULL &&
	    (text_to_int64(text_of(timeout), &seconds) != ERR_OK ||
	     seconds < 0 || seconds > CONNECT_SECONDS_MAX))
		return location_refuse(problem,
				       "connect_timeout in the database URL is "
				       "no number of seconds");
	return check_hosts(target, problem);
}

enum err postgres_target_new(struct text rest, struct postgres_target **target,
			     char *problem_text, size_t problem_size)
{
	const struct location_problem problem = { problem_text, problem_size };
	struct postgres_target *made = calloc(1, sizeof(*made));
	size_t query = text_find_byte(rest, '?');
	enum err err;

	if (made == NULL) {
		(void)location_refuse(&problem, "memory is exhausted");
		return ERR_NO_MEMORY;
	}
	err = read_query(made, text_slice(rest, query + 1, rest.len), &problem);
	if (err == ERR_OK)
		err = read_base(made, text_slice(rest, 0, query), &problem);
	made->is_local = is_local(made);
	if (err == ERR_OK)
		err = check(made, &problem);
	if (err == ERR_OK)
		err = settle_ssl(made, &problem);
	if (err == ERR_OK)
		err = settle_bundle(made, &problem);
	if (err == ERR_OK)
		err = settle_fallbacks(made);
	if (err != ERR_OK) {
		postgres_target_free(&made);
		return err;
	}
	*target = made;
	return ERR_OK;
}

void postgres_target_free(struct postgres_target **target)
{
	struct postgres_target *freed = *target;
	int i;

	if (freed == NULL)
		return;
	*target = NULL;
	for (i = 0; i < PARAM_COUNT; i++) {
		if (freed->values[i] != NULL)
			explicit_bzero(freed->values[i],
				       strlen(freed->values[i]));
		free(freed->values[i]);
	}
	free(freed);
}

bool postgres_target_is_pooled(const struct postgres_target *target,
			       enum backend_pooling pooling)
{
	static const char *const yes[] = { "true", "1", "yes", "on", NULL };
	const char *given = target->values[PARAM_PGBOUNCER];
	const char *host = target->values[PARAM_HOST];
	const char *port = target->values[PARAM_PORT];
	const char *mark = host != NULL ? strstr(host, POOLER_MARK) : NULL;

	if (pooling != BACKEND_POOLING_AUTO)
		return pooling == BACKEND_POOLING_YES;
	if (given != NULL)
		return is_word(given, yes);
	if (port != NULL && strcmp(port, POOLER_PORT) == 0)
		return true;
	return mark != NULL && strchr(".,", mark[sizeof(POOLER_MARK) - 1]);
}

bool postgres_target_is_name(struct text host)
{
	char copy[POSTGRES_HOST_BYTES];
	unsigned char address[16];

	if (host.len == 0 || host.ptr[0] == '/' || host.ptr[0] == '@')
		return false;
	(void)snprintf(copy, sizeof(copy), "%.*s", (int)host.len, host.ptr);
	return inet_pton(AF_INET, copy, address) != 1 &&
	       inet_pton(AF_INET6, copy, address) != 1;
}

const char *postgres_target_host(const struct postgres_target *target)
{
	const char *hosts = target->values[PARAM_HOST];
	size_t i;

	if (target->values[PARAM_HOSTADDR] != NULL)
		return NULL;
	for (i = 0; i < count_of(hosts); i++)
		if (postgres_target_is_name(item_of(hosts, i)))
			return hosts;
	return NULL;
}

const char *postgres_target_name(const struct postgres_target *target)
{
	const char *host = target->values[PARAM_HOST];

	if (host == NULL)
		host = target->values[PARAM_HOSTADDR];
	return host != NULL ? host : "local socket";
}

int64_t postgres_target_timeout_ms(const struct postgres_target *target)
{
	const char *given = target->values[PARAM_CONNECT_TIMEOUT];

	return given != NULL ? strtoll(given, NULL, 10) * 1000 : 0;
}

void postgres_target_addresses(const struct postgres_target *target,
			       struct postgres_addresses *addresses)
{
	static const struct postgres_addresses none;
	size_t count = count_of(hosts_of(target)), i;

	*addresses = none;
	for (i = 0; i < count; i++)
		addresses->list[i].host = (unsigned char)i;
	addresses->count = count;
}

/* The item of a list that goes with a host, or all of it when it has only one.
 * check_hosts() has seen to it that there is room. */
static const char *pick(const char *list, unsigned char host, char *out,
			size_t size)
{
	struct text item;

	if (count_of(list) == 1)
		return list;
	item = item_of(list, host);
	(void)snprintf(out, size, "%.*s", (int)item.len, item.ptr);
	return out;
}

/* What libpq gets for a parameter; NULL: nothing. */
static const char *value_of(const struct postgres_target *target,
			    enum param param,
			    const struct postgres_address *address,
			    struct postgres_params *params)
{
	const char *value = target->values[param];

	if (param == PARAM_HOST)
		return pick(value, address->host, params->host,
			    sizeof(params->host));
	if (param == PARAM_PORT)
		return pick(value, address->host, params->port,
			    sizeof(params->port));
	if (param == PARAM_HOSTADDR && address->text[0] != '\0')
		return address->text;
	if (param == PARAM_HOSTADDR)
		return pick(value, address->host, params->address,
			    sizeof(params->address));
	return value;
}

void postgres_target_params(const struct postgres_target *target,
			    const struct postgres_address *address,
			    int64_t statement_timeout_ms,
			    struct postgres_params *params)
{
	const char *options = target->values[PARAM_OPTIONS];
	size_t count = 0;
	int i;

	for (i = 0; i < PARAM_LIBPQ_COUNT; i++) {
		const char *value =
			value_of(target, (enum param)i, address, params);

		if (i == PARAM_OPTIONS && statement_timeout_ms > 0) {
			(void)snprintf(params->options, sizeof(params->options),
				       "%s%s-c statement_timeout=%lld",
				       options != NULL ? options : "",
				       options != NULL ? " " : "",
				       (long long)statement_timeout_ms);
			value = params->options;
		}
		if (value == NULL)
			continue;
		params->keywords[count] = params_known[i].name;
		params->values[count] = value;
		count++;
	}
	params->keywords[count] = NULL;
	params->values[count] = NULL;
}
