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

/* Whether the path's user id has the form that some dialects want. */
static bool is_plain_id(struct text user_id)
{
	for (size_t i = 0; i < user_id.len; i++) {
		char c = user_id.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '_' && c != '-')
			return false;
	}
	return user_id.len > 0 && user_id.len <= TASK_USER_ID_MAX_BYTES;
}

void taskpath_key_read(struct call *call, struct taskpath_key *out)
{
	const struct dialect *dialect = call->dialect;
	struct text text = call_param(call, dialect->key_name);
	struct problem problem = {
		.place = PROBLEM_IN_PATH,
		.member = text_of(dialect->key_name),
		.input = PROBLEM_INPUT_TEXT,
		.text = text,
	};

	out->key.kind = dialect->key_kind;
	out->is_possible = true;
	if (dialect->bad_user_id && !is_plain_id(call_param(call, "user_id")))
		problems_object(&call->problems, dialect->bad_user_id);
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
			if (dialect->bad_id && out->key.id <= 0)
				problems_object(&call->problems,
						dialect->bad_id);
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
	if (call->problems.objection) {
		reply_detail(call, 400, call->problems.objection);
		return false;
	}
	return is_user_admitted(call, DIALECT_PATH_USER_AFTER_BODY);
}
