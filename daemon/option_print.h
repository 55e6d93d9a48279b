/* What is printed from the table of options. */
#ifndef TODOD_DAEMON_OPTION_PRINT_H
#define TODOD_DAEMON_OPTION_PRINT_H

#include <stdio.h>

#include "daemon/options.h"

/* --help: usage, commands, options. */
void option_print_help(FILE *out);

/* --dump-config: every value with its origin, as a todod.conf; secrets are
 * "(set)" or "(not set)". */
void option_print_values(const struct options *options, FILE *out);

/* Files to start from, everything commented out. */
void option_print_env_example(FILE *out);
void option_print_conf_example(FILE *out);

/* The list of options in the language of man pages (mdoc). */
void option_print_man(FILE *out);

#endif
