/* Keys and tokens of an issuer elsewhere. */
#include "config.h"

#include "tests/support/signer.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/tap.h"

#define VARIANT	    sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define TOKEN_BYTES 16384
#define JWK_BYTES   256

static void make_pair(unsigned char seed, unsigned char *public_key,
		      unsigned char *secret_key)
{
	unsigned char bytes[crypto_sign_SEEDBYTES];

	memset(bytes, seed, sizeof(bytes));
	if (crypto_sign_seed_keypair(public_key, secret_key, bytes) != 0)
		bail_out("no key pair");
}

static char *allocate(size_t size)
{
	char *made = calloc(1, size);

	if (!made)
		bail_out("no memory");
	return made;
}

static void append_base64(char *token, const void *bytes, size_t len)
{
	size_t at = strlen(token);

	sodium_bin2base64(token + at, TOKEN_BYTES - at, bytes, len, VARIANT);
}

static void append_dot(char *token)
{
	size_t at = strlen(token);

	token[at] = '.';
	token[at + 1] = '\0';
}

/* Header and claims, as they are signed. */
static char *begin(const char *header, const char *claims)
{
	char *token = allocate(TOKEN_BYTES);

	append_base64(token, header, strlen(header));
	append_dot(token);
	append_base64(token, claims, strlen(claims));
	return token;
}

/* One member of "keys"; how many bytes it has. */
static size_t put_jwk(char *out, const struct signer_key *key)
{
	unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
	unsigned char secret_key[crypto_sign_SECRETKEYBYTES];
	char x[64], kid[160] = "";

	make_pair(key->seed, public_key, secret_key);
	sodium_bin2base64(x, sizeof(x), public_key, sizeof(public_key),
			  VARIANT);
	if (key->kid)
		(void)snprintf(kid, sizeof(kid), ",\"kid\":\"%s\"", key->kid);
	return (size_t)snprintf(out, JWK_BYTES,
				"{\"alg\":\"EdDSA\",\"crv\":\"Ed25519\","
				"\"x\":\"%s\",\"kty\":\"OKP\"%s}",
				x, kid);
}

char *signer_jwks(const struct signer_key *keys, size_t count)
{
	static const char before[] = "{\"keys\":[";
	char *json = allocate(sizeof(before) + 3 + count * (JWK_BYTES + 1));
	size_t at = strlen(before);

	memcpy(json, before, at);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			json[at++] = ',';
		at += put_jwk(json + at, &keys[i]);
	}
	memcpy(json + at, "]}", 2);
	return json;
}

char *signer_token_of(const struct signer_key *key, const char *header,
		      const char *claims)
{
	unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
	unsigned char secret_key[crypto_sign_SECRETKEYBYTES];
	unsigned char signature[crypto_sign_BYTES];
	char *token = begin(header, claims);

	make_pair(key->seed, public_key, secret_key);
	crypto_sign_detached(signature, NULL, (const unsigned char *)token,
			     strlen(token), secret_key);
	append_dot(token);
	append_base64(token, signature, sizeof(signature));
	return token;
}

char *signer_token(const struct signer_key *key, const char *claims)
{
	char header[256];

	if (key->kid)
		(void)snprintf(header, sizeof(header),
			       "{\"alg\":\"EdDSA\",\"kid\":\"%s\"}", key->kid);
	else
		(void)snprintf(header, sizeof(header), "{\"alg\":\"EdDSA\"}");
	return signer_token_of(key, header, claims);
}

char *signer_mac_token(struct text secret, const char *claims)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state state;
	char *token = begin("{\"alg\":\"HS256\"}", claims);

	crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret.ptr,
				    secret.len);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)token,
				      strlen(token));
	crypto_auth_hmacsha256_final(&state, mac);
	append_dot(token);
	append_base64(token, mac, sizeof(mac));
	return token;
}
