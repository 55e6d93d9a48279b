/*
 * What is wrong with a request: a list that grows while path, query and body
 * are checked, and becomes the error objects of the answer.
 */
#ifndef TODOD_CORE_PROBLEMS_H
#define TODOD_CORE_PROBLEMS_H

#include <stddef.h>
#include <stdint.h>

#include "core/text.h"

#define PROBLEMS_MAX 12 /* more than any route has members */

struct json_value;
struct jsonwriter;

enum problem_type {
	PROBLEM_MISSING,
	PROBLEM_STRING_TYPE,
	PROBLEM_STRING_TOO_SHORT, /* at least 1 character */
	PROBLEM_STRING_TOO_LONG,  /* limit says how many are allowed */
	PROBLEM_BOOL_TYPE,
	PROBLEM_BOOL_PARSING,
	PROBLEM_INT_PARSING,
	PROBLEM_UUID_PARSING,
	PROBLEM_JSON_INVALID,
	PROBLEM_OBJECT_TYPE,
	PROBLEM_VALUE,	 /* sentence says it */
	PROBLEM_STATUS,	 /* not one of all, pending, completed */
	PROBLEM_LESS,	 /* than limit, which is the least */
	PROBLEM_GREATER, /* than limit, which is the most */
	PROBLEM_DATETIME_PARSING,
};

enum problem_place { PROBLEM_IN_PATH, PROBLEM_IN_QUERY, PROBLEM_IN_BODY };

enum problem_input {
	PROBLEM_INPUT_NULL, /* shown as null: nothing, or a secret */
	PROBLEM_INPUT_TEXT, /* text */
	PROBLEM_INPUT_JSON, /* json */
};

/* One problem; what it points to is borrowed from the request. */
struct problem {
	enum problem_type type;
	enum problem_place place;
	struct text member; /* empty: the place itself */
	int64_t offset;	    /* PROBLEM_JSON_INVALID */
	size_t limit;	    /* PROBLEM_STRING_TOO_LONG, …_LESS, …_GREATER */
	const char *sentence; /* PROBLEM_VALUE */
	enum problem_input input;
	struct text text;
	const struct json_value *json;
};

struct problems {
	struct problem items[PROBLEMS_MAX];
	size_t count;
	const char *objection; /* NULL: none */
};

/* Adds one; those past PROBLEMS_MAX are dropped. */
void problems_add(struct problems *problems, const struct problem *problem);

/* A sentence that is the whole answer when nothing else is wrong; of several
 * the first counts. */
void problems_object(struct problems *problems, const char *sentence);

/* Writes the list as a JSON array of {"type","loc","msg","input"}. */
void problems_write(const struct problems *problems, struct jsonwriter *writer);

/* What a person reads first: the first problem's sentence if it has one, else
 * "Validation error". */
const char *problems_sentence(const struct problems *problems);

#endif
