/* Queues of storage calls. */
#include "config.h"

#include "backends/sqlite_calls.h"

#include <stddef.h>

#include "core/storage_backend.h"

void sqlite_calls_append(struct sqlite_calls *calls, struct storage_call *call)
{
	call->next = NULL;
	call->prev = calls->last;
	if (calls->last != NULL)
		calls->last->next = call;
	else
		calls->first = call;
	calls->last = call;
}

void sqlite_calls_prepend(struct sqlite_calls *calls, struct storage_call *call)
{
	call->prev = NULL;
	call->next = calls->first;
	if (calls->first != NULL)
		calls->first->prev = call;
	else
		calls->last = call;
	calls->first = call;
}

void sqlite_calls_remove(struct sqlite_calls *calls, struct storage_call *call)
{
	if (call->prev != NULL)
		call->prev->next = call->next;
	else
		calls->first = call->next;
	if (call->next != NULL)
		call->next->prev = call->prev;
	else
		calls->last = call->prev;
}

struct storage_call *sqlite_calls_take(struct sqlite_calls *calls)
{
	struct storage_call *call = calls->first;

	if (call != NULL)
		sqlite_calls_remove(calls, call);
	return call;
}
