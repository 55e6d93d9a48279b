/* Memory for libevent.  Where an allocation of its own fails, libevent forgets
 * events and evhttp writes through NULL or sends half an answer.  So it never
 * sees that: there is a reserve, and when that is used up the process ends
 * itself, and the master starts another one. */
#ifndef TODOD_DAEMON_RESERVE_H
#define TODOD_DAEMON_RESERVE_H

#include <stddef.h>

/* From now on libevent allocates through this module, from daemon/heap.h;
 * before anything else of libevent is called in this process. */
void reserve_init(void);

/* As libevent gets it, for what libevent is to free: never NULL. */
void *reserve_take(size_t size) __attribute__((returns_nonnull));

/* Sets aside again what was used; to be called now and then. */
void reserve_refill(void);

#endif
