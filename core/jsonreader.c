/*
 * cJSON behind the strict scan.  What cJSON gets has been checked, so its
 * leniency (invalid UTF-8, U+0000, duplicates, bytes after the value) cannot
 * show, and its failures are failures of memory.
 */
#include "config.h"

#include "core/jsonreader.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buffer.h"
#include "core/jsonscan.h"
#include "core/jsonwriter.h"

/* Integers up to here are exact in a double. */
#define EXACT_MAX 9007199254740992.0

struct jsonreader {
	cJSON *root;
};

/* A struct json_value is cJSON's node under another name. */
static const cJSON *node_of(const struct json_value *value)
{
	return (const cJSON *)value;
}

static const struct json_value *value_of(const cJSON *node)
{
	return (const struct json_value *)node;
}

enum err jsonreader_parse(struct text text, struct jsonreader **reader,
			  size_t *offset)
{
	enum err err = jsonscan_check(text, offset);
	struct jsonreader *made;

	if (err != ERR_OK)
		return err;
	made = malloc(sizeof(*made));
	if (made == NULL)
		return ERR_NO_MEMORY;
	made->root = cJSON_ParseWithLength(text.ptr, text.len);
	if (made->root == NULL) {
		free(made);
		return ERR_NO_MEMORY;
	}
	*reader = made;
	return ERR_OK;
}

/* A string may be a password or a token, and a body is freed long before its
 * memory is used again.  Recursion ends at JSONSCAN_DEPTH_MAX. */
static void wipe(cJSON *node)
{
	cJSON *child;

	if (node->valuestring != NULL)
		explicit_bzero(node->valuestring, strlen(node->valuestring));
	cJSON_ArrayForEach(child, node)
		wipe(child);
}

void jsonreader_free(struct jsonreader **reader)
{
	if (*reader == NULL)
		return;
	wipe((*reader)->root);
	cJSON_Delete((*reader)->root);
	free(*reader);
	*reader = NULL;
}

const struct json_value *jsonreader_root(const struct jsonreader *reader)
{
	return value_of(reader->root);
}

const struct json_value *jsonreader_member(const struct json_value *value,
					   const char *name)
{
	/* Gives NULL for NULL and for what is no object. */
	if (!cJSON_IsObject(node_of(value)))
		return NULL;
	return value_of(cJSON_GetObjectItemCaseSensitive(node_of(value), name));
}

size_t jsonreader_count(const struct json_value *value)
{
	const cJSON *child;
	size_t count = 0;

	/* cJSON's own number is an int. */
	if (value != NULL)
		cJSON_ArrayForEach(child, node_of(value))
			count++;
	return count;
}

const struct json_value *jsonreader_first(const struct json_value *value)
{
	return value != NULL ? value_of(node_of(value)->child) : NULL;
}

const struct json_value *jsonreader_next(const struct json_value *element)
{
	return value_of(node_of(element)->next);
}

enum json_type jsonreader_type(const struct json_value *value)
{
	const cJSON *node = node_of(value);

	if (cJSON_IsNull(node))
		return JSON_NULL;
	if (cJSON_IsBool(node))
		return JSON_BOOL;
	if (cJSON_IsNumber(node))
		return JSON_NUMBER;
	if (cJSON_IsString(node))
		return JSON_STRING;
	if (cJSON_IsArray(node))
		return JSON_ARRAY;
	if (cJSON_IsObject(node))
		return JSON_OBJECT;
	return JSON_MISSING;
}

struct text jsonreader_string(const struct json_value *value)
{
	if (!cJSON_IsString(node_of(value)))
		return (struct text){ NULL, 0 };
	/* The scan has refused U+0000: the first NUL is the end. */
	return text_of(node_of(value)->valuestring);
}

bool jsonreader_bool(const struct json_value *value)
{
	return cJSON_IsTrue(node_of(value));
}

double jsonreader_number(const struct json_value *value)
{
	return cJSON_IsNumber(node_of(value)) ? node_of(value)->valuedouble :
						0.0;
}

static void print_number(double number, struct jsonwriter *writer)
{
	char text[32];

	/* 1e999 is a JSON number, but not one that a double can hold. */
	if (!isfinite(number)) {
		jsonwriter_null(writer);
		return;
	}
	if (number > -EXACT_MAX && number < EXACT_MAX &&
	    number == (double)(int64_t)number) {
		jsonwriter_int(writer, (int64_t)number);
		return;
	}
	/* As few digits as read back as the same number. */
	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, number);
		if (strtod(text, NULL) == number)
			break;
	}
	jsonwriter_raw(writer, text_of(text));
}

/* Recursion ends at JSONSCAN_DEPTH_MAX, or with our own documents. */
static void print_node(const cJSON *node, struct jsonwriter *writer)
{
	const cJSON *child;

	switch (jsonreader_type(value_of(node))) {
	case JSON_MISSING:
		break;
	case JSON_NULL:
		jsonwriter_null(writer);
		break;
	case JSON_BOOL:
		jsonwriter_bool(writer, cJSON_IsTrue(node));
		break;
	case JSON_NUMBER:
		print_number(node->valuedouble, writer);
		break;
	case JSON_STRING:
		jsonwriter_string(writer, text_of(node->valuestring));
		break;
	case JSON_ARRAY:
		jsonwriter_array_begin(writer);
		cJSON_ArrayForEach(child, node)
			print_node(child, writer);
		jsonwriter_array_end(writer);
		break;
	case JSON_OBJECT:
		jsonwriter_object_begin(writer);
		cJSON_ArrayForEach(child, node) {
			jsonwriter_any_key(writer, text_of(child->string));
			print_node(child, writer);
		}
		jsonwriter_object_end(writer);
		break;
	}
}

void jsonreader_print(const struct json_value *value, struct buffer *out)
{
	struct jsonwriter writer;

	jsonwriter_init(&writer, out);
	if (value != NULL)
		print_node(node_of(value), &writer);
}

static enum err merge_object(cJSON *into, cJSON *from);

/* Takes item over, whatever comes of it. */
static enum err merge_member(cJSON *into, cJSON *item)
{
	cJSON *old = cJSON_GetObjectItemCaseSensitive(into, item->string);
	enum err err = ERR_OK;

	if (old == NULL) {
		if (cJSON_AddItemToObject(into, item->string, item))
			return ERR_OK;
		err = ERR_NO_MEMORY;
	} else if (cJSON_IsObject(old) && cJSON_IsObject(item)) {
		err = merge_object(old, item);
	} else if (cJSON_IsArray(old) && cJSON_IsArray(item)) {
		while (item->child != NULL)
			(void)cJSON_AddItemToArray(
				old,
				cJSON_DetachItemViaPointer(item, item->child));
	} else if (cJSON_ReplaceItemViaPointer(into, old, item)) {
		/* Not by name: cJSON frees the item's name before it reads
		 * the one it was given. */
		return ERR_OK;
	} else {
		err = ERR_NO_MEMORY;
	}
	cJSON_Delete(item);
	return err;
}

/* Moves the members of from over to into. */
static enum err merge_object(cJSON *into, cJSON *from)
{
	while (from->child != NULL) {
		cJSON *item = cJSON_DetachItemViaPointer(from, from->child);
		enum err err = merge_member(into, item);

		if (err != ERR_OK)
			return err;
	}
	return ERR_OK;
}

enum err jsonreader_merge(const struct text *texts, size_t count,
			  struct buffer *out, size_t *bad)
{
	cJSON *merged = cJSON_CreateObject();
	cJSON *parsed;
	enum err err = merged != NULL ? ERR_OK : ERR_NO_MEMORY;

	for (size_t i = 0; i < count && err == ERR_OK; i++) {
		parsed = cJSON_ParseWithLength(texts[i].ptr, texts[i].len);
		if (cJSON_IsObject(parsed)) {
			err = merge_object(merged, parsed);
		} else {
			*bad = i;
			err = ERR_INVALID;
		}
		cJSON_Delete(parsed);
	}
	if (err == ERR_OK) {
		jsonreader_print(value_of(merged), out);
		if (buffer_is_failed(out))
			err = ERR_NO_MEMORY;
	}
	cJSON_Delete(merged);
	return err;
}

#define STRING_OF_(token) #token
#define STRING_OF(token)  STRING_OF_(token)

const char *jsonreader_library(void)
{
	return "cJSON " STRING_OF(CJSON_VERSION_MAJOR) "." STRING_OF(
		CJSON_VERSION_MINOR) "." STRING_OF(CJSON_VERSION_PATCH);
}
