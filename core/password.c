/*
 * Password hashes.  The encoded form is read and written here instead of by
 * crypto_pwhash_str_verify(), which says the same of a wrong password and of
 * exhausted memory, and which checks no bounds.
 */
#include "config.h"

#include "core/password.h"

#include <crypt.h>
#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SALT_BYTES	 crypto_pwhash_SALTBYTES
#define KEY_BYTES	 32 /* of a new hash */
#define KEY_MIN_BYTES	 crypto_pwhash_BYTES_MIN
#define KEY_MAX_BYTES	 64
#define MEMORY_KIB_LEAST (crypto_pwhash_MEMLIMIT_MIN / 1024)
#define BASE64_VARIANT	 sodium_base64_VARIANT_ORIGINAL_NO_PADDING

#define BCRYPT_LEN		  60 /* $2b$12$ + 22 + 31 */
#define BCRYPT_SALT_AT		  7
#define BCRYPT_KEY_AT		  29
#define BCRYPT_COST_MIN		  4
#define BCRYPT_PASSWORD_MAX_BYTES 72

/* An argon2 hash, decoded. */
struct argon2 {
	int variant; /* crypto_pwhash_ALG_… */
	uint64_t memory_kib;
	uint64_t passes;
	unsigned char salt[SALT_BYTES];
	unsigned char key[KEY_MAX_BYTES];
	size_t key_len;
};

/* Takes word from the front of rest. */
static bool take_word(struct text *rest, struct text word)
{
	if (!text_has_prefix(*rest, word))
		return false;
	*rest = text_slice(*rest, word.len, rest->len);
	return true;
}

/* Takes a decimal number without leading zeros from the front of rest. */
static bool take_number(struct text *rest, uint64_t *number)
{
	size_t len = 0;

	*number = 0;
	while (len < rest->len && rest->ptr[len] >= '0' &&
	       rest->ptr[len] <= '9') {
		*number = *number * 10 + (uint64_t)(rest->ptr[len] - '0');
		/* Ten digits reach past every bound and overflow nothing. */
		if (++len > 10)
			return false;
	}
	if (len == 0 || (rest->ptr[0] == '0' && len > 1))
		return false;
	*rest = text_slice(*rest, len, rest->len);
	return true;
}

static bool decode(struct text text, unsigned char *out, size_t size,
		   size_t *len)
{
	return text.len > 0 &&
	       sodium_base642bin(out, size, text.ptr, text.len, NULL, len, NULL,
				 BASE64_VARIANT) == 0;
}

/* Only what libsodium can compute: version 1.3, one lane, a salt of 16 bytes,
 * and for argon2i at least three passes. */
static bool is_within_bounds(const struct argon2 *argon2)
{
	uint64_t passes_min = argon2->variant == crypto_pwhash_ALG_ARGON2I13 ?
				      crypto_pwhash_argon2i_OPSLIMIT_MIN :
				      crypto_pwhash_argon2id_OPSLIMIT_MIN;

	return argon2->memory_kib >= MEMORY_KIB_LEAST &&
	       argon2->memory_kib <= PASSWORD_MEMORY_KIB_MAX &&
	       argon2->passes >= passes_min &&
	       argon2->passes <= PASSWORD_PASSES_MAX &&
	       argon2->key_len >= KEY_MIN_BYTES;
}

/* $argon2id$v=19$m=19456,t=2,p=1$salt$key */
static bool parse_argon2(struct text hash, struct argon2 *argon2)
{
	struct text rest = hash;
	size_t dollar, salt_len;

	if (take_word(&rest, TEXT("$argon2id$")))
		argon2->variant = crypto_pwhash_ALG_ARGON2ID13;
	else if (take_word(&rest, TEXT("$argon2i$")))
		argon2->variant = crypto_pwhash_ALG_ARGON2I13;
	else
		return false;
	if (!take_word(&rest, TEXT("v=19$m=")) ||
	    !take_number(&rest, &argon2->memory_kib) ||
	    !take_word(&rest, TEXT(",t=")) ||
	    !take_number(&rest, &argon2->passes) ||
	    !take_word(&rest, TEXT(",p=1$")))
		return false;
	dollar = text_find_byte(rest, '$');
	if (!decode(text_slice(rest, 0, dollar), argon2->salt,
		    sizeof(argon2->salt), &salt_len) ||
	    salt_len != SALT_BYTES)
		return false;
	rest = text_slice(rest, dollar + 1, rest.len);
	return decode(rest, argon2->key, sizeof(argon2->key),
		      &argon2->key_len) &&
	       is_within_bounds(argon2);
}

/* Computes the key that belongs to argon2's parameters and salt. */
static enum err derive(struct text password, const struct argon2 *argon2,
		       unsigned char *key)
{
	/* Chooses the fastest code for this processor, once a process. */
	if (sodium_init() < 0)
		return ERR_NO_MEMORY;
	/* The parameters are within its bounds: what can fail is memory. */
	if (crypto_pwhash(
		    key, argon2->key_len, password.len > 0 ? password.ptr : "",
		    password.len, argon2->salt, argon2->passes,
		    (size_t)argon2->memory_kib * 1024, argon2->variant) != 0)
		return ERR_NO_MEMORY;
	return ERR_OK;
}

static enum err verify_argon2(struct text password, struct text hash)
{
	unsigned char key[KEY_MAX_BYTES];
	struct argon2 argon2;
	enum err err;

	if (!parse_argon2(hash, &argon2))
		return ERR_INVALID;
	err = derive(password, &argon2, key);
	if (err == ERR_OK &&
	    sodium_memcmp(key, argon2.key, argon2.key_len) != 0)
		err = ERR_DENIED;
	sodium_memzero(key, sizeof(key));
	return err;
}

static bool is_bcrypt_character(char c)
{
	return (c >= '.' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

/* $2b$12$ and 53 characters */
static bool is_bcrypt(struct text hash)
{
	struct text rest = hash;
	uint64_t cost;

	if (hash.len != BCRYPT_LEN || (!take_word(&rest, TEXT("$2a$")) &&
				       !take_word(&rest, TEXT("$2b$")) &&
				       !take_word(&rest, TEXT("$2y$"))))
		return false;
	/* Two digits, as in 08. */
	if (take_word(&rest, TEXT("0")) && rest.ptr[0] == '0')
		return false;
	if (!take_number(&rest, &cost) || cost < BCRYPT_COST_MIN ||
	    cost > PASSWORD_BCRYPT_COST_MAX || !take_word(&rest, TEXT("$")) ||
	    rest.len != BCRYPT_LEN - BCRYPT_SALT_AT)
		return false;
	for (size_t i = 0; i < rest.len; i++) {
		if (!is_bcrypt_character(rest.ptr[i]))
			return false;
	}
	return true;
}

/* What one computation needs; on the heap because it is 32 KiB. */
struct bcrypt {
	struct crypt_data data;
	char password[BCRYPT_PASSWORD_MAX_BYTES + 1];
	char setting[BCRYPT_LEN + 1];
};

static enum err compute_bcrypt(struct bcrypt *bcrypt, struct text hash)
{
	const char *got;

	errno = 0;
	got = crypt_rn(bcrypt->password, bcrypt->setting, &bcrypt->data,
		       (int)sizeof(bcrypt->data));
	if (got == NULL || strlen(got) != BCRYPT_LEN)
		return errno == ENOMEM ? ERR_NO_MEMORY : ERR_INVALID;
	/* Only the key: of the salt's last character some bits mean nothing,
	 * and libcrypt clears them. */
	if (sodium_memcmp(got + BCRYPT_KEY_AT, hash.ptr + BCRYPT_KEY_AT,
			  BCRYPT_LEN - BCRYPT_KEY_AT) != 0)
		return ERR_DENIED;
	return ERR_OK;
}

static enum err verify_bcrypt(struct text password, struct text hash)
{
	struct text used = text_slice(password, 0, BCRYPT_PASSWORD_MAX_BYTES);
	struct bcrypt *bcrypt;
	enum err err;

	if (!is_bcrypt(hash))
		return ERR_INVALID;
	/* A C string would end at the NUL and match a shorter password. */
	if (text_find_byte(used, '\0') < used.len)
		return ERR_DENIED;
	bcrypt = calloc(1, sizeof(*bcrypt));
	if (bcrypt == NULL)
		return ERR_NO_MEMORY;
	if (used.len > 0)
		memcpy(bcrypt->password, used.ptr, used.len);
	memcpy(bcrypt->setting, hash.ptr, BCRYPT_LEN);
	/* The three names mean one algorithm, but libcrypt's $2a$ departs from
	 * it for some passwords beyond ASCII. */
	bcrypt->setting[2] = 'b';
	err = compute_bcrypt(bcrypt, hash);
	sodium_memzero(bcrypt, sizeof(*bcrypt));
	free(bcrypt);
	return err;
}

static void format_argon2(const struct argon2 *argon2,
			  char hash[PASSWORD_HASH_BYTES])
{
	char salt[sodium_base64_ENCODED_LEN(SALT_BYTES, BASE64_VARIANT)];
	char key[sodium_base64_ENCODED_LEN(KEY_BYTES, BASE64_VARIANT)];

	sodium_bin2base64(salt, sizeof(salt), argon2->salt, SALT_BYTES,
			  BASE64_VARIANT);
	sodium_bin2base64(key, sizeof(key), argon2->key, KEY_BYTES,
			  BASE64_VARIANT);
	(void)snprintf(hash, PASSWORD_HASH_BYTES,
		       "$argon2id$v=19$m=%llu,t=%llu,p=1$%s$%s",
		       (unsigned long long)argon2->memory_kib,
		       (unsigned long long)argon2->passes, salt, key);
	sodium_memzero(key, sizeof(key));
}

static void begin_argon2(const struct password_cost *cost,
			 struct argon2 *argon2)
{
	argon2->variant = crypto_pwhash_ALG_ARGON2ID13;
	argon2->memory_kib = cost->memory_kib;
	argon2->passes = cost->passes;
	argon2->key_len = KEY_BYTES;
	/* Without it the first use of randomness is not guarded against other
	 * threads; it fails where randombytes_buf() would abort too. */
	if (sodium_init() < 0)
		BUG("libsodium does not start");
	randombytes_buf(argon2->salt, sizeof(argon2->salt));
}

enum err password_hash(struct text password, const struct password_cost *cost,
		       char hash[PASSWORD_HASH_BYTES])
{
	struct argon2 argon2;
	enum err err;

	begin_argon2(cost, &argon2);
	if (!is_within_bounds(&argon2))
		return ERR_INVALID;
	err = derive(password, &argon2, argon2.key);
	if (err == ERR_OK)
		format_argon2(&argon2, hash);
	sodium_memzero(&argon2, sizeof(argon2));
	return err;
}

void password_decoy(const struct password_cost *cost,
		    char hash[PASSWORD_HASH_BYTES])
{
	struct argon2 argon2;

	begin_argon2(cost, &argon2);
	randombytes_buf(argon2.key, KEY_BYTES);
	format_argon2(&argon2, hash);
}

/* Whether to take it for bcrypt; it may be malformed. */
static bool has_bcrypt_prefix(struct text hash)
{
	return text_has_prefix(hash, TEXT("$2"));
}

enum err password_verify(struct text password, struct text hash)
{
	if (has_bcrypt_prefix(hash))
		return verify_bcrypt(password, hash);
	return verify_argon2(password, hash);
}

bool password_is_outdated(struct text hash, const struct password_cost *cost)
{
	struct argon2 argon2;

	return !parse_argon2(hash, &argon2) ||
	       argon2.variant != crypto_pwhash_ALG_ARGON2ID13 ||
	       argon2.memory_kib < cost->memory_kib ||
	       argon2.passes < cost->passes || argon2.key_len < KEY_BYTES;
}

bool password_is_cut(struct text password, struct text hash)
{
	return has_bcrypt_prefix(hash) &&
	       password.len > BCRYPT_PASSWORD_MAX_BYTES;
}

const char *password_library(void)
{
	return "libsodium " SODIUM_VERSION_STRING;
}
