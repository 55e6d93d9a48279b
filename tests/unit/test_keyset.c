/* Sets of keys: what is read, what is left out, and who finds which key. */
#include "config.h"

#include "core/keyset.h"

#include <dlfcn.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base64.h"
#include "core/buffer.h"
#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Members of the public keys of RFC 7515 (A.2, A.3, A.4) and RFC 8037
 * (A.2). */
#define RSA_N                                                        \
	"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddx" \
	"HmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMs" \
	"D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSH" \
	"SXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdV" \
	"MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8" \
	"NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
#define RSA "\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\""
#define P256                                                     \
	"\"kty\":\"EC\",\"crv\":\"P-256\","                      \
	"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define P521                                                             \
	"\"kty\":\"EC\",\"crv\":\"P-521\","                              \
	"\"x\":\"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnY" \
	"G_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk\","                          \
	"\"y\":\"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhj" \
	"Dly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2\""
#define ED25519                                \
	"\"kty\":\"OKP\",\"crv\":\"Ed25519\"," \
	"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""

static struct keyset *parse(const char *json)
{
	struct keyset *set = NULL;
	const char *reason = NULL;

	if (keyset_parse(text_of(json), &set, &reason) != ERR_OK)
		bail_out("%s: %s", json, reason);
	return set;
}

/* One key each, and the algorithm it is for; SIGNATURE_NONE: it is left
 * out. */
static const struct {
	const char *jwk;
	enum signature_alg alg;
} keys[] = {
	{ "{" RSA "}", SIGNATURE_RS256 },
	{ "{" RSA ",\"alg\":\"RS256\"}", SIGNATURE_RS256 },
	{ "{" RSA ",\"alg\":\"PS256\"}", SIGNATURE_PS256 },
	{ "{" P256 "}", SIGNATURE_ES256 },
	{ "{" P256 ",\"alg\":\"ES256\"}", SIGNATURE_ES256 },
	{ "{" P521 ",\"alg\":\"ES512\"}", SIGNATURE_ES512 },
	{ "{" ED25519 "}", SIGNATURE_EDDSA },
	{ "{" ED25519 ",\"alg\":\"EdDSA\"}", SIGNATURE_EDDSA },
	{ "{" ED25519 ",\"use\":\"sig\",\"key_ops\":[\"verify\"],\"kid\":\"\","
	  "\"x5c\":[],\"x5u\":\"https://evil.example/\",\"ext\":true}",
	  SIGNATURE_EDDSA },
	/* another use */
	{ "{" RSA ",\"use\":\"enc\"}", SIGNATURE_NONE },
	{ "{" RSA ",\"use\":null}", SIGNATURE_NONE },
	{ "{" RSA ",\"key_ops\":[\"encrypt\"]}", SIGNATURE_NONE },
	{ "{" RSA ",\"key_ops\":[]}", SIGNATURE_NONE },
	{ "{" RSA ",\"key_ops\":\"verify\"}", SIGNATURE_NONE },
	/* another algorithm, or one that does not fit */
	{ "{" RSA ",\"alg\":\"RS512\"}", SIGNATURE_NONE },
	{ "{" RSA ",\"alg\":\"rs256\"}", SIGNATURE_NONE },
	{ "{" RSA ",\"alg\":\"HS256\"}", SIGNATURE_NONE },
	{ "{" RSA ",\"alg\":\"ES256\"}", SIGNATURE_NONE },
	{ "{" RSA ",\"alg\":\"none\"}", SIGNATURE_NONE },
	{ "{" RSA ",\"alg\":\"\"}", SIGNATURE_NONE },
	{ "{" RSA ",\"alg\":null}", SIGNATURE_NONE },
	{ "{" RSA ",\"alg\":[\"RS256\"]}", SIGNATURE_NONE },
	{ "{" P256 ",\"alg\":\"ES512\"}", SIGNATURE_NONE },
	{ "{" P521 ",\"alg\":\"ES256\"}", SIGNATURE_NONE },
	{ "{" ED25519 ",\"alg\":\"RS256\"}", SIGNATURE_NONE },
	/* another type */
	{ "{\"kty\":\"oct\",\"k\":\"AAAA\",\"alg\":\"HS256\"}",
	  SIGNATURE_NONE },
	{ "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\",\"y\":\"AA\"}",
	  SIGNATURE_NONE },
	{ "{\"kty\":\"OKP\",\"crv\":\"X25519\","
	  "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
	  SIGNATURE_NONE },
	{ "{\"kty\":null}", SIGNATURE_NONE },
	{ "{}", SIGNATURE_NONE },
	{ "[]", SIGNATURE_NONE },
	{ "null", SIGNATURE_NONE },
	{ "\"RSA\"", SIGNATURE_NONE },
	/* kid */
	{ "{" ED25519 ",\"kid\":1}", SIGNATURE_NONE },
	{ "{" ED25519 ",\"kid\":null}", SIGNATURE_NONE },
	/* a private key that was handed out */
	{ "{" ED25519 ",\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\""
	  "}",
	  SIGNATURE_NONE },
	{ "{" RSA ",\"p\":\"Aw\"}", SIGNATURE_NONE },
	{ "{" RSA ",\"oth\":[]}", SIGNATURE_NONE },
	{ "{" P256 ",\"d\":null}", SIGNATURE_NONE },
	/* malformed members */
	{ "{\"kty\":\"RSA\",\"e\":\"AQAB\"}", SIGNATURE_NONE },
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\"}", SIGNATURE_NONE },
	{ "{\"kty\":\"RSA\",\"n\":7,\"e\":\"AQAB\"}", SIGNATURE_NONE },
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N "=\",\"e\":\"AQAB\"}",
	  SIGNATURE_NONE },
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQ\"}",
	  SIGNATURE_NONE }, /* 1 */
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"Aw\"}",
	  SIGNATURE_NONE }, /* 3 */
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAA\"}",
	  SIGNATURE_NONE }, /* even */
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAAAAE\"}",
	  SIGNATURE_NONE }, /* five bytes */
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}",
	  SIGNATURE_NONE },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
	  "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
	  SIGNATURE_NONE }, /* of small order */
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
	  "\"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
	  SIGNATURE_NONE }, /* no point */
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\","
	  "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	  "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a4\"}",
	  SIGNATURE_NONE }, /* not on the curve */
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\","
	  "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}",
	  SIGNATURE_NONE },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}",
	  SIGNATURE_NONE }, /* short coordinates */
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
	  "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"y\":"
	  "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
	  SIGNATURE_NONE },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
	  "\"__________________________________________8\",\"y\":"
	  "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
	  SIGNATURE_NONE }, /* no number of the field */
};

static void test_keys(void)
{
	for (size_t i = 0; i < LENGTH(keys); i++) {
		struct keyset *set = NULL;
		const char *reason = NULL;
		char json[2048];
		enum err err;

		(void)snprintf(json, sizeof(json), "{\"keys\":[%s]}",
			       keys[i].jwk);
		err = keyset_parse(text_of(json), &set, &reason);
		if (keys[i].alg == SIGNATURE_NONE) {
			is_err(err, ERR_INVALID, keys[i].jwk);
			is_string(reason, "it has no key that can be used",
				  "which is told");
			continue;
		}
		if (!is_err(err, ERR_OK, keys[i].jwk))
			continue;
		is_int(keyset_entry(set, 0).alg, keys[i].alg,
		       "it is bound to its algorithm");
		keyset_free(&set);
	}
}

static void test_left_out(void)
{
	struct keyset *set = parse("{\"keys\":[{\"kty\":\"oct\"},{" P256
				   ",\"kid\":\"a\"},null,{" ED25519
				   ",\"kid\":\"b\"},7],\"more\":true}");

	is_int(keyset_count(set), 2, "bad keys do not void the rest");
	is_int(keyset_left_out(set), 3, "and are counted");
	is_text(keyset_entry(set, 0).kid, TEXT("a"), "the others are in order");
	is_text(keyset_entry(set, 1).kid, TEXT("b"), "with their names");
	keyset_free(&set);
	ok(set == NULL, "nothing is left behind");
	keyset_free(&set);
}

static const struct {
	const char *json, *reason;
} bad_sets[] = {
	{ "", "it is not strict JSON" },
	{ "{\"keys\":[]", "it is not strict JSON" },
	{ "{\"keys\":[],\"keys\":[]}", "it is not strict JSON" },
	{ "{\"keys\":[{" ED25519 ",\"kid\":\"a\",\"kid\":\"b\"}]}",
	  "it is not strict JSON" },
	{ "{\"keys\":[{" ED25519 "}]} x", "it is not strict JSON" },
	{ "<html>", "it is not strict JSON" },
	{ "null", "it is no object with an array \"keys\"" },
	{ "[]", "it is no object with an array \"keys\"" },
	{ "{}", "it is no object with an array \"keys\"" },
	{ "{" ED25519 "}", "it is no object with an array \"keys\"" },
	{ "{\"keys\":{}}", "it is no object with an array \"keys\"" },
	{ "{\"keys\":null}", "it is no object with an array \"keys\"" },
	{ "{\"keys\":[]}", "it has no key that can be used" },
};

static void test_bad_sets(void)
{
	for (size_t i = 0; i < LENGTH(bad_sets); i++) {
		struct keyset *set = NULL;
		const char *reason = NULL;

		is_err(keyset_parse(text_of(bad_sets[i].json), &set, &reason),
		       ERR_INVALID, "what is no set is refused");
		is_string(reason, bad_sets[i].reason, bad_sets[i].json);
		ok(set == NULL, "and nothing made");
	}
}

static void test_bounds(void)
{
	const char *reason = NULL;
	struct keyset *set = NULL;
	struct buffer json;
	char jwk[512];

	for (int count = KEYSET_KEYS_MAX; count <= KEYSET_KEYS_MAX + 1;
	     count++) {
		buffer_init(&json);
		buffer_append_text(&json, TEXT("{\"keys\":["));
		for (int i = 0; i < count; i++) {
			(void)snprintf(jwk, sizeof(jwk),
				       "%s{" ED25519 ",\"kid\":\"%d\"}",
				       i > 0 ? "," : "", i);
			buffer_append_text(&json, text_of(jwk));
		}
		buffer_append_text(&json, TEXT("]}"));
		is_err(keyset_parse(buffer_text(&json), &set, &reason),
		       count == KEYSET_KEYS_MAX ? ERR_OK : ERR_INVALID,
		       "a set has 32 keys at most");
		keyset_free(&set);
		buffer_release(&json);
	}
	is_string(reason, "it has too many keys", "which is told");

	buffer_init(&json);
	buffer_append_text(&json, TEXT("{\"keys\":[{" ED25519 "}]}"));
	while (json.len < KEYSET_MAX_BYTES)
		buffer_append(&json, " ", 1);
	is_err(keyset_parse(buffer_text(&json), &set, &reason), ERR_OK,
	       "a set of the greatest size is read");
	keyset_free(&set);
	buffer_append(&json, " ", 1);
	is_err(keyset_parse(buffer_text(&json), &set, &reason), ERR_INVALID,
	       "a larger one is not");
	is_string(reason, "it is too large", "which is told");
	buffer_release(&json);
}

/* A set of RSA keys of so many bytes: a good modulus, squared until it is as
 * long. */
static void put_rsa_set(struct buffer *json, size_t bytes, int count)
{
	unsigned char n_bytes[SIGNATURE_RSA_MAX_BYTES];
	BN_CTX *context = BN_CTX_new();
	BIGNUM *n = NULL;
	char kid[64];
	size_t len;

	if (!base64_decode(TEXT(RSA_N), n_bytes, sizeof(n_bytes), &len))
		bail_out("the modulus is no base64url");
	n = BN_bin2bn(n_bytes, (int)len, NULL);
	for (; n && context && len < bytes; len *= 2)
		if (BN_sqr(n, n, context) != 1)
			bail_out("no square");
	if (!context || !n || BN_bn2binpad(n, n_bytes, (int)bytes) < 0)
		bail_out("no modulus");
	BN_free(n);
	BN_CTX_free(context);
	buffer_append_text(json, TEXT("{\"keys\":["));
	for (int i = 0; i < count; i++) {
		(void)snprintf(kid, sizeof(kid),
			       "%s{\"kty\":\"RSA\",\"kid\":\"%d\",\"n\":\"",
			       i > 0 ? "," : "", i);
		buffer_append_text(json, text_of(kid));
		base64_append(json, n_bytes, bytes);
		buffer_append_text(json, TEXT("\",\"e\":\"AQAB\"}"));
	}
	buffer_append_text(json, TEXT("]}"));
}

/* Many keys that are long to check would stop the reader. */
static void test_rsa_work(void)
{
	static const struct {
		size_t bytes, first; /* that is left out */
	} cases[] = { { 256, 32 }, { 512, 19 }, { 1024, 2 } };

	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct keyset *set = NULL;
		struct buffer json;
		const char *reason;

		buffer_init(&json);
		put_rsa_set(&json, cases[i].bytes, KEYSET_KEYS_MAX);
		is_err(keyset_parse(buffer_text(&json), &set, &reason), ERR_OK,
		       "a set of long keys is read");
		is_int(keyset_count(set), cases[i].first,
		       "as far as its keys do not take too long");
		keyset_free(&set);
		buffer_release(&json);
	}
}

static void test_kid_bounds(void)
{
	for (int len = KEYSET_KID_MAX_BYTES; len <= KEYSET_KID_MAX_BYTES + 1;
	     len++) {
		struct keyset *set = NULL;
		const char *reason;
		char json[512];

		(void)snprintf(json, sizeof(json),
			       "{\"keys\":[{" ED25519 ",\"kid\":\"%0*d\"}]}",
			       len, 0);
		is_err(keyset_parse(text_of(json), &set, &reason),
		       len == KEYSET_KID_MAX_BYTES ? ERR_OK : ERR_INVALID,
		       "a kid has 128 bytes at most");
		keyset_free(&set);
	}
}

static void find(const struct keyset *set, enum signature_alg alg,
		 const char *kid, enum err want, const char *name)
{
	const struct signature_key *key = NULL;
	const char *reason = NULL;

	is_err(keyset_find(set, alg, text_of(kid), &key, &reason), want, name);
	ok((key != NULL) == (want == ERR_OK), "a key is given when found");
	ok((reason != NULL) == (want == ERR_DENIED),
	   "a reason is given when it is denied");
}

static void test_find(void)
{
	struct keyset *set = parse("{\"keys\":["
				   "{" RSA ",\"kid\":\"a\"},"
				   "{" RSA ",\"kid\":\"a\",\"alg\":\"PS256\"},"
				   "{" P256 ",\"kid\":\"b\"},"
				   "{" P521 "},"
				   "{" ED25519 ",\"kid\":\"c\"},"
				   "{" ED25519 ",\"kid\":\"d\"},"
				   "{" P256 ",\"kid\":\"b\"}]}");
	const struct signature_key *first = NULL, *second = NULL;
	const char *reason;

	is_int(keyset_count(set), 6, "of two keys of one name one is read");
	find(set, SIGNATURE_RS256, "a", ERR_OK, "a key is found by its kid");
	find(set, SIGNATURE_ES256, "b", ERR_OK, "each by its own");
	find(set, SIGNATURE_ES256, "B", ERR_NOT_FOUND, "byte for byte");
	find(set, SIGNATURE_ES256, "", ERR_NOT_FOUND, "an empty one, too");
	find(set, SIGNATURE_EDDSA, "x", ERR_NOT_FOUND, "an unknown kid");
	find(set, SIGNATURE_EDDSA, "b", ERR_DENIED, "another key's kid");
	find(set, SIGNATURE_RS256, "c", ERR_DENIED, "and the other way round");
	find(set, SIGNATURE_HS256, "a", ERR_DENIED, "no key is for HS256");
	find(set, SIGNATURE_NONE, "a", ERR_DENIED, "nor for none");
	find(set, SIGNATURE_ES512, NULL, ERR_OK, "the only key needs no kid");
	find(set, SIGNATURE_ES256, NULL, ERR_OK, "a named one neither");
	find(set, SIGNATURE_EDDSA, NULL, ERR_DENIED, "one of two is not clear");
	find(set, SIGNATURE_HS256, NULL, ERR_NOT_FOUND, "none at all");
	if (keyset_find(set, SIGNATURE_RS256, TEXT("a"), &first, &reason) ==
		    ERR_OK &&
	    keyset_find(set, SIGNATURE_PS256, TEXT("a"), &second, &reason) ==
		    ERR_OK)
		ok(first != second, "two algorithms may share a kid");
	keyset_free(&set);
}

static int checks;

/* In the place of libcrypto's, which it calls. */
int EVP_PKEY_public_check(EVP_PKEY_CTX *context)
{
	static int (*real)(EVP_PKEY_CTX * context);
	void *symbol = dlsym(RTLD_NEXT, "EVP_PKEY_public_check");

	if (!symbol)
		bail_out("libcrypto has no check");
	memcpy(&real, &symbol, sizeof(real));
	checks++;
	return real(context);
}

static struct keyset *parse_next(const char *json, struct keyset *old)
{
	struct keyset *set = NULL;
	const char *reason = NULL;

	checks = 0;
	if (keyset_parse_next(text_of(json), old, &set, &reason) != ERR_OK)
		bail_out("%s: %s", json, reason);
	keyset_free(&old);
	return set;
}

/* Workers read each set on their loop. */
static void test_next(void)
{
	static const char rsa_and_more[] =
		"{\"keys\":[{" P256 ",\"kid\":\"new\"},{" RSA
		",\"kid\":\"renamed\"},{" ED25519 "}]}";
	struct keyset *set = parse_next("{\"keys\":[{" RSA "}]}", NULL);

	is_int(checks, 1, "an RSA key is checked");
	set = parse_next(rsa_and_more, set);
	is_int(checks, 1, "in the next set only what is new is");
	is_int(keyset_count(set), 3, "all of it is there");
	find(set, SIGNATURE_RS256, "renamed", ERR_OK, "by its name of today");
	find(set, SIGNATURE_RS256, "", ERR_NOT_FOUND, "and no other");
	set = parse_next("{\"keys\":[{" RSA ",\"alg\":\"PS256\"}]}", set);
	is_int(checks, 1, "for another algorithm it is another key");
	find(set, SIGNATURE_RS256, NULL, ERR_NOT_FOUND,
	     "which serves the old one no more");
	set = parse_next("{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"PS256\",\"n\":"
			 "\"" RSA_N "\",\"e\":\"AQAD\"},{" P256 "}]}",
			 set);
	is_int(checks, 2, "with another exponent, too");
	keyset_free(&set);
}

int main(void)
{
	test_keys();
	test_left_out();
	test_bad_sets();
	test_bounds();
	test_rsa_work();
	test_kid_bounds();
	test_find();
	test_next();
	return tap_done();
}
