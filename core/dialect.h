/*
 * The three dialects of the todo API as constant data.  Handlers read it and
 * never ask which dialect they serve: what differs is a field here.
 */
#ifndef TODOD_CORE_DIALECT_H
#define TODOD_CORE_DIALECT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/task.h"
#include "core/text.h"

enum dialect_name { DIALECT_MULTIUSER, DIALECT_TODOS, DIALECT_SECURED };

/* How a refused request is reported. */
enum dialect_error_form {
	/* 400 {"detail":"<first sentence>","errors":[…]} */
	DIALECT_ERRORS_SENTENCE,
	/* 422 {"detail":[…]} */
	DIALECT_ERRORS_LIST,
};

/* What null means in an update. */
enum dialect_null { DIALECT_NULL_KEEPS, DIALECT_NULL_CLEARS };

enum dialect_list_form {
	DIALECT_LIST_ARRAY,   /* […] */
	DIALECT_LIST_COUNTED, /* {"tasks":[…],"count":n} */
};

/* When the path's user id is compared with the token's. */
enum dialect_path_user {
	DIALECT_PATH_USER_NONE,	       /* there is none in the path */
	DIALECT_PATH_USER_BEFORE_BODY, /* before validation */
	DIALECT_PATH_USER_AFTER_BODY,  /* after it */
};

/* What is done with the white space at both ends of a text. */
enum dialect_trim {
	DIALECT_TRIM_NONE,
	DIALECT_TRIM_THEN_MEASURE,
	/* The text is measured as it was sent; that something is left is
	 * checked last. */
	DIALECT_TRIM_AFTER_MEASURE,
};

/* The members of an item, in the order of the answer. */
enum dialect_field {
	DIALECT_FIELD_END,
	DIALECT_FIELD_ID,
	DIALECT_FIELD_UUID,
	DIALECT_FIELD_USER_ID,
	DIALECT_FIELD_TITLE,
	DIALECT_FIELD_DESCRIPTION,
	DIALECT_FIELD_DONE,
	DIALECT_FIELD_CREATED_AT,
	DIALECT_FIELD_UPDATED_AT,
	DIALECT_FIELD_CONSTANT, /* json, always the same */
};

struct dialect_member {
	enum dialect_field field;
	struct text name;
	struct text json; /* DIALECT_FIELD_CONSTANT */
};

/* Limits of one text member, in code points, and what is said past them. */
struct dialect_text_rule {
	struct text name;
	size_t min;
	size_t max;
	enum dialect_trim trim;
	/* Sentences of value_error; NULL: the generic type and message. */
	const char *too_short;
	const char *too_long;
	const char *blank; /* 400, of DIALECT_TRIM_AFTER_MEASURE */
};

struct dialect {
	enum dialect_name name;
	enum dialect_error_form error_form;
	const struct dialect_member *members;
	enum dialect_list_form list_form;
	struct dialect_text_rule title;
	struct dialect_text_rule description;
	struct text done_name;
	bool create_sets_done;
	bool update_sets_done;
	enum dialect_null update_null;
	bool list_has_status; /* ?status=all|pending|completed */
	bool list_has_search; /* skip, limit, keyword, completed, dates */
	size_t list_limit;    /* default and most of limit; 0: whole lists */
	enum task_key_kind key_kind;
	const char *key_name; /* as in loc: "task_id" */
	enum dialect_path_user path_user;
	struct text health; /* the body of GET /health */

	const char *not_found; /* get */
	const char *not_found_update;
	const char *not_found_delete;
	const char *not_found_toggle;
	const char *other_user; /* 403 */
	const char *no_token;	/* 401 … */
	const char *bad_token;
	const char *expired_token;
	/* 400, once path, query and body are well-formed; NULL: no such check.
	 * The path's user id is looked at where there is a task id. */
	const char *bad_user_id;
	const char *bad_id;  /* zero or less */
	struct text deleted; /* the whole body; empty: 204 without one */
};

const struct dialect *dialect_find(enum dialect_name name);

/* "multiuser", "todos", "secured"; ERR_INVALID. */
enum err dialect_parse(struct text text, enum dialect_name *name)
	__attribute__((warn_unused_result));

#endif
