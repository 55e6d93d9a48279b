/* Reading todod.conf and .env. */
#include "config.h"

#include "daemon/conffile.h"

#include <stdio.h>
#include <string.h>

#include "core/buffer.h"
#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Collects "line:key=value|". */
static enum err collect(void *arg, struct text key, struct text value,
			unsigned line)
{
	struct buffer *seen = arg;
	char number[16];
	int len = snprintf(number, sizeof(number), "%u:", line);

	buffer_append(seen, number, (size_t)len);
	buffer_append_text(seen, key);
	buffer_append(seen, "=", 1);
	buffer_append_text(seen, value);
	buffer_append(seen, "|", 1);
	return ERR_OK;
}

typedef enum err parse_fn(struct text content, conffile_pair_fn *on_pair,
			  void *arg, struct conffile_error *error);

struct good {
	const char *name, *content, *seen;
};

struct bad {
	const char *name, *content;
	unsigned line;
};

static void check_good(parse_fn *parse, const struct good *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct conffile_error error;
		struct buffer seen;
		enum err err;

		buffer_init(&seen);
		err = parse(text_of(cases[i].content), collect, &seen, &error);
		if (is_err(err, ERR_OK, cases[i].name))
			is_text(buffer_text(&seen), text_of(cases[i].seen),
				cases[i].name);
		buffer_release(&seen);
	}
}

static void check_bad(parse_fn *parse, const struct bad *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct conffile_error error;
		struct buffer seen;

		buffer_init(&seen);
		is_err(parse(text_of(cases[i].content), collect, &seen, &error),
		       ERR_INVALID, cases[i].name);
		is_int(error.line, cases[i].line, cases[i].name);
		ok(error.problem != NULL, cases[i].name);
		buffer_release(&seen);
	}
}

static const struct good conf_good[] = {
	{ "an empty file is fine", "", "" },
	{ "blank lines and comments are skipped", "\n  \n# port = 1\n\t#x\n",
	  "" },
	{ "blanks around key and value are dropped", " port  =  80 \t\n",
	  "1:port=80|" },
	{ "blanks around '=' are not needed", "port=80", "1:port=80|" },
	{ "the last line needs no line feed", "a = 1\nb = 2", "1:a=1|2:b=2|" },
	{ "lines may end with CRLF", "a = 1\r\n\r\nb = 2\r\n", "1:a=1|3:b=2|" },
	{ "a comment may follow a blank", "a = 1 # one\n", "1:a=1|" },
	{ "a '#' in a word is no comment", "a = x#y\n", "1:a=x#y|" },
	{ "an '=' in a value is part of it", "a = b=c\n", "1:a=b=c|" },
	{ "a value may be empty", "a =\n", "1:a=|" },
	{ "a value in quotes keeps blanks and '#'", "a = \" # \"\n",
	  "1:a= # |" },
	{ "in quotes \\\" and \\\\ are escapes", "a = \"\\\"\\\\\\n\"\n",
	  "1:a=\"\\\\n|" },
	{ "a comment may follow the quotes", "a = \"1\" # one\n", "1:a=1|" },
	{ "a byte order mark is skipped",
	  "\xef\xbb\xbf"
	  "a = 1\n",
	  "1:a=1|" },
};

static const struct bad conf_bad[] = {
	{ "a line without '=' is refused", "a = 1\nport\n", 2 },
	{ "a line without a key is refused", "\n= 1\n", 2 },
	{ "a key of two words is refused", "log level = 1\n", 1 },
	{ "an open quote is refused", "a = \"1\nb = 2\"\n", 1 },
	{ "something after the quotes is refused", "a = \"1\" 2\n", 1 },
};

static const struct good env_good[] = {
	{ "an empty .env is fine", "", "" },
	{ "names and values are read", "A=1\nB_C=two words\n",
	  "1:A=1|2:B_C=two words|" },
	{ "\"export\" may come first", "export A=1\n  export\tB=2\n",
	  "1:A=1|2:B=2|" },
	{ "export can be a name", "export=1\n", "1:export=1|" },
	{ "blanks around '=' are allowed", "A = 1\n", "1:A=1|" },
	{ "comments are skipped", "# A=1\nA=1 # one\nB=x#y\n",
	  "2:A=1|3:B=x#y|" },
	{ "lines may end with CRLF", "A=1\r\nB=\"2\"\r\n", "1:A=1|2:B=2|" },
	{ "single quotes keep everything", "A='x \\n $B # \"y\"'\n",
	  "1:A=x \\n $B # \"y\"|" },
	{ "double quotes have escapes", "A=\"x\\n\\\"y\\\" \\$B \\\\ \\z\"\n",
	  "1:A=x\n\"y\" $B \\ \\z|" },
	{ "quotes may go over several lines", "A=\"x\ny\"\nB=2\n",
	  "1:A=x\ny|3:B=2|" },
	{ "nothing is substituted", "A=$HOME\nB=\"${A}\"\n",
	  "1:A=$HOME|2:B=${A}|" },
	{ "a name alone is skipped", "A\nexport B\nC=1\n", "3:C=1|" },
	{ "a value may be empty", "A=\nB=\"\"\nC=''\n", "1:A=|2:B=|3:C=|" },
	{ "a value that is a comment is empty", "A= # none\n", "1:A=|" },
};

static const struct bad env_bad[] = {
	{ "a line without a name is refused", "A=1\n=2\n", 2 },
	{ "a name of two words is refused", "A B=1\n", 1 },
	{ "an open quote is refused where it began", "A=1\nB=\"2\n\n", 2 },
	{ "something after the quotes is refused", "A=\"1\"2\n", 1 },
};

static enum err refuse_all(void *arg, struct text key, struct text value,
			   unsigned line)
{
	(void)arg;
	(void)key;
	(void)value;
	(void)line;
	return ERR_INVALID;
}

int main(void)
{
	struct conffile_error error;

	check_good(conffile_parse, conf_good, LENGTH(conf_good));
	check_bad(conffile_parse, conf_bad, LENGTH(conf_bad));
	check_good(conffile_parse_env, env_good, LENGTH(env_good));
	check_bad(conffile_parse_env, env_bad, LENGTH(env_bad));
	is_err(conffile_parse(TEXT("a = 1\n"), refuse_all, NULL, &error),
	       ERR_INVALID, "the caller's own refusal is passed on");
	ok(error.problem == NULL, "and is no problem of the writing");
	return tap_done();
}
