/* Compact JSON: runs of plain bytes are copied, the rest is escaped. */
#include "config.h"

#include "core/jsonwriter.h"

#include <stddef.h>
#include <string.h>

#include "core/timestamp.h"

/*
 * What follows the backslash: 0 for a byte that stands for itself, 'u' for one
 * that has no short form.
 */
static const char escapes[256] = {
	'u', 'u', 'u', 'u', 'u', 'u',	      'u',	     'u', 'b',
	't', 'n', 'u', 'f', 'r', 'u',	      'u',	     'u', 'u',
	'u', 'u', 'u', 'u', 'u', 'u',	      'u',	     'u', 'u',
	'u', 'u', 'u', 'u', 'u', ['"'] = '"', ['\\'] = '\\',
};

#define ONES	  UINT64_C(0x0101010101010101)
#define HIGH_BITS (ONES * 0x80)

void jsonwriter_init(struct jsonwriter *writer, struct buffer *out)
{
	writer->out = out;
	writer->needs_comma = false;
}

static void put(struct jsonwriter *writer, const char *bytes, size_t len)
{
	char *out = buffer_reserve(writer->out, len);

	if (out == NULL)
		return;
	memcpy(out, bytes, len);
	writer->out->len += len;
}

/* Before every value: separates it from the one before. */
static void begin_value(struct jsonwriter *writer)
{
	if (writer->needs_comma)
		put(writer, ",", 1);
	writer->needs_comma = true;
}

static void open_with(struct jsonwriter *writer, const char *bracket)
{
	begin_value(writer);
	put(writer, bracket, 1);
	writer->needs_comma = false;
}

static void close_with(struct jsonwriter *writer, const char *bracket)
{
	put(writer, bracket, 1);
	writer->needs_comma = true;
}

void jsonwriter_object_begin(struct jsonwriter *writer)
{
	open_with(writer, "{");
}

void jsonwriter_object_end(struct jsonwriter *writer)
{
	close_with(writer, "}");
}

void jsonwriter_array_begin(struct jsonwriter *writer)
{
	open_with(writer, "[");
}

void jsonwriter_array_end(struct jsonwriter *writer)
{
	close_with(writer, "]");
}

void jsonwriter_key(struct jsonwriter *writer, struct text name)
{
	char *out = buffer_reserve(writer->out, name.len + 4);
	char *start = out;

	if (out == NULL)
		return;
	if (writer->needs_comma)
		*out++ = ',';
	*out++ = '"';
	memcpy(out, name.ptr, name.len);
	out += name.len;
	*out++ = '"';
	*out++ = ':';
	writer->out->len += (size_t)(out - start);
	writer->needs_comma = false;
}

void jsonwriter_any_key(struct jsonwriter *writer, struct text name)
{
	jsonwriter_string(writer, name);
	put(writer, ":", 1);
	writer->needs_comma = false;
}

static void put_escape(struct jsonwriter *writer, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";
	const char escape[] = { '\\', escapes[byte],	 '0',
				'0',  digits[byte >> 4], digits[byte & 15] };

	put(writer, escape, escape[1] == 'u' ? sizeof(escape) : 2);
}

/* Whether a byte is zero; which one is not certain. */
static bool has_zero(uint64_t word)
{
	return ((word - ONES) & ~word & HIGH_BITS) != 0;
}

/* Whether each of eight bytes stands for itself. */
static bool is_plain_word(const char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return ((word - ONES * 0x20) & ~word & HIGH_BITS) == 0 &&
	       !has_zero(word ^ (ONES * '"')) &&
	       !has_zero(word ^ (ONES * '\\'));
}

/* How many bytes from start on stand for themselves. */
static size_t plain_run(struct text text, size_t start)
{
	size_t at = start;

	while (text.len - at >= 8 && is_plain_word(text.ptr + at))
		at += 8;
	while (at < text.len && escapes[(unsigned char)text.ptr[at]] == 0)
		at++;
	return at - start;
}

static void put_escaped(struct jsonwriter *writer, struct text text, size_t run)
{
	size_t at = 0;

	put(writer, "\"", 1);
	while (at < text.len) {
		put(writer, text.ptr + at, run);
		at += run;
		if (at < text.len)
			put_escape(writer, (unsigned char)text.ptr[at++]);
		run = plain_run(text, at);
	}
	put(writer, "\"", 1);
}

void jsonwriter_string(struct jsonwriter *writer, struct text text)
{
	size_t run = plain_run(text, 0);
	char *out;

	begin_value(writer);
	if (run < text.len || run == 0) {
		put_escaped(writer, text, run);
		return;
	}
	/* Nearly every text there is. */
	out = buffer_reserve(writer->out, run + 2);
	if (out == NULL)
		return;
	*out = '"';
	memcpy(out + 1, text.ptr, run);
	out[run + 1] = '"';
	writer->out->len += run + 2;
}

void jsonwriter_int(struct jsonwriter *writer, int64_t number)
{
	/* Unsigned, because INT64_MIN has no positive twin. */
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (number < 0)
		digits[--at] = '-';
	begin_value(writer);
	put(writer, digits + at, sizeof(digits) - at);
}

void jsonwriter_bool(struct jsonwriter *writer, bool value)
{
	jsonwriter_raw(writer, value ? TEXT("true") : TEXT("false"));
}

void jsonwriter_null(struct jsonwriter *writer)
{
	jsonwriter_raw(writer, TEXT("null"));
}

void jsonwriter_time(struct jsonwriter *writer, int64_t time_us)
{
	char *out;

	begin_value(writer);
	out = buffer_reserve(writer->out, TIMESTAMP_LEN + 2);
	if (out == NULL)
		return;
	out[0] = '"';
	timestamp_format(time_us, out + 1);
	out[TIMESTAMP_LEN + 1] = '"';
	writer->out->len += TIMESTAMP_LEN + 2;
}

void jsonwriter_raw(struct jsonwriter *writer, struct text json)
{
	begin_value(writer);
	buffer_append_text(writer->out, json);
}
