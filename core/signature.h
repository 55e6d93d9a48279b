/*
 * Signatures of tokens (RFC 7518, RFC 8037): the algorithms, the public keys
 * that verify them, and the check itself.  A key belongs to one algorithm from
 * the moment it is made, so that no token can choose.  This is the only door to
 * OpenSSL's libcrypto; HS256 and EdDSA are libsodium's.
 */
#ifndef TODOD_CORE_SIGNATURE_H
#define TODOD_CORE_SIGNATURE_H

#include <stdbool.h>

#include "core/err.h"
#include "core/text.h"

#define SIGNATURE_MAC_BYTES	 32
#define SIGNATURE_RSA_MIN_BITS	 2048
#define SIGNATURE_RSA_MAX_BITS	 8192
#define SIGNATURE_RSA_MAX_BYTES	 (SIGNATURE_RSA_MAX_BITS / 8)
#define SIGNATURE_ED25519_BYTES	 32 /* of a public key */
#define SIGNATURE_COORDINATE_MAX 66 /* bytes of a coordinate of P-521 */

/* Has libcrypto prepare itself, once, before a process has children: it crashes
 * where memory fails while it does so (OpenSSL 3.0), whoever calls it, and they
 * need not do it again.  ERR_NO_MEMORY. */
enum err signature_init(void) __attribute__((warn_unused_result));

enum signature_alg {
	SIGNATURE_NONE, /* no algorithm that todod knows */
	SIGNATURE_HS256,
	SIGNATURE_EDDSA, /* Ed25519 */
	SIGNATURE_RS256,
	SIGNATURE_PS256,
	SIGNATURE_ES256,
	SIGNATURE_ES512,
};

/* By its name in a JWK or a token ("RS256", byte for byte); SIGNATURE_NONE for
 * any other. */
enum signature_alg signature_alg_find(struct text name);
const char *signature_alg_name(enum signature_alg alg);

struct signature_key; /* a public key, bound to an algorithm */

/*
 * Keys from the decoded members of a JWK; numbers are big-endian.  ERR_INVALID
 * when the key is malformed, too weak, too big, or no point of its curve:
 * *reason is then a constant phrase.  ERR_NO_MEMORY.  An RSA key is for RS256
 * or PS256; coordinates have their full length.
 */
enum err signature_key_rsa(enum signature_alg alg, struct text n, struct text e,
			   struct signature_key **key, const char **reason)
	__attribute__((warn_unused_result));
enum err signature_key_ec(enum signature_alg alg, struct text x, struct text y,
			  struct signature_key **key, const char **reason)
	__attribute__((warn_unused_result));
enum err signature_key_ed25519(struct text x, struct signature_key **key,
			       const char **reason)
	__attribute__((warn_unused_result));

/* Whether a key is the one that signature_key_rsa() would make of this: to
 * check an RSA key takes milliseconds, to know one again does not. */
bool signature_key_is_rsa(const struct signature_key *key,
			  enum signature_alg alg, struct text n, struct text e);

/* The same key once more, to be freed on its own.  ERR_NO_MEMORY. */
enum err signature_key_copy(const struct signature_key *key,
			    struct signature_key **copy)
	__attribute__((warn_unused_result));

/* Leaves NULL behind; *key may be NULL. */
void signature_key_free(struct signature_key **key);

/* Whether signature is the key's of input: ERR_OK, ERR_DENIED, ERR_NO_MEMORY
 * (no verdict). */
enum err signature_verify(const struct signature_key *key, struct text input,
			  struct text signature)
	__attribute__((warn_unused_result));

/* HMAC with SHA-256 of input; secret is of any length. */
void signature_mac(struct text secret, struct text input,
		   unsigned char mac[SIGNATURE_MAC_BYTES]);

/* The same for the signature of an HS256 token, compared in constant time.
 * ERR_DENIED, for an empty secret too. */
enum err signature_verify_mac(struct text secret, struct text input,
			      struct text signature)
	__attribute__((warn_unused_result));

/* Name and version of the libcrypto that runs, for --version. */
const char *signature_library(void);

#endif
