/* The keys of session tickets, in processes that never speak to each other. */
#include "config.h"

#include "daemon/tlsticket.h"

#include <string.h>

#include "tests/support/tap.h"

#define START_US (100 * TLSTICKET_PERIOD_US + 12345)

static bool is_same(const struct tlsticket_key *a,
		    const struct tlsticket_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Whether the bytes of a secret are anywhere in the memory of the keys. */
static bool holds(const struct tlsticket_keys *keys,
		  const unsigned char secret[TLSTICKET_KEY_BYTES])
{
	return memmem(keys, sizeof(*keys), secret, TLSTICKET_KEY_BYTES) != NULL;
}

static void check_copies(void)
{
	struct tlsticket_keys master, early, late;

	tlsticket_init(&master, START_US);
	early = master;
	late = master;
	for (int i = 1; i <= 5; i++)
		tlsticket_advance(&early, START_US + i * TLSTICKET_PERIOD_US);
	tlsticket_advance(&late, START_US + 5 * TLSTICKET_PERIOD_US);
	ok(is_same(&early.current, &late.current),
	   "copies that look at the time at other times have the same key");
	ok(is_same(&early.previous, &late.previous), "and the same before it");
	ok(!is_same(&early.current, &master.current),
	   "it is not the one of the beginning");
}

static void check_life(void)
{
	struct tlsticket_keys keys;
	struct tlsticket_key first;
	unsigned char secret[TLSTICKET_KEY_BYTES];

	tlsticket_init(&keys, START_US);
	first = keys.current;
	memcpy(secret, keys.secret, sizeof(secret));
	ok(tlsticket_find(&keys, first.name) == &keys.current,
	   "the current key is found by its name");
	tlsticket_advance(&keys, START_US + TLSTICKET_PERIOD_US / 2);
	ok(is_same(&keys.current, &first), "a key seals for a whole period");
	tlsticket_advance(&keys, START_US + TLSTICKET_PERIOD_US);
	ok(!is_same(&keys.current, &first), "then another one seals");
	ok(tlsticket_find(&keys, first.name) == &keys.previous &&
		   is_same(&keys.previous, &first),
	   "the one before still opens");
	ok(!holds(&keys, secret), "the secret of the past is forgotten");
	tlsticket_advance(&keys, START_US + 2 * TLSTICKET_PERIOD_US);
	ok(!tlsticket_find(&keys, first.name), "two periods later it does not");
	ok(!holds(&keys, first.cipher) && !holds(&keys, first.mac),
	   "and is nowhere in memory");
	first = keys.current;
	tlsticket_advance(&keys, START_US);
	ok(is_same(&keys.current, &first), "time never goes back");
	tlsticket_release(&keys);
	ok(!holds(&keys, first.cipher), "what is released is wiped");
}

static void check_keys(void)
{
	struct tlsticket_keys one, other;

	tlsticket_init(&one, START_US);
	tlsticket_init(&other, START_US);
	ok(!is_same(&one.current, &other.current),
	   "another beginning has other keys");
	ok(!tlsticket_find(&one, other.current.name),
	   "and its names are unknown");
	ok(memcmp(one.current.cipher, one.current.mac, TLSTICKET_KEY_BYTES) !=
		   0,
	   "sealing and authenticating have a key each");
	ok(memcmp(one.current.cipher, one.secret, TLSTICKET_KEY_BYTES) != 0 &&
		   memcmp(one.current.mac, one.secret, TLSTICKET_KEY_BYTES) !=
			   0,
	   "neither is the secret");
}

int main(void)
{
	check_copies();
	check_life();
	check_keys();
	return tap_done();
}
