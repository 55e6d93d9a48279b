/* Reading a set of keys, and finding and using what was read. */
#include "config.h"

#include <string.h>

#include "core/keyset.h"
#include "core/signature.h"
#include "tests/fuzz/fuzz.h"

/* A key that is in a set is found by its name, and signs nothing. */
static void use(const struct keyset *keys, size_t index)
{
	static const char zeros[SIGNATURE_RSA_MAX_BYTES];
	static const size_t sizes[] = { 0, 32, 64, 132, 256, sizeof(zeros) };
	struct keyset_entry entry = keyset_entry(keys, index);
	const struct signature_key *key = NULL;
	const char *reason = NULL;
	enum err err = keyset_find(keys, entry.alg, entry.kid, &key, &reason);

	MUST(entry.alg != SIGNATURE_NONE && entry.alg != SIGNATURE_HS256);
	MUST(entry.kid.len <= KEYSET_KID_MAX_BYTES);
	if (err != ERR_OK) {
		MUST(err == ERR_DENIED && entry.kid.ptr == NULL && reason);
		return;
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		MUST(signature_verify(key, TEXT("x"),
				      (struct text){ zeros, sizes[i] }) ==
		     ERR_DENIED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keyset *keys = NULL;
	const char *reason = NULL;
	enum err err = keyset_parse((struct text){ (const char *)data, size },
				    &keys, &reason);

	MUST(err == ERR_OK || err == ERR_INVALID);
	MUST((err == ERR_OK) == (keys != NULL));
	MUST(err == ERR_OK || reason != NULL);
	if (keys) {
		MUST(keyset_count(keys) > 0);
		MUST(keyset_count(keys) + keyset_left_out(keys) <=
		     KEYSET_KEYS_MAX);
		for (size_t i = 0; i < keyset_count(keys); i++)
			use(keys, i);
	}
	keyset_free(&keys);
	return 0;
}
