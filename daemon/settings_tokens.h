/*
 * The part of the settings that says whose tokens count: the secrets, and
 * where the keys of an issuer elsewhere are.
 */
#ifndef TODOD_DAEMON_SETTINGS_TOKENS_H
#define TODOD_DAEMON_SETTINGS_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/text.h"

struct fault;
struct options;
struct settings;

enum keys_source { KEYS_NOWHERE, KEYS_AT_URL, KEYS_IN_FILE };

/* Where the issuer's keys are and how often they are asked for; strings are
 * owned, NULL when not given. */
struct keys_settings {
	enum keys_source source;
	char *url;     /* KEYS_AT_URL */
	char *file;    /* KEYS_IN_FILE */
	char *ca_file; /* who vouches for the URL's host; NULL: the system */
	char *store;   /* where the last good set is kept; NULL: nowhere */
	int64_t ttl_ms;
	int64_t timeout_ms;
	int64_t cool_down_ms;
};

/* Whether anything but accounts of our own is configured to judge tokens by. */
bool settings_tokens_are_foreign(const struct options *options);

/*
 * Fills in the token settings; environment, location, dialect and accounts
 * must be known.  Reads the files that are named, and keeps nothing of the key
 * set but that it is usable.  ERR_INVALID with a fault, ERR_NO_MEMORY.
 */
enum err settings_tokens_init(struct options *options,
			      struct settings *settings, struct fault *fault)
	__attribute__((warn_unused_result));
void settings_tokens_release(struct settings *settings);

#endif
