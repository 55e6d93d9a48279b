/*
 * Bearer tokens.  Every byte is judged here before libjwt sees it, because
 * libjwt ignores exp, nbf and crit, takes any spelling of the algorithm, and
 * copies the whole token to the stack.  The signature is compared here too, in
 * constant time; of a token of our own libjwt then has to say the same.
 */
#include "config.h"

#include "core/token.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_LIBJWT
#include <jwt.h>
#endif

#include "core/base64.h"
#include "core/buffer.h"
#include "core/jsonreader.h"
#include "core/jsonwriter.h"
#include "core/keyset.h"
#include "core/signature.h"

/* {"alg":"HS256","typ":"JWT"} */
#define OWN_HEADER "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
/* What every reader of JSON takes. */
#define INTEGER_MAX 9007199254740991.0
/* The longest signature is RSA's. */
#define SIGNATURE_MAX_BYTES SIGNATURE_RSA_MAX_BYTES

static enum err deny(const char **reason, const char *phrase)
{
	*reason = phrase;
	return ERR_DENIED;
}

/* Whether these are the claims that token_issue() writes, of such types and
 * sizes that every reader of JSON takes them. */
static bool has_own_claims(const struct json_value *payload)
{
	static const char *const strings[] = { "user_id", "email", "sub" };
	static const char *const numbers[] = { "iat", "exp" };

	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		if (jsonreader_type(jsonreader_member(payload, strings[i])) !=
		    JSON_STRING)
			return false;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const struct json_value *claim =
			jsonreader_member(payload, numbers[i]);

		if (jsonreader_type(claim) != JSON_NUMBER ||
		    !(fabs(jsonreader_number(claim)) <= INTEGER_MAX))
			return false;
	}
	return jsonreader_count(payload) == 5;
}

/* Whose secret has signed, if anybody's.  One that both have is the other
 * issuer's: its rules are the stricter ones. */
static enum err find_secret(const struct tokenform *form, struct text signature,
			    const struct token_trust *trust,
			    enum token_issuer *issuer, const char **reason)
{
	if (trust->jwt_secret.len == 0 && trust->shared_secret.len == 0)
		return deny(reason, "there is no secret to verify it by");
	if (signature.len != SIGNATURE_MAC_BYTES)
		return deny(reason, "the signature is malformed");
	if (signature_verify_mac(trust->shared_secret, form->input,
				 signature) == ERR_OK)
		*issuer = TOKEN_BY_SHARED_SECRET;
	else if (signature_verify_mac(trust->jwt_secret, form->input,
				      signature) == ERR_OK)
		*issuer = TOKEN_BY_JWT_SECRET;
	else
		return deny(reason, "the signature does not match");
	return ERR_OK;
}

static enum err check_key(const struct tokenform *form, struct text signature,
			  const struct token_trust *trust, const char **reason)
{
	const struct signature_key *key;
	enum err err = ERR_NOT_FOUND;

	if (trust->keys != NULL)
		err = keyset_find(trust->keys, form->alg, tokenform_kid(form),
				  &key, reason);
	if (err == ERR_NOT_FOUND)
		*reason = "its key is not known";
	if (err != ERR_OK)
		return err;
	err = signature_verify(key, form->input, signature);
	if (err == ERR_DENIED)
		*reason = "the signature does not match";
	return err;
}

static enum err check_signature(const struct tokenform *form,
				const struct token_trust *trust,
				enum token_issuer *issuer, const char **reason)
{
	unsigned char bytes[SIGNATURE_MAX_BYTES];
	struct text signature = { (const char *)bytes, 0 };

	if (!base64_decode(form->signature, bytes, sizeof(bytes),
			   &signature.len))
		return deny(reason, "the signature is malformed");
	if (form->alg == SIGNATURE_HS256)
		return find_secret(form, signature, trust, issuer, reason);
	*issuer = TOKEN_BY_KEYSET;
	return check_key(form, signature, trust, reason);
}

static struct claims_rules rules_of(enum token_issuer issuer,
				    const struct token_trust *trust)
{
	struct claims_rules rules = {
		.user = CLAIMS_USER_ANY,
		.issuer = trust->issuer,
		.audience = trust->audience,
		/* Our own tokens carry neither: one that does is not ours,
		 * whoever has the secret. */
		.may_lack_them = issuer == TOKEN_BY_JWT_SECRET,
	};

	if (issuer == TOKEN_BY_KEYSET)
		rules.user = CLAIMS_USER_SUB;
	else
		rules.exp_is_optional = trust->exp_is_optional;
	return rules;
}

static enum err check_payload(const struct tokenform *form,
			      const struct claims_rules *rules, int64_t now_s,
			      struct claims *claims, bool *is_own,
			      const char **reason)
{
	struct jsonreader *reader = NULL;
	enum err err = tokenform_object(form->payload, &reader, reason);

	if (err != ERR_OK)
		return err;
	err = claims_check(jsonreader_root(reader), rules, now_s, claims,
			   reason);
	*is_own = has_own_claims(jsonreader_root(reader));
	jsonreader_free(&reader);
	return err;
}

/* What libjwt says of a token of our own that is known to be good.  It is not
 * asked about others: it refuses typ at+jwt (RFC 9068), and jansson, which
 * reads for it, some numbers that JSON allows.  Of ours it can refuse nothing,
 * so that when it does, it has failed: it takes jansson's want of memory for
 * malformed JSON. */
static enum err ask_library(struct text token, struct text secret,
			    const char **reason)
{
#ifdef HAVE_LIBJWT
	char string[TOKEN_MAX_BYTES + 1];
	jwt_t *jwt = NULL;
	bool is_hs256;

	memcpy(string, token.ptr, token.len);
	string[token.len] = '\0';
	if (jwt_decode(&jwt, string, (const unsigned char *)secret.ptr,
		       (int)secret.len) != 0)
		return ERR_NO_MEMORY;
	is_hs256 = jwt_get_alg(jwt) == JWT_ALG_HS256;
	jwt_free(jwt);
	if (!is_hs256)
		return deny(reason, "libjwt sees another alg");
#else
	(void)token;
	(void)secret;
	(void)reason;
#endif
	return ERR_OK;
}

enum err token_verify(struct text text, const struct token_trust *trust,
		      int64_t now_s, struct token *token, const char **reason)
{
	struct claims_rules rules;
	struct tokenform form;
	struct token found;
	bool is_own = false;
	enum err err, other;

	err = tokenform_read(text, &form, reason);
	if (err == ERR_OK)
		err = check_signature(&form, trust, &found.issuer, reason);
	if (err != ERR_OK)
		return err;
	rules = rules_of(found.issuer, trust);
	err = check_payload(&form, &rules, now_s, &found.claims, &is_own,
			    reason);
	if ((err == ERR_OK || err == ERR_EXPIRED) && is_own &&
	    found.issuer == TOKEN_BY_JWT_SECRET &&
	    text_is_equal(form.header, TEXT(OWN_HEADER))) {
		other = ask_library(text, trust->jwt_secret, reason);
		if (other != ERR_OK)
			err = other;
	}
	if (err == ERR_OK || err == ERR_EXPIRED)
		*token = found;
	return err;
}

static void write_claims(struct buffer *out, struct text user_id,
			 struct text email, int64_t now_s)
{
	struct jsonwriter writer;

	jsonwriter_init(&writer, out);
	jsonwriter_object_begin(&writer);
	jsonwriter_key(&writer, TEXT("user_id"));
	jsonwriter_string(&writer, user_id);
	jsonwriter_key(&writer, TEXT("email"));
	jsonwriter_string(&writer, email);
	jsonwriter_key(&writer, TEXT("sub"));
	jsonwriter_string(&writer, user_id);
	jsonwriter_key(&writer, TEXT("iat"));
	jsonwriter_int(&writer, now_s);
	jsonwriter_key(&writer, TEXT("exp"));
	jsonwriter_int(&writer, now_s + TOKEN_LIFETIME_S);
	jsonwriter_object_end(&writer);
}

enum err token_issue(struct text secret, struct text user_id, struct text email,
		     int64_t now_s, char **token)
{
	unsigned char mac[SIGNATURE_MAC_BYTES];
	struct buffer payload, out;
	enum err err = ERR_NO_MEMORY;

	if (secret.len == 0)
		return ERR_SYSTEM;
	buffer_init(&payload);
	buffer_init(&out);
	write_claims(&payload, user_id, email, now_s);
	if (buffer_is_failed(&payload))
		goto out;
	buffer_append_text(&out, TEXT(OWN_HEADER "."));
	base64_append(&out, payload.ptr, payload.len);
	if (buffer_is_failed(&out))
		goto out;
	signature_mac(secret, buffer_text(&out), mac);
	buffer_append(&out, ".", 1);
	base64_append(&out, mac, sizeof(mac));
	if (buffer_is_failed(&out))
		goto out;
	err = out.len > TOKEN_MAX_BYTES ? ERR_SYSTEM : ERR_OK;
	if (err == ERR_OK) {
		/* The encoder has put a NUL behind the last byte. */
		*token = out.ptr;
		buffer_init(&out);
	}
out:
	buffer_release(&payload);
	buffer_release(&out);
	return err;
}

const char *token_secret_problem(struct text secret)
{
	static const char pem[] = "-----BEGIN";

	if (secret.len == 0)
		return "is empty";
	if (memmem(secret.ptr, secret.len, pem, strlen(pem)) != NULL)
		return "is a PEM key, not a shared secret";
	if (secret.len < TOKEN_SECRET_MIN_BYTES)
		return "is shorter than 32 bytes";
	return NULL;
}

const char *token_library(void)
{
#ifdef HAVE_LIBJWT
	return "libjwt " LIBJWT_VERSION;
#else
	return "libsodium";
#endif
}
