/* What the handlers ask about their request. */
#include "config.h"

#include <string.h>

#include "core/call.h"
#include "core/reply.h"

struct text call_param(const struct call *call, const char *name)
{
	return call->match.params[route_param(call->match.route, name)];
}

const struct json_value *call_body_object(struct call *call)
{
	const struct json_value *root =
		call->body ? jsonreader_root(call->body) : NULL;
	struct problem problem = {
		.place = PROBLEM_IN_BODY,
		.input = PROBLEM_INPUT_NULL,
	};

	if (jsonreader_type(root) == JSON_OBJECT)
		return root;
	if (!root || jsonreader_type(root) == JSON_NULL) {
		problem.type = PROBLEM_MISSING;
	} else {
		problem.type = PROBLEM_OBJECT_TYPE;
		/* A bare string sent to sign-in may be a password. */
		if (call->match.route->access == ROUTE_BEARER) {
			problem.input = PROBLEM_INPUT_JSON;
			problem.json = root;
		}
	}
	problems_add(&call->problems, &problem);
	return NULL;
}

void *call_state(struct call *call, size_t size)
{
	call->state = arena_alloc(&call->exchange->arena, size);
	if (!call->state) {
		reply_err(call, ERR_NO_MEMORY);
		return NULL;
	}
	memset(call->state, 0, size);
	return call->state;
}
