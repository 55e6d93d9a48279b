/*
 * One attempt to connect to a server that may have several addresses, of one
 * host or of more: they are tried one after another, each for its share of the
 * time.  libpq would go through them by itself, but wait for a silent one until
 * all the time is over.  Who makes the attempt drives each connection.
 */
#ifndef TODOD_BACKENDS_POSTGRES_ATTEMPT_H
#define TODOD_BACKENDS_POSTGRES_ATTEMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/postgres_target.h"

struct pg_conn;

/* The addresses that were silent lately.  All zero: none. */
struct postgres_silence {
	struct postgres_address list[POSTGRES_ADDRESSES_MAX];
	int64_t until_us[POSTGRES_ADDRESSES_MAX];
	size_t next; /* the place that is used next */
};

struct postgres_attempt {
	const struct postgres_target *target;
	struct postgres_silence *silence; /* NULL: none is kept */
	struct postgres_addresses addresses;
	size_t next;	  /* of the addresses */
	int64_t began_us; /* with the present one */
	int64_t end_us;	  /* of all */
};

/* addresses are what a look-up has found, or NULL when the target needs none.
 * Those that were silent lately come last.  target and silence are borrowed. */
void postgres_attempt_init(struct postgres_attempt *attempt,
			   const struct postgres_target *target,
			   const struct postgres_addresses *addresses,
			   struct postgres_silence *silence, int64_t end_us,
			   int64_t now_us);

/* Whether there is an address that was not tried. */
bool postgres_attempt_has_next(const struct postgres_attempt *attempt);

/* Begins with the next one; the statement time-out is as with
 * postgres_target_params().  The caller frees it with PQfinish(), also a bad
 * one; NULL: no memory. */
struct pg_conn *postgres_attempt_next(struct postgres_attempt *attempt,
				      int64_t statement_timeout_ms,
				      int64_t now_us)
	__attribute__((warn_unused_result));

/* Until when the present connection may take to open. */
int64_t postgres_attempt_until_us(const struct postgres_attempt *attempt,
				  const struct pg_conn *conn);

/* The present connection is given up, since its time is over. */
void postgres_attempt_note(struct postgres_attempt *attempt,
			   const struct pg_conn *conn, int64_t now_us);

#endif
