/* The parameters of a list, one function each; the table has their order. */
#include "config.h"

#include "core/listquery.h"

#include <stdlib.h>
#include <string.h>

#include "core/call.h"
#include "core/query.h"
#include "core/spelling.h"
#include "core/timestamp.h"

/* Reads a value, or says in problem what is wrong with it: ERR_INVALID. */
typedef enum err listquery_fn(struct call *call, struct text value,
			      struct listquery *query, struct problem *problem);

static enum err read_status(struct call *call, struct text value,
			    struct listquery *query, struct problem *problem)
{
	static const struct {
		struct text text;
		enum task_filter filter;
	} names[] = {
		{ TEXT("all"), TASK_FILTER_ALL },
		{ TEXT("pending"), TASK_FILTER_PENDING },
		{ TEXT("completed"), TASK_FILTER_COMPLETED },
	};

	(void)call;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!text_is_equal(value, names[i].text))
			continue;
		/* Both filters hold, whichever was read first. */
		if (query->filter == TASK_FILTER_ALL)
			query->filter = names[i].filter;
		else if (names[i].filter != TASK_FILTER_ALL)
			query->is_void = query->filter != names[i].filter;
		return ERR_OK;
	}
	problem->type = PROBLEM_STATUS;
	return ERR_INVALID;
}

static enum err read_completed(struct call *call, struct text value,
			       struct listquery *query, struct problem *problem)
{
	bool completed;

	(void)call;
	if (spelling_bool(value, &completed) != ERR_OK) {
		problem->type = PROBLEM_BOOL_PARSING;
		return ERR_INVALID;
	}
	query->filter = completed ? TASK_FILTER_COMPLETED : TASK_FILTER_PENDING;
	return ERR_OK;
}

/* An integer of at least min. */
static enum err read_int(struct text value, int64_t min, int64_t *number,
			 struct problem *problem)
{
	if (spelling_int(value, number) != ERR_OK) {
		problem->type = PROBLEM_INT_PARSING;
		return ERR_INVALID;
	}
	if (*number < min) {
		problem->type = PROBLEM_LESS;
		problem->limit = (size_t)min;
		return ERR_INVALID;
	}
	return ERR_OK;
}

static enum err read_skip(struct call *call, struct text value,
			  struct listquery *query, struct problem *problem)
{
	(void)call;
	return read_int(value, 0, &query->skip, problem);
}

static enum err read_limit(struct call *call, struct text value,
			   struct listquery *query, struct problem *problem)
{
	size_t most = call->dialect->list_limit;
	int64_t number;
	enum err err;

	err = read_int(value, 1, &number, problem);
	if (err != ERR_OK)
		return err;
	if (number > (int64_t)most) {
		problem->type = PROBLEM_GREATER;
		problem->limit = most;
		return ERR_INVALID;
	}
	query->limit = (size_t)number;
	return ERR_OK;
}

/* Folded as the columns are that it is looked for in. */
static enum err read_keyword(struct call *call, struct text value,
			     struct listquery *query, struct problem *problem)
{
	struct text folded;
	char *owned = NULL;
	enum err err;

	if (text_find_byte(value, '\0') != value.len) {
		problem->type = PROBLEM_VALUE;
		problem->sentence = "A keyword cannot contain U+0000";
		return ERR_INVALID;
	}
	err = text_fold(value, &owned, &folded);
	if (err != ERR_OK)
		return err;
	query->search.keyword = arena_copy(&call->exchange->arena, folded);
	free(owned);
	if (folded.len > 0 && !query->search.keyword.ptr)
		return ERR_NO_MEMORY;
	query->is_search = query->is_search || folded.len > 0;
	return ERR_OK;
}

static enum err read_time(struct text value, int64_t *time_us,
			  struct listquery *query, struct problem *problem)
{
	if (timestamp_parse(value, time_us) != ERR_OK) {
		problem->type = PROBLEM_DATETIME_PARSING;
		return ERR_INVALID;
	}
	query->is_search = true;
	return ERR_OK;
}

static enum err read_from(struct call *call, struct text value,
			  struct listquery *query, struct problem *problem)
{
	(void)call;
	return read_time(value, &query->search.created_from_us, query, problem);
}

static enum err read_to(struct call *call, struct text value,
			struct listquery *query, struct problem *problem)
{
	(void)call;
	return read_time(value, &query->search.created_to_us, query, problem);
}

/* In the order of the contract. */
static const struct {
	struct text name;
	bool is_search; /* only with the dialect's search */
	listquery_fn *read;
} parameters[] = {
	{ TEXT("skip"), true, read_skip },
	{ TEXT("limit"), true, read_limit },
	{ TEXT("keyword"), true, read_keyword },
	{ TEXT("completed"), true, read_completed },
	{ TEXT("date_from"), true, read_from },
	{ TEXT("date_to"), true, read_to },
	{ TEXT("status"), false, read_status },
};

static enum err read_parameter(struct call *call, struct text name,
			       listquery_fn *read, struct listquery *query)
{
	struct problem problem = {
		.place = PROBLEM_IN_QUERY,
		.member = name,
		.input = PROBLEM_INPUT_TEXT,
	};
	enum err found, err;

	found = query_find(&call->exchange->arena, call->query, name,
			   &problem.text);
	if (found != ERR_OK && found != ERR_INVALID)
		return found == ERR_NOT_FOUND ? ERR_OK : found;
	err = read(call, problem.text, query, &problem);
	if (err == ERR_OK && found == ERR_INVALID) {
		problem.type = PROBLEM_VALUE;
		problem.sentence = "The text must be valid UTF-8";
		err = ERR_INVALID;
	}
	if (err != ERR_INVALID)
		return err;
	problems_add(&call->problems, &problem);
	return ERR_OK;
}

enum err listquery_read(struct call *call, struct listquery *query)
{
	const struct dialect *dialect = call->dialect;
	enum err err = ERR_OK;
	size_t i;

	memset(query, 0, sizeof(*query));
	query->filter = TASK_FILTER_ALL;
	query->search = TASK_SEARCH_ALL;
	query->limit = dialect->list_limit;
	for (i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
		if (parameters[i].is_search ? dialect->list_has_search :
					      dialect->list_has_status)
			err = read_parameter(call, parameters[i].name,
					     parameters[i].read, query);
		if (err != ERR_OK)
			return err;
	}
	return ERR_OK;
}
