/* Queues of storage calls: those that wait for the reader or for the writer. */
#ifndef TODOD_BACKENDS_SQLITE_CALLS_H
#define TODOD_BACKENDS_SQLITE_CALLS_H

struct storage_call;

/* Zeroed, it is empty.  A call is in one queue at a time, by its next and
 * prev. */
struct sqlite_calls {
	struct storage_call *first, *last;
};

void sqlite_calls_append(struct sqlite_calls *calls, struct storage_call *call);
void sqlite_calls_prepend(struct sqlite_calls *calls,
			  struct storage_call *call);
void sqlite_calls_remove(struct sqlite_calls *calls, struct storage_call *call);
/* Removes the first; NULL: there is none. */
struct storage_call *sqlite_calls_take(struct sqlite_calls *calls);

#endif
