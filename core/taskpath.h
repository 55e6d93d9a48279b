/*
 * What the path of a task route says: whose tasks, and which one.  The user
 * that storage is asked about is always the token's; the path's is only
 * compared with it.
 */
#ifndef TODOD_CORE_TASKPATH_H
#define TODOD_CORE_TASKPATH_H

#include <stdbool.h>

#include "core/task.h"

struct call;

/* A path's task id. */
struct taskpath_key {
	bool is_possible; /* false: no task can have it */
	struct task_key key;
};

/* First step of every handler: answers 403 and returns false when the dialect
 * looks at the path's user before anything else and it is another. */
bool taskpath_enter(struct call *call);

/* Reads the task id of the path; adds a problem when it is not one. */
void taskpath_key_read(struct call *call, struct taskpath_key *key);

/*
 * Last step before storage, once path, query and body were read: answers the
 * problems or the objection, or 403 for another user's path, and returns false.
 */
bool taskpath_admit(struct call *call);

#endif
