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

void jsonwriter_init(struct jsonwriter *writer, struct buffer *out)
{
	writer->out = out;
	writer->needs_comma = false;
}

static void put(struct jsonwriter *writer, const char *bytes, size_t len)
{
	buffer_append(writer->out, bytes, len);
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

void jsonwriter_string(struct jsonwriter *writer, struct text text)
{
	size_t start = 0;

	begin_value(writer);
	put(writer, "\"", 1);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.ptr[i];

		if (escapes[byte] == 0)
			continue;
		put(writer, text.ptr + start, i - start);
		put_escape(writer, byte);
		start = i + 1;
	}
	if (start < text.len)
		put(writer, text.ptr + start, text.len - start);
	put(writer, "\"", 1);
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
	char quoted[TIMESTAMP_LEN + 2];

	quoted[0] = '"';
	timestamp_format(time_us, quoted + 1);
	quoted[TIMESTAMP_LEN + 1] = '"';
	begin_value(writer);
	put(writer, quoted, sizeof(quoted));
}

void jsonwriter_raw(struct jsonwriter *writer, struct text json)
{
	begin_value(writer);
	buffer_append_text(writer->out, json);
}
