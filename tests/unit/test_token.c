/* Bearer tokens: every way in which one can be wrong, and our own. */
#include "config.h"

#include "core/token.h"

#include <dlfcn.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buffer.h"
#include "core/jsonreader.h"
#include "core/uuid.h"
#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define NOW	      1800000000
#define URLSAFE	      sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define HEADER	      "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define PAYLOAD	      "{\"sub\":\"u1\",\"exp\":1800000600}"

#define PAYLOAD_WITH(more) "{\"sub\":\"u1\",\"exp\":1800000600," more "}"

static const char secret_string[] = "a secret for tests, 32 bytes long";

static struct text secret(void)
{
	return text_of(secret_string);
}

static void put_base64(struct buffer *out, const void *bytes, size_t len)
{
	size_t size = sodium_base64_encoded_len(len, URLSAFE);
	char *end = buffer_reserve(out, size);

	sodium_bin2base64(end, size, bytes, len, URLSAFE);
	out->len += size - 1;
}

static void put_signature(struct buffer *out, struct text key)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, (const unsigned char *)key.ptr,
				    key.len);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)out->ptr,
				      out->len);
	crypto_auth_hmacsha256_final(&state, mac);
	buffer_append(out, ".", 1);
	put_base64(out, mac, sizeof(mac));
}

/* A token of any header and payload, properly signed. */
static void make(struct buffer *out, struct text header, struct text payload,
		 struct text key)
{
	buffer_init(out);
	put_base64(out, header.ptr, header.len);
	buffer_append(out, ".", 1);
	put_base64(out, payload.ptr, payload.len);
	put_signature(out, key);
}

/* What is said of a token of our own. */
static enum err verify_by(struct text text, struct text key, int64_t now_s,
			  struct claims *claims, const char **reason)
{
	const struct token_trust trust = { .jwt_secret = key };
	struct token token;
	enum err err = token_verify(text, &trust, now_s, &token, reason);

	if (err == ERR_OK)
		*claims = token.claims;
	return err;
}

static enum err verify(struct text token, struct claims *claims,
		       const char **reason)
{
	/* A copy of exactly this length, for the sanitizer to watch. */
	char *copy = malloc(token.len > 0 ? token.len : 1);
	enum err err;

	if (copy == NULL)
		bail_out("no memory");
	if (token.len > 0)
		memcpy(copy, token.ptr, token.len);
	*reason = NULL;
	err = verify_by((struct text){ copy, token.len }, secret(), NOW, claims,
			reason);
	free(copy);
	return err;
}

/* The example of RFC 7515, appendix A.1: its signature is good, but it names
 * no user. */
static void test_published(void)
{
	static const char token[] =
		"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
		"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9l"
		"eGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
		"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
	static const char key_text[] =
		"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3"
		"Yj0iPS4hcgUuTwjAzZr1Z9CAow";
	char changed[sizeof(token)];
	char key[64];
	size_t len;
	struct claims claims;
	const char *reason;

	if (sodium_base642bin((unsigned char *)key, sizeof(key), key_text,
			      strlen(key_text), NULL, &len, NULL, URLSAFE) != 0)
		bail_out("the published key is malformed");
	is_err(verify_by(text_of(token), (struct text){ key, len }, 1300819379,
			 &claims, &reason),
	       ERR_DENIED, "the published token names no user");
	is_string(reason, "there is no user id", "and that is all it lacks");
	memcpy(changed, token, sizeof(token));
	changed[strlen(changed) - 2] = 'Y';
	is_err(verify_by(text_of(changed), (struct text){ key, len },
			 1300819379, &claims, &reason),
	       ERR_DENIED, "with another signature it is refused");
	is_string(reason, "the signature does not match", "for that reason");
}

/* Payloads under a proper header and signature. */
static const struct {
	const char *payload;
	enum err err;
	const char *user_id; /* ERR_OK */
} payloads[] = {
	{ PAYLOAD, ERR_OK, "u1" },
	{ "{\"user_id\":\"a\",\"sub\":\"b\",\"id\":\"c\",\"exp\":1800000600}",
	  ERR_OK, "a" },
	{ "{\"id\":\"c\",\"sub\":\"b\",\"exp\":1800000600}", ERR_OK, "b" },
	{ "{\"id\":\"c\",\"exp\":1800000600}", ERR_OK, "c" },
	{ "{\"id\":42,\"exp\":1800000600}", ERR_OK, "42" },
	{ "{\"sub\":0,\"exp\":1800000600}", ERR_OK, "0" },
	{ "{\"sub\":-0,\"exp\":1800000600}", ERR_OK, "0" },
	{ "{\"sub\":-7,\"exp\":1800000600}", ERR_OK, "-7" },
	{ "{\"sub\":9007199254740991,\"exp\":1800000600}", ERR_OK,
	  "9007199254740991" },
	{ "{\"sub\":\"caf\xc3\xa9 \xf0\x9f\x98\x80\",\"exp\":1800000600}",
	  ERR_OK, "caf\xc3\xa9 \xf0\x9f\x98\x80" },
	{ "{\"sub\":\"\\u00e9\\/\",\"exp\":1800000600}", ERR_OK, "\xc3\xa9/" },
	{ "{\"sub\":\"u\",\"exp\":1800000600,\"iss\":\"x\",\"aud\":[\"y\"],"
	  "\"user\":{\"a\":{\"b\":null}}}",
	  ERR_OK, "u" },
	{ " {\"sub\":\"u\",\n\"exp\":1800000600} ", ERR_OK, "u" },
	/* what jansson, libjwt's reader of JSON, cannot read */
	{ PAYLOAD_WITH("\"x\":1e999"), ERR_OK, "u1" },
	{ PAYLOAD_WITH("\"x\":[123456789012345678901234]"), ERR_OK, "u1" },
	{ PAYLOAD_WITH("\"iat\":123456789012345678901234"), ERR_OK, "u1" },
	{ PAYLOAD_WITH("\"email\":1e999,\"iat\":0,\"user_id\":\"u1\""), ERR_OK,
	  "u1" },
	{ PAYLOAD_WITH("\"email\":\"\",\"user_id\":\"u1\","
		       "\"iat\":123456789012345678901234"),
	  ERR_OK, "u1" },
	{ "{\"sub\":\"u\",\"exp\":123456789012345678901234}", ERR_OK, "u" },
	{ "{\"sub\":\"u\",\"exp\":0,\"x\":1e999}", ERR_EXPIRED, NULL },
	/* exp: 30 s of leeway, fractions */
	{ "{\"sub\":\"u\",\"exp\":1799999971}", ERR_OK, "u" },
	{ "{\"sub\":\"u\",\"exp\":1799999970.5}", ERR_OK, "u" },
	{ "{\"sub\":\"u\",\"exp\":1.8000006e9}", ERR_OK, "u" },
	{ "{\"sub\":\"u\",\"exp\":1e18}", ERR_OK, "u" },
	{ "{\"sub\":\"u\",\"exp\":1e300}", ERR_OK, "u" },
	{ "{\"sub\":\"u\",\"exp\":1799999970}", ERR_EXPIRED, NULL },
	{ "{\"sub\":\"u\",\"exp\":1799999969.5}", ERR_EXPIRED, NULL },
	{ "{\"sub\":\"u\",\"exp\":0}", ERR_EXPIRED, NULL },
	{ "{\"sub\":\"u\",\"exp\":-1}", ERR_EXPIRED, NULL },
	{ "{\"sub\":\"u\",\"exp\":-1e300}", ERR_EXPIRED, NULL },
	{ "{\"sub\":\"u\"}", ERR_DENIED, NULL },
	{ "{\"sub\":\"u\",\"exp\":null}", ERR_DENIED, NULL },
	{ "{\"sub\":\"u\",\"exp\":\"1800000600\"}", ERR_DENIED, NULL },
	{ "{\"sub\":\"u\",\"exp\":true}", ERR_DENIED, NULL },
	{ "{\"sub\":\"u\",\"exp\":[1800000600]}", ERR_DENIED, NULL },
	{ "{\"sub\":\"u\",\"exp\":1e999}", ERR_DENIED, NULL },
	{ "{\"sub\":\"u\",\"EXP\":1800000600}", ERR_DENIED, NULL },
	/* nbf and iat */
	{ "{\"sub\":\"u\",\"exp\":1800000600,\"nbf\":1800000030}", ERR_OK,
	  "u" },
	{ "{\"sub\":\"u\",\"exp\":1800000600,\"nbf\":1800000030.5}", ERR_DENIED,
	  NULL },
	{ "{\"sub\":\"u\",\"exp\":1800000600,\"nbf\":1800000031}", ERR_DENIED,
	  NULL },
	{ "{\"sub\":\"u\",\"exp\":1800000600,\"nbf\":\"0\"}", ERR_DENIED,
	  NULL },
	{ "{\"sub\":\"u\",\"exp\":1800000600,\"nbf\":1e999}", ERR_DENIED,
	  NULL },
	{ "{\"sub\":\"u\",\"exp\":1800000600,\"iat\":1800000000.25}", ERR_OK,
	  "u" },
	{ "{\"sub\":\"u\",\"exp\":1800000600,\"iat\":\"now\"}", ERR_DENIED,
	  NULL },
	/* expired and more: not merely expired */
	{ "{\"exp\":0}", ERR_DENIED, NULL },
	{ "{\"sub\":\"\",\"exp\":0}", ERR_DENIED, NULL },
	{ "{\"sub\":\"u\",\"exp\":0,\"nbf\":1800000031}", ERR_DENIED, NULL },
	{ "{\"sub\":\"u\",\"exp\":0,\"iat\":\"x\"}", ERR_DENIED, NULL },
	/* user ids */
	{ "{\"exp\":1800000600}", ERR_DENIED, NULL },
	{ "{\"sub\":\"\",\"exp\":1800000600}", ERR_DENIED, NULL },
	{ "{\"user_id\":\"\",\"sub\":\"b\",\"exp\":1800000600}", ERR_DENIED,
	  NULL },
	{ "{\"user_id\":null,\"sub\":\"b\",\"exp\":1800000600}", ERR_DENIED,
	  NULL },
	{ "{\"sub\":null,\"exp\":1800000600}", ERR_DENIED, NULL },
	{ "{\"sub\":true,\"exp\":1800000600}", ERR_DENIED, NULL },
	{ "{\"sub\":{},\"exp\":1800000600}", ERR_DENIED, NULL },
	{ "{\"sub\":[\"u\"],\"exp\":1800000600}", ERR_DENIED, NULL },
	{ "{\"sub\":1.5,\"exp\":1800000600}", ERR_DENIED, NULL },
	{ "{\"sub\":9007199254740992,\"exp\":1800000600}", ERR_DENIED, NULL },
	{ "{\"sub\":9007199254740993,\"exp\":1800000600}", ERR_DENIED, NULL },
	{ "{\"sub\":-9007199254740992,\"exp\":1800000600}", ERR_DENIED, NULL },
	{ "{\"sub\":1e999,\"exp\":1800000600}", ERR_DENIED, NULL },
	{ "{\"sub\":-1e30,\"exp\":1800000600}", ERR_DENIED, NULL },
	{ "{\"sub\":\"a\\u0000b\",\"exp\":1800000600}", ERR_DENIED, NULL },
	{ "{\"sub\":\"a\\nb\",\"exp\":1800000600}", ERR_DENIED, NULL },
	{ "{\"sub\":\"a\x7f\",\"exp\":1800000600}", ERR_DENIED, NULL },
	{ "{\"sub\":\"a\\u0085\",\"exp\":1800000600}", ERR_DENIED, NULL },
	{ "{\"sub\":\"a\\ud800\",\"exp\":1800000600}", ERR_DENIED, NULL },
	/* what is no strict JSON object */
	{ "", ERR_DENIED, NULL },
	{ "null", ERR_DENIED, NULL },
	{ "[]", ERR_DENIED, NULL },
	{ "\"sub\"", ERR_DENIED, NULL },
	{ "{\"sub\":\"u\",\"exp\":1800000600", ERR_DENIED, NULL },
	{ "{\"sub\":\"u\",\"exp\":1800000600}x", ERR_DENIED, NULL },
	{ "{\"sub\":\"u\",\"exp\":1800000600,}", ERR_DENIED, NULL },
	{ "{\"sub\":\"u\",\"exp\":0,\"exp\":1800000600}", ERR_DENIED, NULL },
	{ "{\"sub\":\"a\",\"s\\u0075b\":\"b\",\"exp\":1800000600}", ERR_DENIED,
	  NULL },
	{ "{\"sub\":\"\xff\",\"exp\":1800000600}", ERR_DENIED, NULL },
	{ "\xef\xbb\xbf{\"sub\":\"u\",\"exp\":1800000600}", ERR_DENIED, NULL },
	{ "{\"sub\":\"u\",\"exp\":NaN}", ERR_DENIED, NULL },
};

static void test_payloads(void)
{
	for (size_t i = 0; i < LENGTH(payloads); i++) {
		struct claims claims = { .user_id_len = 0 };
		struct buffer token;
		const char *reason;
		char name[64];

		(void)snprintf(name, sizeof(name), "payload %zu is judged", i);
		make(&token, TEXT(HEADER), text_of(payloads[i].payload),
		     secret());
		if (!is_err(verify(buffer_text(&token), &claims, &reason),
			    payloads[i].err, name))
			diag("%s: %s", payloads[i].payload,
			     reason != NULL ? reason : "no reason");
		if (payloads[i].err == ERR_OK) {
			is_string(claims.user_id, payloads[i].user_id,
				  "and names its user");
			is_int(claims.user_id_len, strlen(payloads[i].user_id),
			       "with its length");
		} else {
			ok(reason != NULL && claims.user_id_len == 0,
			   "with a reason and nothing else");
		}
		buffer_release(&token);
	}
}

static const struct {
	const char *header;
	enum err err;
} headers[] = {
	{ HEADER, ERR_OK },
	{ "{\"typ\":\"JWT\",\"alg\":\"HS256\"}", ERR_OK },
	{ "{\"alg\":\"HS256\"}", ERR_OK },
	{ "{\"alg\":\"HS256\",\"typ\":\"jwt\"}", ERR_OK },
	{ "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", ERR_OK },
	{ "{\"alg\":\"HS256\",\"typ\":\"AT+JWT\"}", ERR_OK },
	{ "{\"alg\":\"HS256\",\"kid\":\"k1\"}", ERR_OK },
	{ "{\"alg\":\"HS256\",\"kid\":\"\"}", ERR_OK },
	{ "{\"alg\":\"HS256\",\"jku\":\"https://evil.example/\",\"jwk\":{},"
	  "\"x5u\":\"https://evil.example/\"}",
	  ERR_OK },
	{ "{\"alg\":\"HS256\",\"cty\":\"x\",\"x\":[1,2]}", ERR_OK },
	{ "{\"alg\":\"none\"}", ERR_DENIED },
	{ "{\"alg\":\"None\"}", ERR_DENIED },
	{ "{\"alg\":\"\"}", ERR_DENIED },
	{ "{\"alg\":\"hs256\"}", ERR_DENIED },
	{ "{\"alg\":\"HS256 \"}", ERR_DENIED },
	{ "{\"alg\":\"HS384\"}", ERR_DENIED },
	{ "{\"alg\":\"HS512\"}", ERR_DENIED },
	{ "{\"alg\":\"RS256\"}", ERR_NOT_FOUND },
	{ "{\"alg\":\"ES256\"}", ERR_NOT_FOUND },
	{ "{\"alg\":\"EdDSA\"}", ERR_NOT_FOUND },
	{ "{\"alg\":null}", ERR_DENIED },
	{ "{\"alg\":256}", ERR_DENIED },
	{ "{\"alg\":[\"HS256\"]}", ERR_DENIED },
	{ "{\"ALG\":\"HS256\"}", ERR_DENIED },
	{ "{}", ERR_DENIED },
	{ "{\"alg\":\"none\",\"alg\":\"HS256\"}", ERR_DENIED },
	{ "{\"alg\":\"HS256\",\"a\\u006cg\":\"none\"}", ERR_DENIED },
	{ "{\"alg\":\"HS256\",\"typ\":\"JWE\"}", ERR_DENIED },
	{ "{\"alg\":\"HS256\",\"typ\":\"\"}", ERR_DENIED },
	{ "{\"alg\":\"HS256\",\"typ\":null}", ERR_DENIED },
	{ "{\"alg\":\"HS256\",\"typ\":1}", ERR_DENIED },
	{ "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", ERR_DENIED },
	{ "{\"alg\":\"HS256\",\"crit\":[]}", ERR_DENIED },
	{ "{\"alg\":\"HS256\",\"crit\":null}", ERR_DENIED },
	{ "{\"alg\":\"HS256\",\"b64\":false,\"crit\":[\"b64\"]}", ERR_DENIED },
	{ "{\"alg\":\"HS256\",\"kid\":1}", ERR_DENIED },
	{ "{\"alg\":\"HS256\",\"kid\":null}", ERR_DENIED },
	{ "{\"alg\":\"HS256\",\"kid\":{}}", ERR_DENIED },
	{ "[\"HS256\"]", ERR_DENIED },
	{ "\"HS256\"", ERR_DENIED },
	{ "null", ERR_DENIED },
	{ "{\"alg\":\"HS256\"}\n{}", ERR_DENIED },
	{ "{\"alg\":\"HS256\",}", ERR_DENIED },
	{ "{'alg':'HS256'}", ERR_DENIED },
	{ "{\"alg\":\"HS256\",\"x\":\"\\u0000\"}", ERR_DENIED },
};

static void test_headers(void)
{
	for (size_t i = 0; i < LENGTH(headers); i++) {
		struct claims claims;
		struct buffer token;
		const char *reason;
		char name[64];

		(void)snprintf(name, sizeof(name), "header %zu is judged", i);
		make(&token, text_of(headers[i].header), TEXT(PAYLOAD),
		     secret());
		if (!is_err(verify(buffer_text(&token), &claims, &reason),
			    headers[i].err, name))
			diag("%s: %s", headers[i].header,
			     reason != NULL ? reason : "no reason");
		buffer_release(&token);
	}
}

static void test_kid_length(void)
{
	for (int len = 128; len <= 129; len++) {
		struct claims claims;
		struct buffer token;
		const char *reason;
		char header[256];

		(void)snprintf(header, sizeof(header),
			       "{\"alg\":\"HS256\",\"kid\":\"%0*d\"}", len, 0);
		make(&token, text_of(header), TEXT(PAYLOAD), secret());
		is_err(verify(buffer_text(&token), &claims, &reason),
		       len == 128 ? ERR_OK : ERR_DENIED,
		       "kid is at most 128 bytes");
		buffer_release(&token);
	}
}

static void test_user_id_length(void)
{
	for (int len = 255; len <= 256; len++) {
		struct claims claims;
		struct buffer token;
		const char *reason;
		char payload[400];

		(void)snprintf(payload, sizeof(payload),
			       "{\"sub\":\"%0*d\",\"exp\":1800000600}", len, 0);
		make(&token, TEXT(HEADER), text_of(payload), secret());
		is_err(verify(buffer_text(&token), &claims, &reason),
		       len == 255 ? ERR_OK : ERR_DENIED,
		       "a user id is at most 255 bytes");
		if (len == 255)
			is_int(claims.user_id_len, 255, "and is whole");
		buffer_release(&token);
	}
}

static void refuse(const struct buffer *token, const char *reason_wanted,
		   const char *name)
{
	struct claims claims;
	const char *reason;

	is_err(verify(buffer_text(token), &claims, &reason), ERR_DENIED, name);
	is_string(reason, reason_wanted, name);
}

/* A good token with one change to its text. */
static void test_spelling(void)
{
	static const char base64[] = "a segment is not canonical base64url";
	static const char three[] = "it has not three segments";
	static const char malformed[] = "the signature is malformed";
	static const char mismatch[] = "the signature does not match";
	static const struct {
		const char *before, *after; /* put at the ends */
		const char *reason, *name;
	} ends[] = {
		{ " ", "", base64, "a blank before it" },
		{ "", " ", malformed, "a blank after it" },
		{ "", "\n", malformed, "a line feed after it" },
		{ "", "=", malformed, "padding" },
		{ "", ".", malformed, "a dot after it" },
		{ "", ".e30", malformed, "four segments" },
		{ "", "..", malformed, "five segments" },
		{ ".", "", base64, "an empty header" },
		{ "=", "", base64, "padding in front" },
		{ "Bearer ", "", base64, "the scheme" },
	};
	static const char *const fragments[] = { "", ".", "a", "a.b" };
	struct buffer good, token;
	struct claims claims;
	const char *reason;
	bool all = true;

	make(&good, TEXT(HEADER), TEXT(PAYLOAD), secret());
	for (size_t i = 0; i < LENGTH(ends); i++) {
		buffer_init(&token);
		buffer_append_text(&token, text_of(ends[i].before));
		buffer_append_text(&token, buffer_text(&good));
		buffer_append_text(&token, text_of(ends[i].after));
		refuse(&token, ends[i].reason, ends[i].name);
		buffer_release(&token);
	}
	for (size_t i = 0; i < LENGTH(fragments); i++) {
		buffer_init(&token);
		buffer_append_text(&token, text_of(fragments[i]));
		refuse(&token, three, "fewer than three segments");
		buffer_release(&token);
	}
	/* Every byte of it counts, every beginning is refused. */
	for (size_t at = 0; at < good.len; at++) {
		char old = good.ptr[at];

		good.ptr[at] = old == 'A' ? 'B' : 'A';
		all = all && verify(buffer_text(&good), &claims, &reason) ==
				     ERR_DENIED;
		good.ptr[at] = '\0';
		all = all && verify(buffer_text(&good), &claims, &reason) ==
				     ERR_DENIED;
		good.ptr[at] = old;
		all = all && verify((struct text){ good.ptr, at }, &claims,
				    &reason) == ERR_DENIED;
	}
	ok(all, "no byte can be changed or left out");
	is_err(verify(buffer_text(&good), &claims, &reason), ERR_OK,
	       "and unchanged it is good");

	/* 43 characters hold 258 bits of 256: the last two must be zero. */
	good.ptr[good.len - 1]++;
	refuse(&good, malformed, "bits that are left over");
	good.ptr[good.len - 1]--;
	good.ptr[good.len - 2] = good.ptr[good.len - 2] == 'A' ? 'B' : 'A';
	refuse(&good, mismatch, "another signature");
	good.len -= 4;
	refuse(&good, malformed, "a short signature");
	while (good.ptr[good.len - 1] != '.')
		good.len--;
	refuse(&good, malformed, "an empty signature");
	good.len--;
	refuse(&good, three, "no signature");
	buffer_release(&good);
}

/* Header and payload in spellings that a lenient decoder takes for the same;
 * the signature fits what is sent. */
static void test_base64(void)
{
	static const struct {
		const char *input, *name;
	} cases[] = {
		{ "eyJhbGciOiJIUzI1NiJ9=.eyJzdWIiOiJ1In0", "padding" },
		{ "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1In0=", "padding" },
		{ "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1In1", "bits left over" },
		{ "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1In0A", "a NUL more" },
		{ "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1I", "an odd length" },
		{ "eyJhbGciOiJIUzI1NiJ9.eyJz dWIiOiJ1In0", "a blank" },
		{ "eyJhbGciOiJIUzI1NiJ9.eyJz\ndWIiOiJ1In0", "a line feed" },
		{ "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI+In0", "the other +" },
		{ "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI/In0", "the other /" },
		{ "eyJhbGciOiJIUzI1NiJ9.%65yJzdWIiOiJ1In0", "an escape" },
		{ "eyJhbGciOiJIUzI1NiJ9.", "no payload" },
		{ ".eyJzdWIiOiJ1In0", "no header" },
		{ ".", "neither" },
	};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct buffer token;
		struct claims claims;
		const char *reason;

		buffer_init(&token);
		buffer_append_text(&token, text_of(cases[i].input));
		put_signature(&token, secret());
		is_err(verify(buffer_text(&token), &claims, &reason),
		       ERR_DENIED, cases[i].name);
		buffer_release(&token);
	}
}

static void test_size(void)
{
	static char payload[7000];
	struct claims claims;
	struct buffer token;
	const char *reason;
	size_t fill = 0;

	/* As long as allowed: header 36 + 1 + payload + 1 + 43. */
	memset(payload, ' ', sizeof(payload));
	memcpy(payload, PAYLOAD, strlen(PAYLOAD));
	fill = (TOKEN_MAX_BYTES - 36 - 1 - 1 - 43) * 3 / 4;
	make(&token, TEXT(HEADER), (struct text){ payload, fill }, secret());
	ok(token.len <= TOKEN_MAX_BYTES && token.len > TOKEN_MAX_BYTES - 4,
	   "a token of the greatest length");
	is_err(verify(buffer_text(&token), &claims, &reason), ERR_OK,
	       "is accepted");
	buffer_release(&token);
	make(&token, TEXT(HEADER), (struct text){ payload, fill + 4 },
	     secret());
	refuse(&token, "it is too long", "a longer one is refused");
	buffer_release(&token);
}

static void test_secrets(void)
{
	static const char other[] = "another secret for tests, as long as it";
	struct claims claims;
	struct buffer token;
	const char *reason;
	char big[200];

	make(&token, TEXT(HEADER), TEXT(PAYLOAD), secret());
	is_err(verify_by(buffer_text(&token), text_of(other), NOW, &claims,
			 &reason),
	       ERR_DENIED, "another secret does not fit");
	/* libjwt would accept any token here. */
	is_err(verify_by(buffer_text(&token), TEXT(""), NOW, &claims, &reason),
	       ERR_DENIED, "an empty secret accepts nothing");
	is_err(verify_by(buffer_text(&token), (struct text){ NULL, 0 }, NOW,
			 &claims, &reason),
	       ERR_DENIED, "no secret accepts nothing");
	buffer_release(&token);
	make(&token, TEXT(HEADER), TEXT(PAYLOAD), TEXT(""));
	is_err(verify_by(buffer_text(&token), TEXT(""), NOW, &claims, &reason),
	       ERR_DENIED, "nor does it when it fits");
	buffer_release(&token);
	/* Longer than a block of the hash, and with every byte in it. */
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)i;
	make(&token, TEXT(HEADER), TEXT(PAYLOAD),
	     (struct text){ big, sizeof(big) });
	is_err(verify_by(buffer_text(&token), (struct text){ big, sizeof(big) },
			 NOW, &claims, &reason),
	       ERR_OK, "a secret is bytes of any kind and number");
	buffer_release(&token);

	is_string(token_secret_problem(TEXT("")), "is empty", "an empty one");
	is_string(token_secret_problem((struct text){ NULL, 0 }), "is empty",
		  "none at all");
	is_string(token_secret_problem(TEXT("1234567890123456789012345678901")),
		  "is shorter than 32 bytes", "a short one");
	is_string(
		token_secret_problem(TEXT("12345678901234567890123456789012")),
		NULL, "one of 32 bytes will do");
	ok(token_secret_problem(TEXT(
		   "\n-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG")) != NULL,
	   "a PEM key will not");
}

static struct text header_of(const char *token)
{
	return text_slice(text_of(token), 0,
			  text_find_byte(text_of(token), '.'));
}

static void test_own(void)
{
	static const char email[] = "j\xc3\xbcrgen\"x@example.org";
	const struct uuid id = uuid_make();
	struct jsonreader *reader = NULL;
	unsigned char payload[1024];
	struct claims claims;
	struct text rest, json;
	char *token = NULL, text[UUID_TEXT_LEN + 1];
	const char *reason;
	size_t offset;
	char want[512];

	uuid_format(&id, text);
	if (!is_err(token_issue(secret(), text_of(text), text_of(email), NOW,
				&token),
		    ERR_OK, "a token is issued"))
		return;
	is_text(header_of(token), TEXT("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"),
		"its header is exactly {\"alg\":\"HS256\",\"typ\":\"JWT\"}");
	rest = text_slice(text_of(token), header_of(token).len + 1,
			  strlen(token));
	rest = text_slice(rest, 0, text_find_byte(rest, '.'));
	json.ptr = (const char *)payload;
	if (sodium_base642bin(payload, sizeof(payload), rest.ptr, rest.len,
			      NULL, &json.len, NULL, URLSAFE) != 0 ||
	    jsonreader_parse(json, &reader, &offset) != ERR_OK)
		bail_out("its payload does not parse");
	(void)snprintf(want, sizeof(want),
		       "{\"user_id\":\"%s\",\"email\":\"j\xc3\xbcrgen\\\"x"
		       "@example.org\",\"sub\":\"%s\",\"iat\":1800000000,"
		       "\"exp\":1800604800}",
		       text, text);
	is_text(json, text_of(want), "its claims are those of the contract");
	jsonreader_free(&reader);
	is_err(verify(text_of(token), &claims, &reason), ERR_OK,
	       "and it is accepted");
	is_string(claims.user_id, text, "for its user");
	is_int(claims.expires_s, NOW + TOKEN_LIFETIME_S, "for seven days");
	is_err(verify_by(text_of(token), secret(),
			 NOW + TOKEN_LIFETIME_S + CLAIMS_LEEWAY_S, &claims,
			 &reason),
	       ERR_EXPIRED, "and no longer");
	is_string(reason, "it has expired", "which is told");
	free(token);
	is_err(token_issue(TEXT(""), text_of(text), text_of(email), NOW,
			   &token),
	       ERR_SYSTEM, "without a secret none is issued");
}

static void test_expires(void)
{
	static const struct {
		const char *payload;
		int64_t expires_s;
	} cases[] = {
		{ "{\"sub\":\"u\",\"exp\":1800000600}", 1800000600 },
		{ "{\"sub\":\"u\",\"exp\":1800000600.25}", 1800000601 },
		{ "{\"sub\":\"u\",\"exp\":1e18}",
		  INT64_C(1000000000000000000) },
		{ "{\"sub\":\"u\",\"exp\":1e300}", INT64_MAX },
	};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct claims claims = { .expires_s = 0 };
		struct buffer token;
		const char *reason;

		make(&token, TEXT(HEADER), text_of(cases[i].payload), secret());
		(void)verify(buffer_text(&token), &claims, &reason);
		is_int(claims.expires_s, cases[i].expires_s, "exp is told");
		buffer_release(&token);
	}
}

static size_t allocations_left;

static void *rare_malloc(size_t size)
{
	return allocations_left > 0 ? (allocations_left--, malloc(size)) : NULL;
}

typedef void set_alloc_fn(void *(*allocate)(size_t), void (*release)(void *));

/* What is said of a token when jansson gets so many allocations only. */
static enum err verify_with(set_alloc_fn *set_alloc, size_t allocations,
			    const struct buffer *token, int64_t now_s)
{
	struct claims claims;
	const char *reason;
	enum err err;

	allocations_left = allocations;
	set_alloc(rare_malloc, free);
	err = verify_by(buffer_text(token), secret(), now_s, &claims, &reason);
	set_alloc(malloc, free);
	return err;
}

/* To libjwt a failure of jansson is malformed JSON: that is no verdict. */
static void test_jansson_fails(void)
{
	int64_t late_s = NOW + 2 * TOKEN_LIFETIME_S;
	struct buffer own, other;
	set_alloc_fn *set_alloc;
	bool is_right = true;
	char *token = NULL;
	size_t count = 0;
	void *symbol = dlsym(RTLD_DEFAULT, "json_set_alloc_funcs");

	if (symbol == NULL) {
		skip("what is said when jansson fails", "there is none");
		return;
	}
	memcpy(&set_alloc, &symbol, sizeof(set_alloc));
	if (token_issue(secret(), TEXT("u"), TEXT("a@b.c"), NOW, &token) !=
	    ERR_OK)
		bail_out("no token");
	buffer_init(&own);
	buffer_append_text(&own, text_of(token));
	free(token);
	make(&other, TEXT(HEADER), TEXT(PAYLOAD), secret());

	while (verify_with(set_alloc, count, &own, NOW) != ERR_OK &&
	       count < 1000) {
		is_right = is_right &&
			   verify_with(set_alloc, count, &own, NOW) ==
				   ERR_NO_MEMORY &&
			   verify_with(set_alloc, count, &own, late_s) ==
				   ERR_NO_MEMORY;
		count++;
	}
	ok(is_right, "a failure of jansson is no verdict");
	ok(count > 10 && count < 1000, "wherever it fails");
	is_err(verify_with(set_alloc, 0, &other, NOW), ERR_OK,
	       "another issuer's token does not need jansson");
	own.ptr[own.len - 5] ^= 1;
	is_err(verify_with(set_alloc, 0, &own, NOW), ERR_DENIED,
	       "a forged one is refused before jansson is asked");
	buffer_release(&other);
	buffer_release(&own);
}

int main(void)
{
	test_jansson_fails();
	test_published();
	test_payloads();
	test_headers();
	test_kid_length();
	test_user_id_length();
	test_spelling();
	test_base64();
	test_size();
	test_secrets();
	test_own();
	test_expires();
	ok(text_has_prefix(text_of(token_library()), TEXT("lib")),
	   "the library has a name");
	return tap_done();
}
