/*
 * A worker's side of the keys from elsewhere: core/keysource.h over the shared
 * memory that the keeper writes to.  It hands new sets to the application and
 * waits, by a timer, for the end of a fetch that the application wants.
 */
#ifndef TODOD_DAEMON_KEYCLIENT_H
#define TODOD_DAEMON_KEYCLIENT_H

#include "core/err.h"
#include "core/text.h"

struct keyclient;
struct keys_settings;
struct keyshare;
struct keysource;
struct loop;

/* Who gets the keys: app_keys_arrived() and app_keys_expired(). */
struct keyclient_user {
	enum err (*arrived)(void *arg, struct text json);
	void (*expired)(void *arg);
	void *arg;
};

/* settings and share are borrowed.  ERR_NO_MEMORY. */
enum err keyclient_new(struct loop *loop, const struct keys_settings *settings,
		       struct keyshare *share, struct keyclient **client)
	__attribute__((warn_unused_result));
/* The user is not called any more. */
void keyclient_free(struct keyclient **client);

struct keysource *keyclient_source(struct keyclient *client);

/* From now on sets go to the user, which is copied; the one that is there at
 * once. */
void keyclient_start(struct keyclient *client,
		     const struct keyclient_user *user);

/* Looks whether there is a new set, or the one that is there is too old; call
 * it now and then. */
void keyclient_look(struct keyclient *client);

#endif
