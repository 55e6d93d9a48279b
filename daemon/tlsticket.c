/* A chain of hashes: secret → secret, with a key beside each step. */
#include "config.h"

#include "daemon/tlsticket.h"

#include <string.h>

#include "core/digest.h"

_Static_assert(TLSTICKET_NAME_BYTES == DIGEST_BYTES &&
		       TLSTICKET_KEY_BYTES == 2 * DIGEST_BYTES &&
		       TLSTICKET_KEY_BYTES == DIGEST_KEY_BYTES,
	       "keys are made of whole digests");

/* One digest of the secret; each use has a label of its own. */
static void derive(const unsigned char secret[TLSTICKET_KEY_BYTES], char use,
		   char half, unsigned char out[DIGEST_BYTES])
{
	const char label[] = { 't', 'i', 'c', 'k', 'e', 't', use, half };
	struct digest_key key;
	struct digest digest;

	memcpy(key.bytes, secret, sizeof(key.bytes));
	digest = digest_of(&key, (struct text){ label, sizeof(label) });
	memcpy(out, digest.bytes, sizeof(digest.bytes));
	digest_wipe(&key, sizeof(key));
	digest_wipe(&digest, sizeof(digest));
}

static void derive_key(const unsigned char secret[TLSTICKET_KEY_BYTES],
		       char use, unsigned char out[TLSTICKET_KEY_BYTES])
{
	derive(secret, use, '0', out);
	derive(secret, use, '1', out + DIGEST_BYTES);
}

/* Takes the key of the secret and goes on to the next. */
static void step(struct tlsticket_keys *keys)
{
	unsigned char next[TLSTICKET_KEY_BYTES];

	keys->previous = keys->current;
	derive(keys->secret, 'n', '0', keys->current.name);
	derive_key(keys->secret, 'c', keys->current.cipher);
	derive_key(keys->secret, 'm', keys->current.mac);
	derive_key(keys->secret, 's', next);
	memcpy(keys->secret, next, sizeof(next));
	digest_wipe(next, sizeof(next));
}

void tlsticket_init(struct tlsticket_keys *keys, int64_t now_us)
{
	digest_random(keys->secret, sizeof(keys->secret));
	keys->period = now_us / TLSTICKET_PERIOD_US;
	/* Two steps: there always is a key before the current one. */
	step(keys);
	step(keys);
}

void tlsticket_release(struct tlsticket_keys *keys)
{
	digest_wipe(keys, sizeof(*keys));
}

void tlsticket_advance(struct tlsticket_keys *keys, int64_t now_us)
{
	int64_t period = now_us / TLSTICKET_PERIOD_US;

	while (keys->period < period) {
		step(keys);
		keys->period++;
	}
}

const struct tlsticket_key *tlsticket_find(
	const struct tlsticket_keys *keys,
	const unsigned char name[TLSTICKET_NAME_BYTES])
{
	if (memcmp(name, keys->current.name, TLSTICKET_NAME_BYTES) == 0)
		return &keys->current;
	if (memcmp(name, keys->previous.name, TLSTICKET_NAME_BYTES) == 0)
		return &keys->previous;
	return NULL;
}
