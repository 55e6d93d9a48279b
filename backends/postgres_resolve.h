/*
 * Looks a host's addresses up without holding the loop up: getaddrinfo() blocks
 * for as long as the name servers let it, so it has a thread of its own.
 */
#ifndef TODOD_BACKENDS_POSTGRES_RESOLVE_H
#define TODOD_BACKENDS_POSTGRES_RESOLVE_H

#include <stdint.h>

#include "backends/postgres_target.h"
#include "core/err.h"

struct loop;
struct postgres_resolve;

/* problem is NULL when there are addresses. */
typedef void postgres_resolve_fn(void *arg,
				 const struct postgres_addresses *addresses,
				 const char *problem);

/* Looks the names up among hosts, as postgres_target_host() gives them.  Runs
 * fn once, from the loop, not before this returned; *resolve must then be
 * forgotten.  ERR_NO_MEMORY, ERR_SYSTEM. */
enum err postgres_resolve_start(struct loop *loop, const char *hosts,
				postgres_resolve_fn *fn, void *arg,
				struct postgres_resolve **resolve)
	__attribute__((warn_unused_result));

/* fn does not run any more; the thread ends by itself.  Leaves NULL behind;
 * *resolve may be NULL. */
void postgres_resolve_cancel(struct postgres_resolve **resolve);

/* The same for a caller that may wait, though not longer than timeout_ms.
 * ERR_UNAVAILABLE with a problem. */
enum err postgres_resolve_wait(const char *hosts, int64_t timeout_ms,
			       struct postgres_addresses *addresses,
			       const char **problem)
	__attribute__((warn_unused_result));

#endif
