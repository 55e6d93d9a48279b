/* DATABASE_URL for PostgreSQL, and what SQLSTATEs mean. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "backends/backends.h"
#include "backends/postgres_error.h"
#include "backends/postgres_sql.h"
#include "backends/postgres_target.h"
#include "tests/support/tap.h"

static char problem[512];

/* The parameter as libpq gets it; NULL: it does not. */
static const char *param(const struct postgres_target *target, const char *name)
{
	static const struct postgres_address first;
	static struct postgres_params params;
	size_t i;

	postgres_target_params(target, &first, 0, &params);
	for (i = 0; params.keywords[i] != NULL; i++)
		if (strcmp(params.keywords[i], name) == 0)
			return params.values[i];
	return NULL;
}

static struct backend_location locate(const char *url)
{
	struct backend_location location = { 0 };

	if (backend_locate(url, &location, problem, sizeof(problem)) != ERR_OK)
		bail_out("%s: %s", url, problem);
	return location;
}

static void is_param(const char *url, const char *name, const char *want,
		     const char *what)
{
	struct backend_location location = locate(url);

	is_string(param(location.server, name), want, what);
	backend_location_release(&location);
}

static void test_spellings(void)
{
	static const char *const urls[] = {
		"postgres://u:p@h/d",		"postgresql://u:p@h/d",
		"postgresql+psycopg://u:p@h/d", "postgresql+psycopg2://u:p@h/d",
		"postgresql+asyncpg://u:p@h/d", "PostgreSQL://u:p@h/d",
	};
	size_t i;

	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		is_param(urls[i], "dbname", "d", urls[i]);
	is_param("postgresql://u:p%40%3A%2F%23@h:5433/d", "password", "p@:/#",
		 "a password may have any character, escaped");
	is_param("postgresql://u@h:5433/d", "port", "5433", "the port");
	is_param("postgresql://u@[::1]:5433/d", "host", "::1",
		 "an IPv6 address");
	is_param("postgresql:///d?host=/run/postgresql", "host",
		 "/run/postgresql", "a socket's folder");
	is_param("postgresql://h/d?application_name=a%20b", "application_name",
		 "a b", "values of parameters are unescaped");
}

static void test_tls(void)
{
	struct backend_location location;

	is_param("postgresql://u@db.example/d", "sslmode", "verify-full",
		 "the certificate of a far host is checked");
	location = locate("postgresql://u@db.example/d");
	ok(param(location.server, "sslrootcert") != NULL,
	   "with the system's authorities");
	backend_location_release(&location);
	is_param("postgresql://u@db.example/d?sslmode=require", "sslmode",
		 "require", "unless the URL says otherwise");
	is_param("postgresql://u@db.example/d?sslmode=require", "sslrootcert",
		 NULL, "and then libpq's own rules hold");
	is_param("postgresql://u@db.example/d?ssl=require", "sslmode",
		 "require", "asyncpg's spelling");
	is_param("postgresql://u@db.example/d?ssl=true", "sslmode", "require",
		 "or just true");
	is_param("postgresql://u@localhost/d", "sslmode", NULL,
		 "on this machine nothing is asked for");
	is_param("postgresql://u@127.0.0.1/d", "sslmode", NULL, "nor there");
	is_param("postgresql://u@10.0.0.1/d", "sslmode", "verify-full",
		 "another address is far");
	is_param("postgresql:///d?hostaddr=10.0.0.1", "sslmode", "verify-full",
		 "so it is without a host's name");
	is_param("postgresql://u@h/d?sslmode=require&channel_binding=require",
		 "channel_binding", "require", "as Neon's console shows it");
	location = locate("postgresql://u@h/d?sslmode=verify-full"
			  "&sslrootcert=system");
	ok(strcmp(param(location.server, "sslrootcert"), "system") != 0,
	   "the system's authorities are a file for this libpq");
	backend_location_release(&location);
	is_param("postgresql://u@h/d", "gssencmode", "disable", "no GSSAPI");
	is_param("postgresql://u@h/d", "keepalives_idle", "30", "keep-alives");
	is_param("postgresql://u@h/d", "tcp_user_timeout", "15000",
		 "dead peers are noticed");
}

static void refused(const char *url, const char *part, const char *what)
{
	struct backend_location location = { 0 };

	problem[0] = '\0';
	is_err(backend_locate(url, &location, problem, sizeof(problem)),
	       ERR_INVALID, what);
	if (!ok(strstr(problem, part) != NULL, "and the problem says which"))
		diag("%s", problem);
	ok(strstr(problem, "secret") == NULL, "and quotes no password");
	backend_location_release(&location);
}

static void test_refused(void)
{
	refused("postgresql://u:secret@h/d?sslnegotiation=direct",
		"\"sslnegotiation\"", "what this libpq lacks is refused");
	refused("postgresql://u:secret@h/d?schema=public", "\"schema\"",
		"so is another program's parameter");
	refused("postgresql://u:secret@h/d?sslmode=secret", "sslmode",
		"so is an unknown mode");
	refused("postgresql://u:se%cret@h/d", "%25", "so is a bad escape");
	refused("postgresql://u@h/d?password=secret%zz", "\"password\"",
		"in a parameter too");
	refused("postgresql://u:secret@h:x/d?client_encoding=latin1",
		"client_encoding", "so is another encoding");
	refused("postgresql://u:secret@a,b/d?hostaddr=10.0.0.1", "hostaddr",
		"of several hosts each needs its address, or none");
	refused("postgresql://u:secret@a,b,c,d,e,f,g,h,i/d", "8 hosts",
		"so are too many hosts");
	refused("postgresql://u:secret@a,b,c/d?port=1,2", "one port",
		"so are ports that do not go with the hosts");
	refused("postgresql://u:secret@a,b/d?port=1,12345678", "too long",
		"so is what is no port");
	refused("postgresql://u:secret@[::1/d", "user:password",
		"so is a URL that is none");
	refused("postgresql://u:a/secret@h/d", "%2F",
		"so is a password with a slash");
	refused("postgresql://u:a?secret@h/d", "%3F",
		"so is one with a question mark");
	refused("postgresql://u:a?secret=b@h/d", "%3F",
		"so is one that looks like a parameter");
}

static void is_pooled(const char *url, enum backend_pooling pooling, bool want,
		      const char *what)
{
	struct backend_location location = locate(url);

	ok(postgres_target_is_pooled(location.server, pooling) == want, what);
	backend_location_release(&location);
}

static void test_pooled(void)
{
	const enum backend_pooling none = BACKEND_POOLING_AUTO;

	is_pooled("postgresql://u@ep-x-pooler.eu.aws.neon.tech/d", none, true,
		  "Neon's pooler is known by its name");
	is_pooled("postgresql://u@ep-x.eu.aws.neon.tech/d", none, false,
		  "and without it there is none");
	is_pooled("postgresql://u@my-poolers.example/d", none, false,
		  "another name is another name");
	is_pooled("postgresql://u@h:6432/d", none, true, "PgBouncer's port");
	is_pooled("postgresql://u@h/d?pgbouncer=true", none, true,
		  "the URL may say so");
	is_pooled("postgresql://u@h:6432/d?pgbouncer=false", none, false,
		  "or deny it");
	is_pooled("postgresql://u@h:6432/d", BACKEND_POOLING_NO, false,
		  "the setting counts more");
	is_pooled("postgresql://u@h/d", BACKEND_POOLING_YES, true, "both ways");
	is_param("postgresql://u@h/d?pgbouncer=true", "pgbouncer", NULL,
		 "libpq is not told");
}

static const char *value_in(const struct postgres_params *params,
			    const char *keyword)
{
	size_t i;

	for (i = 0; params->keywords[i] != NULL; i++)
		if (strcmp(params->keywords[i], keyword) == 0)
			return params->values[i];
	return NULL;
}

static void test_addresses(void)
{
	static const struct postgres_address found = { "2001:db8::1", 0 };
	struct backend_location location =
		locate("postgresql://u@h.example/d?options=-c%20x%3Dy");
	struct postgres_params params;

	is_string(postgres_target_host(location.server), "h.example",
		  "a name is to be looked up");
	postgres_target_params(location.server, &found, 1500, &params);
	is_string(value_in(&params, "host"), "h.example",
		  "the address goes with the name, for the certificate");
	is_string(value_in(&params, "hostaddr"), "2001:db8::1",
		  "and need not be looked up again");
	is_string(value_in(&params, "options"),
		  "-c x=y -c statement_timeout=1500",
		  "the time-out joins the URL's options");
	backend_location_release(&location);
	location = locate("postgresql://u@192.0.2.1/d");
	ok(postgres_target_host(location.server) == NULL,
	   "an address is not looked up");
	backend_location_release(&location);
}

static void is_reached(const struct backend_location *location,
		       const struct postgres_address *address, const char *host,
		       const char *port, const char *name)
{
	struct postgres_params params;

	postgres_target_params(location->server, address, 0, &params);
	is_string(value_in(&params, "host"), host, name);
	is_string(value_in(&params, "port"), port, "at its port");
}

static void test_hosts(void)
{
	static const struct postgres_address second = { "192.0.2.2", 0 };
	struct backend_location location =
		locate("postgresql://u@a.example:1,10.0.0.1:2,b.example:3/d");
	struct postgres_addresses all;

	is_string(postgres_target_host(location.server),
		  "a.example,10.0.0.1,b.example",
		  "of several hosts the names are to be looked up");
	is_reached(&location, &second, "a.example", "1",
		   "an address goes with its host");
	postgres_target_addresses(location.server, &all);
	is_int(all.count, 3, "each host has an address");
	is_reached(&location, &all.list[1], "10.0.0.1", "2", "which is itself");
	is_reached(&location, &all.list[2], "b.example", "3",
		   "so has the last");
	backend_location_release(&location);
	location = locate("postgresql://u@/d?host=a.example,b.example&"
			  "hostaddr=192.0.2.1,192.0.2.2&port=7");
	postgres_target_addresses(location.server, &all);
	is_int(all.count, 2, "addresses that are given go with the hosts");
	is_reached(&location, &all.list[1], "b.example", "7",
		   "and one port with all");
	is_param("postgresql://u@/d?hostaddr=192.0.2.1,192.0.2.2", "hostaddr",
		 "192.0.2.1", "or need no host");
	backend_location_release(&location);
	location = locate("postgresql://u@10.0.0.1,10.0.0.2/d");
	ok(postgres_target_host(location.server) == NULL,
	   "of several addresses none is looked up");
	backend_location_release(&location);
	is_param("postgresql://u@127.0.0.1,far.example/d", "sslmode",
		 "verify-full", "one host that is far is enough for TLS");
	is_param("postgresql://u@127.far.example/d", "sslmode", "verify-full",
		 "a name that begins like an address is none");
	is_param("postgresql://u@127.0.0.1,localhost/d", "sslmode", NULL,
		 "but hosts that are all here need none");
}

static void test_states(void)
{
	static const struct {
		const char *state;
		enum err err;
		enum postgres_remedy remedy;
	} cases[] = {
		{ "23505", ERR_CONFLICT, POSTGRES_REMEDY_NONE },
		{ "40001", ERR_UNAVAILABLE, POSTGRES_REMEDY_REPEAT },
		{ "40P01", ERR_UNAVAILABLE, POSTGRES_REMEDY_REPEAT },
		{ "57014", ERR_UNAVAILABLE, POSTGRES_REMEDY_NONE },
		{ "57P01", ERR_UNAVAILABLE, POSTGRES_REMEDY_RECONNECT },
		{ "57P03", ERR_UNAVAILABLE, POSTGRES_REMEDY_RECONNECT },
		{ "53300", ERR_UNAVAILABLE, POSTGRES_REMEDY_RECONNECT },
		{ "53100", ERR_UNAVAILABLE, POSTGRES_REMEDY_NONE },
		{ "53200", ERR_UNAVAILABLE, POSTGRES_REMEDY_NONE },
		{ "55P03", ERR_UNAVAILABLE, POSTGRES_REMEDY_NONE },
		{ "25006", ERR_UNAVAILABLE, POSTGRES_REMEDY_RECONNECT },
		{ "26000", ERR_UNAVAILABLE, POSTGRES_REMEDY_UNNAMED },
		{ "42P05", ERR_UNAVAILABLE, POSTGRES_REMEDY_UNNAMED },
		{ "42P01", ERR_OUTDATED, POSTGRES_REMEDY_NONE },
		{ "22021", ERR_INVALID, POSTGRES_REMEDY_NONE },
		{ "XX000", ERR_SYSTEM, POSTGRES_REMEDY_NONE },
		{ "", ERR_UNAVAILABLE, POSTGRES_REMEDY_RECONNECT },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct postgres_verdict verdict =
			err_from_sqlstate(cases[i].state);

		if (verdict.err != cases[i].err ||
		    verdict.remedy != cases[i].remedy)
			diag("%s", cases[i].state);
		ok(verdict.err == cases[i].err &&
			   verdict.remedy == cases[i].remedy,
		   "a SQLSTATE has its meaning");
	}
}

static void test_names(void)
{
	char names[POSTGRES_SQL_COUNT][POSTGRES_NAME_BYTES];
	size_t same = 0, i, j;

	for (i = 0; i < POSTGRES_SQL_COUNT; i++)
		postgres_sql_name((enum postgres_sql)i, names[i]);
	for (i = 0; i < POSTGRES_SQL_COUNT; i++)
		for (j = 0; j < i; j++)
			same += strcmp(names[i], names[j]) == 0;
	is_int(same, 0, "each statement has a name of its own");
}

int main(void)
{
	test_spellings();
	test_tls();
	test_refused();
	test_pooled();
	test_addresses();
	test_hosts();
	test_states();
	test_names();
	return tap_done();
}
