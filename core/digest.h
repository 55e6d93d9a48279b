/*
 * Random bytes and keyed hashes: libsodium's door for everything that is not a
 * password or a token.
 */
#ifndef TODOD_CORE_DIGEST_H
#define TODOD_CORE_DIGEST_H

#include <stddef.h>

#include "core/text.h"

#define DIGEST_BYTES	 16
#define DIGEST_KEY_BYTES 32

struct digest_key {
	unsigned char bytes[DIGEST_KEY_BYTES];
};

struct digest {
	unsigned char bytes[DIGEST_BYTES];
};

/* Fills size bytes from the system's random generator. */
void digest_random(void *out, size_t size);

/* BLAKE2b keyed with key: without it nobody can make two texts collide. */
struct digest digest_of(const struct digest_key *key, struct text text);

/* Overwrites a secret so that the compiler cannot leave it out. */
void digest_wipe(void *secret, size_t size);

#endif
