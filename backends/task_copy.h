/* A task with its texts in one piece of memory. */
#ifndef TODOD_BACKENDS_TASK_COPY_H
#define TODOD_BACKENDS_TASK_COPY_H

struct task;

/* From malloc, freed with free(); NULL when memory is exhausted. */
struct task *task_copy(const struct task *task)
	__attribute__((warn_unused_result));

#endif
