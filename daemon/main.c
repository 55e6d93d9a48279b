/* The program's entry: what was asked for, and who does it. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/command.h"
#include "daemon/configuration.h"
#include "daemon/fault.h"
#include "daemon/handover.h"
#include "daemon/job.h"
#include "daemon/job_token.h"
#include "daemon/logsink.h"
#include "daemon/master.h"
#include "daemon/option_print.h"
#include "daemon/options.h"
#include "daemon/settings.h"

/* A file that takes the place of a standard stream would get what is meant for
 * the stream. */
static void fill_standard_descriptors(void)
{
	int fd = open("/dev/null", O_RDWR);

	while (fd >= 0 && fd <= STDERR_FILENO)
		fd = open("/dev/null", O_RDWR);
	if (fd > STDERR_FILENO)
		close(fd);
}

static int report(const struct fault *fault)
{
	(void)fprintf(stderr, "todod: %s\n", fault->text);
	return fault->exit_code;
}

/* Who reads the log by machine gets this, too, as a line of it; a todod whose
 * place was to be taken logs it itself. */
static void report_failure(const struct fault *fault, struct handover *handover,
			   enum log_format format)
{
	if (handover_refuse(handover, fault->text))
		return;
	if (format == LOG_FORMAT_JSON)
		log_event(LOG_ERROR, "cannot serve",
			  LOG_STRING("reason", fault->text));
	else
		(void)report(fault);
}

static int report_err(enum err err, struct handover *handover,
		      struct fault *fault)
{
	if (err != ERR_INVALID)
		fault_set(fault, fault_exit_code(err), "%s", err_text(err));
	if (handover_refuse(handover, fault->text))
		return fault->exit_code;
	return report(fault);
}

/* What was printed must have arrived. */
static int end_of_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EX_OK;
	(void)fprintf(stderr, "todod: cannot write: %m\n");
	return EX_IOERR;
}

static int with_settings(const struct command *command,
			 struct handover *handover, struct options *options,
			 struct settings **settings, struct fault *fault)
{
	switch (command->name) {
	case COMMAND_CHECK_CONFIG:
		(void)puts("The configuration is fine.");
		return end_of_output();
	case COMMAND_DUMP_CONFIG:
		option_print_values(options, stdout);
		return end_of_output();
	case COMMAND_MIGRATE:
	case COMMAND_MIGRATE_STATUS:
	case COMMAND_MIGRATE_DRY_RUN:
		return job_migrate(*settings, command->name, fault);
	case COMMAND_BACKUP:
		return job_backup(*settings, command->operand, fault);
	case COMMAND_TOKEN_INSPECT:
		return job_token_inspect(*settings, command->operand, fault);
	case COMMAND_TOKEN_MINT:
		return job_token_mint(*settings, command->operand, fault);
	case COMMAND_SERVE:
	case COMMAND_HELP:
	case COMMAND_VERSION:
	case COMMAND_PRINT_ENV_EXAMPLE:
	case COMMAND_PRINT_CONF_EXAMPLE:
	case COMMAND_PRINT_OPTIONS_MAN:
		break;
	}
	return master_run(command, handover, options, settings, fault);
}

static int configured(const struct command *command, struct handover *handover)
{
	struct fault fault = { 0, "" };
	struct settings *settings = NULL;
	struct options options;
	enum log_level level = LOG_INFO;
	enum log_format format = LOG_FORMAT_TEXT;
	enum err err;
	int status;

	options_init(&options);
	err = configuration_load(&command->flags, &options, &fault);
	if (err == ERR_OK) {
		settings_log(&options, &level, &format);
		logsink_configure(level, format, -1);
		err = settings_new(&options, &settings, &fault);
	}
	if (err == ERR_OK) {
		status = with_settings(command, handover, &options, &settings,
				       &fault);
		if (fault.text[0] && command->name == COMMAND_SERVE)
			report_failure(&fault, handover, format);
		else if (fault.text[0])
			(void)report(&fault);
	} else {
		status = report_err(err, handover, &fault);
	}
	settings_free(&settings);
	options_release(&options);
	return status;
}

static int run(const struct command *command, struct handover *handover)
{
	switch (command->name) {
	case COMMAND_HELP:
		option_print_help(stdout);
		return end_of_output();
	case COMMAND_VERSION:
		job_print_version(stdout);
		return end_of_output();
	case COMMAND_PRINT_ENV_EXAMPLE:
		option_print_env_example(stdout);
		return end_of_output();
	case COMMAND_PRINT_CONF_EXAMPLE:
		option_print_conf_example(stdout);
		return end_of_output();
	case COMMAND_PRINT_OPTIONS_MAN:
		option_print_man(stdout);
		return end_of_output();
	case COMMAND_SERVE:
	case COMMAND_MIGRATE:
	case COMMAND_MIGRATE_STATUS:
	case COMMAND_MIGRATE_DRY_RUN:
	case COMMAND_BACKUP:
	case COMMAND_TOKEN_INSPECT:
	case COMMAND_TOKEN_MINT:
	case COMMAND_CHECK_CONFIG:
	case COMMAND_DUMP_CONFIG:
		break;
	}
	return configured(command, handover);
}

int main(int argc, char *argv[])
{
	struct fault fault = { 0, "" };
	struct handover handover;
	struct command command;
	enum err err;
	int status;

	fill_standard_descriptors();
	/* Their calls fail with an error instead. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	logsink_open();
	err = handover_take(&handover, &fault);
	if (err == ERR_OK)
		err = command_parse(argc, argv, &command, &fault);
	if (err != ERR_OK)
		return report_err(err, &handover, &fault);
	status = run(&command, &handover);
	command_release(&command);
	return status;
}
