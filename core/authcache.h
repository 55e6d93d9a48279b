/*
 * The table of verified tokens of one worker, under a keyed hash of the whole
 * token: bounded, and what was used longest ago gives way.  It says what was
 * true when an entry was put; whether that still counts is core/auth.c's
 * business.
 */
#ifndef TODOD_CORE_AUTHCACHE_H
#define TODOD_CORE_AUTHCACHE_H

#include <stdint.h>

#include "core/digest.h"
#include "core/err.h"
#include "core/token.h"

/* A token has so many places to be in; with fewer, tokens that are all in use
 * would push each other out long before the table is full. */
#define AUTHCACHE_WAYS 8
/* A power of two.  Full, the table has 5 MiB. */
#define AUTHCACHE_SETS	  2048
#define AUTHCACHE_ENTRIES (AUTHCACHE_WAYS * AUTHCACHE_SETS)

struct authcache_entry {
	int64_t checked_us;  /* monotonic: when its user was last seen */
	uint64_t generation; /* of the keys that verified it */
	struct token token;
};

struct authcache;

/* ERR_NO_MEMORY. */
enum err authcache_new(struct authcache **cache)
	__attribute__((warn_unused_result));
/* Leaves NULL behind; *cache may be NULL. */
void authcache_free(struct authcache **cache);

/* NULL when it is not there; borrowed until the next put. */
const struct authcache_entry *authcache_find(struct authcache *cache,
					     const struct digest *digest);

/* Copies the entry, in the place of one that is there. */
void authcache_put(struct authcache *cache, const struct digest *digest,
		   const struct authcache_entry *entry);

#endif
