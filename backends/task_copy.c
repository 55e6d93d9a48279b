/* A task with its texts in one piece of memory. */
#include "config.h"

#include "backends/task_copy.h"

#include <stdlib.h>
#include <string.h>

#include "core/task.h"

static void move_text(char **at, struct text *text)
{
	if (text->len > 0)
		memcpy(*at, text->ptr, text->len);
	text->ptr = *at;
	*at += text->len;
}

struct task *task_copy(const struct task *task)
{
	size_t description_len = task->has_description ? task->description.len :
							 0;
	struct task *copy;
	char *at;

	copy = malloc(sizeof(*copy) + task->user_id.len + task->title.len +
		      description_len);
	if (copy == NULL)
		return NULL;
	*copy = *task;
	copy->description.len = description_len;
	at = (char *)(copy + 1);
	move_text(&at, &copy->user_id);
	move_text(&at, &copy->title);
	move_text(&at, &copy->description);
	return copy;
}
