/* What a person is told of a token. */
#include "config.h"

#include "core/tokenreport.h"

#include <stdlib.h>
#include <string.h>

#include "core/buffer.h"
#include "core/keyset.h"
#include "core/token.h"
#include "tests/support/signer.h"
#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define NOW	      1795600800 /* 2026-11-25T10:00:00Z */
#define SECRET	      "a secret for tests, 32 bytes long"
#define HEADER	      "{\"alg\":\"EdDSA\",\"kid\":\"a\"}"
#define WORDS_MAX     4

static const struct signer_key key_a = { 1, "a" };
static struct token_trust trust = {
	.jwt_secret = TEXT(SECRET),
	.issuer = TEXT("https://me.example"),
};

static void look_for(const struct buffer *report,
		     const char *const words[WORDS_MAX], const char *name)
{
	for (size_t i = 0; i < WORDS_MAX && words[i]; i++)
		if (!ok(memmem(report->ptr, report->len, words[i],
			       strlen(words[i])) != NULL,
			name))
			diag("no \"%s\" in\n%.*s", words[i], (int)report->len,
			     report->ptr);
}

/* Tokens of the key set. */
static const struct {
	const char *name, *header, *claims;
	enum err err;
	const char *words[WORDS_MAX];
} cases[] = {
	{ "a good one",
	  HEADER,
	  "{\"sub\":\"u\",\"iss\":\"https://me.example\",\"iat\":1795600740,"
	  "\"exp\":1795601001}",
	  ERR_OK,
	  { "issued      2026-11-25T09:59:00Z, 1 minute ago",
	    "expires     2026-11-25T10:03:21Z, in 3 minutes 21 seconds",
	    "accepted, by the key set, for the user u",
	    "Verdict, at 2026-11-25T10:00:00Z" } },
	{ "an expired one",
	  HEADER,
	  "{\"sub\":\"u\",\"iss\":\"https://me.example\",\"exp\":1795510799}",
	  ERR_EXPIRED,
	  { "refused: it has expired", "  1 day 1 hour too late",
	    "30 seconds are forgiven" } },
	{ "a duration for a time",
	  HEADER,
	  "{\"sub\":\"u\",\"iss\":\"https://me.example\",\"exp\":900}",
	  ERR_EXPIRED,
	  { "expires     1970-01-01T00:15:00Z", "56 years 342 days too late",
	    "expirationTime" } },
	{ "milliseconds",
	  HEADER,
	  "{\"sub\":\"u\",\"iss\":\"https://me.example\","
	  "\"exp\":1795601001000}",
	  ERR_OK,
	  { "beyond the year 5000", "milliseconds" } },
	{ "an issuer whose clock is ahead",
	  HEADER,
	  "{\"sub\":\"u\",\"iss\":\"https://me.example\",\"iat\":1795601400,"
	  "\"nbf\":1795601400,\"exp\":1795609000}",
	  ERR_DENIED,
	  { "valid from  2026-11-25T10:10:00Z, in 10 minutes",
	    "refused: it is not valid yet", "at least 10 minutes" } },
	{ "another issuer",
	  HEADER,
	  "{\"sub\":\"u\",\"iss\":\"http://me.example\",\"exp\":1795601001}",
	  ERR_DENIED,
	  { "refused: iss", "JWT_ISSUER is \"https://me.example\"",
	    "byte for byte" } },
	{ "an unknown key",
	  "{\"alg\":\"EdDSA\",\"kid\":\"b\"}",
	  "{\"sub\":\"u\"}",
	  ERR_NOT_FOUND,
	  { "a public key, kid b", "the key set has EdDSA a\n",
	    "refused: its key is not known", "newer keys" } },
	{ "an algorithm that is none",
	  "{\"alg\":\"none\"}",
	  "{\"sub\":\"u\"}",
	  ERR_DENIED,
	  { "one of EdDSA, RS256", "refused: alg" } },
	{ "claims that are no JSON",
	  HEADER,
	  "{sub}",
	  ERR_DENIED,
	  { "unreadable: a segment is not strict JSON" } },
	{ "dates that are none",
	  HEADER,
	  "{\"sub\":\"u\",\"iss\":\"https://me.example\",\"exp\":\"soon\"}",
	  ERR_DENIED,
	  { "expires     not a number", "refused: exp, nbf or iat" } },
	{ "dates beyond all",
	  HEADER,
	  "{\"sub\":\"u\",\"iss\":\"https://me.example\",\"exp\":1e300,"
	  "\"iat\":-1e300,\"nbf\":1e999}",
	  ERR_DENIED,
	  { "beyond the year 5000" } },
	{ "what would move the cursor",
	  "{\"alg\":\"EdDSA\",\"kid\":\"\\u001b[2J\\u202e\\u009b\"}",
	  "{\"sub\":\"\\u009b1m\\u200b\"}",
	  ERR_NOT_FOUND,
	  { "kid \\u{1b}[2J\\u{202e}\\u{9b}",
	    "{\"sub\":\"\\u{9b}1m\\u{200b}\"}" } },
};

static void test_cases(void)
{
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char *token = signer_token_of(&key_a, cases[i].header,
					      cases[i].claims);
		struct buffer report;

		buffer_init(&report);
		is_err(tokenreport_write(text_of(token), &trust, NOW, &report),
		       cases[i].err, cases[i].name);
		look_for(&report, cases[i].words, cases[i].name);
		ok(memchr(report.ptr, 0x1b, report.len) == NULL &&
			   text_is_utf8(buffer_text(&report)),
		   "the terminal is safe");
		buffer_release(&report);
		free(token);
	}
}

/* What is no token of the key set's, and may be none at all. */
static const struct {
	const char *name, *text;
	const char *words[WORDS_MAX];
} texts[] = {
	{ "nothing", "", { "refused: it has not three segments" } },
	{ "a session token", "k3bA81sZ", { "no JWT", "/api/auth/token" } },
	{ "the whole header",
	  "Bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
	  { "\"Bearer\" belongs to the header" } },
	{ "quotes",
	  "\"eyJhbGciOiJIUzI1NiJ9.e30.AAAA\"",
	  { "quotes do not belong" } },
	{ "padding", "eyJhbGciOiJIUzI1NiJ9.e30=.AAAA", { "no padding" } },
	{ "base64", "eyJhbGciOiJIUzI1NiJ9.e30.AA+/", { "base64url" } },
	{ "another secret",
	  "eyJhbGciOiJIUzI1NiJ9.e30."
	  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	  { "JWT_SECRET_KEY is set, BETTER_AUTH_SECRET is not set",
	    "signed with another secret" } },
};

static void test_texts(void)
{
	for (size_t i = 0; i < LENGTH(texts); i++) {
		struct buffer report;

		buffer_init(&report);
		is_err(tokenreport_write(text_of(texts[i].text), &trust, NOW,
					 &report),
		       ERR_DENIED, texts[i].name);
		look_for(&report, texts[i].words, texts[i].name);
		buffer_release(&report);
	}
}

static void test_without_keys(void)
{
	static const char *const words[WORDS_MAX] = {
		"there is no key set", "refused: its key is not known"
	};
	static const char *const no_secret[WORDS_MAX] = {
		"refused: there is no secret", "Set BETTER_AUTH_SECRET"
	};
	const struct token_trust nobody = { .keys = NULL };
	char *token = signer_token(&key_a, "{\"sub\":\"u\"}");
	struct buffer report;

	buffer_init(&report);
	is_err(tokenreport_write(text_of(token), &nobody, NOW, &report),
	       ERR_NOT_FOUND, "without keys none is found");
	look_for(&report, words, "which is told");
	buffer_release(&report);
	free(token);
	token = signer_mac_token(TEXT("x"), "{\"sub\":\"u\"}");
	buffer_init(&report);
	is_err(tokenreport_write(text_of(token), &nobody, NOW, &report),
	       ERR_DENIED, "without secrets none fits");
	look_for(&report, no_secret, "which is told");
	buffer_release(&report);
	free(token);
}

static void test_own(void)
{
	static const char *const words[WORDS_MAX] = {
		"accepted, by JWT_SECRET_KEY, for the user u",
		"only if this user exists",
	};
	struct buffer report;
	char *token = NULL;

	if (token_issue(TEXT(SECRET), TEXT("u"), TEXT("a@b.c"), NOW, &token) !=
	    ERR_OK)
		bail_out("no token");
	buffer_init(&report);
	is_err(tokenreport_write(text_of(token), &trust, NOW, &report), ERR_OK,
	       "our own is good");
	look_for(&report, words, "with a word of caution");
	buffer_release(&report);
	free(token);
}

int main(void)
{
	struct keyset *keys = NULL;
	const char *reason = NULL;
	char *json = signer_jwks(&key_a, 1);

	if (keyset_parse(text_of(json), &keys, &reason) != ERR_OK)
		bail_out("no keys: %s", reason);
	trust.keys = keys;
	test_cases();
	test_texts();
	test_without_keys();
	test_own();
	keyset_free(&keys);
	free(json);
	return tap_done();
}
