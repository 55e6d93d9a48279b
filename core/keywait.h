/*
 * A bounded queue of calls that wait for an issuer's newest keys: until they
 * have come, and no longer than KEYWAIT_MS.
 */
#ifndef TODOD_CORE_KEYWAIT_H
#define TODOD_CORE_KEYWAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

#define KEYWAIT_CALLS_MAX 256
#define KEYWAIT_MS	  5000

struct loop;

/* First member of a caller's struct, which lives until it is woken. */
struct keywait_entry {
	struct keywait_entry *next;
	int64_t deadline_us; /* monotonic */
};

/* The entry waits no longer, whatever has become of the keys. */
typedef void keywait_woken_fn(void *arg, struct keywait_entry *entry);

struct keywait;

/* loop is borrowed.  ERR_NO_MEMORY. */
enum err keywait_new(struct loop *loop, keywait_woken_fn *woken, void *arg,
		     struct keywait **wait) __attribute__((warn_unused_result));

/* Forgets those that wait; leaves NULL behind, *wait may be NULL. */
void keywait_free(struct keywait **wait);

/* False when the queue is full. */
bool keywait_add(struct keywait *wait, struct keywait_entry *entry)
	__attribute__((warn_unused_result));

/* Wakes all that wait now, in the order they came. */
void keywait_wake(struct keywait *wait);

#endif
