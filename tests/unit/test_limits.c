/*
 * Limits and proxies as the application has them: whom they count for, and what
 * one too many is answered.
 */
#include "config.h"

#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cidr.h"
#include "tests/support/appclient.h"
#include "tests/support/logtrap.h"
#include "tests/support/tap.h"
#include "tests/support/testloop.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define PROXY	      "10.0.0.1"
#define RIGHT	      "Passw0rd!"
#define DETAIL	      "{\"detail\":\"Too many requests, try again in "

static struct ratelimit *addresses, *accounts;
static struct cidr_list proxies;

/* Limits, on fresh counters; trusted NULL: nobody has said. */
static struct appclient *new_client(const struct limits_options *limits,
				    const char *trusted)
{
	struct app_options options = appclient_options();
	char problem[256];

	memset(addresses, 0, sizeof(*addresses));
	memset(accounts, 0, sizeof(*accounts));
	ratelimit_init(addresses);
	ratelimit_init(accounts);
	options.limits = *limits;
	options.limits.addresses = addresses;
	options.limits.accounts = accounts;
	if (trusted) {
		if (cidr_list_parse(text_of(trusted), &proxies, problem,
				    sizeof(problem)) != ERR_OK)
			bail_out("%s", problem);
		options.trusted_proxies = &proxies;
	}
	logtrap_clear();
	return appclient_new_with(NULL, &options);
}

/* The status of a request from a peer, for a client if one is given. */
static int status_of(struct appclient *client, const char *target,
		     const char *peer, const char *forwarded_for)
{
	const struct appclient_header more[] = {
		{ forwarded_for ? "X-Forwarded-For" : NULL, forwarded_for },
		{ NULL, NULL },
	};
	const struct appclient_request request = {
		.method = HTTP_GET,
		.target = target,
		.peer = peer,
		.more = more,
	};
	struct appclient_answer answer;
	int status;

	appclient_send(client, &request, &answer);
	status = answer.status;
	appclient_answer_release(&answer);
	return status;
}

static void account(struct appclient *client, const char *action,
		    const char *email, const char *password,
		    struct appclient_answer *answer)
{
	char target[64], body[512];
	const struct appclient_request request = {
		.method = HTTP_POST,
		.target = target,
		.body = body,
		.peer = "203.0.113.1",
	};

	(void)snprintf(target, sizeof(target), "/api/auth/%s", action);
	(void)snprintf(
		body, sizeof(body),
		"{\"name\":\"Ada\",\"email\":\"%s\",\"password\":\"%s\"}",
		email, password);
	appclient_send(client, &request, answer);
}

static int account_status(struct appclient *client, const char *action,
			  const char *email, const char *password)
{
	struct appclient_answer answer;
	int status;

	account(client, action, email, password, &answer);
	status = answer.status;
	appclient_answer_release(&answer);
	return status;
}

static void is_header(const struct appclient_answer *answer, const char *name,
		      const char *want)
{
	char *value = appclient_header(answer, name);

	is_string(value, want, name);
	free(value);
}

/* A number in a header, behind a text: what it was at first, or less by the
 * time that has passed since. */
static void is_seconds(const struct appclient_answer *answer, const char *name,
		       const char *before, long most)
{
	char *value = appclient_header(answer, name);
	const char *at = value ? strstr(value, before) : NULL;
	long found = at ? strtol(at + strlen(before), NULL, 10) : -1;

	if (!ok(found > most / 2 && found <= most, name))
		diag("%s: \"%s%ld\" is wanted, or a little less",
		     value ? value : "nothing", before, most);
	free(value);
}

/* --- by address ---------------------------------------------------------- */

static const struct limits_options two_by_address = {
	.policies[LIMIT_ADDRESS] = { 2, 3600, RATELIMIT_STEADY },
};

static const struct {
	const char *name, *trusted, *peer, *forwarded_for;
	bool is_limited, is_warned; /* of a proxy, once */
} counted[] = {
	{ "a client counts", NULL, "203.0.113.1", NULL, true, false },
	{ "a neighbour does", NULL, "10.0.0.1", NULL, true, false },
	{ "this machine does not", NULL, "127.0.0.1", NULL, false, false },
	{ "nor by IPv6", NULL, "::1", NULL, false, false },
	{ "nor a unix socket", NULL, "unix", NULL, false, false },
	{ "nor who is not known", NULL, NULL, NULL, false, false },
	{ "a neighbour that speaks for others does not", NULL, "10.0.0.1",
	  "203.0.113.1", false, true },
	{ "nor a proxy on this machine", NULL, "127.0.0.1", "203.0.113.1",
	  false, true },
	{ "nor one on a unix socket", NULL, "unix", "203.0.113.1", false,
	  true },
	{ "nor one in fc00::/7", NULL, "fd00::1", "203.0.113.1", false, true },
	{ "a stranger that speaks for others is counted himself", NULL,
	  "203.0.113.9", "203.0.113.1", true, false },
	{ "with proxies configured a client counts", PROXY, PROXY,
	  "203.0.113.1", true, false },
	{ "so does the proxy itself", PROXY, PROXY, NULL, true, false },
	{ "and a neighbour that is none", PROXY, "10.0.0.2", "203.0.113.1",
	  true, false },
	{ "and this machine", "none", "127.0.0.1", "203.0.113.1", true, false },
	{ "but no unix socket: it has no address", "none", "unix",
	  "203.0.113.1", false, false },
};

static void test_addresses(void)
{
	for (size_t i = 0; i < LENGTH(counted); i++) {
		struct appclient *client =
			new_client(&two_by_address, counted[i].trusted);
		/* A stranger's proxy, perhaps. */
		bool is_hinted = counted[i].is_limited && !counted[i].trusted &&
				 counted[i].forwarded_for;
		int status = 0;

		tap_prefix(counted[i].name);
		for (int n = 0; n < 3; n++) {
			is_int(status_of(client, "/health", counted[i].peer,
					 counted[i].forwarded_for),
			       200, "a health check never counts");
			status = status_of(client, "/", counted[i].peer,
					   counted[i].forwarded_for);
		}
		is_int(logtrap_has("does not say for whom"),
		       counted[i].trusted && !counted[i].forwarded_for,
		       "a silent proxy is noticed");
		is_int(status, counted[i].is_limited ? 429 : 200,
		       "or not, as it should be");
		is_int(logtrap_has("TRUSTED_PROXIES"),
		       counted[i].is_warned || is_hinted,
		       "how to configure it is said");
		logtrap_clear();
		(void)status_of(client, "/", counted[i].peer,
				counted[i].forwarded_for);
		is_int(logtrap_has("TRUSTED_PROXIES"), is_hinted,
		       "once, or with each refusal");
		tap_prefix(NULL);
		appclient_free(&client);
	}
}

static void test_who_is_one(void)
{
	struct appclient *client = new_client(&two_by_address, PROXY);
	char text[64];
	int status = 0;

	for (int i = 0; i < 3; i++) {
		(void)snprintf(text, sizeof(text), "2a00:1:2:3:%x::%d", i, i);
		status = status_of(client, "/", PROXY, text);
	}
	is_int(status, 429, "an IPv6 /64 is one client");
	is_int(status_of(client, "/", PROXY, "2a00:1:2:4::"), 200,
	       "the next /64 is another");
	for (int i = 0; i < 3; i++) {
		(void)snprintf(text, sizeof(text), "203.0.113.%d, 203.0.113.9",
			       i);
		status = status_of(client, "/", PROXY, text);
	}
	is_int(status, 429, "addresses that a client makes up help nothing");
	for (int i = 0; i < 3; i++) {
		(void)snprintf(text, sizeof(text), "203.0.113.%d", i);
		status = status_of(client, "/", "203.0.113.77", text);
	}
	is_int(status, 429, "nor if there is no proxy");
	is_int(status_of(client, "/nothing", "203.0.113.77", NULL), 429,
	       "what does not exist counts as well");
	appclient_free(&client);
}

/* A request that would be one too many of its client, if anybody asks. */
static int surplus_status(struct appclient *client, const char *peer,
			  const struct appclient_header *more)
{
	const struct appclient_request request = {
		.method = HTTP_GET,
		.target = "/health",
		.origin = APPCLIENT_ORIGIN,
		.peer = peer,
		.more = more,
		.is_surplus = true,
	};
	struct appclient_answer answer;
	int status;

	appclient_send(client, &request, &answer);
	status = answer.status;
	if (status != 200) {
		is_header(&answer, "Retry-After", "1");
		is_header(&answer, "Access-Control-Allow-Origin",
			  APPCLIENT_ORIGIN);
		is_string(answer.body.ptr,
			  "{\"detail\":\"Too many requests at once, try "
			  "again\"}",
			  "one too many is told so");
	}
	appclient_answer_release(&answer);
	return status;
}

static void test_at_once(void)
{
	static const struct limits_options none;
	static const struct appclient_header client_of[] = {
		{ "X-Forwarded-For", "203.0.113.1" },
		{ NULL, NULL },
	};
	static const struct appclient_header proxy_of[] = {
		{ "X-Forwarded-For", "10.0.0.2" },
		{ NULL, NULL },
	};
	static const struct appclient_header unclear[] = {
		{ "Forwarded", "for=203.0.113.2" },
		{ "X-Forwarded-For", "203.0.113.1" },
		{ NULL, NULL },
	};
	struct appclient *client = new_client(&none, PROXY ",10.0.0.2");

	is_int(surplus_status(client, PROXY, client_of), 503,
	       "of a client behind a proxy not all is answered at once");
	is_int(surplus_status(client, PROXY, unclear), 503,
	       "nor of those that contradict their proxy");
	is_int(surplus_status(client, PROXY, NULL), 200,
	       "the proxy itself is not asked how many it has");
	is_int(surplus_status(client, PROXY, proxy_of), 200,
	       "nor is a proxy behind it");
	is_int(surplus_status(client, "203.0.113.9", client_of), 200,
	       "others were counted as they came");
	appclient_free(&client);
}

static void test_contradiction(void)
{
	struct appclient *client = new_client(&two_by_address, PROXY);
	struct appclient_answer answer;
	char forwarded[64];
	const struct appclient_header more[] = {
		{ "Forwarded", forwarded },
		{ "X-Forwarded-For", "203.0.113.1" },
		{ NULL, NULL },
	};
	const struct appclient_request request = {
		.method = HTTP_GET,
		.target = "/",
		.peer = PROXY,
		.more = more,
	};
	int status = 0;

	for (int i = 0; i < 3; i++) {
		(void)snprintf(forwarded, sizeof(forwarded), "for=203.0.113.%d",
			       100 + i);
		appclient_send(client, &request, &answer);
		status = answer.status;
		appclient_answer_release(&answer);
	}
	is_int(status, 429,
	       "a header that the proxy leaves alone helps nothing");
	ok(logtrap_has("contradict"), "and is warned of");
	is_int(status_of(client, "/", PROXY, "203.0.113.1"), 200,
	       "nobody else is counted for it");
	appclient_free(&client);
}

/* --- by user ------------------------------------------------------------- */

static void test_users(void)
{
	static const struct limits_options limits = {
		.policies[LIMIT_USER] = { 2, 3600, RATELIMIT_STEADY },
	};
	struct appclient *client = new_client(&limits, NULL);
	struct appclient_request request = {
		.method = HTTP_GET,
		.target = "/api/todos",
		.accept = "application/problem+json",
		.origin = APPCLIENT_ORIGIN,
	};
	struct appclient_answer answer;
	char *ada, *bob, *ada_id, *bob_id;

	appclient_signin(client, "ada@example.com", &ada_id, &ada);
	appclient_signin(client, "bob@example.com", &bob_id, &bob);
	request.token = ada;
	for (int i = 0; i < 3; i++) {
		appclient_send(client, &request, &answer);
		if (i == 0) {
			is_seconds(&answer, "RateLimit",
				   "\"user\";r=1;t=", 1800);
			is_header(&answer, "RateLimit-Policy",
				  "\"user\";q=2;w=3600");
		}
		if (i < 2)
			appclient_answer_release(&answer);
	}
	is_int(answer.status, 429, "a user has a quota");
	ok(text_has_prefix(
		   buffer_text(&answer.body),
		   TEXT("{\"type\":\"about:blank\",\"title\":\"Too Many "
			"Requests\",\"status\":429,\"detail\":\"Too many "
			"requests, try again in 1")),
	   "one too many can be had as a problem");
	is_seconds(&answer, "Retry-After", "", 1800);
	is_seconds(&answer, "RateLimit", "\"user\";r=0;t=", 1800);
	is_header(&answer, "Access-Control-Allow-Origin", APPCLIENT_ORIGIN);
	appclient_answer_release(&answer);

	request.token = bob;
	appclient_send(client, &request, &answer);
	is_int(answer.status, 200, "each has their own");
	appclient_answer_release(&answer);
	free(ada);
	free(ada_id);
	free(bob);
	free(bob_id);
	appclient_free(&client);
}

/* --- accounts ------------------------------------------------------------ */

static const struct limits_options by_account = {
	.policies[LIMIT_ACCOUNT] = { 3, 3600, RATELIMIT_GROWING },
};

static void test_signin(void)
{
	struct appclient *client = new_client(&by_account, NULL);
	struct appclient_answer answer;
	char *id, *token;

	appclient_signin(client, "ada@example.com", &id, &token);
	for (int i = 0; i < 3; i++)
		is_int(account_status(client, "signin", "ADA@example.com",
				      "wrong"),
		       401, "a wrong password");
	account(client, "signin", "ada@example.com", RIGHT, &answer);
	is_int(answer.status, 429, "then not even the right one, for a while");
	is_seconds(&answer, "Retry-After", "", 1200);
	is_seconds(&answer, "RateLimit", "\"account\";r=0;t=", 1200);
	is_header(&answer, "RateLimit-Policy", "\"account\";q=3;w=3600");
	ok(text_has_prefix(buffer_text(&answer.body), TEXT(DETAIL "1")),
	   "and why is said in a sentence");
	ok(logtrap_has("too many requests") && logtrap_has("account"),
	   "the log names the limit");
	ok(!logtrap_has("ada@"), "and not the account");
	appclient_answer_release(&answer);
	is_int(account_status(client, "signin", "bob@example.com", "wrong"),
	       401, "another account is no matter");
	free(id);
	free(token);
	appclient_free(&client);
}

static void test_forgiving(void)
{
	struct appclient *client = new_client(&by_account, NULL);
	char *id, *token;
	int status = 200;

	appclient_signin(client, "ada@example.com", &id, &token);
	for (int i = 0; i < 10 && status == 200; i++)
		status = account_status(client, "signin", "ada@example.com",
					RIGHT);
	is_int(status, 200, "right passwords do not add up");
	for (int i = 0; i < 5; i++) {
		(void)account_status(client, "signin", "ada@example.com", "x");
		(void)account_status(client, "signin", "ada@example.com", "x");
		status = account_status(client, "signin", "ada@example.com",
					RIGHT);
	}
	is_int(status, 200, "and make forget the wrong ones before them");
	for (int i = 0; i < 3; i++)
		is_int(account_status(client, "signup", "ada@example.com",
				      RIGHT),
		       i < 2 ? 400 : 429,
		       "sign-up counts apart, with the first one");
	free(id);
	free(token);
	appclient_free(&client);
}

static void test_unknown_accounts(void)
{
	struct appclient *client = new_client(&by_account, NULL);
	int status = 0;

	for (int i = 0; i < 4; i++)
		status = account_status(client, "signin", "no@example.com",
					RIGHT);
	is_int(status, 429, "an account that does not exist has a limit too");
	for (int i = 0; i < 9; i++)
		is_int(account_status(client, "signin", "no", "x"), 400,
		       "what is no e-mail address is not counted");
	appclient_free(&client);
}

static void test_both(void)
{
	static const struct limits_options limits = {
		.policies[LIMIT_SIGNIN] = { 4, 60, RATELIMIT_GROWING },
		.policies[LIMIT_SIGNUP] = { 1, 60, RATELIMIT_GROWING },
		.policies[LIMIT_ACCOUNT] = { 2, 3600, RATELIMIT_GROWING },
	};
	struct appclient *client = new_client(&limits, NULL);
	struct appclient_answer answer;

	is_int(account_status(client, "signup", "ada@example.com", RIGHT), 201,
	       "one sign-up");
	is_int(account_status(client, "signup", "bob@example.com", RIGHT), 429,
	       "no second from the same address");
	account(client, "signin", "ada@example.com", RIGHT, &answer);
	is_int(answer.status, 200, "sign-in counts apart");
	is_seconds(&answer, "RateLimit", "\"signin\";r=3;t=", 15);
	is_seconds(&answer, "RateLimit", ", \"account\";r=1;t=", 1800);
	is_header(&answer, "RateLimit-Policy",
		  "\"signin\";q=4;w=60, \"account\";q=2;w=3600");
	appclient_answer_release(&answer);
	for (int i = 0; i < 3; i++)
		is_int(account_status(client, "signin", "ada@example.com", "x"),
		       i < 2 ? 401 : 429, "the account's limit is the nearer");
	account(client, "signin", "ada@example.com", RIGHT, &answer);
	is_int(answer.status, 429, "then the address's is");
	is_seconds(&answer, "Retry-After", "", 15);
	is_seconds(&answer, "RateLimit", "\"signin\";r=0;t=", 15);
	appclient_answer_release(&answer);
	appclient_free(&client);
}

/* --- https --------------------------------------------------------------- */

static const struct {
	const char *name;
	enum http_method method;
	const char *target, *peer, *proto, *forwarded_host, *host;
	bool is_tls;
	int status;
	const char *location; /* or NULL */
} secure[] = {
	{ "http is sent away", HTTP_GET, "/docs?a=b", PROXY, "http", NULL,
	  "a.example", false, 308, "https://a.example/docs?a=b" },
	{ "HEAD too", HTTP_HEAD, "/", PROXY, "http", NULL, "a.example:8000",
	  false, 308, "https://a.example/" },
	{ "to the host that the proxy names", HTTP_GET, "/", PROXY, "http",
	  "[2001:db8::1]:80", "inside", false, 308, "https://[2001:db8::1]/" },
	{ "which nobody else may name", HTTP_GET, "/", "203.0.113.1", "https",
	  "evil.example", "a.example", false, 308, "https://a.example/" },
	{ "a bad one is not shown", HTTP_GET, "/", PROXY, "http",
	  "evil.example/", "a.example", false, 308, "https://a.example/" },
	{ "two slashes are a path", HTTP_GET, "//evil.example/", PROXY, "http",
	  NULL, "a.example", false, 308, "https://a.example//evil.example/" },
	{ "what is no ASCII is escaped", HTTP_GET, "/\xc3\xa4\r\n", PROXY,
	  "http", NULL, "a.example", false, 308,
	  "https://a.example/%C3%A4%0D%0A" },
	{ "a host that is none is a refusal", HTTP_GET, "/", PROXY, "http",
	  NULL, "a.example\r\nX: y", false, 403, NULL },
	{ "so is a user in it", HTTP_GET, "/", PROXY, "http", NULL,
	  "evil@a.example", false, 403, NULL },
	{ "and none at all", HTTP_GET, "/", PROXY, "http", NULL, NULL, false,
	  403, NULL },
	{ "what carries something is refused", HTTP_POST, "/api/auth/signin",
	  PROXY, "http", NULL, "a.example", false, 403, NULL },
	{ "a preflight too", HTTP_OPTIONS, "*", PROXY, "http", NULL,
	  "a.example", false, 403, NULL },
	{ "and any method", HTTP_OTHER, "/", PROXY, "http", NULL, "a.example",
	  false, 403, NULL },
	{ "a proxy that does not say is not believed", HTTP_GET, "/", PROXY,
	  NULL, NULL, "a.example", false, 308, "https://a.example/" },
	{ "https is served", HTTP_GET, "/", PROXY, "https", NULL, "a.example",
	  false, 200, NULL },
	{ "so is a connection of our own by TLS", HTTP_GET, "/", "203.0.113.1",
	  NULL, NULL, "a.example", true, 200, NULL },
	{ "not for a client that came to the proxy without", HTTP_GET, "/",
	  PROXY, "http", NULL, "a.example", true, 308, "https://a.example/" },
	{ "a health check is exempt", HTTP_GET, "/health", "127.0.0.1", NULL,
	  NULL, "a.example", false, 200, NULL },
	{ "that of the database too", HTTP_GET, "/api/health?x", PROXY, "http",
	  NULL, "a.example", false, 200, NULL },
	{ "and nothing that resembles it", HTTP_GET, "/health/", PROXY, "http",
	  NULL, "a.example", false, 308, "https://a.example/health/" },
};

static void test_https(void)
{
	struct app_options options = appclient_options();
	struct appclient *client;
	char problem[256];

	if (cidr_list_parse(TEXT(PROXY), &proxies, problem, sizeof(problem)) !=
	    ERR_OK)
		bail_out("%s", problem);
	options.trusted_proxies = &proxies;
	options.https_required = true;
	client = appclient_new_with(NULL, &options);
	for (size_t i = 0; i < LENGTH(secure); i++) {
		struct appclient_header more[4] = { { NULL, NULL } };
		const struct appclient_request request = {
			.method = secure[i].method,
			.target = secure[i].target,
			.peer = secure[i].peer,
			.is_tls = secure[i].is_tls,
			.more = more,
		};
		struct appclient_answer answer;
		bool is_secure = secure[i].is_tls ||
				 (secure[i].proto &&
				  strcmp(secure[i].proto, "https") == 0);
		size_t count = 0;

		if (secure[i].proto && strcmp(secure[i].proto, "http") == 0)
			is_secure = false;
		if (strcmp(secure[i].peer, PROXY) != 0 && !secure[i].is_tls)
			is_secure = false;
		if (secure[i].proto)
			more[count++] =
				(struct appclient_header){ "X-Forwarded-Proto",
							   secure[i].proto };
		if (secure[i].forwarded_host)
			more[count++] = (struct appclient_header){
				"X-Forwarded-Host", secure[i].forwarded_host
			};
		if (secure[i].host)
			more[count++] =
				(struct appclient_header){ "Host",
							   secure[i].host };
		tap_prefix(secure[i].name);
		appclient_send(client, &request, &answer);
		is_int(answer.status, secure[i].status, "status");
		is_header(&answer, "Location", secure[i].location);
		is_header(&answer, "Strict-Transport-Security",
			  is_secure ? "max-age=31536000" : NULL);
		appclient_answer_release(&answer);
		tap_prefix(NULL);
	}
	appclient_free(&client);
}

int main(void)
{
	addresses = aligned_alloc(64, sizeof(*addresses));
	accounts = aligned_alloc(64, sizeof(*accounts));
	if (!addresses || !accounts)
		bail_out("no memory");
	logtrap_start();
	test_addresses();
	test_who_is_one();
	test_at_once();
	test_contradiction();
	test_users();
	test_signin();
	test_forgiving();
	test_unknown_accounts();
	test_both();
	test_https();
	free(addresses);
	free(accounts);
	return tap_done();
}
