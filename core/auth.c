/* Bearer tokens, the table of verified ones, and the check of their users. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/auth.h"
#include "core/authcache.h"
#include "core/call.h"
#include "core/clock.h"
#include "core/digest.h"
#include "core/keyset.h"
#include "core/keysource.h"
#include "core/keywait.h"
#include "core/log.h"
#include "core/reply.h"
#include "core/storage.h"
#include "core/token.h"

#define US_PER_S INT64_C(1000000)

struct auth {
	const struct app_options *options;
	struct storage *storage;
	struct digest_key key; /* random: nobody can aim at a slot */
	struct authcache *cache;
	struct token_trust trust;
	struct keyset *keys;	   /* owned; NULL: none has arrived */
	struct digest keys_digest; /* of what they were read from */
	uint64_t generation;	   /* grows with each new set */
	struct keywait *wait;
	struct loglimit refused;
};

/* A call on its way through here. */
struct auth_case {
	struct auth *auth;
	struct call *call;
	auth_next_fn *next;
	struct text text; /* the token, in the call's request */
	struct digest digest;
};

/* One that waits for storage to say that its user exists. */
struct auth_user_wait {
	struct auth_case item;
	struct token token;
	bool has_expired; /* but is else valid, if there is a user */
};

/* One that waits for its issuer's keys. */
struct auth_key_wait {
	struct keywait_entry entry; /* first */
	struct auth_case item;
};

/* Whether its user existed when storage was asked, lately. */
static bool is_checked(const struct authcache_entry *entry)
{
	return clock_monotonic_us() - entry->checked_us <=
	       AUTH_USER_CHECK_S * US_PER_S;
}

/* Whether a token is our own, for an account here, which must exist. */
static bool is_account(const struct app_options *options,
		       const struct token *token)
{
	return options->accounts && token->issuer == TOKEN_BY_JWT_SECRET;
}

static void challenge(struct call *call, const char *value, const char *detail)
{
	struct http_response response = { 0 };

	http_response_header(&response, TEXT("WWW-Authenticate"),
			     text_of(value));
	reply_detail_with(call, &response, 401, detail);
}

static void refuse_token(struct auth *auth, struct call *call, enum err err,
			 const char *reason)
{
	int64_t suppressed;

	if (loglimit_is_open(&auth->refused, clock_monotonic_us(), &suppressed))
		log_event(LOG_WARN, "token refused",
			  LOG_STRING("reason", reason),
			  LOG_TEXT("request_id", call->exchange->request_id),
			  LOG_INT("suppressed", suppressed));
	challenge(call, "Bearer error=\"invalid_token\"",
		  err == ERR_EXPIRED ? call->dialect->expired_token :
				       call->dialect->bad_token);
}

/* The token of the request's one Authorization header; empty when there is
 * none or its scheme is another. */
static struct text bearer_token(const struct call *call, size_t *count)
{
	struct text value = http_header_find(&call->exchange->request,
					     TEXT("Authorization"), count);
	size_t space = text_find_byte(value, ' ');
	struct text scheme = text_slice(value, 0, space);

	if (!text_is_equal_nocase(scheme, TEXT("Bearer")))
		return TEXT("");
	return text_trim_blank(text_slice(value, space, value.len));
}

/* Sets the principal from a verified token; false when memory is exhausted. */
static bool set_principal(struct call *call, const struct token *token)
{
	struct principal *principal = &call->principal;
	struct text user_id = { token->claims.user_id,
				token->claims.user_id_len };
	char canonical[UUID_TEXT_LEN + 1];

	if (uuid_parse(user_id, &principal->uuid) == ERR_OK) {
		principal->has_uuid = true;
		/* Rows are filed under one spelling of an account's id. */
		if (is_account(call->services->options, token)) {
			uuid_format(&principal->uuid, canonical);
			user_id = text_of(canonical);
		}
	}
	principal->user_id = arena_copy(&call->exchange->arena, user_id);
	call->exchange->user_id = principal->user_id;
	return principal->user_id.ptr != NULL;
}

static void accept_token(struct call *call, const struct token *token,
			 auth_next_fn *next)
{
	if (set_principal(call, token))
		next(call);
	else
		reply_err(call, ERR_NO_MEMORY);
}

static void remember(struct auth *auth, const struct digest *digest,
		     const struct token *token)
{
	const struct authcache_entry entry = {
		.checked_us = clock_monotonic_us(),
		.generation = auth->generation,
		.token = *token,
	};

	authcache_put(auth->cache, digest, &entry);
}

static void refuse_expired(const struct auth_case *item)
{
	refuse_token(item->auth, item->call, ERR_EXPIRED, "it has expired");
}

static void on_user(void *arg, enum err err, const struct user *user)
{
	struct auth_user_wait *wait = arg;
	struct auth_case *item = &wait->item;

	(void)user;
	if (err == ERR_OK) {
		remember(item->auth, &item->digest, &wait->token);
		if (wait->has_expired)
			refuse_expired(item);
		else
			accept_token(item->call, &wait->token, item->next);
	} else if (err == ERR_NOT_FOUND) {
		refuse_token(item->auth, item->call, ERR_DENIED,
			     "its user does not exist");
	} else {
		reply_err(item->call, err);
	}
}

/* Asks storage whether the token's user exists, then goes on. */
static void check_user(const struct auth_case *item, const struct token *token,
		       bool has_expired)
{
	struct text user_id = { token->claims.user_id,
				token->claims.user_id_len };
	struct auth_user_wait *wait;
	struct uuid id;
	enum err err;

	if (uuid_parse(user_id, &id) != ERR_OK) {
		refuse_token(item->auth, item->call, ERR_DENIED,
			     "its user id is not an account's");
		return;
	}
	wait = call_state(item->call, sizeof(*wait));
	if (!wait)
		return;
	wait->item = *item;
	wait->token = *token;
	wait->has_expired = has_expired;
	err = storage_user_by_id(item->auth->storage, &id, on_user, wait, NULL);
	if (err != ERR_OK)
		reply_err(item->call, err);
}

/* No key is known for the token, and no newer set can be had now. */
static void refuse_unknown(const struct auth_case *item)
{
	/* Without any set nothing is known of the token. */
	if (item->auth->options->keysource && !item->auth->keys)
		reply_err(item->call, ERR_UNAVAILABLE);
	else
		refuse_token(item->auth, item->call, ERR_DENIED,
			     "its key is not known");
}

/* Asks for a newer set, and waits for it if that is any use. */
static void want_key(const struct auth_case *item)
{
	struct auth *auth = item->auth;
	struct keysource *source = auth->options->keysource;
	struct auth_key_wait *wait;

	if (!source || source->ops->want(source) != KEYSOURCE_FETCHING) {
		refuse_unknown(item);
		return;
	}
	wait = call_state(item->call, sizeof(*wait));
	if (!wait)
		return;
	wait->item = *item;
	if (!keywait_add(auth->wait, &wait->entry))
		refuse_unknown(item);
}

/* Whether storage was asked for the token's user lately. */
static bool has_checked_user(const struct auth_case *item)
{
	const struct authcache_entry *entry =
		authcache_find(item->auth->cache, &item->digest);

	return entry && is_checked(entry);
}

/* A token that is not remembered, or not valid by that; without_key answers one
 * whose key is not known. */
static void judge(const struct auth_case *item,
		  void (*without_key)(const struct auth_case *item))
{
	struct auth *auth = item->auth;
	const char *reason = "unknown";
	struct token token;
	enum err err;

	err = token_verify(item->text, &auth->trust,
			   item->call->now_us / US_PER_S, &token, &reason);
	if (err == ERR_NO_MEMORY) {
		reply_err(item->call, err);
	} else if (err == ERR_NOT_FOUND) {
		without_key(item);
	} else if (err != ERR_OK && err != ERR_EXPIRED) {
		refuse_token(auth, item->call, err, reason);
	} else if (is_account(auth->options, &token) &&
		   !has_checked_user(item)) {
		check_user(item, &token, err == ERR_EXPIRED);
	} else if (err == ERR_EXPIRED) {
		refuse_expired(item);
	} else {
		remember(auth, &item->digest, &token);
		accept_token(item->call, &token, item->next);
	}
}

/* The keys have come, or not: either way the call is judged by what there is
 * now. */
static void on_woken(void *arg, struct keywait_entry *entry)
{
	/* A copy: the handler's state takes the place of this one. */
	struct auth_case item = ((struct auth_key_wait *)entry)->item;

	(void)arg;
	judge(&item, refuse_unknown);
}

void auth_free(struct auth **auth)
{
	if (!*auth)
		return;
	digest_wipe(&(*auth)->key, sizeof((*auth)->key));
	keywait_free(&(*auth)->wait);
	keyset_free(&(*auth)->keys);
	authcache_free(&(*auth)->cache);
	free(*auth);
	*auth = NULL;
}

enum err auth_new(const struct app_options *options, struct loop *loop,
		  struct storage *storage, struct auth **out)
{
	struct auth *auth = calloc(1, sizeof(*auth));
	enum err err;

	if (!auth)
		return ERR_NO_MEMORY;
	auth->options = options;
	auth->storage = storage;
	auth->trust = (struct token_trust){
		.jwt_secret = options->jwt_secret,
		.shared_secret = options->shared_secret,
		.issuer = options->jwt_issuer,
		.audience = options->jwt_audience,
		.exp_is_optional = options->jwt_exp_optional,
	};
	digest_random(&auth->key, sizeof(auth->key));
	err = keywait_new(loop, on_woken, auth, &auth->wait);
	if (err == ERR_OK)
		err = authcache_new(&auth->cache);
	if (err != ERR_OK)
		auth_free(&auth);
	else
		*out = auth;
	return err;
}

/* Whether an entry still speaks for its token without asking anybody. */
static bool is_fresh(const struct auth *auth,
		     const struct authcache_entry *entry, int64_t now_s)
{
	if (entry->token.claims.expires_s != INT64_MAX &&
	    now_s > entry->token.claims.expires_s)
		return false; /* judged anew, leeway and all */
	if (entry->token.issuer == TOKEN_BY_KEYSET &&
	    entry->generation != auth->generation)
		return false; /* its key may have been withdrawn */
	return !is_account(auth->options, &entry->token) || is_checked(entry);
}

void auth_check(struct auth *auth, struct call *call, auth_next_fn *next)
{
	struct auth_case item = { .auth = auth, .call = call, .next = next };
	const struct authcache_entry *entry;
	size_t count;

	item.text = bearer_token(call, &count);
	if (count > 1) {
		refuse_token(auth, call, ERR_DENIED,
			     "several Authorization headers");
		return;
	}
	if (item.text.len == 0) {
		/* No token is no event: the access log has the 401. */
		challenge(call, "Bearer", call->dialect->no_token);
		return;
	}
	if (item.text.len > TOKEN_MAX_BYTES) {
		refuse_token(auth, call, ERR_DENIED, "too long");
		return;
	}
	item.digest = digest_of(&auth->key, item.text);
	entry = authcache_find(auth->cache, &item.digest);
	if (entry && is_fresh(auth, entry, call->now_us / US_PER_S))
		accept_token(call, &entry->token, next);
	else
		judge(&item, want_key);
}

/* Takes json as the newest set, unless it is the one that is there. */
static enum err take_keys(struct auth *auth, struct text json)
{
	struct digest digest = digest_of(&auth->key, json);
	struct keyset *keys = NULL;
	const char *reason;
	enum err err;

	if (auth->keys &&
	    memcmp(&digest, &auth->keys_digest, sizeof(digest)) == 0)
		return ERR_OK;
	err = keyset_parse_next(json, auth->keys, &keys, &reason);
	if (err != ERR_OK)
		return err;
	keyset_free(&auth->keys);
	auth->keys = keys;
	auth->keys_digest = digest;
	auth->trust.keys = keys;
	auth->generation++;
	return ERR_OK;
}

enum err auth_keys_arrived(struct auth *auth, struct text json)
{
	enum err err = json.len > 0 ? take_keys(auth, json) : ERR_OK;

	keywait_wake(auth->wait);
	return err;
}

void auth_keys_expired(struct auth *auth)
{
	keyset_free(&auth->keys);
	auth->trust.keys = NULL;
	/* What they have verified is not remembered either. */
	auth->generation++;
	keywait_wake(auth->wait);
}
