/*
 * An issuer elsewhere: Ed25519 keys, the JWKS that publishes them, and tokens,
 * made with libsodium alone.  Strings are from malloc, the caller's.
 */
#ifndef TODOD_TESTS_SIGNER_H
#define TODOD_TESTS_SIGNER_H

#include <stddef.h>

#include "core/text.h"

/* A key made from a number, and the name it is published under. */
struct signer_key {
	unsigned char seed;
	const char *kid; /* NULL: without one */
};

/* {"keys":[…]} with the public halves. */
char *signer_jwks(const struct signer_key *keys, size_t count);

/* An EdDSA token of claims (JSON), with the key's kid. */
char *signer_token(const struct signer_key *key, const char *claims);

/* The same of any header. */
char *signer_token_of(const struct signer_key *key, const char *header,
		      const char *claims);

/* An HS256 token. */
char *signer_mac_token(struct text secret, const char *claims);

#endif
