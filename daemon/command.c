/* Reading the command line. */
#include "config.h"

#include "daemon/command.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "daemon/fault.h"

struct arguments {
	char *const *next; /* ends with NULL */
	bool are_operands; /* "--" was seen */
	const char *operands[4];
	size_t operand_count;
	const char *token_user; /* --user of token mint */
	bool wants_status;	/* --status */
	bool wants_dry_run;	/* --dry-run */
};

/* Flags that are a command of their own. */
static const struct {
	const char *flag;
	enum command_name name;
} command_flags[] = {
	{ "--help", COMMAND_HELP },
	{ "-h", COMMAND_HELP },
	{ "--version", COMMAND_VERSION },
	{ "-V", COMMAND_VERSION },
	{ "--check-config", COMMAND_CHECK_CONFIG },
	{ "--dump-config", COMMAND_DUMP_CONFIG },
	{ "--print-env-example", COMMAND_PRINT_ENV_EXAMPLE },
	{ "--print-conf-example", COMMAND_PRINT_CONF_EXAMPLE },
	{ "--print-options-man", COMMAND_PRINT_OPTIONS_MAN },
};

static bool is_command_flag(const char *argument, enum command_name *name)
{
	size_t count = sizeof(command_flags) / sizeof(command_flags[0]);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(argument, command_flags[i].flag) == 0) {
			*name = command_flags[i].name;
			return true;
		}
	}
	return false;
}

static enum err refuse_flag(struct text name, struct fault *fault)
{
	enum option_id id = option_find_name(name);
	const char *nearest;

	if (id != OPTION_COUNT)
		return fault_set(fault, EX_USAGE,
				 "--%s: everybody on this machine could read a "
				 "secret on the command line; set %s in the "
				 "environment instead, or --%s-file",
				 option_get(id)->name, option_get(id)->variable,
				 option_get(id)->name);
	nearest = option_nearest(name);
	if (nearest &&
	    option_is_flag(option_get(option_find_name(text_of(nearest)))))
		return fault_set(fault, EX_USAGE,
				 "unknown option --%.*s; did you mean --%s?",
				 (int)name.len, name.ptr, nearest);
	return fault_set(fault, EX_USAGE,
			 "unknown option --%.*s; todod --help lists them all",
			 (int)name.len, name.ptr);
}

/* A switch may stand alone. */
static bool stands_alone(const struct option *option, const char *next)
{
	static const char *const words[] = { "yes",  "no",    "on", "off",
					     "true", "false", "1",  "0" };

	if (option->type != OPTION_SWITCH)
		return false;
	for (size_t i = 0; next && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(next, words[i]) == 0)
			return false;
	return true;
}

/* argument is "--name" or "--name=value". */
static enum err read_option(struct arguments *arguments, const char *argument,
			    struct options *flags, struct fault *fault)
{
	const struct option_source source = { .origin = ORIGIN_FLAG };
	struct text name = text_of(argument + 2);
	struct text value = { NULL, 0 };
	size_t equals = text_find_byte(name, '=');
	bool has_value = equals < name.len;
	enum option_id id;

	if (has_value)
		value = text_slice(name, equals + 1, name.len);
	name.len = equals;
	id = option_find_name(name);
	if (id == OPTION_COUNT || !option_is_flag(option_get(id)))
		return refuse_flag(name, fault);
	if (!has_value && stands_alone(option_get(id), *arguments->next))
		value = TEXT("yes");
	else if (!has_value && !*arguments->next)
		return fault_set(fault, EX_USAGE, "--%s needs a value: --%s %s",
				 option_get(id)->name, option_get(id)->name,
				 option_get(id)->value);
	else if (!has_value)
		value = text_of(*arguments->next++);
	return options_set(flags, id, value, &source, fault);
}

/* Whether argument is the --user of "token mint", which is no option: the user
 * that a token is for, not the one to become. */
static bool takes_user(struct arguments *arguments, const char *argument)
{
	static const char flag[] = "--user";
	size_t len = strlen(flag);

	if (arguments->operand_count < 2 ||
	    strcmp(arguments->operands[0], "token") != 0 ||
	    strcmp(arguments->operands[1], "mint") != 0 ||
	    strncmp(argument, flag, len) != 0)
		return false;
	if (argument[len] == '=') {
		arguments->token_user = argument + len + 1;
		return true;
	}
	if (argument[len] || !*arguments->next)
		return false;
	arguments->token_user = *arguments->next++;
	return true;
}

static enum err read_argument(struct arguments *arguments,
			      struct command *command, struct fault *fault)
{
	const char *argument = *arguments->next++;
	size_t room =
		sizeof(arguments->operands) / sizeof(arguments->operands[0]);

	if (arguments->are_operands || argument[0] != '-' || !argument[1]) {
		if (arguments->operand_count < room)
			arguments->operands[arguments->operand_count++] =
				argument;
		return ERR_OK;
	}
	if (strcmp(argument, "--") == 0) {
		arguments->are_operands = true;
		return ERR_OK;
	}
	if (is_command_flag(argument, &command->name) ||
	    takes_user(arguments, argument))
		return ERR_OK;
	if (strcmp(argument, "--status") == 0) {
		arguments->wants_status = true;
		return ERR_OK;
	}
	if (strcmp(argument, "--dry-run") == 0) {
		arguments->wants_dry_run = true;
		return ERR_OK;
	}
	if (argument[1] != '-')
		return fault_set(fault, EX_USAGE,
				 "unknown option %s; todod --help lists them "
				 "all",
				 argument);
	return read_option(arguments, argument, &command->flags, fault);
}

static enum err choose_migrate(const struct arguments *arguments,
			       struct command *command, struct fault *fault)
{
	if (arguments->wants_status && arguments->wants_dry_run)
		return fault_set(fault, EX_USAGE,
				 "--status and --dry-run are two commands: "
				 "choose one");
	command->name = COMMAND_MIGRATE;
	if (arguments->wants_status)
		command->name = COMMAND_MIGRATE_STATUS;
	if (arguments->wants_dry_run)
		command->name = COMMAND_MIGRATE_DRY_RUN;
	return ERR_OK;
}

/* "token inspect TOKEN" and "token mint --user ID"; *wanted is how many
 * operands belong to it. */
static enum err read_token_command(const struct arguments *arguments,
				   struct command *command, size_t *wanted,
				   struct fault *fault)
{
	const char *word =
		arguments->operand_count > 1 ? arguments->operands[1] : "";

	if (strcmp(word, "inspect") == 0) {
		command->name = COMMAND_TOKEN_INSPECT;
		command->operand = arguments->operands[2];
		*wanted = 3;
	} else if (strcmp(word, "mint") == 0) {
		command->name = COMMAND_TOKEN_MINT;
		command->operand = arguments->token_user;
		*wanted = 2;
	}
	if (!command->operand)
		return fault_set(fault, EX_USAGE,
				 "there are todod token inspect TOKEN (\"-\": "
				 "from standard input) and todod token mint "
				 "--user ID");
	return ERR_OK;
}

/* The operands: a sub-command and what it works on. */
static enum err read_operands(const struct arguments *arguments,
			      struct command *command, struct fault *fault)
{
	const char *word =
		arguments->operand_count > 0 ? arguments->operands[0] : "serve";
	bool is_migrate = strcmp(word, "migrate") == 0;
	size_t wanted = 1;
	enum err err = ERR_OK;

	if (is_migrate) {
		if (choose_migrate(arguments, command, fault) != ERR_OK)
			return ERR_INVALID;
	} else if (strcmp(word, "backup") == 0) {
		command->name = COMMAND_BACKUP;
		command->operand = arguments->operands[1];
		wanted = 2;
	} else if (strcmp(word, "token") == 0) {
		err = read_token_command(arguments, command, &wanted, fault);
	} else if (strcmp(word, "serve") != 0) {
		return fault_set(fault, EX_USAGE,
				 "unknown command \"%s\"; there are serve, "
				 "migrate, backup and token",
				 word);
	}
	if (arguments->wants_status && !is_migrate)
		return fault_set(fault, EX_USAGE,
				 "--status belongs to todod migrate");
	if (arguments->wants_dry_run && !is_migrate)
		return fault_set(fault, EX_USAGE,
				 "--dry-run belongs to todod migrate");
	if (err != ERR_OK)
		return err;
	if (command->name == COMMAND_BACKUP && !command->operand)
		return fault_set(fault, EX_USAGE,
				 "backup needs the file to write: "
				 "todod backup FILE");
	if (arguments->operand_count > wanted)
		return fault_set(fault, EX_USAGE,
				 "\"%s\" is one word too many after %s",
				 arguments->operands[wanted], word);
	return ERR_OK;
}

enum err command_parse(int argc, char *const argv[], struct command *command,
		       struct fault *fault)
{
	struct arguments arguments = { .next = argv + (argc > 0) };
	struct command found = { .name = COMMAND_SERVE, .argv = argv };
	enum err err = ERR_OK;

	options_init(&found.flags);
	while (err == ERR_OK && *arguments.next)
		err = read_argument(&arguments, &found, fault);
	if (err == ERR_OK && found.name == COMMAND_SERVE)
		err = read_operands(&arguments, &found, fault);
	if (err == ERR_OK)
		*command = found;
	else
		command_release(&found);
	return err;
}

void command_release(struct command *command)
{
	options_release(&command->flags);
}
