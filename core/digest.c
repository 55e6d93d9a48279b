/* Random bytes and keyed hashes through libsodium. */
#include "config.h"

#include <sodium.h>

#include "core/digest.h"

void digest_random(void *out, size_t size)
{
	randombytes_buf(out, size);
}

struct digest digest_of(const struct digest_key *key, struct text text)
{
	struct digest digest;

	crypto_generichash(digest.bytes, sizeof(digest.bytes),
			   (const unsigned char *)text.ptr, text.len,
			   key->bytes, sizeof(key->bytes));
	return digest;
}

void digest_wipe(void *secret, size_t size)
{
	sodium_memzero(secret, size);
}
