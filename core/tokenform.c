/* Segments and header of a token. */
#include "config.h"

#include "core/tokenform.h"

#include <string.h>

#include "core/base64.h"
#include "core/jsonreader.h"

static enum err deny(const char **reason, const char *phrase)
{
	*reason = phrase;
	return ERR_DENIED;
}

bool tokenform_split(struct text token, struct tokenform *form)
{
	size_t first = text_find_byte(token, '.');
	struct text rest = text_slice(token, first + 1, token.len);
	size_t second = text_find_byte(rest, '.');

	if (second == rest.len)
		return false;
	form->header = text_slice(token, 0, first);
	form->payload = text_slice(rest, 0, second);
	form->input = text_slice(token, 0, first + 1 + second);
	form->signature = text_slice(rest, second + 1, rest.len);
	return true;
}

enum err tokenform_object(struct text segment, struct jsonreader **reader,
			  const char **reason)
{
	unsigned char bytes[TOKENFORM_MAX_BYTES];
	struct text json = { (const char *)bytes, 0 };
	struct jsonreader *made = NULL;
	size_t offset;
	enum err err;

	if (!base64_decode(segment, bytes, sizeof(bytes), &json.len))
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

const char *tokenform_header_problem(const struct json_value *header)
{
	const struct json_value *alg = jsonreader_member(header, "alg");
	const struct json_value *typ = jsonreader_member(header, "typ");
	const struct json_value *kid = jsonreader_member(header, "kid");

	if (signature_alg_find(jsonreader_string(alg)) == SIGNATURE_NONE)
		return "alg is not one that is accepted";
	if (jsonreader_member(header, "crit") != NULL)
		return "crit is not supported";
	if (typ != NULL &&
	    !text_is_equal_nocase(jsonreader_string(typ), TEXT("JWT")) &&
	    !text_is_equal_nocase(jsonreader_string(typ), TEXT("at+jwt")))
		return "typ is not JWT";
	if (kid != NULL && (jsonreader_type(kid) != JSON_STRING ||
			    jsonreader_string(kid).len > KEYSET_KID_MAX_BYTES))
		return "kid is not a short string";
	return NULL;
}

static void take_header(const struct json_value *header, struct tokenform *form)
{
	const struct json_value *kid = jsonreader_member(header, "kid");
	struct text text = jsonreader_string(kid);

	form->alg = signature_alg_find(
		jsonreader_string(jsonreader_member(header, "alg")));
	form->has_kid = kid != NULL;
	form->kid_len = text.len;
	if (text.len > 0)
		memcpy(form->kid, text.ptr, text.len);
}

enum err tokenform_read(struct text token, struct tokenform *form,
			const char **reason)
{
	struct jsonreader *reader = NULL;
	enum err err;

	if (token.len > TOKENFORM_MAX_BYTES)
		return deny(reason, "it is too long");
	if (!tokenform_split(token, form))
		return deny(reason, "it has not three segments");
	err = tokenform_object(form->header, &reader, reason);
	if (err != ERR_OK)
		return err;
	*reason = tokenform_header_problem(jsonreader_root(reader));
	if (*reason == NULL)
		take_header(jsonreader_root(reader), form);
	jsonreader_free(&reader);
	return *reason == NULL ? ERR_OK : ERR_DENIED;
}

struct text tokenform_kid(const struct tokenform *form)
{
	if (!form->has_kid)
		return (struct text){ NULL, 0 };
	return (struct text){ form->kid, form->kid_len };
}
