/*
 * The token front.  The first byte says what follows: a token as it is, or
 * header and claims (parted by a line feed) that are encoded and signed, since
 * no fuzzer finds a signature.
 */
#include "config.h"

#include <sodium.h>
#include <string.h>

#include "core/base64.h"
#include "core/buffer.h"
#include "core/keyset.h"
#include "core/signature.h"
#include "core/token.h"
#include "core/tokenreport.h"
#include "tests/fuzz/fuzz.h"

#define SECRET "a secret for tests, 32 bytes long"
#define SHARED "a secret that another server has, too"
#define NOW    INT64_C(1795600800)

enum kind { KIND_RAW, KIND_OWN, KIND_SHARED, KIND_KEYSET, KIND_COUNT };

static unsigned char secret_key[crypto_sign_SECRETKEYBYTES];

static struct keyset *make_keys(void)
{
	static const unsigned char seed[crypto_sign_SEEDBYTES];
	unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
	struct keyset *keys = NULL;
	struct buffer json;
	const char *reason;

	MUST(crypto_sign_seed_keypair(public_key, secret_key, seed) == 0);
	buffer_init(&json);
	buffer_append_text(&json, TEXT("{\"keys\":[{\"kty\":\"OKP\",\"crv\":"
				       "\"Ed25519\",\"kid\":\"a\",\"x\":\""));
	base64_append(&json, public_key, sizeof(public_key));
	buffer_append_text(&json, TEXT("\"}]}"));
	MUST(keyset_parse(buffer_text(&json), &keys, &reason) == ERR_OK);
	buffer_release(&json);
	return keys;
}

static void sign(enum kind kind, struct buffer *token)
{
	unsigned char mac[SIGNATURE_MAC_BYTES], signature[crypto_sign_BYTES];

	if (kind == KIND_KEYSET) {
		crypto_sign_detached(signature, NULL,
				     (const unsigned char *)token->ptr,
				     token->len, secret_key);
		buffer_append_text(token, TEXT("."));
		base64_append(token, signature, sizeof(signature));
		return;
	}
	signature_mac(kind == KIND_OWN ? TEXT(SECRET) : TEXT(SHARED),
		      buffer_text(token), mac);
	buffer_append_text(token, TEXT("."));
	base64_append(token, mac, sizeof(mac));
}

static void make_token(enum kind kind, struct text input, struct buffer *token)
{
	size_t end = text_find_byte(input, '\n');
	struct text claims = text_slice(input, end + 1, input.len);

	if (kind == KIND_RAW) {
		buffer_append_text(token, input);
		return;
	}
	base64_append(token, input.ptr, end);
	buffer_append_text(token, TEXT("."));
	base64_append(token, claims.ptr, claims.len);
	sign(kind, token);
}

/* What every verdict promises. */
static void judge(struct text text, const struct token_trust *trust)
{
	const char *reason = NULL;
	struct token token;
	struct buffer report;
	enum err err = token_verify(text, trust, NOW, &token, &reason);

	MUST(err == ERR_OK || err == ERR_DENIED || err == ERR_EXPIRED ||
	     err == ERR_NOT_FOUND);
	MUST(err == ERR_OK || reason != NULL);
	if (err == ERR_OK) {
		struct text user = { token.claims.user_id,
				     token.claims.user_id_len };

		MUST(user.len > 0 && user.len <= CLAIMS_USER_ID_MAX_BYTES);
		MUST(text_is_utf8(user));
		MUST(token.claims.expires_s > NOW - CLAIMS_LEEWAY_S);
		MUST(token.issuer != TOKEN_BY_KEYSET ||
		     token.claims.expires_s != INT64_MAX || trust->keys);
	}
	buffer_init(&report);
	MUST(tokenreport_write(text, trust, NOW, &report) == err);
	MUST(text_is_utf8(buffer_text(&report)));
	MUST(memchr(report.ptr, 0x1b, report.len) == NULL);
	buffer_release(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct keyset *keys;
	struct token_trust trust = {
		.jwt_secret = TEXT(SECRET),
		.shared_secret = TEXT(SHARED),
	};
	struct buffer token;

	if (size < 2)
		return 0;
	if (!keys)
		keys = make_keys();
	trust.keys = keys;
	if (data[1] & 1) {
		trust.issuer = TEXT("me");
		trust.audience = TEXT("you");
	}
	trust.exp_is_optional = data[1] & 2;
	buffer_init(&token);
	make_token(data[0] % KIND_COUNT,
		   (struct text){ (const char *)data + 2, size - 2 }, &token);
	judge(buffer_text(&token), &trust);
	buffer_release(&token);
	return 0;
}
