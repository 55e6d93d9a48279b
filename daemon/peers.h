/*
 * How many connections of a worker each client has, as ip_holder() tells them
 * apart.  Unix sockets have no address and are not counted.
 */
#ifndef TODOD_DAEMON_PEERS_H
#define TODOD_DAEMON_PEERS_H

#include <stddef.h>

#include "core/err.h"

struct ip;
struct peer; /* a client with at least one connection */
struct peers;

/* connections_max: how many there will be at most, roughly. */
enum err peers_new(size_t connections_max, struct peers **peers)
	__attribute__((warn_unused_result));

/* All must have left. */
void peers_free(struct peers **peers);

/* One connection more from this address.  NULL: it is none, or there is no
 * memory. */
struct peer *peer_join(struct peers *peers, const struct ip *ip);

/* Its connections now. */
size_t peer_count(const struct peer *peer);

/* One less; *peer may be NULL and is NULL afterwards. */
void peer_leave(struct peers *peers, struct peer **peer);

#endif
