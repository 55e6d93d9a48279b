/*
 * Bearer tokens: making our own, and the strict front that judges every token
 * (RFC 7519, RFC 8725) before and after the library's signature check.
 * core/token.c is the only door to libjwt.
 */
#ifndef TODOD_CORE_TOKEN_H
#define TODOD_CORE_TOKEN_H

#include <stdint.h>

#include "core/err.h"
#include "core/text.h"
#include "core/uuid.h"

#define TOKEN_MAX_BYTES		8192
#define TOKEN_LIFETIME_S	604800 /* of our own: 7 days */
#define TOKEN_LEEWAY_S		30     /* for exp and nbf */
#define TOKEN_SECRET_MIN_BYTES	32
#define TOKEN_USER_ID_MAX_BYTES 255

/* What a verified token says. */
struct token_claims {
	char user_id[TOKEN_USER_ID_MAX_BYTES + 1]; /* as in the token */
	size_t user_id_len;
	int64_t expires_s; /* exp without leeway, rounded up */
};

/*
 * Issues a token of our own: HS256, claims user_id, email, sub, iat, exp.
 * *token is from malloc, NUL-terminated, the caller's.  email is valid UTF-8.
 * ERR_NO_MEMORY; ERR_SYSTEM when the secret is empty or the token would be
 * longer than TOKEN_MAX_BYTES.
 */
enum err token_issue(struct text secret, const struct uuid *user_id,
		     struct text email, int64_t now_s, char **token)
	__attribute__((warn_unused_result));

/*
 * Judges an HS256 token by a shared secret.  The user id is the first of the
 * claims user_id, sub, id that is there: a string, or an integer, which becomes
 * its decimal string.  exp is required.  ERR_DENIED, or ERR_EXPIRED only when
 * all else, the signature included, is valid; *reason is then a constant phrase
 * for the log that says which check failed.  ERR_NO_MEMORY is no verdict.
 */
enum err token_verify(struct text token, struct text secret, int64_t now_s,
		      struct token_claims *claims, const char **reason)
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
