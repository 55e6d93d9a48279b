/* Collects the options from all the places where they can be given. */
#ifndef TODOD_DAEMON_CONFIGURATION_H
#define TODOD_DAEMON_CONFIGURATION_H

#include "core/err.h"
#include "daemon/options.h"

struct fault;

/*
 * Lays flags over the environment over .env over todod.conf into options,
 * which must be empty.  ERR_INVALID with a fault that names the place, and
 * options are then as far as they went: release them.  ERR_NO_MEMORY.
 */
enum err configuration_load(const struct options *flags,
			    struct options *options, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
