/* Whose a token is, for whom, and when. */
#include "config.h"

#include "core/claims.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/jsonreader.h"

/* Numbers up to here are exact: two user ids never become one. */
#define INTEGER_MAX 9007199254740991.0

static enum err deny(const char **reason, const char *phrase)
{
	*reason = phrase;
	return ERR_DENIED;
}

static bool read_number(double number, struct claims *claims)
{
	if (number < -INTEGER_MAX || number > INTEGER_MAX ||
	    number != (double)(long long)number)
		return false;
	/* Through an integer: a negative zero loses its sign. */
	claims->user_id_len = (size_t)snprintf(claims->user_id,
					       sizeof(claims->user_id), "%lld",
					       (long long)number);
	return true;
}

/* False when the claim cannot be a user id. */
static bool read_user(const struct json_value *claim, enum claims_user user,
		      struct claims *claims)
{
	struct text text = jsonreader_string(claim);

	if (user == CLAIMS_USER_ANY && jsonreader_type(claim) == JSON_NUMBER)
		return read_number(jsonreader_number(claim), claims);
	if (text.len == 0 || text.len > CLAIMS_USER_ID_MAX_BYTES ||
	    text_has_control(text))
		return false;
	memcpy(claims->user_id, text.ptr, text.len);
	claims->user_id[text.len] = '\0';
	claims->user_id_len = text.len;
	return true;
}

static const struct json_value *find_user(const struct json_value *payload,
					  enum claims_user user)
{
	static const char *const names[] = { "user_id", "sub", "id" };

	if (user == CLAIMS_USER_SUB)
		return jsonreader_member(payload, "sub");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct json_value *claim =
			jsonreader_member(payload, names[i]);

		if (claim != NULL)
			return claim;
	}
	return NULL;
}

static bool is_issuer(const struct json_value *iss, struct text wanted)
{
	return wanted.len == 0 || text_is_equal(jsonreader_string(iss), wanted);
}

/* A string, or an array of strings that has it (RFC 7519 §4.1.3). */
static bool is_audience(const struct json_value *aud, struct text wanted)
{
	const struct json_value *one = aud;
	bool is_found = false;

	if (wanted.len == 0)
		return true;
	if (jsonreader_type(aud) != JSON_ARRAY)
		return text_is_equal(jsonreader_string(aud), wanted);
	for (one = jsonreader_first(aud); one; one = jsonreader_next(one)) {
		if (jsonreader_type(one) != JSON_STRING)
			return false;
		if (text_is_equal(jsonreader_string(one), wanted))
			is_found = true;
	}
	return is_found;
}

/* A NumericDate (RFC 7519 §2), possibly with a fraction, or nothing. */
static bool is_date(const struct json_value *claim)
{
	return claim == NULL || (jsonreader_type(claim) == JSON_NUMBER &&
				 isfinite(jsonreader_number(claim)));
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

static enum err check_dates(const struct json_value *payload,
			    bool exp_is_optional, int64_t now_s,
			    struct claims *claims, const char **reason)
{
	const struct json_value *exp = jsonreader_member(payload, "exp");
	const struct json_value *nbf = jsonreader_member(payload, "nbf");
	const struct json_value *iat = jsonreader_member(payload, "iat");
	double now = (double)now_s;

	if (exp == NULL && !exp_is_optional)
		return deny(reason, "there is no exp");
	if (!is_date(exp) || !is_date(nbf) || !is_date(iat))
		return deny(reason, "exp, nbf or iat is not a date");
	if (nbf != NULL && jsonreader_number(nbf) - CLAIMS_LEEWAY_S > now)
		return deny(reason, "it is not valid yet");
	claims->expires_s = INT64_MAX;
	if (exp == NULL)
		return ERR_OK;
	claims->expires_s = round_up(jsonreader_number(exp));
	if (jsonreader_number(exp) + CLAIMS_LEEWAY_S <= now) {
		*reason = "it has expired";
		return ERR_EXPIRED;
	}
	return ERR_OK;
}

enum err claims_check(const struct json_value *payload,
		      const struct claims_rules *rules, int64_t now_s,
		      struct claims *claims, const char **reason)
{
	const struct json_value *user = find_user(payload, rules->user);
	const struct json_value *iss = jsonreader_member(payload, "iss");
	const struct json_value *aud = jsonreader_member(payload, "aud");

	if (user == NULL)
		return deny(reason, "there is no user id");
	if (!read_user(user, rules->user, claims))
		return deny(reason, "the user id is not acceptable");
	if ((iss != NULL || !rules->may_lack_them) &&
	    !is_issuer(iss, rules->issuer))
		return deny(reason, "iss is not the issuer that is wanted");
	if ((aud != NULL || !rules->may_lack_them) &&
	    !is_audience(aud, rules->audience))
		return deny(reason, "aud is not the audience that is wanted");
	/* The last, so that what has merely expired is otherwise valid. */
	return check_dates(payload, rules->exp_is_optional, now_s, claims,
			   reason);
}
