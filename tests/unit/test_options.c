/* The table of options, and how values are judged and weighed. */
#include "config.h"

#include "daemon/options.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/fault.h"
#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static enum err set(struct options *options, enum option_id id,
		    const char *value, enum option_origin origin,
		    struct fault *fault)
{
	const struct option_source source = {
		.origin = origin,
		.place = origin == ORIGIN_CONF || origin == ORIGIN_DOTENV ?
				 "some.conf:7" :
				 NULL,
	};

	return options_set(options, id, text_of(value), &source, fault);
}

static void test_table(void)
{
	bool is_whole = true;

	for (unsigned i = 0; i < OPTION_COUNT; i++) {
		const struct option *option = option_get(i);

		is_whole = is_whole && option->name && option->variable &&
			   option->section && option->help && option->value;
		is_whole = is_whole && (option->fallback || option->derived);
		if (option_find_name(text_of(option->name)) != i ||
		    option_find_variable(text_of(option->variable)) != i)
			is_whole = false;
	}
	ok(is_whole, "every option has its texts and is found by its names");
	is_int(option_find_name(TEXT("log_level")), OPTION_LOG_LEVEL,
	       "a name may have underscores");
	is_int(option_find_name(TEXT("PORT")), OPTION_COUNT,
	       "a name is in lower case");
	is_int(option_find_variable(TEXT("port")), OPTION_COUNT,
	       "a variable is in upper case");
	is_int(option_find_variable(TEXT("USER")), OPTION_COUNT,
	       "the login name is no option");
	ok(!option_is_flag(option_get(OPTION_JWT_SECRET_KEY)),
	   "a secret is no flag");
	ok(!option_is_key(option_get(OPTION_CONFIG)),
	   "a configuration file does not name another");
}

static void test_nearest(void)
{
	static const struct {
		const char *name, *nearest;
	} cases[] = {
		{ "prot", "port" },
		{ "ports", "port" },
		{ "worker", "workers" },
		{ "log-levle", "log-level" },
		{ "LOG_LEVEL", "log-level" },
		{ "database", NULL },
		{ "databse-url", "database-url" },
		{ "x", NULL },
		{ "colour", NULL },
		{ "", NULL },
		{ "a-name-that-is-longer-than-any-option-could-ever-be", NULL },
	};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		char name[128];

		(void)snprintf(name, sizeof(name), "\"%s\" resembles \"%s\"",
			       cases[i].name,
			       cases[i].nearest ? cases[i].nearest : "nothing");
		is_string(option_nearest(text_of(cases[i].name)),
			  cases[i].nearest, name);
	}
}

static void test_values(void)
{
	static const struct {
		enum option_id id;
		const char *value;
		enum err err;
	} cases[] = {
		{ OPTION_PORT, "0", ERR_OK },
		{ OPTION_PORT, "65535", ERR_OK },
		{ OPTION_PORT, "65536", ERR_INVALID },
		{ OPTION_PORT, "-1", ERR_INVALID },
		{ OPTION_PORT, "+1", ERR_INVALID },
		{ OPTION_PORT, " 1", ERR_INVALID },
		{ OPTION_PORT, "1 ", ERR_INVALID },
		{ OPTION_PORT, "0x50", ERR_INVALID },
		{ OPTION_PORT, "1e3", ERR_INVALID },
		{ OPTION_PORT, "99999999999999999999", ERR_INVALID },
		{ OPTION_PORT, "", ERR_INVALID },
		{ OPTION_WORKERS, "0", ERR_INVALID },
		{ OPTION_WORKERS, "64", ERR_OK },
		{ OPTION_HASH_MEMORY_KIB, "19455", ERR_INVALID },
		{ OPTION_HASH_PASSES, "1", ERR_INVALID },
		{ OPTION_ACCOUNTS, "on", ERR_OK },
		{ OPTION_ACCOUNTS, "OFF", ERR_OK },
		{ OPTION_ACCOUNTS, "1", ERR_OK },
		{ OPTION_ACCOUNTS, "perhaps", ERR_INVALID },
		{ OPTION_LOG_LEVEL, "warn", ERR_OK },
		{ OPTION_LOG_LEVEL, "war", ERR_INVALID },
		{ OPTION_LOG_LEVEL, "debug info", ERR_INVALID },
		{ OPTION_LOG_LEVEL, "", ERR_INVALID },
		{ OPTION_HOST, "", ERR_INVALID },
		{ OPTION_CORS_ORIGINS, "", ERR_OK },
	};
	struct options options;
	struct fault fault;

	for (size_t i = 0; i < LENGTH(cases); i++) {
		char name[128];

		options_init(&options);
		(void)snprintf(name, sizeof(name), "%s takes \"%s\": %s",
			       option_get(cases[i].id)->name, cases[i].value,
			       cases[i].err == ERR_OK ? "yes" : "no");
		is_err(set(&options, cases[i].id, cases[i].value, ORIGIN_FLAG,
			   &fault),
		       cases[i].err, name);
		options_release(&options);
	}
}

static void test_strength(void)
{
	struct options options;
	struct fault fault;

	options_init(&options);
	is_int(options_number(&options, OPTION_PORT), 8000,
	       "without a value it is the default");
	ok(!options_is_given(&options, OPTION_PORT), "a default is not given");
	is_err(options_derive(&options, OPTION_WORKERS, "3"), ERR_OK,
	       "a default can be found out");
	ok(!options_is_given(&options, OPTION_WORKERS),
	   "a default that was found out is not given");
	is_err(set(&options, OPTION_PORT, "1", ORIGIN_ENVIRONMENT, &fault),
	       ERR_OK, "a value of the environment is kept");
	is_err(set(&options, OPTION_PORT, "2", ORIGIN_DOTENV, &fault), ERR_OK,
	       "a weaker one is no error");
	is_int(options_number(&options, OPTION_PORT), 1, "nor does it count");
	is_err(set(&options, OPTION_PORT, "x", ORIGIN_CONF, &fault),
	       ERR_INVALID, "a weaker one must be well-formed all the same");
	is_err(set(&options, OPTION_PORT, "3", ORIGIN_FLAG, &fault), ERR_OK,
	       "a flag is stronger");
	is_int(options_number(&options, OPTION_PORT), 3, "and counts");
	options_release(&options);
}

static void test_faults(void)
{
	struct options options;
	struct fault fault;

	options_init(&options);
	is_err(set(&options, OPTION_PORT, "http", ORIGIN_CONF, &fault),
	       ERR_INVALID, "a bad value in a file is refused");
	is_string(fault.text,
		  "some.conf:7: port is \"http\": expected a number from 0 to "
		  "65535",
		  "the message names file, line, key, value and remedy");
	is_int(fault.exit_code, EX_CONFIG, "it is a configuration error");
	is_err(set(&options, OPTION_PORT, "http", ORIGIN_FLAG, &fault),
	       ERR_INVALID, "a bad flag is refused");
	is_int(fault.exit_code, EX_USAGE, "it is a usage error");
	is_err(set(&options, OPTION_JWT_SECRET_KEY, "", ORIGIN_CONF, &fault),
	       ERR_INVALID, "an empty secret is refused");
	ok(!strstr(fault.text, "\""), "and no secret is quoted");
	is_err(options_set(&options, OPTION_HOST, (struct text){ "a\0b", 3 },
			   &(const struct option_source){ ORIGIN_FLAG, NULL },
			   &fault),
	       ERR_INVALID, "a NUL byte is refused");
	options_release(&options);
}

static void test_copy(void)
{
	struct options from, to;
	struct fault fault;

	options_init(&from);
	options_init(&to);
	is_err(set(&from, OPTION_HOST, "::1", ORIGIN_CONF, &fault), ERR_OK,
	       "a value is set");
	is_err(options_copy(&to, &from, OPTION_HOST), ERR_OK, "it is copied");
	is_string(options_text(&to, OPTION_HOST), "::1", "with its text");
	is_int(to.values[OPTION_HOST].origin, ORIGIN_CONF, "its origin");
	is_string(to.values[OPTION_HOST].place, "some.conf:7", "and its place");
	is_err(options_copy(&to, &from, OPTION_PORT), ERR_OK,
	       "what is not set can be copied");
	ok(!options_is_given(&to, OPTION_PORT), "and is not set then");
	options_release(&from);
	options_release(&to);
}

int main(void)
{
	test_table();
	test_nearest();
	test_values();
	test_strength();
	test_faults();
	test_copy();
	return tap_done();
}
