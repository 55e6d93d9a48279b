/*
 * How a worker's memory is taken and given back: the C library is told to keep
 * what the next batch of requests will want again, and libevent, which takes
 * and frees dozens of small pieces for each request, gets them from lists
 * (through daemon/reserve.h).
 */
#ifndef TODOD_DAEMON_HEAP_H
#define TODOD_DAEMON_HEAP_H

#include <stddef.h>

/* More than this is not kept in the lists of a process. */
#define HEAP_KEPT_MAX_BYTES ((size_t)512 * 1024)

/* Once in a process, before it allocates much.  With a sanitizer nothing is
 * kept from then on: lists would hide from it what is used after its end. */
void heap_prepare(void);

/* As malloc(), realloc() and free(); NULL when there is no memory.  From one
 * thread, the one that calls libevent.  What one of them gives only they may be
 * given: what libevent is to free must come from here. */
void *heap_take(size_t size);
void *heap_resize(void *memory, size_t size);
void heap_give(void *memory);

/* Bytes in the lists. */
size_t heap_kept(void);

/* Gives the lists' memory back. */
void heap_empty(void);

#endif
