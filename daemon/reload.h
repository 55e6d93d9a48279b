/* Reading the configuration again while todod serves. */
#ifndef TODOD_DAEMON_RELOAD_H
#define TODOD_DAEMON_RELOAD_H

#include "core/err.h"

struct fault;
struct options;
struct settings;

/*
 * Loads options and settings anew.  What cannot change without a restart stays
 * as it is in the old options, with a warning that names it.  ERR_INVALID with
 * a fault: the old ones go on; ERR_NO_MEMORY.
 */
enum err reload_configuration(const struct options *flags,
			      const struct options *old,
			      struct options *options,
			      struct settings **settings, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
