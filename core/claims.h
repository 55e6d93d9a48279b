/*
 * The claims of a token (RFC 7519 §4.1) under the rules of its issuer.
 */
#ifndef TODOD_CORE_CLAIMS_H
#define TODOD_CORE_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/text.h"

#define CLAIMS_USER_ID_MAX_BYTES 255
#define CLAIMS_LEEWAY_S		 30 /* for exp and nbf */

struct json_value;

/* Where an issuer says whom a token is for. */
enum claims_user {
	/* The first of user_id, sub, id that is there: a string, or an integer,
	 * which becomes its decimal string. */
	CLAIMS_USER_ANY,
	/* sub, a string. */
	CLAIMS_USER_SUB,
};

struct claims_rules {
	enum claims_user user;
	bool exp_is_optional;
	struct text issuer;   /* empty: iss may be any */
	struct text audience; /* empty: aud may be any */
	bool may_lack_them;   /* only one that is there is asked for */
};

/* What is left of a payload that was checked. */
struct claims {
	char user_id[CLAIMS_USER_ID_MAX_BYTES + 1]; /* as in the token */
	size_t user_id_len;
	/* exp without leeway, rounded up; INT64_MAX: there is none. */
	int64_t expires_s;
};

/*
 * Checks an object of claims at a time.  exp and nbf have CLAIMS_LEEWAY_S of
 * leeway.  ERR_DENIED, or ERR_EXPIRED only when all else is valid; *reason is
 * then a constant phrase that says which check failed.
 */
enum err claims_check(const struct json_value *payload,
		      const struct claims_rules *rules, int64_t now_s,
		      struct claims *claims, const char **reason)
	__attribute__((warn_unused_result));

#endif
