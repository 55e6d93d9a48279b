/* Looking options up, judging values, keeping the strongest. */
#include "config.h"

#include "daemon/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "daemon/fault.h"
#include "daemon/option_table.h"

#define NAME_MAX_BYTES	  40 /* longer ones resemble no option */
#define NEAREST_DISTANCE  3  /* slips in a name that is still recognised */
#define SHOWN_VALUE_BYTES 60 /* of a bad value in a message */

const struct option *option_get(enum option_id id)
{
	return &option_table[id];
}

/* As in the table: with dashes. */
static bool fold_name(struct text name, char folded[NAME_MAX_BYTES])
{
	if (name.len >= NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < name.len; i++)
		folded[i] = name.ptr[i] == '_' ? '-' : name.ptr[i];
	folded[name.len] = '\0';
	return true;
}

enum option_id option_find_name(struct text name)
{
	char folded[NAME_MAX_BYTES];

	if (!fold_name(name, folded))
		return OPTION_COUNT;
	for (unsigned i = 0; i < OPTION_COUNT; i++)
		if (strcmp(option_table[i].name, folded) == 0)
			return i;
	return OPTION_COUNT;
}

enum option_id option_find_variable(struct text variable)
{
	for (unsigned i = 0; i < OPTION_COUNT; i++)
		if (text_is_equal(variable, text_of(option_table[i].variable)))
			return i;
	return OPTION_COUNT;
}

bool option_is_flag(const struct option *option)
{
	return !(option->traits & OPTION_IS_SECRET);
}

bool option_is_key(const struct option *option)
{
	return !(option->traits & OPTION_IS_NO_KEY);
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned min = a < b ? a : b;

	return min < c ? min : c;
}

/* Levenshtein's distance. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[NAME_MAX_BYTES + 1];
	size_t len = strlen(b);

	for (unsigned j = 0; j <= len; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1]; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= len; j++) {
			unsigned old = row[j];
			unsigned change = a[i - 1] != b[j - 1];

			row[j] = least(row[j] + 1, row[j - 1] + 1,
				       diagonal + change);
			diagonal = old;
		}
	}
	return row[len];
}

const char *option_nearest(struct text name)
{
	char folded[NAME_MAX_BYTES];
	const char *nearest = NULL;
	unsigned best = NEAREST_DISTANCE + 1;

	if (!fold_name(name, folded))
		return NULL;
	text_lower_ascii(folded, name.len);
	for (unsigned i = 0; i < OPTION_COUNT; i++) {
		const char *candidate = option_table[i].name;
		unsigned slips = distance(folded, candidate);

		/* "port" for "prot", but not for every word of four letters. */
		if (slips < best && slips * 2 <= strlen(candidate)) {
			best = slips;
			nearest = candidate;
		}
	}
	return nearest;
}

void options_init(struct options *options)
{
	memset(options, 0, sizeof(*options));
}

static void forget(struct option_value *value)
{
	if (value->text)
		explicit_bzero(value->text, strlen(value->text));
	free(value->text);
	free(value->place);
	memset(value, 0, sizeof(*value));
}

void options_release(struct options *options)
{
	for (unsigned i = 0; i < OPTION_COUNT; i++)
		forget(&options->values[i]);
}

static bool is_number(const struct option *option, const char *value)
{
	char *end;
	long number;

	if (*value < '0' || *value > '9')
		return false;
	errno = 0;
	number = strtol(value, &end, 10);
	return *end == '\0' && errno == 0 && number >= option->min &&
	       number <= option->max;
}

/* 1 and 0 stand for on and off too; -1: none of them. */
static int switch_value(const char *value)
{
	static const char *const words[][2] = {
		{ "off", "on" },
		{ "no", "yes" },
		{ "false", "true" },
		{ "0", "1" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (int on = 0; on <= 1; on++)
			if (strcasecmp(value, words[i][on]) == 0)
				return on;
	return -1;
}

static bool is_choice(const char *choices, const char *value)
{
	size_t len = strlen(value);

	for (const char *word = choices; *word;) {
		size_t word_len = strcspn(word, " ");

		if (word_len == len && strncmp(word, value, len) == 0)
			return true;
		word += word_len + (word[word_len] == ' ');
	}
	return false;
}

/* What is expected, when the value is not that. */
static bool is_acceptable(const struct option *option, const char *value,
			  char *expected, size_t size)
{
	switch (option->type) {
	case OPTION_TEXT:
		(void)snprintf(expected, size, "a value");
		return *value || option->traits & OPTION_MAY_BE_EMPTY;
	case OPTION_NUMBER:
		(void)snprintf(expected, size, "a number from %ld to %ld",
			       option->min, option->max);
		return is_number(option, value);
	case OPTION_SWITCH:
		(void)snprintf(expected, size, "yes or no (on, off, 1, 0)");
		return switch_value(value) >= 0;
	case OPTION_CHOICE:
		(void)snprintf(expected, size, "one of: %s", option->choices);
		return is_choice(option->choices, value);
	}
	return false;
}

/* Where the bad value was, in the words of who wrote it. */
static void describe_place(const struct option *option,
			   const struct option_source *source, char *out,
			   size_t size)
{
	switch (source->origin) {
	case ORIGIN_FLAG:
		(void)snprintf(out, size, "--%s", option->name);
		break;
	case ORIGIN_ENVIRONMENT:
		(void)snprintf(out, size, "%s in the environment",
			       option->variable);
		break;
	case ORIGIN_DOTENV:
		(void)snprintf(out, size, "%s: %s", source->place,
			       option->variable);
		break;
	case ORIGIN_CONF:
		(void)snprintf(out, size, "%s: %s", source->place,
			       option->name);
		break;
	case ORIGIN_DEFAULT:
		(void)snprintf(out, size, "the default of %s", option->name);
		break;
	}
}

static enum err refuse(const struct option *option, struct text value,
		       const struct option_source *source, const char *expected,
		       struct fault *fault)
{
	int code = source->origin == ORIGIN_FLAG ? EX_USAGE : EX_CONFIG;
	int shown = value.len < SHOWN_VALUE_BYTES ? (int)value.len :
						    SHOWN_VALUE_BYTES;
	char place[256];

	describe_place(option, source, place, sizeof(place));
	if (option->traits & (OPTION_IS_SECRET | OPTION_HIDES_PASSWORD))
		return fault_set(fault, code, "%s is not usable: expected %s",
				 place, expected);
	return fault_set(fault, code, "%s is \"%.*s\": expected %s", place,
			 shown, value.ptr, expected);
}

enum err options_set(struct options *options, enum option_id id,
		     struct text value, const struct option_source *source,
		     struct fault *fault)
{
	const struct option *option = &option_table[id];
	struct option_value *slot = &options->values[id];
	struct option_value new = { .origin = source->origin };
	char expected[128];

	new.text = strndup(value.len ? value.ptr : "", value.len);
	if (new.text && source->place)
		new.place = strdup(source->place);
	if (!new.text || (source->place && !new.place)) {
		forget(&new);
		return ERR_NO_MEMORY;
	}
	if (strlen(new.text) != value.len ||
	    !is_acceptable(option, new.text, expected, sizeof(expected))) {
		if (strlen(new.text) != value.len)
			(void)snprintf(expected, sizeof(expected),
				       "text without NUL bytes");
		forget(&new);
		return refuse(option, value, source, expected, fault);
	}
	if (slot->text && slot->origin > source->origin) {
		forget(&new);
		return ERR_OK;
	}
	forget(slot);
	*slot = new;
	return ERR_OK;
}

enum err options_derive(struct options *options, enum option_id id,
			const char *value)
{
	struct option_value *slot = &options->values[id];
	char *copy = strdup(value);

	if (!copy)
		return ERR_NO_MEMORY;
	forget(slot);
	slot->text = copy;
	slot->origin = ORIGIN_DEFAULT;
	return ERR_OK;
}

enum err options_copy(struct options *options, const struct options *from,
		      enum option_id id)
{
	const struct option_value *value = &from->values[id];
	struct option_value copy = { .origin = value->origin };

	if (value->text && !(copy.text = strdup(value->text)))
		return ERR_NO_MEMORY;
	if (value->place && !(copy.place = strdup(value->place))) {
		forget(&copy);
		return ERR_NO_MEMORY;
	}
	forget(&options->values[id]);
	options->values[id] = copy;
	return ERR_OK;
}

const char *options_text(const struct options *options, enum option_id id)
{
	if (options->values[id].text)
		return options->values[id].text;
	return option_table[id].fallback;
}

long options_number(const struct options *options, enum option_id id)
{
	const char *text = options_text(options, id);

	return text ? strtol(text, NULL, 10) : 0;
}

bool options_is_on(const struct options *options, enum option_id id)
{
	const char *text = options_text(options, id);

	return text && switch_value(text) == 1;
}

bool options_is_given(const struct options *options, enum option_id id)
{
	return options->values[id].text &&
	       options->values[id].origin != ORIGIN_DEFAULT;
}
