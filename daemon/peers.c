/*
 * A hash table of clients.  Its key is random, so that nobody can choose
 * addresses that all meet in one place.
 */
#include "config.h"

#include "daemon/peers.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "core/ip.h"

#define BUCKETS_MAX 16384

struct peer {
	struct ip ip;
	size_t count;
	struct peer *next;
};

struct peers {
	struct peer **buckets;
	size_t bucket_mask;
	uint64_t key[2];
};

enum err peers_new(size_t connections_max, struct peers **out)
{
	struct peers *peers = calloc(1, sizeof(*peers));
	size_t buckets = 64;

	if (!peers)
		return ERR_NO_MEMORY;
	while (buckets < connections_max && buckets < BUCKETS_MAX)
		buckets *= 2;
	peers->bucket_mask = buckets - 1;
	peers->buckets = calloc(buckets, sizeof(struct peer *));
	if (!peers->buckets) {
		free(peers);
		return ERR_NO_MEMORY;
	}
	digest_random(peers->key, sizeof(peers->key));
	*out = peers;
	return ERR_OK;
}

void peers_free(struct peers **peers)
{
	if (!*peers)
		return;
	free((*peers)->buckets);
	free(*peers);
	*peers = NULL;
}

static struct peer **bucket_of(const struct peers *peers, const struct ip *ip)
{
	uint64_t halves[IP_BYTES / sizeof(uint64_t)];
	uint64_t mixed;

	memcpy(halves, ip->bytes, sizeof(halves));
	mixed = (halves[0] ^ peers->key[0]) * (peers->key[1] | 1);
	mixed = ((mixed >> 32) ^ mixed ^ halves[1]) * (peers->key[0] | 1);
	return &peers->buckets[(mixed >> 32) & peers->bucket_mask];
}

struct peer *peer_join(struct peers *peers, const struct ip *ip)
{
	struct ip holder = ip_holder(ip);
	struct peer **bucket = bucket_of(peers, &holder);
	struct peer *peer = *bucket;

	if (ip_bits(ip) == 0)
		return NULL;
	while (peer && !ip_is_equal(&peer->ip, &holder))
		peer = peer->next;
	if (!peer) {
		peer = malloc(sizeof(*peer));
		if (!peer)
			return NULL;
		peer->ip = holder;
		peer->count = 0;
		peer->next = *bucket;
		*bucket = peer;
	}
	peer->count++;
	return peer;
}

size_t peer_count(const struct peer *peer)
{
	return peer->count;
}

void peer_leave(struct peers *peers, struct peer **peer)
{
	struct peer *gone = *peer;
	struct peer **link;

	*peer = NULL;
	if (!gone || --gone->count > 0)
		return;
	link = bucket_of(peers, &gone->ip);
	while (*link != gone)
		link = &(*link)->next;
	*link = gone->next;
	free(gone);
}
