/* The checks of single members. */
#include "config.h"

#include "core/call.h"
#include "core/field.h"
#include "core/jsonreader.h"
#include "core/spelling.h"

/* Names are literals of dialects and handlers, so ptr ends with a NUL. */
static const struct json_value *member(const struct json_value *object,
				       struct text name)
{
	return jsonreader_member(object, name.ptr);
}

static enum field_state refuse(struct call *call, struct problem *problem,
			       enum field_echo echo,
			       const struct json_value *value)
{
	problem->place = PROBLEM_IN_BODY;
	problem->input = PROBLEM_INPUT_NULL;
	if (echo == FIELD_ECHOED && value) {
		problem->input = PROBLEM_INPUT_JSON;
		problem->json = value;
	}
	problems_add(&call->problems, problem);
	return FIELD_REFUSED;
}

enum field_state field_string(struct call *call,
			      const struct json_value *object, struct text name,
			      enum field_need need, enum field_echo echo,
			      struct text *value)
{
	const struct json_value *found = member(object, name);
	struct problem problem = { .member = name };

	switch (jsonreader_type(found)) {
	case JSON_STRING:
		*value = jsonreader_string(found);
		return FIELD_VALUE;
	case JSON_MISSING:
		if (need != FIELD_REQUIRED)
			return FIELD_ABSENT;
		problem.type = PROBLEM_MISSING;
		/* The whole body is the input of a missing member, unless it
		 * may hold a password. */
		return refuse(call, &problem,
			      call->match.route->access == ROUTE_BEARER ?
				      FIELD_ECHOED :
				      FIELD_SECRET,
			      object);
	case JSON_NULL:
		if (need == FIELD_OPTIONAL)
			return FIELD_NULL;
		break;
	case JSON_BOOL:
	case JSON_NUMBER:
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	}
	problem.type = PROBLEM_STRING_TYPE;
	return refuse(call, &problem, echo, found);
}

enum field_state field_text(struct call *call, const struct json_value *object,
			    const struct dialect_text_rule *rule,
			    enum field_need need, struct text *value)
{
	struct problem problem = { .member = rule->name };
	enum field_state state;
	struct text text;
	size_t length;

	state = field_string(call, object, rule->name, need, FIELD_ECHOED,
			     &text);
	if (state != FIELD_VALUE)
		return state;
	if (rule->trim == DIALECT_TRIM_THEN_MEASURE)
		text = text_trim_space(text);
	length = text_length(text);
	if (length >= rule->min && length <= rule->max) {
		if (rule->trim == DIALECT_TRIM_AFTER_MEASURE)
			text = text_trim_space(text);
		if (text.len == 0 && rule->blank)
			problems_object(&call->problems, rule->blank);
		*value = text;
		return FIELD_VALUE;
	}
	if (length < rule->min) {
		problem.type = PROBLEM_STRING_TOO_SHORT;
		problem.sentence = rule->too_short;
	} else {
		problem.type = PROBLEM_STRING_TOO_LONG;
		problem.limit = rule->max;
		problem.sentence = rule->too_long;
	}
	if (problem.sentence)
		problem.type = PROBLEM_VALUE;
	return refuse(call, &problem, FIELD_ECHOED, member(object, rule->name));
}

enum field_state field_bool(struct call *call, const struct json_value *object,
			    struct text name, bool *value)
{
	const struct json_value *found = member(object, name);
	struct problem problem = { .type = PROBLEM_BOOL_PARSING,
				   .member = name };
	bool is_read = true;
	double number;

	switch (jsonreader_type(found)) {
	case JSON_MISSING:
		return FIELD_ABSENT;
	case JSON_BOOL:
		*value = jsonreader_bool(found);
		break;
	case JSON_STRING:
		is_read = spelling_bool(jsonreader_string(found), value) ==
			  ERR_OK;
		break;
	case JSON_NUMBER:
		number = jsonreader_number(found);
		*value = number > 0.0;
		is_read = (number >= 0.0 && number <= 0.0) ||
			  (number >= 1.0 && number <= 1.0);
		break;
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		problem.type = PROBLEM_BOOL_TYPE;
		is_read = false;
		break;
	}
	return is_read ? FIELD_VALUE :
			 refuse(call, &problem, FIELD_ECHOED, found);
}

void field_refuse(struct call *call, const struct json_value *object,
		  struct text name, enum field_echo echo, const char *sentence)
{
	struct problem problem = {
		.type = PROBLEM_VALUE,
		.member = name,
		.sentence = sentence,
	};

	refuse(call, &problem, echo, member(object, name));
}
