/*
 * What a log line looks like.  Values come from outside: whatever bytes they
 * have, a line stays one line, valid UTF-8, and in JSON one object.
 */
#include "config.h"

#include "core/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/timestamp.h"

static void write_to_stderr(void *arg, const char *line, size_t len)
{
	ssize_t written = write(STDERR_FILENO, line, len);

	(void)arg;
	(void)written;
}

static struct log_options current = {
	.level = LOG_INFO,
	.format = LOG_FORMAT_TEXT,
	.worker = -1,
	.sink = write_to_stderr,
};

/* A line in the making.  Nothing is put past end, where the closing of what is
 * open has its place. */
struct line {
	char bytes[LOG_LINE_BYTES];
	size_t len;
	size_t end;
};

void log_init(const struct log_options *options)
{
	current = *options;
	if (current.sink == NULL)
		current.sink = write_to_stderr;
}

bool log_is_on(enum log_level level)
{
	return level >= current.level;
}

/* All of it or nothing. */
static bool put(struct line *line, const char *bytes, size_t len)
{
	if (len > line->end - line->len)
		return false;
	memcpy(line->bytes + line->len, bytes, len);
	line->len += len;
	return true;
}

static bool put_string(struct line *line, const char *string)
{
	return put(line, string, strlen(string));
}

/* Characters that a terminal or a reader of lines would act upon instead of
 * showing them: controls, line separators, changes of direction. */
static bool is_unsafe(int32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c ||
	       (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static bool put_character(struct line *line, struct text text, size_t *offset)
{
	size_t start = *offset;
	int32_t c = text_next(text, offset);
	char escape[16];

	if (c < 0)
		return put_string(line, "\xef\xbf\xbd");
	if (c == '"' || c == '\\') {
		escape[0] = '\\';
		escape[1] = (char)c;
		return put(line, escape, 2);
	}
	if (is_unsafe(c)) {
		(void)snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)c);
		return put_string(line, escape);
	}
	return put(line, text.ptr + start, *offset - start);
}

static bool is_plain(char c)
{
	return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

/* Bytes that stand for themselves, which is nearly all there ever are. */
static size_t plain_run(struct text text, size_t offset)
{
	size_t at = offset;

	while (at < text.len && is_plain(text.ptr[at]))
		at++;
	return at - offset;
}

/* Cut between two characters where the line is full. */
static void put_characters(struct line *line, struct text text)
{
	size_t offset = 0;

	while (offset < text.len) {
		size_t run = plain_run(text, offset);
		size_t room = line->end - line->len;

		if (run > room)
			run = room;
		put(line, text.ptr + offset, run);
		offset += run;
		if (offset < text.len && !put_character(line, text, &offset))
			break;
	}
}

/* False when there is no room even for the quotes. */
static bool put_quoted(struct line *line, struct text text)
{
	if (line->end - line->len < 2)
		return false;
	put(line, "\"", 1);
	line->end--;
	put_characters(line, text);
	line->end++;
	return put(line, "\"", 1);
}

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_DEBUG:
		return "debug";
	case LOG_INFO:
		return "info";
	case LOG_WARN:
		return "warn";
	case LOG_ERROR:
		return "error";
	}
	return "error";
}

/* Writes the number before end, and says where it begins. */
static char *format_digits(char *end, uint64_t number, int least)
{
	for (; least > 0 || number > 0; least--) {
		*--end = (char)('0' + number % 10);
		number /= 10;
	}
	return end;
}

static bool put_number(struct line *line, const struct log_field *field)
{
	bool is_negative = field->number < 0;
	uint64_t number = is_negative ? -(uint64_t)field->number :
					(uint64_t)field->number;
	char digits[32], *end = digits + sizeof(digits), *at;

	if (field->type == LOG_FIELD_MS) {
		/* A clock that was set back is no time spent. */
		number = is_negative ? 0 : number;
		at = format_digits(end, number % 1000, 3);
		*--at = '.';
		at = format_digits(at, number / 1000, 1);
	} else {
		at = format_digits(end, number, 1);
		if (is_negative)
			*--at = '-';
	}
	return put(line, at, (size_t)(end - at));
}

static void put_json_field(struct line *line, const struct log_field *field)
{
	size_t start = line->len;
	bool fits;

	fits = put_string(line, ",\"") && put_string(line, field->key) &&
	       put_string(line, "\":");
	if (field->type == LOG_FIELD_TEXT)
		fits = fits && put_quoted(line, field->text);
	else
		fits = fits && put_number(line, field);
	if (!fits)
		line->len = start;
}

/* Whether a value needs quotes in a line of text, so that it cannot be taken
 * for more than one field. */
static bool needs_quotes(struct text text)
{
	size_t offset = 0;

	while (offset < text.len) {
		int32_t c = text_next(text, &offset);

		if (c <= ' ' || c == '"' || c == '\\' || c == '=' ||
		    is_unsafe(c))
			return true;
	}
	return false;
}

static void put_text_field(struct line *line, const struct log_field *field)
{
	size_t start = line->len;
	bool fits;

	fits = put_string(line, " ") && put_string(line, field->key) &&
	       put_string(line, "=");
	if (field->type != LOG_FIELD_TEXT)
		fits = fits && put_number(line, field);
	else if (needs_quotes(field->text))
		fits = fits && put_quoted(line, field->text);
	else if (fits)
		put_characters(line, field->text);
	if (!fits)
		line->len = start;
}

static void put_field(struct line *line, const struct log_field *field)
{
	if (field->type == LOG_FIELD_TEXT && field->text.len == 0)
		return;
	if (current.format == LOG_FORMAT_JSON)
		put_json_field(line, field);
	else
		put_text_field(line, field);
}

static void put_head(struct line *line, enum log_level level, const char *msg)
{
	char time[TIMESTAMP_LEN];

	timestamp_format(clock_wall_us(), time);
	if (current.format == LOG_FORMAT_JSON) {
		put_string(line, "{\"ts\":\"");
		put(line, time, TIMESTAMP_LEN);
		put_string(line, "\",\"level\":\"");
		put_string(line, level_name(level));
		put_string(line, "\",\"msg\":");
		put_quoted(line, text_of(msg));
	} else {
		static const char spaces[] = "      ";
		const char *name = level_name(level);

		put(line, time, TIMESTAMP_LEN);
		put(line, " ", 1);
		put_string(line, name);
		put_string(line, spaces + strlen(name));
		put_string(line, msg);
	}
}

void log_write(enum log_level level, const char *msg,
	       const struct log_field *fields, size_t count)
{
	static const char close_json[] = "}\n";
	bool is_json = current.format == LOG_FORMAT_JSON;
	const struct log_field worker = LOG_INT("worker", current.worker);
	struct line line;

	if (!log_is_on(level))
		return;
	line.len = 0;
	line.end = sizeof(line.bytes) - strlen(close_json);
	put_head(&line, level, msg);
	if (current.worker >= 0)
		put_field(&line, &worker);
	for (size_t i = 0; i < count; i++)
		put_field(&line, &fields[i]);
	line.end = sizeof(line.bytes);
	put_string(&line, is_json ? close_json : "\n");
	current.sink(current.sink_arg, line.bytes, line.len);
}

bool log_level_parse(struct text name, enum log_level *level)
{
	for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
		if (text_is_equal(name, text_of(level_name(i)))) {
			*level = i;
			return true;
		}
	}
	return false;
}
