/* Counting connections by address. */
#include "config.h"

#include "daemon/peers.h"

#include <string.h>

#include "core/ip.h"
#include "tests/support/tap.h"

#define MANY 1000

static struct peer *join(struct peers *peers, const char *text)
{
	struct ip ip;

	if (ip_parse(text_of(text), &ip) != ERR_OK)
		bail_out("%s is no address", text);
	return peer_join(peers, &ip);
}

static struct peer *join_number(struct peers *peers, unsigned number)
{
	struct ip ip = { .family = IP_V4 };

	memcpy(ip.bytes, &number, sizeof(number));
	return peer_join(peers, &ip);
}

static void test_counts(struct peers *peers)
{
	struct peer *first = join(peers, "192.0.2.1");
	struct peer *other = join(peers, "192.0.2.2");
	struct peer *again = join(peers, "::ffff:192.0.2.1");
	struct peer *last;

	is_int(peer_count(first), 2, "two of one address, however written");
	is_int(peer_count(other), 1, "one of another");
	peer_leave(peers, &first);
	ok(first == NULL, "who leaves is forgotten");
	is_int(peer_count(again), 1, "and not counted any more");
	peer_leave(peers, &again);
	last = join(peers, "192.0.2.1");
	is_int(peer_count(last), 1, "counting begins anew");
	peer_leave(peers, &last);
	peer_leave(peers, &other);
	peer_leave(peers, &other);
	ok(join(peers, "unix") == NULL, "a unix socket is nobody");
}

static void test_networks(struct peers *peers)
{
	struct peer *first = join(peers, "2001:db8::1");
	struct peer *neighbour = join(peers, "2001:db8::ffff:0:2");
	struct peer *other = join(peers, "2001:db8:0:1::1");

	is_int(peer_count(first), 2, "a network of IPv6 is one client");
	is_int(peer_count(other), 1, "the next one is another");
	peer_leave(peers, &first);
	peer_leave(peers, &neighbour);
	peer_leave(peers, &other);
}

static void test_many(struct peers *peers)
{
	static struct peer *joined[MANY][2];
	bool all_ones = true, all_twos = true;

	for (unsigned i = 0; i < MANY; i++)
		joined[i][0] = join_number(peers, i);
	for (unsigned i = 0; i < MANY; i++)
		all_ones = all_ones && peer_count(joined[i][0]) == 1;
	ok(all_ones, "more addresses than places are told apart");
	for (unsigned i = 0; i < MANY; i++)
		joined[i][1] = join_number(peers, i);
	for (unsigned i = 0; i < MANY; i++)
		all_twos = all_twos && peer_count(joined[i][0]) == 2;
	ok(all_twos, "and found again");
	for (unsigned i = 0; i < 2 * MANY; i++)
		peer_leave(peers, &joined[i % MANY][i / MANY]);
}

int main(void)
{
	struct peers *peers;

	if (peers_new(1, &peers) != ERR_OK)
		bail_out("no memory");
	test_counts(peers);
	test_networks(peers);
	test_many(peers);
	peers_free(&peers);
	ok(peers == NULL, "all of it can be freed");
	return tap_done();
}
