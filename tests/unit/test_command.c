/* The command line. */
#include "config.h"

#include "daemon/command.h"

#include <string.h>
#include <sysexits.h>

#include "daemon/fault.h"
#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define WORDS_MAX     5

static enum err parse(const char *const words[WORDS_MAX],
		      struct command *command, struct fault *fault)
{
	char *argv[WORDS_MAX + 2] = { (char[]){ "todod" } };
	char copies[WORDS_MAX][128];
	int argc = 1;

	for (size_t i = 0; i < WORDS_MAX && words[i]; i++) {
		size_t len = strlen(words[i]);

		memcpy(copies[i], words[i], len + 1);
		argv[argc++] = copies[i];
	}
	return command_parse(argc, argv, command, fault);
}

static const struct {
	const char *name;
	const char *words[WORDS_MAX];
	enum command_name command;
	const char *port;
} good[] = {
	{ "nothing is serve", { NULL }, COMMAND_SERVE, "8000" },
	{ "serve is a word", { "serve" }, COMMAND_SERVE, "8000" },
	{ "a value may follow '='", { "--port=1" }, COMMAND_SERVE, "1" },
	{ "or in the next word", { "--port", "1" }, COMMAND_SERVE, "1" },
	{ "the last of two flags counts",
	  { "--port=1", "--port=2" },
	  COMMAND_SERVE,
	  "2" },
	{ "flags may follow the command",
	  { "migrate", "--port=1" },
	  COMMAND_MIGRATE,
	  "1" },
	{ "and precede it", { "--port=1", "migrate" }, COMMAND_MIGRATE, "1" },
	{ "the status of migrations",
	  { "migrate", "--status" },
	  COMMAND_MIGRATE_STATUS,
	  "8000" },
	{ "migrations without migrating",
	  { "migrate", "--dry-run" },
	  COMMAND_MIGRATE_DRY_RUN,
	  "8000" },
	{ "backup has a file", { "backup", "file" }, COMMAND_BACKUP, "8000" },
	{ "a file may begin with a dash",
	  { "backup", "--", "-x" },
	  COMMAND_BACKUP,
	  "8000" },
	{ "token inspect has a token",
	  { "token", "inspect", "a.b.c", "--port=1" },
	  COMMAND_TOKEN_INSPECT,
	  "1" },
	{ "or takes it from standard input",
	  { "token", "inspect", "-" },
	  COMMAND_TOKEN_INSPECT,
	  "8000" },
	{ "token mint has a user",
	  { "token", "mint", "--user", "u", "--port=1" },
	  COMMAND_TOKEN_MINT,
	  "1" },
	{ "also after '='",
	  { "--port=1", "token", "mint", "--user=u" },
	  COMMAND_TOKEN_MINT,
	  "1" },
	{ "--help", { "--help" }, COMMAND_HELP, "8000" },
	{ "-h", { "-h" }, COMMAND_HELP, "8000" },
	{ "-V", { "-V" }, COMMAND_VERSION, "8000" },
	{ "--check-config takes flags",
	  { "--check-config", "--port=1" },
	  COMMAND_CHECK_CONFIG,
	  "1" },
	{ "a switch may stand alone",
	  { "--jwt-allow-weak-secret", "--port=1" },
	  COMMAND_SERVE,
	  "1" },
	{ "or have its value",
	  { "--accounts", "off", "--port=1" },
	  COMMAND_SERVE,
	  "1" },
};

static const struct {
	const char *name;
	const char *words[WORDS_MAX];
	const char *said; /* in the message */
} bad[] = {
	{ "an unknown flag", { "--nonsense" }, "--nonsense" },
	{ "a misspelt flag", { "--prot=1" }, "did you mean --port?" },
	{ "an unknown short flag", { "-x" }, "-x" },
	{ "a flag without its value", { "--port" }, "--port N" },
	{ "a bad value", { "--port=x" }, "0 to 65535" },
	{ "a secret", { "--jwt-secret-key=x" }, "JWT_SECRET_KEY" },
	{ "another secret", { "--better-auth-secret=x" }, "-secret-file" },
	{ "an unknown command", { "fly" }, "fly" },
	{ "one word too many", { "serve", "now" }, "now" },
	{ "backup without a file", { "backup" }, "backup FILE" },
	{ "backup of two files", { "backup", "a", "b" }, "\"b\"" },
	{ "token alone", { "token" }, "token inspect TOKEN" },
	{ "token of another kind", { "token", "x" }, "token mint --user ID" },
	{ "token inspect without one", { "token", "inspect" }, "TOKEN" },
	{ "token inspect of two", { "token", "inspect", "a", "b" }, "\"b\"" },
	{ "token mint without a user", { "token", "mint" }, "--user ID" },
	{ "token mint for two", { "token", "mint", "--user=a", "b" }, "\"b\"" },
	{ "--status without migrate", { "--status" }, "migrate" },
	{ "--dry-run without migrate", { "--dry-run" }, "migrate" },
	{ "--dry-run with --status",
	  { "migrate", "--status", "--dry-run" },
	  "choose one" },
};

int main(void)
{
	struct command command;
	struct fault fault;

	for (size_t i = 0; i < LENGTH(good); i++) {
		if (!is_err(parse(good[i].words, &command, &fault), ERR_OK,
			    good[i].name))
			continue;
		is_int(command.name, good[i].command, good[i].name);
		is_string(options_text(&command.flags, OPTION_PORT),
			  good[i].port, good[i].name);
		command_release(&command);
	}
	for (size_t i = 0; i < LENGTH(bad); i++) {
		is_err(parse(bad[i].words, &command, &fault), ERR_INVALID,
		       bad[i].name);
		is_int(fault.exit_code, EX_USAGE, bad[i].name);
		ok(strstr(fault.text, bad[i].said) != NULL, bad[i].name);
	}
	return tap_done();
}
