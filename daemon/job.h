/* The sub-commands that do one thing and end. */
#ifndef TODOD_DAEMON_JOB_H
#define TODOD_DAEMON_JOB_H

#include <stdio.h>

#include "core/err.h"
#include "daemon/command.h"

struct fault;
struct settings;

/* Gives up root's rights: the files of the database belong to whom todod
 * serves as.  ERR_INVALID with a fault. */
enum err job_become_server(const struct settings *settings, struct fault *fault)
	__attribute__((warn_unused_result));

/* Both return the exit status, and fill fault when it is not 0 and the log
 * has not said it all.  They give up root's rights first. */
int job_migrate(const struct settings *settings, enum command_name name,
		struct fault *fault);
int job_backup(const struct settings *settings, const char *file,
	       struct fault *fault);

/* Ours and those of the libraries in use. */
void job_print_version(FILE *out);

#endif
