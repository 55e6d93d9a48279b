/* The table of verified tokens: what it keeps, and what gives way. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "core/authcache.h"
#include "tests/support/tap.h"

/* Tokens that are in use at the same time, in turn. */
#define IN_USE 4000
#define TURNS  3

static struct digest digest_number(const struct digest_key *key, size_t number)
{
	return digest_of(key, (struct text){ (const char *)&number,
					     sizeof(number) });
}

static void put(struct authcache *cache, const struct digest *digest,
		uint64_t generation)
{
	struct authcache_entry entry;

	memset(&entry, 0, sizeof(entry));
	entry.generation = generation;
	authcache_put(cache, digest, &entry);
}

static void test_find(void)
{
	const struct authcache_entry *entry;
	struct authcache *cache = NULL;
	struct digest one = { { 1 } }, other = { { 1, 0, 0, 0, 1 } };

	if (authcache_new(&cache) != ERR_OK)
		bail_out("no memory");
	ok(authcache_find(cache, &one) == NULL, "an empty table has nothing");
	put(cache, &one, 7);
	entry = authcache_find(cache, &one);
	ok(entry != NULL && entry->generation == 7, "what was put is found");
	ok(authcache_find(cache, &other) == NULL,
	   "its neighbour in the same set is not");
	put(cache, &other, 8);
	put(cache, &one, 9);
	entry = authcache_find(cache, &one);
	ok(entry != NULL && entry->generation == 9, "a second put replaces it");
	entry = authcache_find(cache, &other);
	ok(entry != NULL && entry->generation == 8, "and nothing else");
	authcache_free(&cache);
	ok(cache == NULL, "free leaves NULL behind");
}

static void test_oldest_gives_way(void)
{
	struct authcache *cache = NULL;
	struct digest digest = { { 5 } };
	size_t kept = 0;

	if (authcache_new(&cache) != ERR_OK)
		bail_out("no memory");
	for (unsigned char i = 0; i < AUTHCACHE_WAYS; i++) {
		digest.bytes[8] = i;
		put(cache, &digest, i);
	}
	/* The first is used again, so the second is the oldest. */
	digest.bytes[8] = 0;
	ok(authcache_find(cache, &digest) != NULL, "a full set has them all");
	digest.bytes[8] = AUTHCACHE_WAYS;
	put(cache, &digest, AUTHCACHE_WAYS);
	digest.bytes[8] = 1;
	ok(authcache_find(cache, &digest) == NULL,
	   "what was used longest ago gives way");
	for (unsigned char i = 0; i <= AUTHCACHE_WAYS; i++) {
		digest.bytes[8] = i;
		kept += authcache_find(cache, &digest) != NULL;
	}
	is_int((int64_t)kept, AUTHCACHE_WAYS, "and nothing else does");
	authcache_free(&cache);
}

static void test_many_in_use(void)
{
	struct authcache *cache = NULL;
	struct digest_key key;
	size_t misses = 0;

	if (authcache_new(&cache) != ERR_OK)
		bail_out("no memory");
	digest_random(&key, sizeof(key));
	for (size_t i = 0; i < TURNS * IN_USE; i++) {
		struct digest digest = digest_number(&key, i % IN_USE);

		if (authcache_find(cache, &digest) != NULL)
			continue;
		misses++;
		put(cache, &digest, 1);
	}
	/* By chance a set may get more than it holds. */
	ok(misses < IN_USE + IN_USE / 20,
	   "a quarter of the table in use is remembered, whoever comes next");
	authcache_free(&cache);
}

int main(void)
{
	test_find();
	test_oldest_gives_way();
	test_many_in_use();
	return tap_done();
}
