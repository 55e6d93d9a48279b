/*
 * Bearer tokens.  Every byte is judged here before libjwt sees it, because
 * libjwt ignores exp, nbf and crit, takes any spelling of the algorithm, and
 * copies the whole token to the stack.  The signature is compared here too, in
 * constant time; of a token of our own libjwt then has to say the same.
 */
#include "config.h"

#include "core/token.h"

#include <math.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_LIBJWT
#include <jwt.h>
#endif

#include "core/buffer.h"
#include "core/jsonreader.h"
#include "core/jsonwriter.h"

/* {"alg":"HS256","typ":"JWT"} */
#define OWN_HEADER     "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
#define KID_MAX_BYTES  128
#define MAC_BYTES      crypto_auth_hmacsha256_BYTES
#define BASE64_VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING
/* Numbers up to here are exact: two user ids never become one. */
#define INTEGER_MAX 9007199254740991.0

/* The segments as they stand in the token. */
struct segments {
	struct text header;
	struct text payload;
	struct text input; /* header.payload, what is signed */
	struct text signature;
};

static enum err deny(const char **reason, const char *phrase)
{
	*reason = phrase;
	return ERR_DENIED;
}

static bool split(struct text token, struct segments *segments)
{
	size_t first = text_find_byte(token, '.');
	struct text rest = text_slice(token, first + 1, token.len);
	size_t second = text_find_byte(rest, '.');

	if (second == rest.len)
		return false;
	segments->header = text_slice(token, 0, first);
	segments->payload = text_slice(rest, 0, second);
	segments->input = text_slice(token, 0, first + 1 + second);
	segments->signature = text_slice(rest, second + 1, rest.len);
	/* A dot in what remains is no base64 and fails there. */
	return true;
}

/* Canonical base64url without padding only: libsodium refuses bits that are
 * left over, so that a token has one spelling. */
static bool decode(struct text segment, unsigned char *out, size_t size,
		   size_t *len)
{
	return segment.len > 0 &&
	       sodium_base642bin(out, size, segment.ptr, segment.len, NULL, len,
				 NULL, BASE64_VARIANT) == 0;
}

/* Decodes a segment that is a JSON object, strictly read. */
static enum err decode_object(struct text segment, struct jsonreader **reader,
			      const char **reason)
{
	unsigned char bytes[TOKEN_MAX_BYTES];
	struct text json = { (const char *)bytes, 0 };
	struct jsonreader *made = NULL;
	size_t offset;
	enum err err;

	if (!decode(segment, bytes, sizeof(bytes), &json.len))
		return deny(reason, "a segment is not canonical base64url");
	err = jsonreader_parse(json, &made, &offset);
	if (err == ERR_INVALID)
		return deny(reason, "a segment is not strict JSON");
	if (err != ERR_OK)
		return err;
	if (jsonreader_type(jsonreader_root(made)) != JSON_OBJECT) {
		jsonreader_free(&made);
		return deny(reason, "a segment is not a JSON object");
	}
	*reader = made;
	return ERR_OK;
}

static const char *header_problem(const struct json_value *header)
{
	const struct json_value *alg = jsonreader_member(header, "alg");
	const struct json_value *typ = jsonreader_member(header, "typ");
	const struct json_value *kid = jsonreader_member(header, "kid");

	if (!text_is_equal(jsonreader_string(alg), TEXT("HS256")))
		return "alg is not HS256";
	if (jsonreader_member(header, "crit") != NULL)
		return "crit is not supported";
	if (typ != NULL &&
	    !text_is_equal_nocase(jsonreader_string(typ), TEXT("JWT")) &&
	    !text_is_equal_nocase(jsonreader_string(typ), TEXT("at+jwt")))
		return "typ is not JWT";
	if (kid != NULL && (jsonreader_type(kid) != JSON_STRING ||
			    jsonreader_string(kid).len > KID_MAX_BYTES))
		return "kid is not a short string";
	return NULL;
}

static enum err check_header(struct text segment, const char **reason)
{
	struct jsonreader *reader = NULL;
	enum err err = decode_object(segment, &reader, reason);

	if (err != ERR_OK)
		return err;
	*reason = header_problem(jsonreader_root(reader));
	jsonreader_free(&reader);
	return *reason == NULL ? ERR_OK : ERR_DENIED;
}

static void authenticate(struct text input, struct text secret,
			 unsigned char mac[MAC_BYTES])
{
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret.ptr,
				    secret.len);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)input.ptr,
				      input.len);
	crypto_auth_hmacsha256_final(&state, mac);
	sodium_memzero(&state, sizeof(state));
}

static enum err check_signature(const struct segments *segments,
				struct text secret, const char **reason)
{
	unsigned char want[MAC_BYTES], got[MAC_BYTES];
	size_t len;

	if (!decode(segments->signature, got, sizeof(got), &len) ||
	    len != MAC_BYTES)
		return deny(reason, "the signature is malformed");
	authenticate(segments->input, secret, want);
	if (sodium_memcmp(got, want, MAC_BYTES) != 0)
		return deny(reason, "the signature does not match");
	return ERR_OK;
}

static bool has_control(struct text text)
{
	size_t offset = 0;

	while (offset < text.len) {
		int32_t c = text_next(text, &offset);

		if (c < 0x20 || (c >= 0x7f && c <= 0x9f))
			return true;
	}
	return false;
}

/* False when the claim cannot be a user id. */
static bool read_user_id(const struct json_value *claim,
			 struct token_claims *claims)
{
	struct text text = jsonreader_string(claim);
	double number = jsonreader_number(claim);

	if (jsonreader_type(claim) == JSON_NUMBER) {
		if (number < -INTEGER_MAX || number > INTEGER_MAX ||
		    number != (double)(long long)number)
			return false;
		/* Through an integer: a negative zero loses its sign. */
		claims->user_id_len = (size_t)snprintf(claims->user_id,
						       sizeof(claims->user_id),
						       "%lld",
						       (long long)number);
		return true;
	}
	if (text.len == 0 || text.len > TOKEN_USER_ID_MAX_BYTES ||
	    has_control(text))
		return false;
	memcpy(claims->user_id, text.ptr, text.len);
	claims->user_id[text.len] = '\0';
	claims->user_id_len = text.len;
	return true;
}

static const struct json_value *find_user_id(const struct json_value *payload)
{
	static const char *const names[] = { "user_id", "sub", "id" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct json_value *claim =
			jsonreader_member(payload, names[i]);

		if (claim != NULL)
			return claim;
	}
	return NULL;
}

/* A NumericDate (RFC 7519 §2), possibly with a fraction. */
static bool is_date(const struct json_value *claim)
{
	return jsonreader_type(claim) == JSON_NUMBER &&
	       isfinite(jsonreader_number(claim));
}

static int64_t round_up(double seconds)
{
	int64_t whole;

	/* 2^63 itself is a double, and does not fit. */
	if (seconds >= 9223372036854775808.0)
		return INT64_MAX;
	if (seconds <= -9223372036854775808.0)
		return INT64_MIN;
	whole = (int64_t)seconds;
	return (double)whole < seconds ? whole + 1 : whole;
}

static enum err check_claims(const struct json_value *payload, int64_t now_s,
			     struct token_claims *claims, const char **reason)
{
	const struct json_value *user_id = find_user_id(payload);
	const struct json_value *exp = jsonreader_member(payload, "exp");
	const struct json_value *nbf = jsonreader_member(payload, "nbf");
	const struct json_value *iat = jsonreader_member(payload, "iat");
	double now = (double)now_s;

	if (user_id == NULL)
		return deny(reason, "there is no user id");
	if (!read_user_id(user_id, claims))
		return deny(reason, "the user id is not acceptable");
	if (exp == NULL)
		return deny(reason, "there is no exp");
	if (!is_date(exp) || (nbf != NULL && !is_date(nbf)) ||
	    (iat != NULL && !is_date(iat)))
		return deny(reason, "exp, nbf or iat is not a date");
	if (nbf != NULL && jsonreader_number(nbf) - TOKEN_LEEWAY_S > now)
		return deny(reason, "it is not valid yet");
	claims->expires_s = round_up(jsonreader_number(exp));
	if (jsonreader_number(exp) + TOKEN_LEEWAY_S <= now) {
		*reason = "it has expired";
		return ERR_EXPIRED;
	}
	return ERR_OK;
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

static enum err check_payload(struct text segment, int64_t now_s,
			      struct token_claims *claims, bool *is_own,
			      const char **reason)
{
	struct jsonreader *reader = NULL;
	enum err err = decode_object(segment, &reader, reason);

	if (err != ERR_OK)
		return err;
	err = check_claims(jsonreader_root(reader), now_s, claims, reason);
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

enum err token_verify(struct text token, struct text secret, int64_t now_s,
		      struct token_claims *claims, const char **reason)
{
	struct token_claims found;
	struct segments segments;
	bool is_own = false;
	enum err err, other;

	/* With an empty key libjwt accepts every token. */
	if (secret.len == 0 || secret.len > INT32_MAX)
		return deny(reason, "the secret is empty");
	if (token.len > TOKEN_MAX_BYTES)
		return deny(reason, "it is too long");
	if (!split(token, &segments))
		return deny(reason, "it has not three segments");
	err = check_header(segments.header, reason);
	if (err == ERR_OK)
		err = check_signature(&segments, secret, reason);
	if (err == ERR_OK)
		err = check_payload(segments.payload, now_s, &found, &is_own,
				    reason);
	if ((err == ERR_OK || err == ERR_EXPIRED) && is_own &&
	    text_is_equal(segments.header, TEXT(OWN_HEADER))) {
		other = ask_library(token, secret, reason);
		if (other != ERR_OK)
			err = other;
	}
	if (err == ERR_OK)
		*claims = found;
	return err;
}

static void put_base64(struct buffer *out, const void *bytes, size_t len)
{
	size_t size = sodium_base64_encoded_len(len, BASE64_VARIANT);
	char *end = buffer_reserve(out, size);

	if (end == NULL)
		return;
	sodium_bin2base64(end, size, bytes, len, BASE64_VARIANT);
	out->len += size - 1; /* size counts the NUL */
}

static void write_claims(struct buffer *out, const struct uuid *user_id,
			 struct text email, int64_t now_s)
{
	struct jsonwriter writer;
	char id[UUID_TEXT_LEN + 1];

	uuid_format(user_id, id);
	jsonwriter_init(&writer, out);
	jsonwriter_object_begin(&writer);
	jsonwriter_key(&writer, TEXT("user_id"));
	jsonwriter_string(&writer, text_of(id));
	jsonwriter_key(&writer, TEXT("email"));
	jsonwriter_string(&writer, email);
	jsonwriter_key(&writer, TEXT("sub"));
	jsonwriter_string(&writer, text_of(id));
	jsonwriter_key(&writer, TEXT("iat"));
	jsonwriter_int(&writer, now_s);
	jsonwriter_key(&writer, TEXT("exp"));
	jsonwriter_int(&writer, now_s + TOKEN_LIFETIME_S);
	jsonwriter_object_end(&writer);
}

enum err token_issue(struct text secret, const struct uuid *user_id,
		     struct text email, int64_t now_s, char **token)
{
	unsigned char mac[MAC_BYTES];
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
	put_base64(&out, payload.ptr, payload.len);
	if (buffer_is_failed(&out))
		goto out;
	authenticate(buffer_text(&out), secret, mac);
	buffer_append(&out, ".", 1);
	put_base64(&out, mac, sizeof(mac));
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
	return "libsodium " SODIUM_VERSION_STRING;
#endif
}
