/*
 * The form of a token (RFC 7515 §7.1, RFC 8725): three segments of canonical
 * base64url, and a header that is strict JSON and asks for nothing that todod
 * does not do.  What the header says of keys (jku, jwk, x5u, x5c) is ignored.
 */
#ifndef TODOD_CORE_TOKENFORM_H
#define TODOD_CORE_TOKENFORM_H

#include <stdbool.h>

#include "core/err.h"
#include "core/keyset.h"
#include "core/signature.h"
#include "core/text.h"

#define TOKENFORM_MAX_BYTES 8192

struct jsonreader;
struct json_value;

/* The segments are borrowed from the token. */
struct tokenform {
	struct text header;
	struct text payload;
	struct text input; /* header.payload, what is signed */
	struct text signature;
	enum signature_alg alg; /* as the header names it */
	bool has_kid;
	size_t kid_len;
	char kid[KEYSET_KID_MAX_BYTES];
};

/* The segments alone; false when there are fewer than three.  A dot in the last
 * one is no base64url and fails there. */
bool tokenform_split(struct text token, struct tokenform *form)
	__attribute__((warn_unused_result));

/* Segments and header.  ERR_DENIED: *reason is then a constant phrase for the
 * log; ERR_NO_MEMORY. */
enum err tokenform_read(struct text token, struct tokenform *form,
			const char **reason)
	__attribute__((warn_unused_result));

/* Decodes a segment that is a JSON object; ERR_DENIED, ERR_NO_MEMORY. */
enum err tokenform_object(struct text segment, struct jsonreader **reader,
			  const char **reason)
	__attribute__((warn_unused_result));

/* What is wrong with a header: a constant phrase, NULL when nothing is. */
const char *tokenform_header_problem(const struct json_value *header);

/* The kid; ptr is NULL when there is none. */
struct text tokenform_kid(const struct tokenform *form);

#endif
