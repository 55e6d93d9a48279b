/* A task as JSON, in the form of a dialect. */
#ifndef TODOD_CORE_ITEM_H
#define TODOD_CORE_ITEM_H

struct dialect;
struct jsonwriter;
struct task;

/* Writes one object with the dialect's members in their order. */
void item_write(struct jsonwriter *writer, const struct dialect *dialect,
		const struct task *task);

#endif
