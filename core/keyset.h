/*
 * A set of public keys that verify tokens: a JWKS (RFC 7517, with RFC 7518 §6
 * and RFC 8037 for the keys), read strictly.
 */
#ifndef TODOD_CORE_KEYSET_H
#define TODOD_CORE_KEYSET_H

#include <stddef.h>

#include "core/err.h"
#include "core/signature.h"
#include "core/text.h"

#define KEYSET_MAX_BYTES     65536
#define KEYSET_KEYS_MAX	     32
#define KEYSET_KID_MAX_BYTES 128

struct keyset;

/*
 * Reads a set.  A key that cannot be used (unknown type or algorithm, another
 * use than signatures, malformed, too weak, with a private member) is left out
 * and does not void the rest, and so are RSA keys past what 32 of 2048 bits, 19
 * of 4096 bits or two of 8192 bits take to check.  json is copied where needed.
 * ERR_INVALID when it is no JWKS, is larger than KEYSET_MAX_BYTES, has more
 * than KEYSET_KEYS_MAX keys, or none that can be used: *reason is then a
 * constant phrase for the log.  ERR_NO_MEMORY.
 */
enum err keyset_parse(struct text json, struct keyset **set,
		      const char **reason) __attribute__((warn_unused_result));

/* The same for the set that follows another, which may be NULL: RSA keys that
 * were in it are not checked again, so that news of one key do not hold up the
 * loop for all of them.  old may be freed afterwards. */
enum err keyset_parse_next(struct text json, const struct keyset *old,
			   struct keyset **set, const char **reason)
	__attribute__((warn_unused_result));

/* Leaves NULL behind; *set may be NULL. */
void keyset_free(struct keyset **set);

/* Keys that can be used, and those that were left out. */
size_t keyset_count(const struct keyset *set);
size_t keyset_left_out(const struct keyset *set);

/* One key of a set, for those who show it. */
struct keyset_entry {
	enum signature_alg alg;
	struct text kid; /* borrowed from the set; ptr NULL: it has none */
};
struct keyset_entry keyset_entry(const struct keyset *set, size_t index);

/*
 * The key for a token that names alg and kid (ptr NULL: none).  A token without
 * a kid finds a key only if exactly one is for its algorithm.  *key is borrowed
 * from the set.  ERR_NOT_FOUND: a newer set may have it.  ERR_DENIED, with a
 * constant phrase in *reason, when the kid is that of a key for another
 * algorithm, or the choice is not clear.
 */
enum err keyset_find(const struct keyset *set, enum signature_alg alg,
		     struct text kid, const struct signature_key **key,
		     const char **reason) __attribute__((warn_unused_result));

#endif
