/*
 * Bearer tokens: making our own, and judging every token (RFC 7519, RFC 8725)
 * by the rules of the issuer whose key verifies it.  core/token.c is the only
 * door to libjwt.
 */
#ifndef TODOD_CORE_TOKEN_H
#define TODOD_CORE_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/claims.h"
#include "core/err.h"
#include "core/text.h"
#include "core/tokenform.h"

#define TOKEN_MAX_BYTES	       TOKENFORM_MAX_BYTES
#define TOKEN_LIFETIME_S       604800 /* of our own: 7 days */
#define TOKEN_SECRET_MIN_BYTES 32

struct keyset;

/* Whose key has verified a token. */
enum token_issuer {
	TOKEN_BY_JWT_SECRET,	/* our own */
	TOKEN_BY_SHARED_SECRET, /* of an issuer elsewhere */
	TOKEN_BY_KEYSET,	/* so too */
};

/* Whose tokens are accepted, and what is asked of them.  Borrowed. */
struct token_trust {
	struct text jwt_secret;	   /* empty: none */
	struct text shared_secret; /* so too */
	const struct keyset *keys; /* NULL: none */
	/* iss of tokens from elsewhere; empty: any.  A token by jwt_secret may
	 * carry none. */
	struct text issuer;
	struct text audience; /* aud, so too */
	bool exp_is_optional; /* in tokens by a secret */
};

/* A verified token. */
struct token {
	enum token_issuer issuer;
	struct claims claims;
};

/*
 * Issues a token of our own: HS256, claims user_id, email, sub, iat, exp.
 * *token is from malloc, NUL-terminated, the caller's.  Both texts are valid
 * UTF-8.
 * ERR_NO_MEMORY; ERR_SYSTEM when the secret is empty or the token would be
 * longer than TOKEN_MAX_BYTES.
 */
enum err token_issue(struct text secret, struct text user_id, struct text email,
		     int64_t now_s, char **token)
	__attribute__((warn_unused_result));

/*
 * Judges a token.  An HS256 token is tried with the secrets and with nothing
 * else, any other with the one key of the set that it names and that is for its
 * algorithm.  ERR_DENIED, or ERR_EXPIRED (*token is filled too) only when all
 * else, the signature included, is valid; ERR_NOT_FOUND when no key of the set
 * is named so: a newer set may have it.  *reason is then a constant phrase for
 * the log that says which check failed.  ERR_NO_MEMORY is no verdict.
 */
enum err token_verify(struct text text, const struct token_trust *trust,
		      int64_t now_s, struct token *token, const char **reason)
	__attribute__((warn_unused_result));

/*
 * Whether a secret may be used: NULL, or what is wrong with it (empty, shorter
 * than TOKEN_SECRET_MIN_BYTES, a PEM key) in words that follow its name, such
 * as "is empty".
 */
const char *token_secret_problem(struct text secret);

/* Name and version of the JWT library, for --version. */
const char *token_library(void);

#endif
