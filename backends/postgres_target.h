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

/* The host, or several with commas between, when there is a name among them
 * that is to be looked up before connecting; NULL when there is none. */
const char *postgres_target_host(const struct postgres_target *target);

/* Whether one host is a name: no socket's folder and no address. */
bool postgres_target_is_name(struct text host);

/* For the log: host, or the socket's folder. */
const char *postgres_target_name(const struct postgres_target *target);

/* The connect_timeout of the URL; 0: none. */
int64_t postgres_target_timeout_ms(const struct postgres_target *target);

#define POSTGRES_PARAMS_MAX    48
#define POSTGRES_HOSTS_MAX     8
#define POSTGRES_HOST_BYTES    256
#define POSTGRES_PORT_BYTES    8
#define POSTGRES_ADDRESSES_MAX 16
#define POSTGRES_ADDRESS_BYTES 64

/* One address of a host. */
struct postgres_address {
	/* Empty where the URL itself says it, or a socket's folder. */
	char text[POSTGRES_ADDRESS_BYTES];
	unsigned char host; /* which of the hosts, from 0 on */
};

struct postgres_addresses {
	size_t count;
	struct postgres_address list[POSTGRES_ADDRESSES_MAX];
};

/* Those of a target of which nothing is to be looked up: one for each host. */
void postgres_target_addresses(const struct postgres_target *target,
			       struct postgres_addresses *addresses);

/* For PQconnectStartParams(); borrows from the target. */
struct postgres_params {
	const char *keywords[POSTGRES_PARAMS_MAX];
	const char *values[POSTGRES_PARAMS_MAX];
	char options[1024];
	char host[POSTGRES_HOST_BYTES];
	char address[POSTGRES_HOST_BYTES];
	char port[POSTGRES_PORT_BYTES];
};

/* To reach one address of the target.  A statement time-out > 0 is asked for at
 * start-up, which poolers refuse. */
void postgres_target_params(const struct postgres_target *target,
			    const struct postgres_address *address,
			    int64_t statement_timeout_ms,
			    struct postgres_params *params)
	__attribute__((nonnull(1, 2, 4)));

#endif
