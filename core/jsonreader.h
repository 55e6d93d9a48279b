/*
 * Reading a JSON body: strictly checked (core/jsonscan.h), then parsed.  This
 * is the only door to cJSON.  Member names are compared byte for byte.
 */
#ifndef TODOD_CORE_JSONREADER_H
#define TODOD_CORE_JSONREADER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/text.h"

struct buffer;
struct json_value; /* one value of a document, borrowed from it */
struct jsonreader; /* a parsed document */

enum json_type {
	JSON_MISSING, /* no such member */
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/* Parses text; ERR_INVALID with the offset of what is wrong; ERR_NO_MEMORY. */
enum err jsonreader_parse(struct text text, struct jsonreader **reader,
			  size_t *offset) __attribute__((warn_unused_result));

/* Wipes every string (not the names of members) and frees. */
void jsonreader_free(struct jsonreader **reader);

/* The outermost value; never NULL. */
const struct json_value *jsonreader_root(const struct jsonreader *reader);

/* The member of an object; NULL when there is none or value is no object. */
const struct json_value *jsonreader_member(const struct json_value *value,
					   const char *name);

/* Number of members of an object or elements of an array; 0 for the rest. */
size_t jsonreader_count(const struct json_value *value);

/* The elements of an array (the members' values of an object) in their order:
 * NULL after the last, and for other types. */
const struct json_value *jsonreader_first(const struct json_value *value);
const struct json_value *jsonreader_next(const struct json_value *element);

/* NULL is JSON_MISSING. */
enum json_type jsonreader_type(const struct json_value *value);

/* Of a JSON_STRING, borrowed from the document; empty for other types. */
struct text jsonreader_string(const struct json_value *value);

bool jsonreader_bool(const struct json_value *value);
double jsonreader_number(const struct json_value *value);

/* Appends the value as compact JSON; nothing for NULL. */
void jsonreader_print(const struct json_value *value, struct buffer *out);

/*
 * Merges JSON objects of our own (not checked by the scan) into one: objects
 * are united member by member, arrays are joined, of other values the later
 * one stays.  Appends compact JSON to out.  ERR_INVALID with the index of the
 * text that does not parse in *bad; ERR_NO_MEMORY.
 */
enum err jsonreader_merge(const struct text *texts, size_t count,
			  struct buffer *out, size_t *bad)
	__attribute__((warn_unused_result));

/* Name and version of the JSON library, for --version. */
const char *jsonreader_library(void);

#endif
