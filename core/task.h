/* A task, and the changes that can be made to one. */
#ifndef TODOD_CORE_TASK_H
#define TODOD_CORE_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/text.h"
#include "core/uuid.h"

/* The widest limits of all dialects, in code points; what storage accepts. */
#define TASK_TITLE_MAX	       500
#define TASK_DESCRIPTION_MAX   2000
#define TASK_USER_ID_MAX_BYTES 255
#define TASK_ID_MAX	       INT64_C(9007199254740991) /* 2^53 - 1 */

/* A task as storage hands it out: texts are borrowed for the callback. */
struct task {
	int64_t id; /* > 0, unique over all users */
	struct uuid uuid;
	struct text user_id;
	struct text title;
	bool has_description; /* false: null */
	struct text description;
	bool completed;
	int64_t created_at_us;
	int64_t updated_at_us;
};

/* Either name of a task. */
enum task_key_kind { TASK_KEY_ID, TASK_KEY_UUID };
struct task_key {
	enum task_key_kind kind;
	int64_t id;
	struct uuid uuid;
};

/* A task to be made.  uuid and now_us are minted before the first try, so that
 * a repeated create is the same create. */
struct task_draft {
	struct uuid uuid;
	struct text title;
	struct text title_folded;
	bool has_description;
	struct text description;
	struct text description_folded;
	bool completed;
	int64_t now_us;
};

enum task_field_change { TASK_KEEP, TASK_SET, TASK_CLEAR };

/* What an update changes; all TASK_KEEP moves only updated_at. */
struct task_changes {
	enum task_field_change title; /* never TASK_CLEAR */
	struct text title_text;
	struct text title_folded;
	enum task_field_change description;
	struct text description_text;
	struct text description_folded;
	enum task_field_change completed; /* never TASK_CLEAR */
	bool completed_value;
	int64_t now_us; /* updated_at becomes max(now_us, old + 1) */
};

enum task_filter {
	TASK_FILTER_ALL,
	TASK_FILTER_PENDING,
	TASK_FILTER_COMPLETED
};

/* What a list is narrowed to besides its filter; begins as TASK_SEARCH_ALL. */
struct task_search {
	/* Case-folded; the title or the description has it, byte for byte.
	 * Empty: any.  Without NUL. */
	struct text keyword;
	int64_t created_from_us; /* both inclusive */
	int64_t created_to_us;
};
#define TASK_SEARCH_ALL                       \
	((struct task_search){                \
		.created_from_us = INT64_MIN, \
		.created_to_us = INT64_MAX,   \
	})

/* The place after a task in the order newest first (created_at descending,
 * then id descending). */
struct task_cursor {
	int64_t created_at_us;
	int64_t id;
};

#endif
