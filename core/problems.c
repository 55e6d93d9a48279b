/* Error objects in the form that pydantic gave them. */
#include "config.h"

#include <stdio.h>

#include "core/jsonreader.h"
#include "core/jsonwriter.h"
#include "core/problems.h"

#define SHOULD_BE   "Input should be a valid "
#define SHOULD_HAVE "String should have at "

static const struct {
	struct text type;
	struct text msg; /* empty: made from the problem */
} kinds[] = {
	[PROBLEM_MISSING] = { TEXT("missing"), TEXT("Field required") },
	[PROBLEM_STRING_TYPE] = { TEXT("string_type"),
				  TEXT(SHOULD_BE "string") },
	[PROBLEM_STRING_TOO_SHORT] = { TEXT("string_too_short"),
				       TEXT(SHOULD_HAVE "least 1 character") },
	[PROBLEM_STRING_TOO_LONG] = { TEXT("string_too_long"), TEXT("") },
	[PROBLEM_BOOL_TYPE] = { TEXT("bool_type"), TEXT(SHOULD_BE "boolean") },
	[PROBLEM_BOOL_PARSING] = { TEXT("bool_parsing"),
				   TEXT(SHOULD_BE
					"boolean, "
					"unable to interpret input") },
	[PROBLEM_INT_PARSING] = { TEXT("int_parsing"),
				  TEXT(SHOULD_BE "integer, unable to parse "
						 "string as an integer") },
	[PROBLEM_UUID_PARSING] = { TEXT("uuid_parsing"),
				   TEXT(SHOULD_BE "UUID") },
	[PROBLEM_JSON_INVALID] = { TEXT("json_invalid"),
				   TEXT("JSON decode error") },
	[PROBLEM_OBJECT_TYPE] = { TEXT("model_attributes_type"),
				  TEXT(SHOULD_BE "dictionary or object "
						 "to extract fields from") },
	[PROBLEM_VALUE] = { TEXT("value_error"), TEXT("") },
	[PROBLEM_STATUS] = { TEXT("string_pattern_mismatch"),
			     TEXT("String should match pattern "
				  "'^(all|pending|completed)$'") },
	[PROBLEM_LESS] = { TEXT("greater_than_equal"), TEXT("") },
	[PROBLEM_GREATER] = { TEXT("less_than_equal"), TEXT("") },
	[PROBLEM_DATETIME_PARSING] = { TEXT("datetime_parsing"),
				       TEXT(SHOULD_BE "datetime") },
};

/* Types whose message has the limit in it, and the limit's name in ctx. */
static const struct {
	enum problem_type type;
	const char *before, *after;
	struct text name;
} limits[] = {
	{ PROBLEM_STRING_TOO_LONG, SHOULD_HAVE "most ", " characters",
	  TEXT("max_length") },
	{ PROBLEM_LESS, "Input should be greater than or equal to ", "",
	  TEXT("ge") },
	{ PROBLEM_GREATER, "Input should be less than or equal to ", "",
	  TEXT("le") },
};
#define LIMIT_COUNT (sizeof(limits) / sizeof(limits[0]))

/* Its place in limits; LIMIT_COUNT: the type has no limit. */
static size_t limit_of(const struct problem *problem)
{
	size_t i;

	for (i = 0; i < LIMIT_COUNT; i++)
		if (limits[i].type == problem->type)
			break;
	return i;
}

static const struct text places[] = {
	[PROBLEM_IN_PATH] = TEXT("path"),
	[PROBLEM_IN_QUERY] = TEXT("query"),
	[PROBLEM_IN_BODY] = TEXT("body"),
};

void problems_add(struct problems *problems, const struct problem *problem)
{
	if (problems->count < PROBLEMS_MAX)
		problems->items[problems->count++] = *problem;
}

void problems_object(struct problems *problems, const char *sentence)
{
	if (!problems->objection)
		problems->objection = sentence;
}

static void write_location(const struct problem *problem,
			   struct jsonwriter *writer)
{
	jsonwriter_key(writer, TEXT("loc"));
	jsonwriter_array_begin(writer);
	jsonwriter_string(writer, places[problem->place]);
	if (problem->type == PROBLEM_JSON_INVALID)
		jsonwriter_int(writer, problem->offset);
	else if (problem->member.len > 0)
		jsonwriter_string(writer, problem->member);
	jsonwriter_array_end(writer);
}

static void write_message(const struct problem *problem,
			  struct jsonwriter *writer)
{
	char msg[160];
	struct text text = kinds[problem->type].msg;
	size_t limit = limit_of(problem);

	if (limit < LIMIT_COUNT) {
		snprintf(msg, sizeof(msg), "%s%zu%s", limits[limit].before,
			 problem->limit, limits[limit].after);
		text = text_of(msg);
	} else if (problem->type == PROBLEM_VALUE) {
		snprintf(msg, sizeof(msg), "Value error, %s",
			 problem->sentence);
		text = text_of(msg);
	}
	jsonwriter_key(writer, TEXT("msg"));
	jsonwriter_string(writer, text);
}

static void write_input(const struct problem *problem,
			struct jsonwriter *writer)
{
	jsonwriter_key(writer, TEXT("input"));
	switch (problem->input) {
	case PROBLEM_INPUT_NULL:
		jsonwriter_null(writer);
		break;
	case PROBLEM_INPUT_TEXT:
		jsonwriter_string(writer, problem->text);
		break;
	case PROBLEM_INPUT_JSON:
		/* An empty raw value puts the comma's state right. */
		jsonwriter_raw(writer, TEXT(""));
		jsonreader_print(problem->json, writer->out);
		break;
	}
}

static void write_context(const struct problem *problem,
			  struct jsonwriter *writer)
{
	size_t limit = limit_of(problem);

	if (limit == LIMIT_COUNT)
		return;
	jsonwriter_key(writer, TEXT("ctx"));
	jsonwriter_object_begin(writer);
	jsonwriter_key(writer, limits[limit].name);
	jsonwriter_int(writer, (int64_t)problem->limit);
	jsonwriter_object_end(writer);
}

void problems_write(const struct problems *problems, struct jsonwriter *writer)
{
	jsonwriter_array_begin(writer);
	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->items[i];

		jsonwriter_object_begin(writer);
		jsonwriter_key(writer, TEXT("type"));
		jsonwriter_string(writer, kinds[problem->type].type);
		write_location(problem, writer);
		write_message(problem, writer);
		write_input(problem, writer);
		write_context(problem, writer);
		jsonwriter_object_end(writer);
	}
	jsonwriter_array_end(writer);
}

const char *problems_sentence(const struct problems *problems)
{
	if (problems->count > 0 && problems->items[0].sentence)
		return problems->items[0].sentence;
	return "Validation error";
}
