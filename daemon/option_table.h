/* The table of the options, in the order of enum option_id and of the lists. */
#ifndef TODOD_DAEMON_OPTION_TABLE_H
#define TODOD_DAEMON_OPTION_TABLE_H

#include "daemon/options.h"

extern const struct option option_table[OPTION_COUNT];

#endif
