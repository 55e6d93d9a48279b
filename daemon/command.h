/* The command line: what todod is asked to do, and the options given there. */
#ifndef TODOD_DAEMON_COMMAND_H
#define TODOD_DAEMON_COMMAND_H

#include "core/err.h"
#include "daemon/options.h"

struct fault;

enum command_name {
	COMMAND_SERVE,
	COMMAND_MIGRATE,
	COMMAND_MIGRATE_STATUS,
	COMMAND_MIGRATE_DRY_RUN,
	COMMAND_BACKUP,
	COMMAND_TOKEN_INSPECT,
	COMMAND_TOKEN_MINT,
	COMMAND_HELP,
	COMMAND_VERSION,
	COMMAND_CHECK_CONFIG,
	COMMAND_DUMP_CONFIG,
	COMMAND_PRINT_ENV_EXAMPLE,
	COMMAND_PRINT_CONF_EXAMPLE,
	COMMAND_PRINT_OPTIONS_MAN,
};

struct command {
	enum command_name name;
	/* Borrowed from argv: the file of COMMAND_BACKUP, the token of
	 * COMMAND_TOKEN_INSPECT, the user id of COMMAND_TOKEN_MINT. */
	const char *operand;
	char *const *argv;    /* all of it, borrowed */
	struct options flags; /* owned */
};

/* ERR_INVALID with a fault of exit status 64, ERR_NO_MEMORY. */
enum err command_parse(int argc, char *const argv[], struct command *command,
		       struct fault *fault) __attribute__((warn_unused_result));
void command_release(struct command *command);

#endif
