/*
 * The keys that seal the session tickets of TLS (RFC 5077, RFC 8446 4.6.1).
 * They change with the time.  Each process that was forked with a copy finds
 * the same ones without a word to the others: the next secret is a hash of the
 * last, which is forgotten, so that nobody can open old tickets by what is in
 * memory now.
 */
#ifndef TODOD_DAEMON_TLSTICKET_H
#define TODOD_DAEMON_TLSTICKET_H

#include <stdint.h>

#include "core/err.h"

/* A key seals for so long and opens for as long again: more than the two hours
 * that OpenSSL lets a session live. */
#define TLSTICKET_PERIOD_US (INT64_C(4) * 3600 * 1000000)

#define TLSTICKET_NAME_BYTES 16
#define TLSTICKET_KEY_BYTES  32

struct tlsticket_key {
	unsigned char name[TLSTICKET_NAME_BYTES]; /* stands in the ticket */
	unsigned char cipher[TLSTICKET_KEY_BYTES];
	unsigned char mac[TLSTICKET_KEY_BYTES];
};

struct tlsticket_keys {
	unsigned char secret[TLSTICKET_KEY_BYTES]; /* of the next period */
	int64_t period;
	struct tlsticket_key current;
	struct tlsticket_key previous; /* opens, but does not seal any more */
};

/* Begins with a random secret; now_us is of the monotonic clock. */
void tlsticket_init(struct tlsticket_keys *keys, int64_t now_us);

/* Wipes it. */
void tlsticket_release(struct tlsticket_keys *keys);

/* Goes on to the period of now_us; nothing to do for an earlier one. */
void tlsticket_advance(struct tlsticket_keys *keys, int64_t now_us);

/* The key of that name, NULL when there is none any more. */
const struct tlsticket_key *tlsticket_find(
	const struct tlsticket_keys *keys,
	const unsigned char name[TLSTICKET_NAME_BYTES]);

#endif
