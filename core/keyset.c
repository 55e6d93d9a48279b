/* Reading a JWKS and finding keys in it. */
#include "config.h"

#include "core/keyset.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base64.h"
#include "core/jsonreader.h"

struct key {
	struct signature_key *signature; /* owned */
	enum signature_alg alg;
	bool has_kid;
	size_t kid_len;
	char kid[KEYSET_KID_MAX_BYTES];
};

/* To check an RSA key takes the cube of its length.  A set may take as much as
 * two of the longest: workers read it on their loop, and whoever fills it must
 * not be able to stop them for seconds. */
#define RSA_WORK_UNIT_BYTES 64
#define RSA_WORK_MAX	    10000

struct keyset {
	const struct keyset *old; /* only while it is read; may be NULL */
	size_t count;
	size_t left_out;
	size_t rsa_work;
	struct key keys[KEYSET_KEYS_MAX];
};

static struct text kid_of(const struct key *key)
{
	if (!key->has_kid)
		return (struct text){ NULL, 0 };
	return (struct text){ key->kid, key->kid_len };
}

/* Decodes a member of bytes; false when it is missing or malformed. */
static bool read_bytes(const struct json_value *jwk, const char *name,
		       unsigned char *out, size_t size, struct text *bytes)
{
	const struct json_value *member = jsonreader_member(jwk, name);

	bytes->ptr = (const char *)out;
	return base64_decode(jsonreader_string(member), out, size, &bytes->len);
}

/* The same RSA key in the set before; NULL when it is new. */
static const struct signature_key *find_old(const struct keyset *old,
					    enum signature_alg alg,
					    struct text n, struct text e)
{
	for (size_t i = 0; old != NULL && i < old->count; i++)
		if (signature_key_is_rsa(old->keys[i].signature, alg, n, e))
			return old->keys[i].signature;
	return NULL;
}

static enum err read_rsa(struct keyset *set, const struct json_value *jwk,
			 enum signature_alg alg, struct signature_key **key)
{
	unsigned char n_bytes[SIGNATURE_RSA_MAX_BYTES + 1], e_bytes[16];
	const struct signature_key *same;
	struct text n, e;
	const char *reason;
	size_t units;

	if (!read_bytes(jwk, "n", n_bytes, sizeof(n_bytes), &n) ||
	    !read_bytes(jwk, "e", e_bytes, sizeof(e_bytes), &e))
		return ERR_INVALID;
	units = (n.len + RSA_WORK_UNIT_BYTES - 1) / RSA_WORK_UNIT_BYTES;
	set->rsa_work += units * units * units;
	if (set->rsa_work > RSA_WORK_MAX)
		return ERR_INVALID;
	same = find_old(set->old, alg, n, e);
	if (same != NULL)
		return signature_key_copy(same, key);
	return signature_key_rsa(alg, n, e, key, &reason);
}

static enum err read_ec(struct keyset *set, const struct json_value *jwk,
			enum signature_alg alg, struct signature_key **key)
{
	unsigned char x_bytes[SIGNATURE_COORDINATE_MAX];
	unsigned char y_bytes[SIGNATURE_COORDINATE_MAX];
	struct text x, y;
	const char *reason;

	(void)set;
	if (!read_bytes(jwk, "x", x_bytes, sizeof(x_bytes), &x) ||
	    !read_bytes(jwk, "y", y_bytes, sizeof(y_bytes), &y))
		return ERR_INVALID;
	return signature_key_ec(alg, x, y, key, &reason);
}

static enum err read_okp(struct keyset *set, const struct json_value *jwk,
			 enum signature_alg alg, struct signature_key **key)
{
	unsigned char bytes[SIGNATURE_ED25519_BYTES];
	struct text x;
	const char *reason;

	(void)set;
	(void)alg;
	if (!read_bytes(jwk, "x", bytes, sizeof(bytes), &x))
		return ERR_INVALID;
	return signature_key_ed25519(x, key, &reason);
}

/* What a key is says what it is for; without alg the first row that fits. */
static const struct kind {
	struct text kty;
	struct text crv; /* empty: none is needed */
	enum signature_alg alg;
	enum err (*read)(struct keyset *set, const struct json_value *jwk,
			 enum signature_alg alg, struct signature_key **key);
} kinds[] = {
	{ TEXT("RSA"), TEXT(""), SIGNATURE_RS256, read_rsa },
	{ TEXT("RSA"), TEXT(""), SIGNATURE_PS256, read_rsa },
	{ TEXT("EC"), TEXT("P-256"), SIGNATURE_ES256, read_ec },
	{ TEXT("EC"), TEXT("P-521"), SIGNATURE_ES512, read_ec },
	{ TEXT("OKP"), TEXT("Ed25519"), SIGNATURE_EDDSA, read_okp },
};

static const struct kind *find_kind(const struct json_value *jwk)
{
	struct text kty = jsonreader_string(jsonreader_member(jwk, "kty"));
	struct text crv = jsonreader_string(jsonreader_member(jwk, "crv"));
	const struct json_value *alg = jsonreader_member(jwk, "alg");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct kind *kind = &kinds[i];

		if (text_is_equal(kty, kind->kty) &&
		    (kind->crv.len == 0 || text_is_equal(crv, kind->crv)) &&
		    (alg == NULL ||
		     signature_alg_find(jsonreader_string(alg)) == kind->alg))
			return kind;
	}
	return NULL;
}

/* Whether the key may verify signatures, as far as it says so (RFC 7517 §4.2,
 * §4.3). */
static bool is_for_verifying(const struct json_value *jwk)
{
	const struct json_value *use = jsonreader_member(jwk, "use");
	const struct json_value *ops = jsonreader_member(jwk, "key_ops");
	const struct json_value *op;

	if (use != NULL && !text_is_equal(jsonreader_string(use), TEXT("sig")))
		return false;
	if (ops == NULL)
		return true;
	if (jsonreader_type(ops) != JSON_ARRAY)
		return false;
	for (op = jsonreader_first(ops); op != NULL; op = jsonreader_next(op))
		if (text_is_equal(jsonreader_string(op), TEXT("verify")))
			return true;
	return false;
}

/* Whether a private member is there, of whatever kind (RFC 7518 §6.2.2, §6.3.2,
 * RFC 8037 §2).  Such a key is nobody's secret any more. */
static bool is_disclosed(const struct json_value *jwk)
{
	static const char *const names[] = { "d",  "p",	 "q",  "dp",
					     "dq", "qi", "oth" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (jsonreader_member(jwk, names[i]) != NULL)
			return true;
	return false;
}

static bool read_kid(const struct json_value *jwk, struct key *key)
{
	const struct json_value *member = jsonreader_member(jwk, "kid");
	struct text kid = jsonreader_string(member);

	if (member == NULL)
		return true;
	if (jsonreader_type(member) != JSON_STRING ||
	    kid.len > sizeof(key->kid))
		return false;
	if (kid.len > 0)
		memcpy(key->kid, kid.ptr, kid.len);
	key->kid_len = kid.len;
	key->has_kid = true;
	return true;
}

static bool has_name(const struct key *key, struct text kid)
{
	return key->has_kid == (kid.ptr != NULL) &&
	       text_is_equal(kid_of(key), kid);
}

/* Whether a token that means one key could mean another one of the set. */
static bool is_taken(const struct keyset *set, const struct key *key)
{
	for (size_t i = 0; i < set->count; i++)
		if (key->has_kid && set->keys[i].alg == key->alg &&
		    has_name(&set->keys[i], kid_of(key)))
			return true;
	return false;
}

/* ERR_INVALID: the key is left out. */
static enum err read_key(struct keyset *set, const struct json_value *jwk,
			 struct key *key)
{
	const struct kind *kind = find_kind(jwk);

	memset(key, 0, sizeof(*key));
	if (kind == NULL || !is_for_verifying(jwk) || is_disclosed(jwk) ||
	    !read_kid(jwk, key))
		return ERR_INVALID;
	key->alg = kind->alg;
	if (is_taken(set, key))
		return ERR_INVALID;
	return kind->read(set, jwk, kind->alg, &key->signature);
}

static enum err read_keys(const struct json_value *root, struct keyset *set,
			  const char **reason)
{
	const struct json_value *keys = jsonreader_member(root, "keys");
	const struct json_value *jwk;
	enum err err;

	if (jsonreader_type(keys) != JSON_ARRAY) {
		*reason = "it is no object with an array \"keys\"";
		return ERR_INVALID;
	}
	if (jsonreader_count(keys) > KEYSET_KEYS_MAX) {
		*reason = "it has too many keys";
		return ERR_INVALID;
	}
	for (jwk = jsonreader_first(keys); jwk; jwk = jsonreader_next(jwk)) {
		err = read_key(set, jwk, &set->keys[set->count]);
		if (err == ERR_OK)
			set->count++;
		else if (err == ERR_INVALID)
			set->left_out++;
		else
			return err;
	}
	if (set->count == 0) {
		*reason = "it has no key that can be used";
		return ERR_INVALID;
	}
	return ERR_OK;
}

enum err keyset_parse_next(struct text json, const struct keyset *old,
			   struct keyset **set, const char **reason)
{
	struct jsonreader *reader = NULL;
	struct keyset *made;
	size_t offset;
	enum err err;

	if (json.len > KEYSET_MAX_BYTES) {
		*reason = "it is too large";
		return ERR_INVALID;
	}
	err = jsonreader_parse(json, &reader, &offset);
	if (err != ERR_OK) {
		*reason = "it is not strict JSON";
		return err;
	}
	made = calloc(1, sizeof(*made));
	err = ERR_NO_MEMORY;
	if (made != NULL) {
		made->old = old;
		err = read_keys(jsonreader_root(reader), made, reason);
		made->old = NULL;
	}
	jsonreader_free(&reader);
	if (err == ERR_OK)
		*set = made;
	else
		keyset_free(&made);
	return err;
}

enum err keyset_parse(struct text json, struct keyset **set,
		      const char **reason)
{
	return keyset_parse_next(json, NULL, set, reason);
}

void keyset_free(struct keyset **set)
{
	if (*set == NULL)
		return;
	for (size_t i = 0; i < (*set)->count; i++)
		signature_key_free(&(*set)->keys[i].signature);
	free(*set);
	*set = NULL;
}

size_t keyset_count(const struct keyset *set)
{
	return set->count;
}

size_t keyset_left_out(const struct keyset *set)
{
	return set->left_out;
}

struct keyset_entry keyset_entry(const struct keyset *set, size_t index)
{
	const struct key *key = &set->keys[index];

	return (struct keyset_entry){ key->alg, kid_of(key) };
}

/* Without a kid: the only key for alg, if it is the only one. */
static enum err find_only(const struct keyset *set, enum signature_alg alg,
			  const struct signature_key **key, const char **reason)
{
	const struct signature_key *found = NULL;

	for (size_t i = 0; i < set->count; i++) {
		if (set->keys[i].alg != alg)
			continue;
		if (found != NULL) {
			*reason = "it has no kid, and several keys fit";
			return ERR_DENIED;
		}
		found = set->keys[i].signature;
	}
	if (found == NULL)
		return ERR_NOT_FOUND;
	*key = found;
	return ERR_OK;
}

enum err keyset_find(const struct keyset *set, enum signature_alg alg,
		     struct text kid, const struct signature_key **key,
		     const char **reason)
{
	bool is_known = false;

	if (kid.ptr == NULL)
		return find_only(set, alg, key, reason);
	for (size_t i = 0; i < set->count; i++) {
		if (!has_name(&set->keys[i], kid))
			continue;
		if (set->keys[i].alg == alg) {
			*key = set->keys[i].signature;
			return ERR_OK;
		}
		is_known = true;
	}
	if (!is_known)
		return ERR_NOT_FOUND;
	*reason = "its key is for another alg";
	return ERR_DENIED;
}
