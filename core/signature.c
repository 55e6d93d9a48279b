/*
 * Keys and signatures through libcrypto and libsodium.  libcrypto's error queue
 * belongs to the thread, and TLS to a database reads it too: every function
 * here leaves it as it was.
 */
#include "config.h"

#include "core/signature.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The least public exponent of NIST SP 800-56B; more than 32 bits make a
 * signature costly to verify and nothing safer. */
#define RSA_EXPONENT_MIN       65537
#define RSA_EXPONENT_MAX_BYTES 4

/* Two INTEGERs of at most 67 bytes in a SEQUENCE. */
#define DER_MAX_BYTES (3 + 2 * (2 + 1 + SIGNATURE_COORDINATE_MAX))

struct signature_key {
	enum signature_alg alg;
	EVP_PKEY *pkey; /* NULL: Ed25519 */
	unsigned char ed25519[SIGNATURE_ED25519_BYTES];
};

static const struct {
	const char *name;
	const char *digest;	/* libcrypto's name */
	const char *group;	/* of a curve */
	size_t coordinate_size; /* so too, bytes */
} algs[] = {
	[SIGNATURE_NONE] = { "none", NULL, NULL, 0 },
	[SIGNATURE_HS256] = { "HS256", NULL, NULL, 0 },
	[SIGNATURE_EDDSA] = { "EdDSA", NULL, NULL, 0 },
	[SIGNATURE_RS256] = { "RS256", "SHA256", NULL, 0 },
	[SIGNATURE_PS256] = { "PS256", "SHA256", NULL, 0 },
	[SIGNATURE_ES256] = { "ES256", "SHA256", "P-256", 32 },
	[SIGNATURE_ES512] = { "ES512", "SHA512", "P-521", 66 },
};

enum err signature_init(void)
{
	unsigned char byte;

	/* Of these only the first two look whether they had memory for what all
	 * others take for granted; the others make the generators and fetch the
	 * provider. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) != 1 ||
	    !OSSL_LIB_CTX_get0_global_default() || RAND_bytes(&byte, 1) != 1 ||
	    RAND_priv_bytes(&byte, 1) != 1)
		return ERR_NO_MEMORY;
	return ERR_OK;
}

enum signature_alg signature_alg_find(struct text name)
{
	for (int i = SIGNATURE_HS256; i <= SIGNATURE_ES512; i++)
		if (text_is_equal(name, text_of(algs[i].name)))
			return (enum signature_alg)i;
	return SIGNATURE_NONE;
}

const char *signature_alg_name(enum signature_alg alg)
{
	return algs[alg].name;
}

static const unsigned char *bytes_of(struct text text)
{
	return (const unsigned char *)text.ptr;
}

/* From here on what libcrypto queues is looked at: behind an entry of ours, for
 * the last one of somebody else may be want of memory, too. */
static void watch_failures(void)
{
	(void)ERR_set_mark();
	ERR_raise(ERR_LIB_USER, 1);
}

static void forget_failures(void)
{
	(void)ERR_pop_to_mark();
}

/* What a failure of libcrypto since then means: want of memory, or other. */
static enum err take_failure(enum err other)
{
	unsigned long last = ERR_peek_last_error();

	forget_failures();
	return ERR_GET_REASON(last) == ERR_R_MALLOC_FAILURE ? ERR_NO_MEMORY :
							      other;
}

static enum err refuse(const char **reason, const char *phrase)
{
	*reason = phrase;
	return ERR_INVALID;
}

static enum err key_new(enum signature_alg alg, struct signature_key **key)
{
	*key = calloc(1, sizeof(**key));
	if (*key == NULL)
		return ERR_NO_MEMORY;
	(*key)->alg = alg;
	return ERR_OK;
}

/* A public key of parameters, checked as SP 800-56A and B say. */
static EVP_PKEY *make_pkey(const char *type, OSSL_PARAM_BLD *builder)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY_CTX *checker = NULL;
	EVP_PKEY *pkey = NULL;

	if (params == NULL || maker == NULL ||
	    EVP_PKEY_fromdata_init(maker) != 1 ||
	    EVP_PKEY_fromdata(maker, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		goto out;
	checker = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	if (checker == NULL || EVP_PKEY_public_check(checker) != 1) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
out:
	EVP_PKEY_CTX_free(checker);
	EVP_PKEY_CTX_free(maker);
	OSSL_PARAM_free(params);
	return pkey;
}

/* The end of every import: takes pkey over (NULL: libcrypto has failed). */
static enum err finish(enum signature_alg alg, EVP_PKEY *pkey,
		       struct signature_key **key, const char **reason)
{
	struct signature_key *made = NULL;
	enum err err = take_failure(ERR_INVALID);

	if (pkey == NULL) {
		*reason = "the key is not valid";
		return err;
	}
	err = key_new(alg, &made);
	if (err != ERR_OK) {
		EVP_PKEY_free(pkey);
		return err;
	}
	made->pkey = pkey;
	*key = made;
	return ERR_OK;
}

static const char *rsa_problem(const BIGNUM *n, const BIGNUM *e)
{
	int bits = BN_num_bits(n);

	if (bits < SIGNATURE_RSA_MIN_BITS)
		return "the RSA key is shorter than 2048 bits";
	if (bits > SIGNATURE_RSA_MAX_BITS)
		return "the RSA key is longer than 8192 bits";
	if (!BN_is_odd(n))
		return "the RSA modulus is even";
	if (!BN_is_odd(e) || BN_num_bytes(e) > RSA_EXPONENT_MAX_BYTES ||
	    BN_get_word(e) < RSA_EXPONENT_MIN)
		return "the RSA exponent is not acceptable";
	return NULL;
}

enum err signature_key_rsa(enum signature_alg alg, struct text n, struct text e,
			   struct signature_key **key, const char **reason)
{
	BIGNUM *modulus = NULL, *exponent = NULL;
	OSSL_PARAM_BLD *builder = NULL;
	EVP_PKEY *pkey = NULL;
	const char *problem = NULL;

	if (alg != SIGNATURE_RS256 && alg != SIGNATURE_PS256)
		return refuse(reason, "an RSA key is for RS256 or PS256");
	/* Some issuers write a zero before the number. */
	if (n.len > SIGNATURE_RSA_MAX_BYTES + 1 || e.len > n.len)
		return refuse(reason, "the RSA key is longer than 8192 bits");
	watch_failures();
	modulus = BN_bin2bn(bytes_of(n), (int)n.len, NULL);
	exponent = BN_bin2bn(bytes_of(e), (int)e.len, NULL);
	builder = OSSL_PARAM_BLD_new();
	if (modulus != NULL && exponent != NULL)
		problem = rsa_problem(modulus, exponent);
	if (problem == NULL && modulus != NULL && exponent != NULL &&
	    builder != NULL &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) ==
		    1 &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) ==
		    1)
		pkey = make_pkey("RSA", builder);
	OSSL_PARAM_BLD_free(builder);
	BN_free(exponent);
	BN_free(modulus);
	if (problem != NULL) {
		forget_failures();
		return refuse(reason, problem);
	}
	return finish(alg, pkey, key, reason);
}

enum err signature_key_ec(enum signature_alg alg, struct text x, struct text y,
			  struct signature_key **key, const char **reason)
{
	unsigned char point[1 + 2 * SIGNATURE_COORDINATE_MAX];
	size_t size = algs[alg].coordinate_size;
	OSSL_PARAM_BLD *builder;
	EVP_PKEY *pkey = NULL;

	if (algs[alg].group == NULL)
		return refuse(reason, "a curve is for ES256 or ES512");
	if (x.len != size || y.len != size)
		return refuse(reason, "a coordinate has another length");
	point[0] = 4; /* uncompressed (SEC 1, 2.3.3) */
	memcpy(point + 1, x.ptr, size);
	memcpy(point + 1 + size, y.ptr, size);
	watch_failures();
	builder = OSSL_PARAM_BLD_new();
	if (builder != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME,
					    algs[alg].group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY,
					     point, 1 + 2 * size) == 1)
		pkey = make_pkey("EC", builder);
	OSSL_PARAM_BLD_free(builder);
	return finish(alg, pkey, key, reason);
}

enum err signature_key_ed25519(struct text x, struct signature_key **key,
			       const char **reason)
{
	struct signature_key *made = NULL;
	enum err err;

	if (x.len != SIGNATURE_ED25519_BYTES)
		return refuse(reason, "an Ed25519 key has 32 bytes");
	if (!crypto_core_ed25519_is_valid_point(bytes_of(x)))
		return refuse(reason, "the key is not valid");
	err = key_new(SIGNATURE_EDDSA, &made);
	if (err != ERR_OK)
		return err;
	memcpy(made->ed25519, x.ptr, x.len);
	*key = made;
	return ERR_OK;
}

/* Whether a parameter of a key is this big-endian number. */
static bool is_number(const EVP_PKEY *pkey, const char *name, struct text text)
{
	BIGNUM *number = BN_bin2bn(bytes_of(text), (int)text.len, NULL);
	BIGNUM *own = NULL;
	bool is_same;

	is_same = number != NULL &&
		  EVP_PKEY_get_bn_param(pkey, name, &own) == 1 &&
		  BN_cmp(number, own) == 0;
	BN_free(own);
	BN_free(number);
	return is_same;
}

bool signature_key_is_rsa(const struct signature_key *key,
			  enum signature_alg alg, struct text n, struct text e)
{
	bool is_same;

	if (key->alg != alg ||
	    (alg != SIGNATURE_RS256 && alg != SIGNATURE_PS256) ||
	    n.len > SIGNATURE_RSA_MAX_BYTES + 1 || e.len > n.len)
		return false;
	watch_failures();
	is_same = is_number(key->pkey, OSSL_PKEY_PARAM_RSA_N, n) &&
		  is_number(key->pkey, OSSL_PKEY_PARAM_RSA_E, e);
	forget_failures();
	return is_same;
}

enum err signature_key_copy(const struct signature_key *key,
			    struct signature_key **copy)
{
	struct signature_key *made = NULL;
	enum err err = key_new(key->alg, &made);

	if (err != ERR_OK)
		return err;
	if (key->pkey != NULL && EVP_PKEY_up_ref(key->pkey) != 1)
		BUG("a key that cannot be counted");
	made->pkey = key->pkey;
	memcpy(made->ed25519, key->ed25519, sizeof(made->ed25519));
	*copy = made;
	return ERR_OK;
}

void signature_key_free(struct signature_key **key)
{
	if (*key == NULL)
		return;
	EVP_PKEY_free((*key)->pkey);
	free(*key);
	*key = NULL;
}

/* One INTEGER of a DER signature: as short as can be, and not negative.
 * Returns how many bytes it takes; 0 for zero, which no signature has. */
static size_t put_integer(unsigned char *out, const unsigned char *number,
			  size_t size)
{
	size_t pad;

	while (size > 0 && *number == 0) {
		number++;
		size--;
	}
	if (size == 0)
		return 0;
	pad = *number >> 7;
	out[0] = 0x02;
	out[1] = (unsigned char)(size + pad);
	out[2] = 0;
	memcpy(out + 2 + pad, number, size);
	return 2 + pad + size;
}

/* From r and s side by side (RFC 7518 §3.4) to what libcrypto reads (RFC 3279
 * §2.2.3); 0 when one of them is zero. */
static size_t put_der(unsigned char der[DER_MAX_BYTES],
		      const unsigned char *raw, size_t size)
{
	unsigned char content[DER_MAX_BYTES];
	size_t r = put_integer(content, raw, size);
	size_t s = put_integer(content + r, raw + size, size);
	size_t len = r + s, head = 0;

	if (r == 0 || s == 0)
		return 0;
	der[head++] = 0x30;
	if (len >= 0x80)
		der[head++] = 0x81;
	der[head++] = (unsigned char)len;
	memcpy(der + head, content, len);
	return head + len;
}

static bool set_pss(EVP_PKEY_CTX *pkey)
{
	return EVP_PKEY_CTX_set_rsa_padding(pkey, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey, RSA_PSS_SALTLEN_DIGEST) ==
		       1;
}

static enum err verify_pkey(const struct signature_key *key, struct text input,
			    struct text signature)
{
	EVP_MD_CTX *context;
	EVP_PKEY_CTX *pkey = NULL;
	enum err err = ERR_DENIED;

	watch_failures();
	context = EVP_MD_CTX_new();
	if (context != NULL &&
	    EVP_DigestVerifyInit_ex(context, &pkey, algs[key->alg].digest, NULL,
				    NULL, key->pkey, NULL) == 1 &&
	    (key->alg != SIGNATURE_PS256 || set_pss(pkey)) &&
	    EVP_DigestVerify(context, bytes_of(signature), signature.len,
			     bytes_of(input), input.len) == 1)
		err = ERR_OK;
	EVP_MD_CTX_free(context);
	if (err != ERR_OK)
		return take_failure(err);
	forget_failures();
	return ERR_OK;
}

static enum err verify_curve(const struct signature_key *key, struct text input,
			     struct text signature)
{
	unsigned char der[DER_MAX_BYTES];
	size_t size = algs[key->alg].coordinate_size;
	struct text converted = { (const char *)der, 0 };

	if (signature.len != 2 * size)
		return ERR_DENIED;
	converted.len = put_der(der, bytes_of(signature), size);
	if (converted.len == 0)
		return ERR_DENIED;
	return verify_pkey(key, input, converted);
}

enum err signature_verify(const struct signature_key *key, struct text input,
			  struct text signature)
{
	switch (key->alg) {
	case SIGNATURE_EDDSA:
		if (signature.len != crypto_sign_BYTES ||
		    crypto_sign_verify_detached(bytes_of(signature),
						bytes_of(input), input.len,
						key->ed25519) != 0)
			return ERR_DENIED;
		return ERR_OK;
	case SIGNATURE_RS256:
	case SIGNATURE_PS256:
		if (signature.len != (size_t)EVP_PKEY_get_size(key->pkey))
			return ERR_DENIED;
		return verify_pkey(key, input, signature);
	case SIGNATURE_ES256:
	case SIGNATURE_ES512:
		return verify_curve(key, input, signature);
	case SIGNATURE_NONE:
	case SIGNATURE_HS256:
		break;
	}
	BUG("a public key of an algorithm without one");
}

void signature_mac(struct text secret, struct text input,
		   unsigned char mac[SIGNATURE_MAC_BYTES])
{
	crypto_auth_hmacsha256_state state;

	_Static_assert(SIGNATURE_MAC_BYTES == crypto_auth_hmacsha256_BYTES,
		       "HS256 is as long as libsodium's HMAC");
	crypto_auth_hmacsha256_init(&state, bytes_of(secret), secret.len);
	crypto_auth_hmacsha256_update(&state, bytes_of(input), input.len);
	crypto_auth_hmacsha256_final(&state, mac);
	sodium_memzero(&state, sizeof(state));
}

enum err signature_verify_mac(struct text secret, struct text input,
			      struct text signature)
{
	unsigned char mac[SIGNATURE_MAC_BYTES];

	/* Anybody knows the empty secret. */
	if (secret.len == 0 || signature.len != sizeof(mac))
		return ERR_DENIED;
	signature_mac(secret, input, mac);
	return sodium_memcmp(mac, bytes_of(signature), sizeof(mac)) == 0 ?
		       ERR_OK :
		       ERR_DENIED;
}

const char *signature_library(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}
