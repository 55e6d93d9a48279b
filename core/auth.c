/* Bearer tokens, the table of verified ones, and the check of their users. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/auth.h"
#include "core/call.h"
#include "core/clock.h"
#include "core/digest.h"
#include "core/keyset.h"
#include "core/log.h"
#include "core/reply.h"
#include "core/storage.h"
#include "core/token.h"

#define US_PER_S INT64_C(1000000)

struct auth_entry {
	struct digest digest;
	bool is_used;
	int64_t checked_us; /* monotonic: when the user was last seen */
	struct token_claims claims;
};

struct auth {
	const struct app_options *options;
	struct storage *storage;
	struct digest_key key; /* random: nobody can aim at a slot */
	struct auth_entry *entries;
	struct keyset *keys; /* owned; NULL: none has arrived */
	struct loglimit refused;
};

/* A call that waits for storage to say that its user exists. */
struct auth_wait {
	struct auth *auth;
	struct call *call;
	auth_next_fn *next;
	struct digest digest;
	struct token_claims claims;
};

enum err auth_new(const struct app_options *options, struct storage *storage,
		  struct auth **out)
{
	struct auth *auth = calloc(1, sizeof(*auth));

	if (!auth)
		return ERR_NO_MEMORY;
	auth->entries = calloc(AUTH_CACHE_ENTRIES, sizeof(*auth->entries));
	if (!auth->entries) {
		free(auth);
		return ERR_NO_MEMORY;
	}
	auth->options = options;
	auth->storage = storage;
	digest_random(&auth->key, sizeof(auth->key));
	*out = auth;
	return ERR_OK;
}

void auth_free(struct auth **auth)
{
	if (!*auth)
		return;
	digest_wipe(&(*auth)->key, sizeof((*auth)->key));
	keyset_free(&(*auth)->keys);
	free((*auth)->entries);
	free(*auth);
	*auth = NULL;
}

static struct auth_entry *entry_slot(struct auth *auth,
				     const struct digest *digest)
{
	uint32_t hash;

	memcpy(&hash, digest->bytes, sizeof(hash));
	return &auth->entries[hash & (AUTH_CACHE_ENTRIES - 1)];
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

/* Sets the principal from verified claims; false when memory is exhausted. */
static bool set_principal(struct call *call, const struct token_claims *claims)
{
	struct principal *principal = &call->principal;
	struct text user_id = { claims->user_id, claims->user_id_len };
	char canonical[UUID_TEXT_LEN + 1];

	if (uuid_parse(user_id, &principal->uuid) == ERR_OK) {
		principal->has_uuid = true;
		/* Rows are filed under one spelling of the account's id. */
		if (call->services->options->accounts) {
			uuid_format(&principal->uuid, canonical);
			user_id = text_of(canonical);
		}
	}
	principal->user_id = arena_copy(&call->exchange->arena, user_id);
	call->exchange->user_id = principal->user_id;
	return principal->user_id.ptr != NULL;
}

static void accept_claims(struct call *call, const struct token_claims *claims,
			  auth_next_fn *next)
{
	if (set_principal(call, claims))
		next(call);
	else
		reply_err(call, ERR_NO_MEMORY);
}

static void remember(struct auth *auth, const struct digest *digest,
		     const struct token_claims *claims)
{
	struct auth_entry *entry = entry_slot(auth, digest);

	entry->digest = *digest;
	entry->claims = *claims;
	entry->checked_us = clock_monotonic_us();
	entry->is_used = true;
}

static void on_user(void *arg, enum err err, const struct user *user)
{
	struct auth_wait *wait = arg;

	(void)user;
	if (err == ERR_OK) {
		remember(wait->auth, &wait->digest, &wait->claims);
		accept_claims(wait->call, &wait->claims, wait->next);
	} else if (err == ERR_NOT_FOUND) {
		refuse_token(wait->auth, wait->call, ERR_DENIED,
			     "its user does not exist");
	} else {
		reply_err(wait->call, err);
	}
}

/* Asks storage whether the claims' user exists, then goes on. */
static void check_user(struct auth *auth, struct call *call,
		       const struct digest *digest,
		       const struct token_claims *claims, auth_next_fn *next)
{
	struct text user_id = { claims->user_id, claims->user_id_len };
	struct auth_wait *wait;
	struct uuid id;
	enum err err;

	if (uuid_parse(user_id, &id) != ERR_OK) {
		refuse_token(auth, call, ERR_DENIED,
			     "its user id is not an account's");
		return;
	}
	wait = call_state(call, sizeof(*wait));
	if (!wait)
		return;
	wait->auth = auth;
	wait->call = call;
	wait->next = next;
	wait->digest = *digest;
	wait->claims = *claims;
	err = storage_user_by_id(auth->storage, &id, on_user, wait, NULL);
	if (err != ERR_OK)
		reply_err(call, err);
}

/* A token that is not remembered. */
static void judge(struct auth *auth, struct call *call, struct text token,
		  const struct digest *digest, auth_next_fn *next)
{
	const char *reason = "unknown";
	struct token_claims claims;
	enum err err;

	err = token_verify(token, auth->options->jwt_secret,
			   call->now_us / US_PER_S, &claims, &reason);
	if (err == ERR_NO_MEMORY) {
		reply_err(call, err);
	} else if (err != ERR_OK) {
		refuse_token(auth, call, err, reason);
	} else if (auth->options->accounts) {
		check_user(auth, call, digest, &claims, next);
	} else {
		remember(auth, digest, &claims);
		accept_claims(call, &claims, next);
	}
}

/* Whether an entry still speaks for its token without asking anybody. */
static bool is_fresh(const struct auth *auth, const struct auth_entry *entry,
		     const struct digest *digest, int64_t now_s)
{
	if (!entry->is_used ||
	    memcmp(&entry->digest, digest, sizeof(*digest)) != 0)
		return false;
	if (entry->claims.expires_s != INT64_MAX &&
	    now_s > entry->claims.expires_s)
		return false; /* judged anew, leeway and all */
	return !auth->options->accounts ||
	       clock_monotonic_us() - entry->checked_us <=
		       AUTH_USER_CHECK_S * US_PER_S;
}

void auth_check(struct auth *auth, struct call *call, auth_next_fn *next)
{
	size_t count;
	struct text token = bearer_token(call, &count);
	struct auth_entry *entry;
	struct digest digest;

	if (count > 1) {
		refuse_token(auth, call, ERR_DENIED,
			     "several Authorization headers");
		return;
	}
	if (token.len == 0) {
		/* No token is no event: the access log has the 401. */
		challenge(call, "Bearer", call->dialect->no_token);
		return;
	}
	if (token.len > TOKEN_MAX_BYTES) {
		refuse_token(auth, call, ERR_DENIED, "too long");
		return;
	}
	digest = digest_of(&auth->key, token);
	entry = entry_slot(auth, &digest);
	if (is_fresh(auth, entry, &digest, call->now_us / US_PER_S))
		accept_claims(call, &entry->claims, next);
	else
		judge(auth, call, token, &digest, next);
}

enum err auth_keys_arrived(struct auth *auth, struct text json)
{
	struct keyset *keys = NULL;
	const char *reason;
	enum err err;

	if (json.len == 0)
		return ERR_OK;
	err = keyset_parse(json, &keys, &reason);
	if (err != ERR_OK)
		return err;
	keyset_free(&auth->keys);
	auth->keys = keys;
	memset(auth->entries, 0, AUTH_CACHE_ENTRIES * sizeof(*auth->entries));
	return ERR_OK;
}
