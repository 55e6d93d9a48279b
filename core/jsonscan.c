/*
 * A recursive-descent check of RFC 8259.  It builds nothing; all it remembers
 * are the member names of the objects that are open, to find one that comes
 * twice.
 */
#include "config.h"

#include "core/jsonscan.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The text of a name between its quotes, escapes as they are. */
struct name {
	struct text raw;
	bool has_escape;
};

/*
 * The names of the open objects are a stack of runs, one run per object, the
 * innermost last.  Within its run order[] is sorted by the unescaped name, so
 * that finding a duplicate takes log n comparisons whatever the names are.
 */
struct scan {
	struct text text;
	size_t at;
	size_t total; /* members seen in all */
	size_t open;  /* members of the open objects */
	uint16_t order[JSONSCAN_MEMBERS_MAX];
	struct name names[JSONSCAN_MEMBERS_MAX];
};

/* What is left of a name, and the bytes of its last escape. */
struct name_reader {
	struct text raw;
	size_t at;
	unsigned char pending[4];
	unsigned pending_at, pending_len;
};

static bool scan_value(struct scan *scan, unsigned depth);

static int peek(const struct scan *scan)
{
	return scan->at < scan->text.len ?
		       (unsigned char)scan->text.ptr[scan->at] :
		       -1;
}

static bool take(struct scan *scan, int c)
{
	if (peek(scan) != c)
		return false;
	scan->at++;
	return true;
}

static void skip_space(struct scan *scan)
{
	int c;

	while ((c = peek(scan)) == ' ' || c == '\n' || c == '\r' || c == '\t')
		scan->at++;
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool take_digits(struct scan *scan)
{
	if (!is_digit(peek(scan)))
		return false;
	while (is_digit(peek(scan)))
		scan->at++;
	return true;
}

static bool scan_number(struct scan *scan)
{
	size_t start = scan->at;

	(void)take(scan, '-');
	if (!take(scan, '0') && !take_digits(scan))
		return false;
	if (take(scan, '.') && !take_digits(scan))
		return false;
	if (peek(scan) == 'e' || peek(scan) == 'E') {
		scan->at++;
		if (!take(scan, '+'))
			(void)take(scan, '-');
		if (!take_digits(scan))
			return false;
	}
	if (scan->at - start > JSONSCAN_NUMBER_MAX_BYTES) {
		scan->at = start;
		return false;
	}
	return true;
}

static bool scan_word(struct scan *scan, const char *word)
{
	for (; *word != '\0'; word++) {
		if (!take(scan, *word))
			return false;
	}
	return true;
}

/* The number of a \uXXXX at offset, past its 'u'; -1 when there is none. */
static int32_t hex4(struct text text, size_t offset)
{
	int32_t number = 0;

	for (size_t i = offset; i < offset + 4; i++) {
		int digit = i < text.len ? text_hex_value(text.ptr[i]) : -1;

		if (digit < 0)
			return -1;
		number = number << 4 | digit;
	}
	return number;
}

static bool is_high_surrogate(int32_t c)
{
	return c >= 0xd800 && c <= 0xdbff;
}

static bool is_low_surrogate(int32_t c)
{
	return c >= 0xdc00 && c <= 0xdfff;
}

/*
 * Reads the escape at *offset, a backslash, and moves *offset past it: the
 * character it stands for, or -1 and *offset where it was.
 */
static int32_t read_escape(struct text text, size_t *offset)
{
	static const char shorts[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	size_t at = *offset + 1;
	const char *found;
	int32_t c, low;

	if (at >= text.len || text.ptr[at] == '\0')
		return -1;
	found = strchr(shorts, text.ptr[at]);
	if (found != NULL) {
		*offset = at + 1;
		return meant[found - shorts];
	}
	if (text.ptr[at] != 'u')
		return -1;
	c = hex4(text, at + 1);
	at += 5;
	if (c <= 0 || is_low_surrogate(c))
		return -1;
	if (is_high_surrogate(c)) {
		if (text.len - at < 2 || text.ptr[at] != '\\' ||
		    text.ptr[at + 1] != 'u')
			return -1;
		low = hex4(text, at + 2);
		if (!is_low_surrogate(low))
			return -1;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		at += 6;
	}
	*offset = at;
	return c;
}

/* The string after its opening quote; *name is what is between the quotes. */
static bool scan_string(struct scan *scan, struct name *name)
{
	size_t start = scan->at;
	int c;

	name->has_escape = false;
	while ((c = peek(scan)) != '"') {
		if (c < 0x20)
			return false;
		if (c == '\\') {
			name->has_escape = true;
			if (read_escape(scan->text, &scan->at) < 0)
				return false;
		} else if (c < 0x80) {
			scan->at++;
		} else {
			size_t next = scan->at;

			if (text_next(scan->text, &next) < 0)
				return false;
			scan->at = next;
		}
	}
	name->raw = text_slice(scan->text, start, scan->at - start);
	scan->at++;
	return true;
}

static void put_utf8(struct name_reader *reader, int32_t c)
{
	unsigned char *out = reader->pending;

	if (c < 0x80) {
		out[0] = (unsigned char)c;
		reader->pending_len = 1;
	} else if (c < 0x800) {
		out[0] = (unsigned char)(0xc0 | c >> 6);
		reader->pending_len = 2;
	} else if (c < 0x10000) {
		out[0] = (unsigned char)(0xe0 | c >> 12);
		reader->pending_len = 3;
	} else {
		out[0] = (unsigned char)(0xf0 | c >> 18);
		reader->pending_len = 4;
	}
	for (unsigned i = reader->pending_len; i > 1; i--) {
		out[i - 1] = (unsigned char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	reader->pending_at = 0;
}

/* The next byte of the unescaped name, -1 at its end. */
static int read_byte(struct name_reader *reader)
{
	if (reader->pending_at < reader->pending_len)
		return reader->pending[reader->pending_at++];
	if (reader->at >= reader->raw.len)
		return -1;
	if (reader->raw.ptr[reader->at] != '\\')
		return (unsigned char)reader->raw.ptr[reader->at++];
	put_utf8(reader, read_escape(reader->raw, &reader->at));
	return reader->pending[reader->pending_at++];
}

static int compare_unescaped(const struct name *a, const struct name *b)
{
	struct name_reader reader_a = { .raw = a->raw };
	struct name_reader reader_b = { .raw = b->raw };
	int byte_a, byte_b;

	do {
		byte_a = read_byte(&reader_a);
		byte_b = read_byte(&reader_b);
	} while (byte_a == byte_b && byte_a >= 0);
	return byte_a - byte_b;
}

/* Both ways give the order of the unescaped bytes, a prefix first. */
static int compare_names(const struct name *a, const struct name *b)
{
	size_t least = a->raw.len < b->raw.len ? a->raw.len : b->raw.len;
	int order;

	if (a->has_escape || b->has_escape)
		return compare_unescaped(a, b);
	order = least > 0 ? memcmp(a->raw.ptr, b->raw.ptr, least) : 0;
	if (order == 0)
		order = (a->raw.len > b->raw.len) - (a->raw.len < b->raw.len);
	return order;
}

/* Adds a name to the innermost object, whose names begin at first. */
static bool remember(struct scan *scan, size_t first, const struct name *name)
{
	size_t low = first, high = scan->open;

	if (scan->total >= JSONSCAN_MEMBERS_MAX)
		return false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order =
			compare_names(name, &scan->names[scan->order[middle]]);

		if (order == 0)
			return false;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	memmove(&scan->order[low + 1], &scan->order[low],
		(scan->open - low) * sizeof(scan->order[0]));
	scan->order[low] = (uint16_t)scan->open;
	scan->names[scan->open++] = *name;
	scan->total++;
	return true;
}

static bool scan_member(struct scan *scan, size_t first, unsigned depth)
{
	size_t start = scan->at;
	struct name name;

	if (!take(scan, '"') || !scan_string(scan, &name))
		return false;
	if (!remember(scan, first, &name)) {
		scan->at = start;
		return false;
	}
	skip_space(scan);
	if (!take(scan, ':'))
		return false;
	skip_space(scan);
	return scan_value(scan, depth);
}

static bool scan_object(struct scan *scan, unsigned depth)
{
	size_t first = scan->open;

	skip_space(scan);
	if (take(scan, '}'))
		return true;
	for (;;) {
		if (!scan_member(scan, first, depth))
			return false;
		skip_space(scan);
		if (take(scan, '}'))
			break;
		if (!take(scan, ','))
			return false;
		skip_space(scan);
	}
	scan->open = first;
	return true;
}

static bool scan_array(struct scan *scan, unsigned depth)
{
	skip_space(scan);
	if (take(scan, ']'))
		return true;
	for (;;) {
		if (!scan_value(scan, depth))
			return false;
		skip_space(scan);
		if (take(scan, ']'))
			return true;
		if (!take(scan, ','))
			return false;
		skip_space(scan);
	}
}

/* depth counts the arrays and objects around the value. */
static bool scan_value(struct scan *scan, unsigned depth)
{
	struct name ignored;

	switch (peek(scan)) {
	case '{':
	case '[':
		if (depth >= JSONSCAN_DEPTH_MAX)
			return false;
		if (take(scan, '{'))
			return scan_object(scan, depth + 1);
		scan->at++;
		return scan_array(scan, depth + 1);
	case '"':
		scan->at++;
		return scan_string(scan, &ignored);
	case 't':
		return scan_word(scan, "true");
	case 'f':
		return scan_word(scan, "false");
	case 'n':
		return scan_word(scan, "null");
	default:
		return scan_number(scan);
	}
}

enum err jsonscan_check(struct text text, size_t *offset)
{
	struct scan scan;

	/* The tables stay as they are: only what was put there is read. */
	scan.text = text;
	scan.at = 0;
	scan.total = 0;
	scan.open = 0;

	skip_space(&scan);
	if (scan_value(&scan, 0)) {
		skip_space(&scan);
		if (scan.at == text.len)
			return ERR_OK;
	}
	*offset = scan.at;
	return ERR_INVALID;
}
