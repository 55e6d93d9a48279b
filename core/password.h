/*
 * Password hashes: argon2id made and checked through libsodium, bcrypt checked
 * through libcrypt so that imported accounts can sign in.  The only door to
 * both for passwords.  These calls take many milliseconds and much memory: run
 * them on core/hashpool.h, never on the loop.
 */
#ifndef TODOD_CORE_PASSWORD_H
#define TODOD_CORE_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/text.h"

/* OWASP's floor for argon2id, also the default. */
#define PASSWORD_MEMORY_KIB_MIN 19456
#define PASSWORD_PASSES_MIN	2
/* Bounds on what a stored hash may ask for. */
#define PASSWORD_MEMORY_KIB_MAX	 (1024 * 1024)
#define PASSWORD_PASSES_MAX	 16
#define PASSWORD_BCRYPT_COST_MAX 14
#define PASSWORD_HASH_BYTES	 256 /* with its NUL */

struct password_cost {
	size_t memory_kib;
	unsigned passes;
};

/* A new argon2id hash in its encoded form ($argon2id$v=19$…), NUL-terminated.
 * ERR_INVALID when the cost is beyond the bounds; ERR_NO_MEMORY. */
enum err password_hash(struct text password, const struct password_cost *cost,
		       char hash[PASSWORD_HASH_BYTES])
	__attribute__((warn_unused_result));

/* A hash that no password matches, to be verified where there is no user: it
 * costs what a real one costs.  Making it costs nothing. */
void password_decoy(const struct password_cost *cost,
		    char hash[PASSWORD_HASH_BYTES]);

/*
 * Accepts argon2id and argon2i (version 19, one lane, a salt of 16 bytes: what
 * libsodium computes) and bcrypt ($2a$, $2b$, $2y$), which reads the first 72
 * bytes of a password.  Compares in constant time.  ERR_DENIED: does not match;
 * ERR_INVALID: not a hash todod can check, or beyond the bounds;
 * ERR_NO_MEMORY: no verdict.
 */
enum err password_verify(struct text password, struct text hash)
	__attribute__((warn_unused_result));

/* Whether a hash that matched should be replaced by one of this cost. */
bool password_is_outdated(struct text hash, const struct password_cost *cost);

/* Whether password_verify() compares no more than the beginning of this
 * password with this hash (bcrypt's 72 bytes).  When they match, a hash of the
 * whole password must not replace this one: its end may be mistyped. */
bool password_is_cut(struct text password, struct text hash);

/* Name and version of libsodium, for --version. */
const char *password_library(void);

#endif
