/*
 * From the Authorization header to a principal.  Verified tokens are
 * remembered in a bounded table of the worker's, under a keyed hash of the
 * whole token, until they expire or the key set that verified them changes;
 * that the user of one of our own exists is asked of storage at most once in
 * AUTH_USER_CHECK_S for each token.
 */
#ifndef TODOD_CORE_AUTH_H
#define TODOD_CORE_AUTH_H

#include "core/err.h"
#include "core/text.h"

#define AUTH_USER_CHECK_S 60

struct app_options;
struct auth;
struct call;
struct loop;
struct storage;

typedef void auth_next_fn(struct call *call);

/* options, loop and storage are borrowed.  ERR_NO_MEMORY. */
enum err auth_new(const struct app_options *options, struct loop *loop,
		  struct storage *storage, struct auth **auth)
	__attribute__((warn_unused_result));
void auth_free(struct auth **auth);

/*
 * Judges the call's token.  When it is good call->principal is set and
 * next(call) runs, at once or later from the loop; else the call is answered
 * 401 (503 when there can be no verdict now).  A token whose key is not known
 * may wait for a newer set (core/keywait.h) while the key source fetches.
 */
void auth_check(struct auth *auth, struct call *call, auth_next_fn *next);

/* app_keys_arrived(). */
enum err auth_keys_arrived(struct auth *auth, struct text json)
	__attribute__((warn_unused_result));

/* app_keys_expired(). */
void auth_keys_expired(struct auth *auth);

#endif
