/* The user id and the task id in the paths of task routes. */
#include "config.h"

#include "core/call.h"
#include "core/reply.h"
#include "core/taskpath.h"

static bool is_own_path(const struct call *call)
{
	struct text user_id = call_param(call, "user_id");
	struct uuid uuid;

	if (text_is_equal(user_id, call->principal.user_id))
		return true;
	return call->principal.has_uuid &&
	       uuid_parse(user_id, &uuid) == ERR_OK &&
	       uuid_is_equal(&uuid, &call->principal.uuid);
}

/* Whether the call may go on as far as this moment's check is concerned. */
static bool is_user_admitted(struct call *call, enum dialect_path_user moment)
{
	if (call->dialect->path_user != moment || is_own_path(call))
		return true;
	reply_detail(call, 403, call->dialect->other_user);
	return false;
}

bool taskpath_enter(struct call *call)
{
	return is_user_admitted(call, DIALECT_PATH_USER_BEFORE_BODY);
}

void taskpath_key_read(struct call *call, struct taskpath_key *out)
{
	struct text text = call_param(call, call->dialect->key_name);
	struct problem problem = {
		.place = PROBLEM_IN_PATH,
		.member = text_of(call->dialect->key_name),
		.input = PROBLEM_INPUT_TEXT,
		.text = text,
	};

	out->key.kind = call->dialect->key_kind;
	out->is_possible = true;
	switch (out->key.kind) {
	case TASK_KEY_UUID:
		if (uuid_parse(text, &out->key.uuid) == ERR_OK)
			return;
		problem.type = PROBLEM_UUID_PARSING;
		break;
	case TASK_KEY_ID:
		if (text_to_int64(text, &out->key.id) == ERR_OK) {
			out->is_possible = out->key.id > 0 &&
					   out->key.id <= TASK_ID_MAX;
			return;
		}
		problem.type = PROBLEM_INT_PARSING;
		break;
	}
	problems_add(&call->problems, &problem);
}

bool taskpath_admit(struct call *call)
{
	if (call->problems.count > 0) {
		reply_problems(call);
		return false;
	}
	return is_user_admitted(call, DIALECT_PATH_USER_AFTER_BODY);
}
