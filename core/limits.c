/* Whom the limits count for, and what they say. */
#include "config.h"

#include "core/limits.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/call.h"
#include "core/cidr.h"
#include "core/clock.h"
#include "core/forwarded.h"
#include "core/ip.h"
#include "core/log.h"
#include "core/reply.h"

#define US_PER_S INT64_C(1000000)

#define KEY_BYTES   512
#define ITEM_BYTES  48 /* "address";q=100000;w=86400 */
#define FIELD_BYTES (LIMIT_COUNT * ITEM_BYTES)

static const char *const names[LIMIT_COUNT] = {
	[LIMIT_SIGNIN] = "signin",   [LIMIT_SIGNUP] = "signup",
	[LIMIT_ACCOUNT] = "account", [LIMIT_ADDRESS] = "address",
	[LIMIT_USER] = "user",
};

/* A key's parts: who of which kind.  What one limit counts is nothing to
 * another. */
struct key {
	char bytes[KEY_BYTES];
	size_t len;
};

static void key_add(struct key *key, const void *bytes, size_t len)
{
	if (len > sizeof(key->bytes) - key->len)
		len = sizeof(key->bytes) - key->len;
	if (len > 0)
		memcpy(key->bytes + key->len, bytes, len);
	key->len += len;
}

static struct key key_of(enum limit_name name)
{
	const char kind = (char)name;
	struct key key = { .len = 0 };

	key_add(&key, &kind, 1);
	return key;
}

static int64_t seconds(int64_t us)
{
	return (us + US_PER_S - 1) / US_PER_S;
}

/* What whoever runs it may not know: the client may be everybody's proxy. */
static const char *hint(const struct call *call, enum limit_name name)
{
	const struct cidr_list *trusted =
		call->services->options->trusted_proxies;

	if (name == LIMIT_ACCOUNT || name == LIMIT_USER)
		return "";
	if (trusted && cidr_list_contains(trusted, &call->exchange->client))
		return "a trusted proxy that does not say for whom it speaks";
	if (!trusted && forwarded_is_sent(&call->exchange->request))
		return "it speaks for others: if it is your proxy, set "
		       "TRUSTED_PROXIES";
	return "";
}

static void refuse(struct call *call, enum limit_name name, int64_t wait_us)
{
	struct arena *arena = &call->exchange->arena;
	struct http_response response = { 0 };
	int64_t wait_s = seconds(wait_us), suppressed;
	struct text after = arena_format(arena, "%lld", (long long)wait_s);
	struct text detail = arena_format(
		arena, "Too many requests, try again in %lld second%s",
		(long long)wait_s, wait_s == 1 ? "" : "s");
	char client[IP_TEXT_BYTES];

	ip_format(&call->exchange->client, client);
	if (loglimit_is_open(&call->services->limited, clock_monotonic_us(),
			     &suppressed))
		log_event(LOG_WARN, "too many requests",
			  LOG_STRING("limit", names[name]),
			  LOG_TEXT("request_id", call->exchange->request_id),
			  LOG_STRING("client", client),
			  LOG_TEXT("user_id", call->principal.user_id),
			  LOG_STRING("hint", hint(call, name)),
			  LOG_INT("suppressed", suppressed));
	if (!after.ptr || !detail.ptr) {
		reply_err(call, ERR_NO_MEMORY);
		return;
	}
	http_response_header(&response, TEXT("Retry-After"), after);
	reply_detail_with(call, &response, 429, detail.ptr);
}

/* Counts by one limit; true when it has none. */
static bool admit(struct call *call, enum limit_name name,
		  struct ratelimit *table, const struct key *key)
{
	const struct limits_options *limits = &call->services->options->limits;
	const struct ratelimit_policy *policy = &limits->policies[name];
	struct limits_seen *seen = &call->limits;
	struct ratelimit_verdict verdict;

	if (!table || policy->quota == 0)
		return true;
	verdict = ratelimit_take(table, policy,
				 (struct text){ key->bytes, key->len },
				 clock_monotonic_us());
	seen->items[seen->count].name = name;
	seen->items[seen->count].verdict = verdict;
	seen->count++;
	if (!verdict.is_allowed)
		refuse(call, name, verdict.wait_us);
	return verdict.is_allowed;
}

/* Once in a process: whoever runs it is told how the limits come to count. */
static void warn_of_proxy(struct call *call, const struct ip *peer)
{
	char text[IP_TEXT_BYTES];

	if (call->services->has_warned_of_proxy)
		return;
	call->services->has_warned_of_proxy = true;
	ip_format(peer, text);
	log_event(LOG_WARN,
		  "a proxy that is not trusted: limits by address do not "
		  "count its clients; set TRUSTED_PROXIES to its address, or "
		  "to none when it is no proxy",
		  LOG_STRING("peer", text));
}

/* Whether the call's client has an address that is only its own. */
static bool has_address(struct call *call)
{
	const struct http_request *request = &call->exchange->request;
	const struct ip *client = &call->exchange->client;

	if (call->services->options->trusted_proxies)
		return ip_bits(client) > 0;
	if (ip_bits(client) > 0 && !ip_is_private(client))
		return true;
	if (forwarded_is_sent(request)) {
		warn_of_proxy(call, client);
		return false;
	}
	return ip_bits(client) > 0 && !ip_is_loopback(client);
}

static bool admit_by_address(struct call *call, enum limit_name name)
{
	const struct limits_options *limits = &call->services->options->limits;
	struct key key = key_of(name);
	struct ip ip = ip_holder(&call->exchange->client);
	const char family = (char)ip.family;

	if (!limits->addresses || limits->policies[name].quota == 0 ||
	    !has_address(call))
		return true;
	key_add(&key, &family, 1);
	key_add(&key, ip.bytes, sizeof(ip.bytes));
	return admit(call, name, limits->addresses, &key);
}

bool limits_admit_address(struct call *call)
{
	return admit_by_address(call, LIMIT_ADDRESS);
}

bool limits_admit_user(struct call *call)
{
	struct text user_id = call->principal.user_id;
	struct key key = key_of(LIMIT_USER);

	key_add(&key, user_id.ptr, user_id.len);
	return admit(call, LIMIT_USER,
		     call->services->options->limits.addresses, &key);
}

static struct key account_key(enum limit_name attempt, struct text email)
{
	struct key key = key_of(LIMIT_ACCOUNT);
	const char kind = (char)attempt;

	key_add(&key, &kind, 1);
	key_add(&key, email.ptr, email.len);
	return key;
}

bool limits_admit_account(struct call *call, enum limit_name attempt,
			  struct text email)
{
	struct key key = account_key(attempt, email);

	/* The address first: what it is refused, it costs nobody else. */
	return admit_by_address(call, attempt) &&
	       admit(call, LIMIT_ACCOUNT,
		     call->services->options->limits.accounts, &key);
}

void limits_forgive(struct call *call, struct text email)
{
	struct ratelimit *table = call->services->options->limits.accounts;
	struct key key = account_key(LIMIT_SIGNIN, email);

	if (table)
		ratelimit_forget(table, (struct text){ key.bytes, key.len });
}

static void add_field(struct call *call, struct http_response *response,
		      struct text name, const char *value)
{
	struct text copy = arena_copy(&call->exchange->arena, text_of(value));

	if (copy.ptr)
		http_response_header(response, name, copy);
}

void limits_add_headers(struct call *call, struct http_response *response)
{
	const struct ratelimit_policy *policies =
		call->services->options->limits.policies;
	char state[FIELD_BYTES] = "", policy[FIELD_BYTES] = "";
	size_t state_len = 0, policy_len = 0;

	if (call->limits.count == 0)
		return;
	for (size_t i = 0; i < call->limits.count; i++) {
		enum limit_name name = call->limits.items[i].name;
		const struct ratelimit_verdict *verdict =
			&call->limits.items[i].verdict;
		const char *comma = i > 0 ? ", " : "";

		state_len += (size_t)snprintf(
			state + state_len, sizeof(state) - state_len,
			"%s\"%s\";r=%u;t=%lld", comma, names[name],
			verdict->remaining,
			(long long)seconds(verdict->wait_us));
		policy_len += (size_t)snprintf(
			policy + policy_len, sizeof(policy) - policy_len,
			"%s\"%s\";q=%u;w=%u", comma, names[name],
			policies[name].quota, policies[name].window_s);
	}
	add_field(call, response, TEXT("RateLimit"), state);
	add_field(call, response, TEXT("RateLimit-Policy"), policy);
}
