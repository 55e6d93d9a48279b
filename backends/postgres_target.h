/*
 * The PostgreSQL server that a DATABASE_URL names, and the parameters that
 * libpq is given to reach it.  It holds a password: never log its parameters.
 */
#ifndef TODOD_BACKENDS_POSTGRES_TARGET_H
#define TODOD_BACKENDS_POSTGRES_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/backends.h"
#include "core/err.h"
#include "core/text.h"

struct postgres_target;

/*
 * rest is what follows the scheme and its colon.  What the URL leaves open is
 * decided here: TLS with a checked certificate (sslmode=verify-full and the
 * system's bundle) unless the host is this machine; keep-alives.  On failure
 * problem has a sentence for the user: ERR_INVALID, ERR_NO_MEMORY.
 */
enum err postgres_target_new(struct text rest, struct postgres_target **target,
			     char *problem, size_t problem_size)
	__attribute__((warn_unused_result));
void postgres_target_free(struct postgres_target **target);

/* Whether a pooler is between, by what the settings say or the URL looks. */
bool postgres_target_is_pooled(const struct postgres_target *target,
			       enum backend_pooling pooling);

/* The name to be looked up before connecting; NULL when there is none to be:
 * a socket, an address, several hosts. */
const char *postgres_target_host(const struct postgres_target *target);

/* For the log: host, or the socket's folder. */
const char *postgres_target_name(const struct postgres_target *target);

/* The connect_timeout of the URL; 0: none. */
int64_t postgres_target_timeout_ms(const struct postgres_target *target);

#define POSTGRES_PARAMS_MAX    48
#define POSTGRES_ADDRESSES_MAX 8
#define POSTGRES_ADDRESS_BYTES 64

/* The addresses of a host, as text. */
struct postgres_addresses {
	size_t count;
	char text[POSTGRES_ADDRESSES_MAX][POSTGRES_ADDRESS_BYTES];
};

/* For PQconnectStartParams(); borrows from the target. */
struct postgres_params {
	const char *keywords[POSTGRES_PARAMS_MAX];
	const char *values[POSTGRES_PARAMS_MAX];
	char options[1024];
	char hosts[POSTGRES_ADDRESSES_MAX * 260];
	char addresses[POSTGRES_ADDRESSES_MAX * POSTGRES_ADDRESS_BYTES];
};

/* addresses (may be NULL) are those of postgres_target_host().  A statement
 * time-out > 0 is asked for at start-up, which poolers refuse. */
void postgres_target_params(const struct postgres_target *target,
			    const struct postgres_addresses *addresses,
			    int64_t statement_timeout_ms,
			    struct postgres_params *params);

#endif
