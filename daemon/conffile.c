/* Readers for todod.conf and .env. */
#include "config.h"

#include "daemon/conffile.h"

#include <stdbool.h>
#include <string.h>

#include "core/buffer.h"

struct reader {
	struct text content;
	size_t offset;
	unsigned line; /* of offset, from 1 */
	struct buffer value;
	conffile_pair_fn *on_pair;
	void *arg;
	struct conffile_error *error;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

static bool is_at_end(const struct reader *reader)
{
	return reader->offset >= reader->content.len;
}

/* '\n' at the end, so that a last line needs no line feed. */
static char peek(const struct reader *reader)
{
	return is_at_end(reader) ? '\n' : reader->content.ptr[reader->offset];
}

static void skip_blanks(struct reader *reader)
{
	while (is_blank(peek(reader)))
		reader->offset++;
}

static enum err fail(struct reader *reader, unsigned line, const char *problem)
{
	reader->error->line = line;
	reader->error->problem = problem;
	return ERR_INVALID;
}

/* Over the end of the line; a carriage return before it belongs to it. */
static void skip_line(struct reader *reader)
{
	while (peek(reader) != '\n')
		reader->offset++;
	if (!is_at_end(reader))
		reader->offset++;
	reader->line++;
}

/* What may follow a value: blanks, a comment, the end of the line. */
static enum err expect_end(struct reader *reader)
{
	skip_blanks(reader);
	if (peek(reader) == '\r')
		reader->offset++;
	if (peek(reader) != '\n' && peek(reader) != '#')
		return fail(reader, reader->line,
			    "something follows the closing quote");
	skip_line(reader);
	return ERR_OK;
}

static struct text read_name(struct reader *reader)
{
	size_t start = reader->offset;

	while (is_name_char(peek(reader)))
		reader->offset++;
	return text_slice(reader->content, start, reader->offset - start);
}

/* To the end of the line or to a comment, which a blank precedes. */
static void read_bare(struct reader *reader)
{
	size_t start = reader->offset;
	struct text value;

	while (peek(reader) != '\n') {
		if (peek(reader) == '#' &&
		    (reader->offset == start ||
		     is_blank(reader->content.ptr[reader->offset - 1])))
			break;
		reader->offset++;
	}
	value = text_slice(reader->content, start, reader->offset - start);
	if (value.len > 0 && value.ptr[value.len - 1] == '\r')
		value.len--;
	buffer_append_text(&reader->value, text_trim_blank(value));
	skip_line(reader);
}

/* What a backslash and c stand for; '\0': both are taken as they are. */
static char unescape(const char *escapes, char c)
{
	if (!strchr(escapes, c))
		return '\0';
	switch (c) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return c;
	}
}

enum span { ONE_LINE, MANY_LINES };

/* After the opening quote; escapes are the characters that a backslash
 * changes, NULL: none does. */
static enum err read_quoted(struct reader *reader, char quote,
			    const char *escapes, enum span span)
{
	unsigned line = reader->line;

	for (; !is_at_end(reader); reader->offset++) {
		char c = peek(reader);

		if (c == quote) {
			reader->offset++;
			return expect_end(reader);
		}
		if (c == '\n' && span == ONE_LINE)
			break;
		if (c == '\n')
			reader->line++;
		if (c == '\\' && escapes &&
		    reader->offset + 1 < reader->content.len) {
			char plain = unescape(
				escapes,
				reader->content.ptr[reader->offset + 1]);

			if (plain) {
				reader->offset++;
				c = plain;
			}
		}
		buffer_append(&reader->value, &c, 1);
	}
	return fail(reader, line, "the closing quote is missing");
}

static enum err hand_over(struct reader *reader, struct text key, unsigned line)
{
	if (buffer_is_failed(&reader->value))
		return ERR_NO_MEMORY;
	return reader->on_pair(reader->arg, key, buffer_text(&reader->value),
			       line);
}

static enum err read_conf_line(struct reader *reader)
{
	unsigned line = reader->line;
	struct text key;
	enum err err = ERR_OK;

	skip_blanks(reader);
	if (peek(reader) == '#' || peek(reader) == '\n' ||
	    peek(reader) == '\r') {
		skip_line(reader);
		return ERR_OK;
	}
	key = read_name(reader);
	skip_blanks(reader);
	if (key.len == 0 || peek(reader) != '=')
		return fail(reader, line, "expected \"key = value\"");
	reader->offset++;
	skip_blanks(reader);
	if (peek(reader) == '"') {
		reader->offset++;
		err = read_quoted(reader, '"', "\"\\", ONE_LINE);
	} else {
		read_bare(reader);
	}
	return err == ERR_OK ? hand_over(reader, key, line) : err;
}

/* "export" is a word before the name, unless it is the name. */
static struct text read_env_name(struct reader *reader)
{
	struct text name = read_name(reader);
	size_t end = reader->offset;

	if (!text_is_equal(name, TEXT("export")) || !is_blank(peek(reader)))
		return name;
	skip_blanks(reader);
	if (is_name_char(peek(reader)))
		return read_name(reader);
	reader->offset = end;
	return name;
}

static enum err read_env_line(struct reader *reader)
{
	unsigned line = reader->line;
	struct text name;
	enum err err = ERR_OK;
	char c;

	skip_blanks(reader);
	if (peek(reader) == '#' || peek(reader) == '\n' ||
	    peek(reader) == '\r') {
		skip_line(reader);
		return ERR_OK;
	}
	name = read_env_name(reader);
	skip_blanks(reader);
	c = peek(reader);
	if (name.len > 0 && (c == '\n' || c == '\r' || c == '#')) {
		skip_line(reader);
		return ERR_OK;
	}
	if (name.len == 0 || c != '=')
		return fail(reader, line, "expected NAME=value");
	reader->offset++;
	skip_blanks(reader);
	c = peek(reader);
	if (c == '"' || c == '\'') {
		reader->offset++;
		err = read_quoted(reader, c, c == '"' ? "nrt\"\\$" : NULL,
				  MANY_LINES);
	} else {
		read_bare(reader);
	}
	return err == ERR_OK ? hand_over(reader, name, line) : err;
}

static enum err parse(struct text content,
		      enum err (*read_line)(struct reader *),
		      conffile_pair_fn *on_pair, void *arg,
		      struct conffile_error *error)
{
	struct reader reader = {
		.content = content,
		.line = 1,
		.on_pair = on_pair,
		.arg = arg,
		.error = error,
	};
	enum err err = ERR_OK;

	error->line = 0;
	error->problem = NULL;
	/* A byte order mark, as some editors put it. */
	if (text_has_prefix(content, TEXT("\xef\xbb\xbf")))
		reader.offset = 3;
	while (err == ERR_OK && !is_at_end(&reader)) {
		buffer_init(&reader.value);
		err = read_line(&reader);
		/* It may be a secret. */
		if (reader.value.ptr)
			explicit_bzero(reader.value.ptr, reader.value.size);
		buffer_release(&reader.value);
	}
	return err;
}

enum err conffile_parse(struct text content, conffile_pair_fn *on_pair,
			void *arg, struct conffile_error *error)
{
	return parse(content, read_conf_line, on_pair, arg, error);
}

enum err conffile_parse_env(struct text content, conffile_pair_fn *on_pair,
			    void *arg, struct conffile_error *error)
{
	return parse(content, read_env_line, on_pair, arg, error);
}
