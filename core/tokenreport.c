/* The report on a token: header, claims, key, verdict, advice. */
#include "config.h"

#include "core/tokenreport.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/buffer.h"
#include "core/jsonreader.h"
#include "core/keyset.h"
#include "core/timestamp.h"
#include "core/token.h"

#define LINE_BYTES 1024
/* A NumericDate below this is long before there were tokens (2001), one above
 * it is in milliseconds, or in the year 5138. */
#define DATE_MIN 1000000000.0
#define DATE_MAX 100000000000.0

struct report {
	struct text text;
	const struct token_trust *trust;
	int64_t now_s;
	struct buffer *out;
	struct tokenform form;
	struct jsonreader *header; /* NULL: it does not parse */
	struct jsonreader *claims; /* so too */
};

static void say(struct buffer *out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct buffer *out, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (len > 0)
		buffer_append(out, line,
			      len < LINE_BYTES ? (size_t)len : LINE_BYTES - 1);
}

/* Text of somebody else's, with what cannot be seen as an escape. */
static void show(struct buffer *out, struct text text)
{
	size_t offset = 0, before;
	int32_t c;

	while (offset < text.len) {
		before = offset;
		c = text_next(text, &offset);
		if (c < 0 || text_is_invisible(c))
			say(out, "\\u{%x}", c < 0 ? 0xfffdU : (unsigned)c);
		else
			buffer_append(out, text.ptr + before, offset - before);
	}
}

static void show_json(struct buffer *out, const struct json_value *value)
{
	struct buffer json;

	buffer_init(&json);
	jsonreader_print(value, &json);
	show(out, buffer_text(&json));
	if (buffer_is_failed(&json))
		out->failed = true;
	buffer_release(&json);
}

/* Two units are enough to see a mistake: "3 days 4 hours". */
static void show_duration(struct buffer *out, double seconds)
{
	static const struct {
		const char *one;
		int64_t seconds;
	} units[] = {
		{ "year", 31536000 }, { "day", 86400 }, { "hour", 3600 },
		{ "minute", 60 },     { "second", 1 },
	};
	size_t count = sizeof(units) / sizeof(units[0]), shown = 0;
	int64_t left = fabs(seconds) < 2 * DATE_MAX ? (int64_t)fabs(seconds) :
						      (int64_t)(2 * DATE_MAX);

	for (size_t i = 0; i < count && shown < 2; i++) {
		int64_t number = left / units[i].seconds;

		if (number < 1 && (shown > 0 || i < count - 1))
			continue;
		left -= number * units[i].seconds;
		say(out, "%s%" PRId64 " %s%s", shown > 0 ? " " : "", number,
		    units[i].one, number == 1 ? "" : "s");
		shown++;
	}
}

/* 2026-11-20T23:26:58Z, in 3 minutes 20 seconds */
static void show_date(const struct report *report, double seconds)
{
	char text[TIMESTAMP_LEN];
	double distance = seconds - (double)report->now_s;

	if (!(fabs(seconds) < DATE_MAX)) {
		say(report->out, "beyond the year 5000");
		return;
	}
	timestamp_format((int64_t)seconds * 1000000, text);
	say(report->out, "%.19sZ, ", text);
	if (distance > 0)
		say(report->out, "in ");
	show_duration(report->out, distance);
	if (distance <= 0)
		say(report->out, " ago");
}

static void say_date(const struct report *report, const char *name,
		     const char *label)
{
	const struct json_value *claim =
		jsonreader_member(jsonreader_root(report->claims), name);

	if (claim == NULL)
		return;
	say(report->out, "  %-12s", label);
	if (jsonreader_type(claim) == JSON_NUMBER)
		show_date(report, jsonreader_number(claim));
	else
		say(report->out, "not a number");
	say(report->out, "\n");
}

static void say_object(const struct report *report, const char *title,
		       struct text segment, struct jsonreader **reader)
{
	const char *reason = NULL;

	say(report->out, "%s\n  ", title);
	if (tokenform_object(segment, reader, &reason) == ERR_OK)
		show_json(report->out, jsonreader_root(*reader));
	else if (reason != NULL)
		say(report->out, "unreadable: %s", reason);
	else
		report->out->failed = true;
	say(report->out, "\n");
}

static void say_claims(struct report *report)
{
	say_object(report, "Claims (what the token says of itself)",
		   report->form.payload, &report->claims);
	if (report->claims == NULL)
		return;
	say_date(report, "iat", "issued");
	say_date(report, "nbf", "valid from");
	say_date(report, "exp", "expires");
}

static void say_set(const struct report *report)
{
	const struct keyset *keys = report->trust->keys;

	if (keys == NULL) {
		say(report->out, "  there is no key set: none is configured, "
				 "or none was fetched yet\n");
		return;
	}
	say(report->out, "  the key set has");
	for (size_t i = 0; i < keyset_count(keys); i++) {
		struct keyset_entry entry = keyset_entry(keys, i);

		say(report->out, "%s %s ", i > 0 ? "," : "",
		    signature_alg_name(entry.alg));
		if (entry.kid.ptr != NULL)
			show(report->out, entry.kid);
		else
			say(report->out, "(without a kid)");
	}
	if (keyset_left_out(keys) > 0)
		say(report->out, "; %zu more cannot be used",
		    keyset_left_out(keys));
	say(report->out, "\n");
}

static void say_key(const struct report *report)
{
	const struct json_value *header;
	const struct token_trust *trust = report->trust;
	struct text name, kid;

	if (report->header == NULL)
		return;
	header = jsonreader_root(report->header);
	name = jsonreader_string(jsonreader_member(header, "alg"));
	kid = jsonreader_string(jsonreader_member(header, "kid"));
	say(report->out, "Key\n");
	switch (signature_alg_find(name)) {
	case SIGNATURE_NONE:
		say(report->out, "  none: alg is to be one of EdDSA, RS256, "
				 "PS256, ES256, ES512, HS256\n");
		break;
	case SIGNATURE_HS256:
		say(report->out,
		    "  a secret: JWT_SECRET_KEY is %s, "
		    "BETTER_AUTH_SECRET is %s\n",
		    trust->jwt_secret.len > 0 ? "set" : "not set",
		    trust->shared_secret.len > 0 ? "set" : "not set");
		break;
	case SIGNATURE_EDDSA:
	case SIGNATURE_RS256:
	case SIGNATURE_PS256:
	case SIGNATURE_ES256:
	case SIGNATURE_ES512:
		say(report->out, "  a public key");
		if (kid.ptr != NULL) {
			say(report->out, ", kid ");
			show(report->out, kid);
		}
		say(report->out, "\n");
		say_set(report);
		break;
	}
}

/* ---- what is usually behind it ---- */

static double number_of(const struct report *report, const char *name)
{
	const struct json_value *claim;

	if (report->claims == NULL)
		return NAN;
	claim = jsonreader_member(jsonreader_root(report->claims), name);
	return jsonreader_type(claim) == JSON_NUMBER ?
		       jsonreader_number(claim) :
		       NAN;
}

static void advise_form(const struct report *report)
{
	struct text text = report->text;

	if (text_find_byte(text, '.') == text.len)
		say(report->out,
		    "  This is no JWT. Better Auth's session token is not one "
		    "either: its page\n  asks GET /api/auth/token for a "
		    "JWT.\n");
	if (text_has_prefix(text, TEXT("Bearer ")))
		say(report->out, "  \"Bearer\" belongs to the header, not to "
				 "the token.\n");
	if (text_has_prefix(text, TEXT("\"")))
		say(report->out, "  The quotes do not belong to it.\n");
	if (text_find_byte(text, '=') < text.len)
		say(report->out,
		    "  A JWT has no padding: the '=' do not belong to it.\n");
	if (text_find_byte(text, '+') < text.len ||
	    text_find_byte(text, '/') < text.len)
		say(report->out,
		    "  It is in base64, not in base64url: '-' and '_' stand "
		    "for '+' and '/'.\n");
}

static void advise_dates(const struct report *report)
{
	double exp = number_of(report, "exp"), iat = number_of(report, "iat");
	double nbf = number_of(report, "nbf");
	double now = (double)report->now_s;

	if (exp < DATE_MIN)
		say(report->out,
		    "  exp is %.0f, long ago: a duration where a time belongs. "
		    "In Better Auth,\n  jwt.expirationTime as a number is a "
		    "time; write a text: \"15m\".\n",
		    exp);
	if (exp > DATE_MAX || nbf > DATE_MAX || iat > DATE_MAX)
		say(report->out,
		    "  exp, nbf or iat is in milliseconds; a JWT counts "
		    "seconds.\n");
	else if (iat > now + CLAIMS_LEEWAY_S) {
		say(report->out, "  It was issued in the future: the issuer's "
				 "clock is at least ");
		show_duration(report->out, iat - now);
		say(report->out, "\n  ahead of this machine's.\n");
	}
}

static void advise_signature(const struct report *report)
{
	if (report->form.alg == SIGNATURE_HS256)
		say(report->out,
		    "  It was signed with another secret. Are there quotes or "
		    "blanks around one of\n  them, or does one side decode it "
		    "(base64) first? The bytes count as they are.\n");
	else
		say(report->out,
		    "  The key of this name is not the one that has signed: a "
		    "server with another\n  database, or a token from before "
		    "its keys were made anew?\n");
}

static void advise_secret(const struct report *report)
{
	say(report->out, "  Set BETTER_AUTH_SECRET to that of the server that "
			 "issues the tokens.\n");
}

static void advise_audience(const struct report *report)
{
	say(report->out, "  JWT_ISSUER is \"");
	show(report->out, report->trust->issuer);
	say(report->out, "\", JWT_AUDIENCE is \"");
	show(report->out, report->trust->audience);
	say(report->out, "\"; empty is any.\n"
			 "  They are compared byte for byte: http or https, a "
			 "slash at the end?\n");
}

static void advise(const struct report *report, enum err err,
		   const char *reason)
{
	static const struct {
		const char *reason; /* begins so */
		void (*advise)(const struct report *report);
	} advices[] = {
		{ "it has not three segments", advise_form },
		{ "a segment is not canonical", advise_form },
		{ "the signature is malformed", advise_form },
		{ "the signature does not match", advise_signature },
		{ "there is no secret", advise_secret },
		{ "iss is not", advise_audience },
		{ "aud is not", advise_audience },
	};

	for (size_t i = 0;
	     err != ERR_OK && i < sizeof(advices) / sizeof(advices[0]); i++)
		if (text_has_prefix(text_of(reason),
				    text_of(advices[i].reason)))
			advices[i].advise(report);
	if (err == ERR_NOT_FOUND)
		say(report->out,
		    "  todod asks the issuer for newer keys when it meets an "
		    "unknown one; this\n  command does not.\n");
	advise_dates(report);
}

static void say_verdict(const struct report *report, enum err err,
			const struct token *token, const char *reason)
{
	static const char *const whose[] = {
		[TOKEN_BY_JWT_SECRET] = "JWT_SECRET_KEY",
		[TOKEN_BY_SHARED_SECRET] = "BETTER_AUTH_SECRET",
		[TOKEN_BY_KEYSET] = "the key set",
	};
	char now[TIMESTAMP_LEN];

	timestamp_format(report->now_s * 1000000, now);
	say(report->out, "Verdict, at %.19sZ by this machine's clock\n", now);
	if (err == ERR_OK) {
		say(report->out, "  accepted, by %s, for the user ",
		    whose[token->issuer]);
		show(report->out, (struct text){ token->claims.user_id,
						 token->claims.user_id_len });
		say(report->out, "\n");
		if (token->issuer == TOKEN_BY_JWT_SECRET)
			say(report->out, "  (while accounts are on, only if "
					 "this user exists here)\n");
	} else {
		say(report->out, "  refused: %s\n", reason);
	}
	if (err == ERR_EXPIRED) {
		say(report->out, "  ");
		show_duration(report->out,
			      (double)report->now_s - number_of(report, "exp"));
		say(report->out,
		    " too late, of which %d seconds are "
		    "forgiven\n",
		    CLAIMS_LEEWAY_S);
	}
}

enum err tokenreport_write(struct text text, const struct token_trust *trust,
			   int64_t now_s, struct buffer *out)
{
	struct report report = {
		.text = text,
		.trust = trust,
		.now_s = now_s,
		.out = out,
	};
	const char *reason = "";
	struct token token;
	enum err err = token_verify(text, trust, now_s, &token, &reason);

	if (err == ERR_NO_MEMORY)
		return err;
	if (text.len <= TOKEN_MAX_BYTES &&
	    tokenform_split(text, &report.form)) {
		say_object(&report, "Header", report.form.header,
			   &report.header);
		say_claims(&report);
		say_key(&report);
	}
	if (report.header != NULL)
		report.form.alg =
			signature_alg_find(jsonreader_string(jsonreader_member(
				jsonreader_root(report.header), "alg")));
	say_verdict(&report, err, &token, reason);
	advise(&report, err, reason);
	jsonreader_free(&report.claims);
	jsonreader_free(&report.header);
	return buffer_is_failed(out) ? ERR_NO_MEMORY : err;
}
