/*
 * The limits on how often a client may ask: which of them hold for a call, whom
 * each counts for, and the answer when it is too often: 429 with Retry-After.
 * The counters are core/ratelimit.h's.
 *
 * Sign-in and sign-up are counted before a password is hashed, by the client's
 * address and by the e-mail address, whether or not it is an account's.  A
 * right password makes the e-mail address's counter forget, as PAM's faillock
 * does: who knows the password guesses no more.  The address's goes on, or an
 * attacker could clear it with an account of his own.
 *
 * An IPv6 address counts by its /64, which is what one customer has.  While it
 * is not configured who the trusted proxies are, what comes from this machine,
 * or by way of a neighbour that says for whom, has no address to count by: it
 * may be everybody's.
 */
#ifndef TODOD_CORE_LIMITS_H
#define TODOD_CORE_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/ratelimit.h"
#include "core/text.h"

struct call;
struct http_response;

enum limit_name {
	LIMIT_SIGNIN,  /* by the client's address */
	LIMIT_SIGNUP,  /* so too */
	LIMIT_ACCOUNT, /* sign-in and sign-up, by the e-mail address */
	LIMIT_ADDRESS, /* all requests but health checks, by the address */
	LIMIT_USER,    /* requests with a token, by its user */
	LIMIT_COUNT,
};

/* All zero: nothing is limited. */
struct limits_options {
	struct ratelimit_policy policies[LIMIT_COUNT];
	/* Apart, so that a flood of addresses does not fill the table of the
	 * accounts; borrowed, NULL when nothing is limited. */
	struct ratelimit *addresses;
	struct ratelimit *accounts;
};

/* What the limits have said of one call, for its answer. */
struct limits_seen {
	struct {
		enum limit_name name;
		struct ratelimit_verdict verdict;
	} items[LIMIT_COUNT];
	size_t count;
};

/* Each counts the call; false: it is one too many and has been answered. */
bool limits_admit_address(struct call *call);
bool limits_admit_user(struct call *call);

/* attempt is LIMIT_SIGNIN or LIMIT_SIGNUP; email is in lower case. */
bool limits_admit_account(struct call *call, enum limit_name attempt,
			  struct text email);

/* The password was right. */
void limits_forgive(struct call *call, struct text email);

/* RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers) of the
 * limits that the call was counted by. */
void limits_add_headers(struct call *call, struct http_response *response);

#endif
