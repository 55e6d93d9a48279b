/* The table of verified tokens. */
#include "config.h"

#include "core/authcache.h"

#include <stdlib.h>
#include <string.h>

/* The hashes of a set lie side by side: two cache lines tell whether a token
 * is there. */
struct set {
	struct digest digests[AUTHCACHE_WAYS];
	uint64_t used[AUTHCACHE_WAYS]; /* when, by the clock; 0: empty */
};

struct authcache {
	struct set sets[AUTHCACHE_SETS];
	struct authcache_entry entries[AUTHCACHE_SETS][AUTHCACHE_WAYS];
	uint64_t clock; /* counts uses */
};

enum err authcache_new(struct authcache **cache)
{
	/* Fresh zeroed pages cost nothing until they are used. */
	*cache = calloc(1, sizeof(**cache));
	return *cache != NULL ? ERR_OK : ERR_NO_MEMORY;
}

void authcache_free(struct authcache **cache)
{
	free(*cache);
	*cache = NULL;
}

static size_t set_of(const struct digest *digest)
{
	uint32_t hash;

	memcpy(&hash, digest->bytes, sizeof(hash));
	return hash & (AUTHCACHE_SETS - 1);
}

/* The way of a digest in its set; AUTHCACHE_WAYS: it is not there. */
static size_t find_way(const struct set *set, const struct digest *digest)
{
	size_t way;

	for (way = 0; way < AUTHCACHE_WAYS; way++)
		if (set->used[way] != 0 &&
		    memcmp(&set->digests[way], digest, sizeof(*digest)) == 0)
			break;
	return way;
}

static size_t oldest_way(const struct set *set)
{
	size_t oldest = 0;

	for (size_t way = 1; way < AUTHCACHE_WAYS; way++)
		if (set->used[way] < set->used[oldest])
			oldest = way;
	return oldest;
}

const struct authcache_entry *authcache_find(struct authcache *cache,
					     const struct digest *digest)
{
	size_t index = set_of(digest);
	struct set *set = &cache->sets[index];
	size_t way = find_way(set, digest);

	if (way == AUTHCACHE_WAYS)
		return NULL;
	set->used[way] = ++cache->clock;
	return &cache->entries[index][way];
}

void authcache_put(struct authcache *cache, const struct digest *digest,
		   const struct authcache_entry *entry)
{
	size_t index = set_of(digest);
	struct set *set = &cache->sets[index];
	size_t way = find_way(set, digest);

	if (way == AUTHCACHE_WAYS)
		way = oldest_way(set);
	set->digests[way] = *digest;
	set->used[way] = ++cache->clock;
	cache->entries[index][way] = *entry;
}
