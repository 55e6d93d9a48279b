/* --help, --dump-config, the example files, the man page's list. */
#include "config.h"

#include "daemon/option_print.h"

#include <stdbool.h>
#include <string.h>

#define HELP_INDENT 10 /* of the sentences in --help */

/* Whether the option begins a section. */
static bool is_first_of_section(enum option_id id)
{
	return id == 0 || strcmp(option_get(id)->section,
				 option_get(id - 1)->section) != 0;
}

/* Each line of the option's help, with something before and after it. */
static void print_help_lines(FILE *out, const struct option *option,
			     const char *before)
{
	for (const char *line = option->help; *line;) {
		size_t len = strcspn(line, "\n");

		(void)fprintf(out, "%s%.*s\n", before, (int)len, line);
		line += len + (line[len] == '\n');
	}
}

static void print_help_option(FILE *out, const struct option *option)
{
	char indent[HELP_INDENT + 1];

	memset(indent, ' ', HELP_INDENT);
	indent[HELP_INDENT] = '\0';
	if (option_is_flag(option))
		(void)fprintf(out, "  --%s %s  (%s)\n", option->name,
			      option->value, option->variable);
	else
		(void)fprintf(out, "  %s  (a variable or in todod.conf)\n",
			      option->variable);
	print_help_lines(out, option, indent);
	(void)fprintf(out, "%sdefault: %s\n", indent,
		      option->fallback ? option->fallback : option->derived);
}

void option_print_help(FILE *out)
{
	(void)fputs(
		"usage: todod [serve] [option]...\n"
		"       todod migrate [--status | --dry-run] [option]...\n"
		"       todod backup FILE [option]...\n"
		"       todod token inspect TOKEN|- [option]...\n"
		"       todod token mint --user ID [option]...\n"
		"\n"
		"A multi-user todo API over HTTP; see todod(8).\n"
		"\n"
		"commands:\n"
		"  serve     serve the API until SIGTERM (the default)\n"
		"  migrate   bring the database's schema up to date;\n"
		"            --status only says what would be done,\n"
		"            --dry-run prints the SQL of it\n"
		"  backup    write a complete copy of the database to FILE,\n"
		"            while todod serves or not\n"
		"  token inspect   say what a token holds and why it would be\n"
		"            taken or refused; \"-\" reads it from standard\n"
		"            input, which is safer: everybody on this machine\n"
		"            can see a command line\n"
		"  token mint   print a token for a user, in development\n"
		"\n"
		"  -h, --help             this text\n"
		"  -V, --version          version, also of the libraries\n"
		"  --check-config         check the configuration, then exit\n"
		"  --dump-config          print it, and where each value is "
		"from\n"
		"  --print-env-example    print a .env to start from\n"
		"  --print-conf-example   print a todod.conf to start from\n"
		"\n"
		"Options are flags (--name value or --name=value), variables\n"
		"of the environment, in development also of the file .env,\n"
		"or keys of todod.conf, which are the flags without dashes.\n"
		"What comes first in this list wins.\n",
		out);
	for (unsigned i = 0; i < OPTION_COUNT; i++) {
		if (is_first_of_section(i))
			(void)fprintf(out, "\n%s:\n", option_get(i)->section);
		print_help_option(out, option_get(i));
	}
}

/* Whether a parameter of a URL is to be shown.  What is spelled in another way
 * may be a part of a password. */
static bool is_shown(const char *parameter)
{
	size_t len = strspn(parameter, "abcdefghijklmnopqrstuvwxyz_");

	return parameter[len] == '=' &&
	       !(len >= 8 && strncmp(parameter + len - 8, "password", 8) == 0);
}

/* "?a=b&c=d". */
static void print_parameters(FILE *out, const char *query)
{
	while (*query) {
		size_t len = 1 + strcspn(query + 1, "&");
		size_t name_len = 1 + strcspn(query + 1, "=&");

		if (is_shown(query + 1))
			(void)fwrite(query, 1, len, out);
		else if (query[name_len] == '=')
			(void)fprintf(out, "%.*s=(hidden)", (int)name_len,
				      query);
		else
			(void)fprintf(out, "%c(hidden)", *query);
		query += len;
	}
}

/* The URL without its passwords: that of user:password@host, with whatever is
 * in there, and those among the parameters. */
static void print_url(FILE *out, const char *url)
{
	const char *authority = strstr(url, "://");
	const char *query = url + strcspn(url, "?");
	const char *at = NULL, *colon;

	authority = authority && authority < query ? authority + 3 : url;
	for (const char *p = authority; p < query; p++)
		if (*p == '@')
			at = p;
	colon = at ? memchr(authority, ':', (size_t)(at - authority)) : NULL;
	if (colon)
		(void)fprintf(out, "%.*s:(hidden)", (int)(colon - url), url);
	else
		at = url;
	(void)fwrite(at, 1, (size_t)(query - at), out);
	print_parameters(out, query);
}

static void print_value(FILE *out, const struct option *option,
			const char *text)
{
	bool needs_quotes = !*text || strpbrk(text, "#\"\\ \t");

	if (option->traits & OPTION_HIDES_PASSWORD) {
		print_url(out, text);
		return;
	}
	if (needs_quotes)
		(void)fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			(void)fputc('\\', out);
		(void)fputc(*text, out);
	}
	if (needs_quotes)
		(void)fputc('"', out);
}

static void print_origin(FILE *out, const struct option *option,
			 const struct option_value *value)
{
	if (!value->text) {
		(void)fputs("default", out);
		return;
	}
	switch (value->origin) {
	case ORIGIN_DEFAULT:
		(void)fputs("default", out);
		break;
	case ORIGIN_CONF:
	case ORIGIN_DOTENV:
		(void)fputs(value->place, out);
		break;
	case ORIGIN_ENVIRONMENT:
		(void)fprintf(out, "environment (%s)", option->variable);
		break;
	case ORIGIN_FLAG:
		(void)fputs("flag", out);
		break;
	}
}

void option_print_values(const struct options *options, FILE *out)
{
	for (unsigned i = 0; i < OPTION_COUNT; i++) {
		const struct option *option = option_get(i);
		const char *text = options_text(options, i);

		if (is_first_of_section(i))
			(void)fprintf(out, "%s# %s\n", i > 0 ? "\n" : "",
				      option->section);
		if (option->traits & OPTION_IS_SECRET)
			(void)fprintf(out, "# %s = %s", option->name,
				      text ? "(set)" : "(not set)");
		else if (!text)
			(void)fprintf(out, "# %s = (not set)", option->name);
		else
			(void)fprintf(out, "%s%s = ",
				      option_is_key(option) ? "" : "# ",
				      option->name);
		if (text && !(option->traits & OPTION_IS_SECRET))
			print_value(out, option, text);
		(void)fputs("  # ", out);
		print_origin(out, option, &options->values[i]);
		(void)fputc('\n', out);
	}
}

enum example { EXAMPLE_ENV, EXAMPLE_CONF };

static void print_example(FILE *out, enum example example)
{
	for (unsigned i = 0; i < OPTION_COUNT; i++) {
		const struct option *option = option_get(i);
		const char *name = example == EXAMPLE_ENV ? option->variable :
							    option->name;

		if (!option_is_key(option))
			continue;
		if (is_first_of_section(i) || i == 1)
			(void)fprintf(out, "\n# --- %s ---\n", option->section);
		(void)fputc('\n', out);
		print_help_lines(out, option, "# ");
		if (option->derived)
			(void)fprintf(out, "# Default: %s.\n", option->derived);
		(void)fprintf(out, "#%s%s%s\n", name,
			      example == EXAMPLE_ENV ? "=" : " = ",
			      option->fallback ? option->fallback : "");
	}
}

void option_print_env_example(FILE *out)
{
	(void)fputs("# Settings of todod for development: copy this file to "
		    ".env in the folder\n"
		    "# where todod is started and take the # away where you "
		    "want something else.\n"
		    "# In production (ENVIRONMENT=production) .env is not "
		    "read.\n"
		    "#\n"
		    "# Made by: todod --print-env-example\n",
		    out);
	print_example(out, EXAMPLE_ENV);
}

void option_print_conf_example(FILE *out)
{
	(void)fputs("# Settings of todod; see todod.conf(5). Take the # away "
		    "where you want\n"
		    "# something else than the default.\n"
		    "#\n"
		    "# Made by: todod --print-conf-example\n",
		    out);
	print_example(out, EXAMPLE_CONF);
}

/* Text of a man page: what would be a request or an escape is protected. */
static void print_roff(FILE *out, const char *text)
{
	for (bool starts_line = true; *text; text++) {
		if (starts_line && (*text == '.' || *text == '\''))
			(void)fputs("\\&", out);
		if (*text == '\\')
			(void)fputs("\\e", out);
		else
			(void)fputc(*text, out);
		starts_line = *text == '\n';
	}
}

void option_print_man(FILE *out)
{
	for (unsigned i = 0; i < OPTION_COUNT; i++) {
		const struct option *option = option_get(i);

		if (is_first_of_section(i))
			(void)fprintf(out, "%s.Ss %s\n.Bl -tag -width Ds\n",
				      i > 0 ? ".El\n" : "", option->section);
		if (option_is_flag(option))
			(void)fprintf(out, ".It Fl -%s Ar %s , Ev %s\n",
				      option->name, option->value,
				      option->variable);
		else
			(void)fprintf(out, ".It Ev %s\n", option->variable);
		print_roff(out, option->help);
		(void)fputs("\nDefault: ", out);
		print_roff(out, option->fallback ? option->fallback :
						   option->derived);
		(void)fputs(".\n", out);
	}
	(void)fputs(".El\n", out);
}
