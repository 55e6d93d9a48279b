/* A pool of buffers with a parser each. */
#include "config.h"

#include "daemon/intake.h"

#include <stdlib.h>
#include <string.h>

#define POOL_MAX       256
#define KEPT_MAX_BYTES (16 * 1024) /* a larger buffer goes back to malloc */

struct intakes {
	struct intake *pool;
	size_t pool_count;
};

enum err intakes_new(struct intakes **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? ERR_OK : ERR_NO_MEMORY;
}

static void free_intake(struct intake *intake)
{
	buffer_release(&intake->bytes);
	free(intake);
}

void intakes_free(struct intakes **intakes)
{
	struct intakes *gone = *intakes;

	if (!gone)
		return;
	while (gone->pool) {
		struct intake *next = gone->pool->next;

		free_intake(gone->pool);
		gone->pool = next;
	}
	free(gone);
	*intakes = NULL;
}

struct intake *intake_get(struct intakes *intakes)
{
	struct intake *intake = intakes->pool;

	if (intake) {
		intakes->pool = intake->next;
		intakes->pool_count--;
	} else {
		intake = malloc(sizeof(*intake));
		if (!intake)
			return NULL;
		intake->owner = intakes;
		buffer_init(&intake->bytes);
	}
	httpparser_init(&intake->parser);
	intake->holders = 1;
	intake->next = NULL;
	return intake;
}

struct intake *intake_hold(struct intake *intake)
{
	intake->holders++;
	return intake;
}

void intake_release(struct intake **intake)
{
	struct intake *gone = *intake;
	struct intakes *owner;

	*intake = NULL;
	if (!gone || --gone->holders > 0)
		return;
	owner = gone->owner;
	if (owner->pool_count == POOL_MAX) {
		free_intake(gone);
		return;
	}
	if (gone->bytes.size > KEPT_MAX_BYTES || gone->bytes.failed)
		buffer_release(&gone->bytes);
	gone->bytes.len = 0;
	gone->next = owner->pool;
	owner->pool = gone;
	owner->pool_count++;
}

void intake_next(struct intake *intake)
{
	struct buffer *bytes = &intake->bytes;
	size_t at = intake->parser.next_at;

	bytes->len -= at;
	if (bytes->len > 0)
		memmove(bytes->ptr, bytes->ptr + at, bytes->len);
	httpparser_init(&intake->parser);
}
