/* Signatures: the published examples, and what a signature must not be. */
#include "config.h"

#include "core/signature.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base64.h"
#include "core/keyset.h"
#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Of the RFCs that define them. */
static const struct vector {
	const char *name;
	enum signature_alg alg;
	const char *jwk, *input, *signature;
} vectors[] = {
	{ .name = "RFC 7515, A.2",
	  .alg = SIGNATURE_RS256,
	  .jwk = "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4"
		 "p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2m"
		 "JPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6"
		 "b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5r"
		 "exMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTB"
		 "QY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmou"
		 "dF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuX"
		 "poQ\",\"e\":\"AQAB\"}",
	  .input = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjE"
		   "zMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb29"
		   "0Ijp0cnVlfQ",
	  .signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu"
		       "3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdb"
		       "F9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO7"
		       "5vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383"
		       "LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1p"
		       "hCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWy"
		       "wlVmtVrBp0igcN_IoypGlUPQGe77Rw" },
	{ .name = "RFC 7515, A.3",
	  .alg = SIGNATURE_ES256,
	  .jwk = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF"
		 "1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9"
		 "m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
	  .input = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjE"
		   "zMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb29"
		   "0Ijp0cnVlfQ",
	  .signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw"
		       "5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q" },
	{ .name = "RFC 7515, A.4",
	  .alg = SIGNATURE_ES512,
	  .jwk = "{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AekpBQ8ST8"
		 "a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6O"
		 "vLFV1jSfS9tsz4qUxcWceqwQGk\",\"y\":\"ADSmRA43Z1DSNx_"
		 "RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0"
		 "AZMaZmh9ubmf63e3kyMj2\"}",
	  .input = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA",
	  .signature = "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1"
		       "bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgo"
		       "XD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYb"
		       "SW9ERBXukOXolLzeO_Jn" },
	{ .name = "RFC 8037, A.4",
	  .alg = SIGNATURE_EDDSA,
	  .jwk = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYK"
		 "xCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
	  .input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25"
		   "pbmc",
	  .signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR"
		       "4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg" },
	{ .name = "RFC 7520, 4.1",
	  .alg = SIGNATURE_RS256,
	  .jwk = "{\"kty\":\"RSA\",\"kid\":\"bilbo.baggins@hobbiton.ex"
		 "ample\",\"use\":\"sig\",\"n\":\"n4EPtAOCc9AlkeQHPzHS"
		 "tgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTD"
		 "vNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-Qti"
		 "WN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpP"
		 "e7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC"
		 "0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLq"
		 "KnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc"
		 "5gHdrNP5zw\",\"e\":\"AQAB\"}",
	  .input = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9i"
		   "Yml0b24uZXhhbXBsZSJ9.SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2l"
		   "uZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN"
		   "0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWV"
		   "wIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmU"
		   "geW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4",
	  .signature = "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5N"
		       "lKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB"
		       "-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh"
		       "_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxn"
		       "t8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic"
		       "1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcI"
		       "e8u9ipH84ogoree7vjbU5y18kDquDg" },
	{ .name = "RFC 7520, 4.3",
	  .alg = SIGNATURE_ES512,
	  .jwk = "{\"kty\":\"EC\",\"kid\":\"bilbo.baggins@hobbiton.exa"
		 "mple\",\"use\":\"sig\",\"crv\":\"P-521\",\"x\":\"AHK"
		 "ZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A"
		 "5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt\",\"y\":\"AdymlHvO"
		 "iLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQ"
		 "kAgDPrwQrJmbnX9cwlGfP-HqHZR1\"}",
	  .input = "eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9i"
		   "Yml0b24uZXhhbXBsZSJ9.SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2l"
		   "uZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN"
		   "0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWV"
		   "wIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmU"
		   "geW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4",
	  .signature = "AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqalu"
		       "UIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3mtPBu_u_sDDy"
		       "YjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6"
		       "sFY8OcGDqoRuBomu9xQ2" },
};

static struct keyset *read_set(const struct vector *vector)
{
	struct keyset *set = NULL;
	const char *reason = NULL;
	char json[2048];

	(void)snprintf(json, sizeof(json), "{\"keys\":[%s]}", vector->jwk);
	if (keyset_parse(text_of(json), &set, &reason) != ERR_OK)
		bail_out("%s: %s", vector->name, reason);
	return set;
}

static const struct signature_key *only_key(const struct keyset *set,
					    enum signature_alg alg)
{
	const struct signature_key *key = NULL;
	struct text none = { NULL, 0 };
	const char *reason;

	if (keyset_find(set, alg, none, &key, &reason) != ERR_OK)
		bail_out("the key is not found");
	return key;
}

/* The decoded signature of a vector, in memory of exactly its size. */
static char *signature_of(const struct vector *vector, size_t *len)
{
	unsigned char bytes[SIGNATURE_RSA_MAX_BYTES];
	char *copy;

	if (!base64_decode(text_of(vector->signature), bytes, sizeof(bytes),
			   len))
		bail_out("%s is not base64url", vector->name);
	copy = malloc(*len);
	if (!copy)
		bail_out("no memory");
	memcpy(copy, bytes, *len);
	return copy;
}

static void test_vectors(void)
{
	for (size_t i = 0; i < LENGTH(vectors); i++) {
		struct keyset *set = read_set(&vectors[i]);
		const struct signature_key *key = only_key(set, vectors[i].alg);
		size_t len;
		char *bytes = signature_of(&vectors[i], &len);
		struct text signature = { bytes, len };
		struct text input = text_of(vectors[i].input);

		is_err(signature_verify(key, input, signature), ERR_OK,
		       vectors[i].name);
		input.len--;
		is_err(signature_verify(key, input, signature), ERR_DENIED,
		       "another input does not have it");
		is_err(signature_verify(key, TEXT(""), signature), ERR_DENIED,
		       "nor has an empty one");
		free(bytes);
		keyset_free(&set);
	}
}

/* No bit can change, no byte be left out or added. */
static void test_changed(void)
{
	for (size_t i = 0; i < LENGTH(vectors); i++) {
		struct keyset *set = read_set(&vectors[i]);
		const struct signature_key *key = only_key(set, vectors[i].alg);
		struct text input = text_of(vectors[i].input);
		bool all = true;
		size_t len;
		char *bytes = signature_of(&vectors[i], &len);
		char longer[SIGNATURE_RSA_MAX_BYTES + 1] = "";

		for (size_t at = 0; at < len; at += 7) {
			bytes[at] ^= 1;
			all = all &&
			      signature_verify(key, input,
					       (struct text){ bytes, len }) ==
				      ERR_DENIED;
			bytes[at] ^= 1;
			all = all &&
			      signature_verify(key, input,
					       (struct text){ bytes, at }) ==
				      ERR_DENIED;
		}
		memcpy(longer, bytes, len);
		all = all &&
		      signature_verify(key, input,
				       (struct text){ longer, len + 1 }) ==
			      ERR_DENIED;
		memcpy(longer + 1, bytes, len);
		longer[0] = 0;
		all = all &&
		      signature_verify(key, input,
				       (struct text){ longer, len + 1 }) ==
			      ERR_DENIED;
		ok(all, "a changed signature is none");
		free(bytes);
		keyset_free(&set);
	}
}

/* r and s side by side, each of size bytes, all alike. */
static void refuse_pair(const struct vector *vector, int r, int s,
			const char *name)
{
	struct keyset *set = read_set(vector);
	size_t size = vector->alg == SIGNATURE_ES256 ? 32 : 66;
	char raw[132];

	memset(raw, r, size);
	memset(raw + size, s, size);
	is_err(signature_verify(only_key(set, vector->alg),
				text_of(vector->input),
				(struct text){ raw, 2 * size }),
	       ERR_DENIED, name);
	keyset_free(&set);
}

static void test_pairs(void)
{
	for (size_t i = 0; i < LENGTH(vectors); i++) {
		if (vectors[i].alg != SIGNATURE_ES256 &&
		    vectors[i].alg != SIGNATURE_ES512)
			continue;
		refuse_pair(&vectors[i], 0, 0, "both are zero");
		refuse_pair(&vectors[i], 0, 1, "r is zero");
		refuse_pair(&vectors[i], 1, 0, "s is zero");
		refuse_pair(&vectors[i], 0xff, 1, "r is beyond the order");
		refuse_pair(&vectors[i], 1, 0xff, "s is beyond the order");
		refuse_pair(&vectors[i], 0x7f, 0x80, "nobody's signature");
	}
}

/* ECDSA has two signatures for one: (r, n - s) is as good as (r, s), and
 * RFC 7518 asks for neither. */
static void test_high_s(void)
{
	static const unsigned char order[32] = {
		0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
		0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
	};
	struct keyset *set = read_set(&vectors[1]);
	size_t len;
	char *bytes = signature_of(&vectors[1], &len);
	int borrow = 0;

	for (int i = 31; i >= 0; i--) {
		int digit = order[i] - (unsigned char)bytes[32 + i] - borrow;

		borrow = digit < 0;
		bytes[32 + i] = (char)(digit & 0xff);
	}
	is_err(signature_verify(only_key(set, SIGNATURE_ES256),
				text_of(vectors[1].input),
				(struct text){ bytes, len }),
	       ERR_OK, "the other s is as good");
	free(bytes);
	keyset_free(&set);
}

/* A database connection over TLS reads the same queue. */
static void test_error_queue(void)
{
	struct keyset *set = read_set(&vectors[0]);
	const struct signature_key *key = only_key(set, SIGNATURE_RS256);
	struct signature_key *made = NULL;
	const char *reason;
	char bad[256];

	memset(bad, 0xff, sizeof(bad));
	ERR_clear_error();
	for (int round = 0; round < 2; round++) {
		unsigned long before = ERR_peek_last_error();

		is_err(signature_verify(key, TEXT("x"),
					(struct text){ bad, sizeof(bad) }),
		       ERR_DENIED, "a bad signature");
		is_err(signature_key_ec(
			       SIGNATURE_ES256, (struct text){ bad, 32 },
			       (struct text){ bad, 32 }, &made, &reason),
		       ERR_INVALID, "a bad key");
		ok(ERR_peek_last_error() == before,
		   "leaves nothing in libcrypto's queue, nor takes from it");
		ERR_raise(ERR_LIB_USER, 1);
	}
	ERR_clear_error();
	keyset_free(&set);
}

/* What somebody else has left in the queue is no failure of ours. */
static void test_stale_errors(void)
{
	struct signature_key *made = NULL;
	const char *reason = NULL;
	char bad[132] = "";

	memset(bad, 1, sizeof(bad));
	ERR_clear_error();
	ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
	for (size_t i = 0; i < LENGTH(vectors); i++) {
		struct keyset *set = read_set(&vectors[i]);
		size_t len;
		char *bytes = signature_of(&vectors[i], &len);

		is_err(signature_verify(only_key(set, vectors[i].alg),
					TEXT("x"), (struct text){ bytes, len }),
		       ERR_DENIED, "a bad signature is one");
		free(bytes);
		keyset_free(&set);
	}
	is_err(signature_key_ec(SIGNATURE_ES256, (struct text){ bad, 32 },
				(struct text){ bad, 32 }, &made, &reason),
	       ERR_INVALID, "and a bad key, too");
	ok(ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE,
	   "it is still there for whom it is");
	ERR_clear_error();
}

/* In the place of libcrypto's own, which may be newer than its headers. */
const char *OpenSSL_version(int type)
{
	return type == OPENSSL_VERSION ? "OpenSSL 3.9.9 of today" : "";
}

static void test_library(void)
{
	is_string(signature_library(), "OpenSSL 3.9.9 of today",
		  "the library says its version itself");
}

static void test_names(void)
{
	static const char *const names[] = { "HS256", "EdDSA", "RS256",
					     "PS256", "ES256", "ES512" };
	static const char *const others[] = { "none",  "None",	 "",
					      "hs256", "RS384",	 "RS256 ",
					      "ES384", "ES256K", "Ed25519" };

	for (size_t i = 0; i < LENGTH(names); i++)
		is_string(signature_alg_name(
				  signature_alg_find(text_of(names[i]))),
			  names[i], "an algorithm has its name");
	for (size_t i = 0; i < LENGTH(others); i++)
		is_int(signature_alg_find(text_of(others[i])), SIGNATURE_NONE,
		       "others are none");
}

static void test_mac(void)
{
	/* RFC 4231, test case 2. */
	static const unsigned char mac[] = {
		0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
		0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
		0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
		0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43,
	};
	struct text input = TEXT("what do ya want for nothing?");
	struct text signature = { (const char *)mac, sizeof(mac) };
	unsigned char of_nothing[SIGNATURE_MAC_BYTES];

	is_err(signature_verify_mac(TEXT("Jefe"), input, signature), ERR_OK,
	       "the published MAC");
	is_err(signature_verify_mac(TEXT("jefe"), input, signature), ERR_DENIED,
	       "another secret");
	signature_mac(TEXT(""), input, of_nothing);
	signature.ptr = (const char *)of_nothing;
	is_err(signature_verify_mac(TEXT(""), input, signature), ERR_DENIED,
	       "no secret, though the MAC is its own");
	signature = (struct text){ (const char *)mac, sizeof(mac) - 1 };
	is_err(signature_verify_mac(TEXT("Jefe"), input, signature), ERR_DENIED,
	       "a shorter MAC");
}

int main(void)
{
	test_vectors();
	test_changed();
	test_pairs();
	test_high_s();
	test_error_queue();
	test_stale_errors();
	test_names();
	test_mac();
	test_library();
	return tap_done();
}
