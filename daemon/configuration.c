/*
 * Where options come from.  A name that nobody knows is an error in flags and
 * in todod.conf, which are todod's own; the environment and .env are shared
 * with others, there it is none of our business.
 */
#include "config.h"

#include "daemon/configuration.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/buffer.h"
#include "daemon/conffile.h"
#include "daemon/fault.h"

#define CONFIGURATION_FILE_MAX_BYTES (1024 * 1024)
#define DOTENV_FILE		     ".env"

struct target {
	struct options *options;
	const char *file;
	enum option_origin origin;
	struct fault *fault;
};

/* ERR_NOT_FOUND when there is no such file. */
static enum err read_file(const char *file, struct buffer *content,
			  struct fault *fault)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat stat;
	ssize_t got = 1;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return ERR_NOT_FOUND;
	if (fd < 0)
		return fault_set(fault, EX_CONFIG, "cannot read %s: %m", file);
	if (fstat(fd, &stat) == 0 && S_ISDIR(stat.st_mode)) {
		errno = EISDIR;
		got = -1;
	}
	while (got > 0 && content->len <= CONFIGURATION_FILE_MAX_BYTES) {
		char *into = buffer_reserve(content, 4096);

		got = into ? read(fd, into, 4096) : 0;
		if (got > 0)
			content->len += (size_t)got;
	}
	if (got < 0)
		fault_set(fault, EX_CONFIG, "cannot read %s: %m", file);
	close(fd);
	if (got < 0)
		return ERR_INVALID;
	if (content->len > CONFIGURATION_FILE_MAX_BYTES)
		return fault_set(fault, EX_CONFIG,
				 "%s is too long for a configuration file",
				 file);
	return buffer_is_failed(content) ? ERR_NO_MEMORY : ERR_OK;
}

static enum err set_from_file(const struct target *target, enum option_id id,
			      struct text value, unsigned line)
{
	struct option_source source = { .origin = target->origin };
	char place[256];

	(void)snprintf(place, sizeof(place), "%s:%u", target->file, line);
	source.place = place;
	return options_set(target->options, id, value, &source, target->fault);
}

static enum err on_conf_pair(void *arg, struct text key, struct text value,
			     unsigned line)
{
	const struct target *target = arg;
	enum option_id id = option_find_name(key);
	const char *nearest;

	if (id != OPTION_COUNT && option_is_key(option_get(id)))
		return set_from_file(target, id, value, line);
	if (id != OPTION_COUNT)
		return fault_set(target->fault, EX_CONFIG,
				 "%s:%u: %s is for the command line (--%s) and "
				 "the environment (%s)",
				 target->file, line, option_get(id)->name,
				 option_get(id)->name,
				 option_get(id)->variable);
	nearest = option_nearest(key);
	if (nearest)
		return fault_set(target->fault, EX_CONFIG,
				 "%s:%u: there is no option \"%.*s\"; did you "
				 "mean %s?",
				 target->file, line, (int)key.len, key.ptr,
				 nearest);
	return fault_set(target->fault, EX_CONFIG,
			 "%s:%u: there is no option \"%.*s\"; todod "
			 "--print-conf-example shows them all",
			 target->file, line, (int)key.len, key.ptr);
}

static enum err on_env_pair(void *arg, struct text name, struct text value,
			    unsigned line)
{
	const struct target *target = arg;
	enum option_id id = option_find_variable(name);

	/* "NAME=" is how such a file says that something is not set. */
	if (id == OPTION_COUNT || !option_is_key(option_get(id)) ||
	    value.len == 0)
		return ERR_OK;
	return set_from_file(target, id, value, line);
}

static enum err load_file(struct target *target)
{
	struct conffile_error error = { 0, NULL };
	struct buffer content;
	enum err err;

	buffer_init(&content);
	err = read_file(target->file, &content, target->fault);
	if (err == ERR_OK && target->origin == ORIGIN_CONF)
		err = conffile_parse(buffer_text(&content), on_conf_pair,
				     target, &error);
	else if (err == ERR_OK)
		err = conffile_parse_env(buffer_text(&content), on_env_pair,
					 target, &error);
	if (err == ERR_INVALID && error.problem)
		fault_set(target->fault, EX_CONFIG, "%s:%u: %s", target->file,
			  error.line, error.problem);
	if (content.ptr)
		explicit_bzero(content.ptr, content.size);
	buffer_release(&content);
	return err;
}

static enum err load_flags(const struct options *flags, struct options *options,
			   struct fault *fault)
{
	const struct option_source source = { .origin = ORIGIN_FLAG };
	enum err err = ERR_OK;

	for (unsigned i = 0; err == ERR_OK && i < OPTION_COUNT; i++)
		if (flags->values[i].text)
			err = options_set(options, i,
					  text_of(flags->values[i].text),
					  &source, fault);
	return err;
}

static enum err load_environment(struct options *options, struct fault *fault)
{
	const struct option_source source = { .origin = ORIGIN_ENVIRONMENT };
	enum err err = ERR_OK;

	for (unsigned i = 0; err == ERR_OK && i < OPTION_COUNT; i++) {
		const char *value = getenv(option_get(i)->variable);

		if (value && *value)
			err = options_set(options, i, text_of(value), &source,
					  fault);
	}
	return err;
}

/* One that was named must be there. */
static enum err load_conf(struct options *options, struct fault *fault)
{
	const char *named = options_text(options, OPTION_CONFIG);
	struct target target = {
		.options = options,
		.file = named,
		.origin = ORIGIN_CONF,
		.fault = fault,
	};
	enum err err;

	if (!named)
		target.file = TODOD_SYSCONFDIR "/todod/todod.conf";
	err = load_file(&target);
	if (err == ERR_NOT_FOUND && named)
		return fault_set(fault, EX_CONFIG,
				 "there is no file %s (--config)", named);
	if (err == ERR_NOT_FOUND) {
		target.file = TODOD_SYSCONFDIR "/todod.conf";
		err = load_file(&target);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err load_dotenv(struct options *options, struct fault *fault)
{
	struct target target = {
		.options = options,
		.file = DOTENV_FILE,
		.origin = ORIGIN_DOTENV,
		.fault = fault,
	};
	const char *environment = options_text(options, OPTION_ENVIRONMENT);
	enum err err;

	if (environment && strcmp(environment, "production") == 0)
		return ERR_OK;
	err = load_file(&target);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err configuration_load(const struct options *flags,
			    struct options *options, struct fault *fault)
{
	enum err err = load_flags(flags, options, fault);

	if (err == ERR_OK)
		err = load_environment(options, fault);
	if (err == ERR_OK)
		err = load_conf(options, fault);
	if (err == ERR_OK)
		err = load_dotenv(options, fault);
	return err;
}
