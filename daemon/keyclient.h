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

/* Gets what app_keys_arrived() gets. */
typedef enum err keyclient_arrived_fn(void *arg, struct text json);

/* settings and share are borrowed.  ERR_NO_MEMORY. */
enum err keyclient_new(struct loop *loop, const struct keys_settings *settings,
		       struct keyshare *share, struct keyclient **client)
	__attribute__((warn_unused_result));
/* arrived is not called any more. */
void keyclient_free(struct keyclient **client);

struct keysource *keyclient_source(struct keyclient *client);

/* From now on sets go to arrived(arg), the one that is there at once. */
void keyclient_start(struct keyclient *client, keyclient_arrived_fn *arrived,
		     void *arg);

/* Looks whether there is a new set; call it now and then. */
void keyclient_look(struct keyclient *client);

#endif
