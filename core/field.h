/*
 * Reading the members of a JSON body by rule: each function takes one member,
 * adds at most one problem to the call, and says whether a value is there.
 */
#ifndef TODOD_CORE_FIELD_H
#define TODOD_CORE_FIELD_H

#include <stdbool.h>

#include "core/dialect.h"
#include "core/text.h"

struct call;
struct json_value;

enum field_state {
	FIELD_ABSENT, /* no such member */
	FIELD_NULL,
	FIELD_VALUE,
	FIELD_REFUSED, /* the problem was added */
};

/* What a member may be besides a value of its type. */
enum field_need {
	FIELD_OPTIONAL, /* absent or null */
	FIELD_NOT_NULL, /* absent */
	FIELD_REQUIRED, /* neither */
};

/* Whether a refused value may be shown to its sender. */
enum field_echo { FIELD_ECHOED, FIELD_SECRET };

/* A member that is a string. */
enum field_state field_string(struct call *call,
			      const struct json_value *object, struct text name,
			      enum field_need need, enum field_echo echo,
			      struct text *value);

/* The same, trimmed and measured by a dialect's rule; a blank that is refused
 * last counts as a value here, its sentence as an objection. */
enum field_state field_text(struct call *call, const struct json_value *object,
			    const struct dialect_text_rule *rule,
			    enum field_need need, struct text *value);

/* A member that is absent or a boolean in any of the accepted spellings. */
enum field_state field_bool(struct call *call, const struct json_value *object,
			    struct text name, bool *value);

/* Adds a value_error with this sentence for a member. */
void field_refuse(struct call *call, const struct json_value *object,
		  struct text name, enum field_echo echo, const char *sentence);

#endif
