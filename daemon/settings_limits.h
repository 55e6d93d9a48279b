/*
 * The part of the settings that says whom to believe about clients, and how
 * often these may ask.
 */
#ifndef TODOD_DAEMON_SETTINGS_LIMITS_H
#define TODOD_DAEMON_SETTINGS_LIMITS_H

#include <stdbool.h>

#include "core/cidr.h"
#include "core/err.h"
#include "core/limits.h"

struct fault;
struct options;
struct settings;

struct proxies_settings {
	bool has_trusted; /* false: nobody has said who they are */
	struct cidr_list trusted;
	bool speak_first; /* with a PROXY header */
	bool https_required;
};

struct limits_settings {
	bool is_on;
	struct ratelimit_policy policies[LIMIT_COUNT];
};

/* Fills in both.  ERR_INVALID with a fault. */
enum err settings_limits_init(const struct options *options,
			      struct settings *settings, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
