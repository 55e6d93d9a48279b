/*
 * The query of a list: which tasks, from where on and how many.  What a dialect
 * does not have is not looked at.
 */
#ifndef TODOD_CORE_LISTQUERY_H
#define TODOD_CORE_LISTQUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/task.h"

struct call;

struct listquery {
	enum task_filter filter;
	bool is_void; /* no task can be pending and completed */
	bool is_search;
	struct task_search search; /* its keyword is in the call's arena */
	int64_t skip;
	size_t limit; /* 0: all */
};

/* Adds a problem for each parameter that is not as it should be.
 * ERR_NO_MEMORY. */
enum err listquery_read(struct call *call, struct listquery *query)
	__attribute__((warn_unused_result));

#endif
