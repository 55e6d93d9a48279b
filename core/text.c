/*
 * Text.  UTF-8 is decoded here, because every body passes through it; case
 * folding and the properties of characters are utf8proc's.
 */
#include "config.h"

#include "core/text.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "core/buffer.h"

#define HIGH_BITS UINT64_C(0x8080808080808080)

#define FOLD (UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_STABLE)
/* More than any code point becomes. */
#define PARTS_MAX 8
/* utf8proc puts the marks that follow each other in order by insertion, which
 * takes the square of their number.  No language comes near it. */
#define MARKS_MAX 30

struct text text_of(const char *string)
{
	return (struct text){ string, string != NULL ? strlen(string) : 0 };
}

bool text_is_equal(struct text a, struct text b)
{
	return a.len == b.len &&
	       (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static char lower_ascii(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool text_is_equal_nocase(struct text a, struct text b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (lower_ascii(a.ptr[i]) != lower_ascii(b.ptr[i]))
			return false;
	}
	return true;
}

bool text_has_prefix(struct text text, struct text prefix)
{
	return text.len >= prefix.len &&
	       text_is_equal(text_slice(text, 0, prefix.len), prefix);
}

bool text_contains(struct text text, struct text part)
{
	if (part.len == 0)
		return true;
	return text.len >= part.len &&
	       memmem(text.ptr, text.len, part.ptr, part.len) != NULL;
}

size_t text_find_byte(struct text text, char c)
{
	const char *found = NULL;

	if (text.len > 0)
		found = memchr(text.ptr, c, text.len);
	return found != NULL ? (size_t)(found - text.ptr) : text.len;
}

struct text text_slice(struct text text, size_t offset, size_t len)
{
	if (offset > text.len)
		offset = text.len;
	if (len > text.len - offset)
		len = text.len - offset;
	/* No arithmetic on a NULL pointer, not even + 0. */
	if (text.ptr == NULL)
		return text;
	return (struct text){ text.ptr + offset, len };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct text text_trim_blank(struct text text)
{
	size_t start = 0, end = text.len;

	while (start < end && is_blank(text.ptr[start]))
		start++;
	while (end > start && is_blank(text.ptr[end - 1]))
		end--;
	return text_slice(text, start, end - start);
}

/* White_Space=Yes in PropList.txt; stable since Unicode 6.3. */
static bool is_space(int32_t c)
{
	if (c < 0x80)
		return c == ' ' || (c >= '\t' && c <= '\r');
	return c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
	       c == 0x202f || c == 0x205f || c == 0x3000;
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

struct text text_trim_space(struct text text)
{
	size_t start = 0, end = text.len;

	while (start < text.len) {
		size_t next = start;

		if (!is_space(text_next(text, &next)))
			break;
		start = next;
	}
	while (end > start) {
		size_t last = end - 1, next;

		while (last > start && is_continuation(text.ptr[last]))
			last--;
		next = last;
		if (!is_space(text_next(text, &next)))
			break;
		end = last;
	}
	return text_slice(text, start, end - start);
}

/* What may follow a first byte; total is 0 when none can be one. */
struct sequence {
	unsigned total;		 /* bytes with the first one */
	unsigned char low, high; /* bounds of the second byte */
};

static struct sequence sequence_of(unsigned char first)
{
	if (first < 0xc2 || first > 0xf4)
		return (struct sequence){ 0, 0, 0 };
	if (first < 0xe0)
		return (struct sequence){ 2, 0x80, 0xbf };
	if (first < 0xf0)
		/* Nothing overlong, no surrogates. */
		return (struct sequence){ 3, first == 0xe0 ? 0xa0 : 0x80,
					  first == 0xed ? 0x9f : 0xbf };
	/* Nothing overlong, nothing above U+10FFFF. */
	return (struct sequence){ 4, first == 0xf0 ? 0x90 : 0x80,
				  first == 0xf4 ? 0x8f : 0xbf };
}

int32_t text_next(struct text text, size_t *offset)
{
	size_t at = *offset;
	unsigned char byte = (unsigned char)text.ptr[at++];
	struct sequence sequence;
	int32_t c;

	*offset = at;
	if (byte < 0x80)
		return byte;
	sequence = sequence_of(byte);
	if (sequence.total == 0)
		return -1;
	c = byte & (0x7f >> sequence.total);
	for (unsigned i = 1; i < sequence.total; i++) {
		if (at >= text.len)
			return -1;
		byte = (unsigned char)text.ptr[at];
		if (byte < sequence.low || byte > sequence.high)
			return -1;
		c = c << 6 | (byte & 0x3f);
		*offset = ++at;
		sequence.low = 0x80;
		sequence.high = 0xbf;
	}
	return c;
}

/* The offset from which on bytes are not plain ASCII, at or after offset. */
static size_t skip_ascii(struct text text, size_t offset)
{
	while (text.len - offset >= sizeof(uint64_t)) {
		uint64_t bytes;

		memcpy(&bytes, text.ptr + offset, sizeof(bytes));
		if ((bytes & HIGH_BITS) != 0)
			break;
		offset += sizeof(bytes);
	}
	while (offset < text.len && (unsigned char)text.ptr[offset] < 0x80)
		offset++;
	return offset;
}

bool text_is_utf8(struct text text)
{
	size_t offset = 0;

	while ((offset = skip_ascii(text, offset)) < text.len) {
		if (text_next(text, &offset) < 0)
			return false;
	}
	return true;
}

bool text_has_control(struct text text)
{
	size_t offset = 0;

	while (offset < text.len) {
		int32_t c = text_next(text, &offset);

		if (c < 0x20 || (c >= 0x7f && c <= 0x9f))
			return true;
	}
	return false;
}

size_t text_length(struct text text)
{
	size_t length = 0;

	for (size_t i = 0; i < text.len; i++)
		length += !is_continuation(text.ptr[i]);
	return length;
}

/* Not assigned yet, but ignorable when they are; utf8proc knows only those
 * that are assigned. */
static bool is_reserved_ignorable(int32_t c)
{
	return c == 0x2065 || (c >= 0xfff0 && c <= 0xfff8) ||
	       (c >= 0xe0000 && c <= 0xe0fff);
}

static bool is_noncharacter(int32_t c)
{
	return (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

bool text_is_invisible(int32_t c)
{
	const utf8proc_property_t *property = utf8proc_get_property(c);

	return property->category == UTF8PROC_CATEGORY_CC ||
	       property->category == UTF8PROC_CATEGORY_CF ||
	       property->ignorable || is_reserved_ignorable(c) ||
	       is_noncharacter(c) || c == 0x2800;
}

int text_hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

void text_lower_ascii(char *ptr, size_t len)
{
	for (size_t i = 0; i < len; i++)
		ptr[i] = lower_ascii(ptr[i]);
}

enum err text_to_int64(struct text text, int64_t *value)
{
	bool is_negative = text.len > 0 && text.ptr[0] == '-';
	bool fits = true;
	int64_t number = 0;

	if (text.len == (is_negative ? 1 : 0))
		return ERR_INVALID;
	for (size_t i = is_negative ? 1 : 0; i < text.len; i++) {
		int digit = text.ptr[i] - '0';

		if (digit < 0 || digit > 9)
			return ERR_INVALID;
		/* Counted on the negative side, which reaches further. */
		fits = fits && !__builtin_mul_overflow(number, 10, &number) &&
		       !__builtin_sub_overflow(number, digit, &number);
	}
	if (!fits)
		*value = is_negative ? INT64_MIN : INT64_MAX;
	else if (is_negative)
		*value = number;
	else
		*value = number == INT64_MIN ? INT64_MAX : -number;
	return ERR_OK;
}

static enum err fold_ascii(struct text text, char **owned, struct text *folded)
{
	/* One byte more: malloc(0) may be NULL. */
	char *copy = malloc(text.len + 1);

	if (copy == NULL)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < text.len; i++)
		copy[i] = lower_ascii(text.ptr[i]);
	copy[text.len] = '\0';
	*owned = copy;
	*folded = (struct text){ copy, text.len };
	return ERR_OK;
}

/* Where a code point's form has combining marks, and how many. */
struct marks {
	size_t leading, trailing; /* the same when there is nothing else */
	bool is_all;
};

static struct marks marks_of(int32_t c)
{
	struct marks marks = { .is_all = true };
	utf8proc_int32_t parts[PARTS_MAX];
	utf8proc_ssize_t count;
	int unused = 0;

	count = utf8proc_decompose_char(c, parts, PARTS_MAX, FOLD, &unused);
	for (utf8proc_ssize_t i = 0; i < count && i < PARTS_MAX; i++) {
		if (utf8proc_get_property(parts[i])->combining_class != 0) {
			marks.leading += marks.is_all;
			marks.trailing++;
		} else {
			marks.is_all = false;
			marks.trailing = 0;
		}
	}
	return marks;
}

/* The end of the slice that begins at start: before the mark that would be one
 * too many in a row (UAX #15, Stream-Safe Text Process). */
static size_t find_slice_end(struct text text, size_t start)
{
	size_t offset = start, row = 0;

	while (offset < text.len) {
		size_t next = offset;
		int32_t c = text_next(text, &next);
		struct marks marks = marks_of(c);

		if (row + marks.leading > MARKS_MAX)
			break;
		row = marks.is_all ? row + marks.leading : marks.trailing;
		offset = next;
	}
	return offset;
}

static enum err fold_slice(struct text text, struct buffer *out)
{
	utf8proc_uint8_t *mapped = NULL;
	utf8proc_ssize_t len;

	len = utf8proc_map((const utf8proc_uint8_t *)text.ptr,
			   (utf8proc_ssize_t)text.len, &mapped, FOLD);
	if (len == UTF8PROC_ERROR_INVALIDUTF8)
		return ERR_INVALID;
	if (len < 0)
		return ERR_NO_MEMORY;
	buffer_append(out, mapped, (size_t)len);
	free(mapped);
	return ERR_OK;
}

enum err text_fold(struct text text, char **owned, struct text *folded)
{
	enum err err = ERR_OK;
	struct buffer out;
	size_t start = 0;

	if (text.len > PTRDIFF_MAX / 64)
		return ERR_NO_MEMORY;
	if (skip_ascii(text, 0) == text.len)
		return fold_ascii(text, owned, folded);
	buffer_init(&out);
	while (start < text.len && err == ERR_OK) {
		size_t end = find_slice_end(text, start);

		err = fold_slice(text_slice(text, start, end - start), &out);
		start = end;
	}
	if (err == ERR_OK && buffer_is_failed(&out))
		err = ERR_NO_MEMORY;
	if (err == ERR_OK) {
		*owned = out.ptr;
		*folded = buffer_text(&out);
		buffer_init(&out);
	}
	buffer_release(&out);
	return err;
}

#define STRING_OF_(token) #token
#define STRING_OF(token)  STRING_OF_(token)

const char *text_library(void)
{
	return "utf8proc " STRING_OF(UTF8PROC_VERSION_MAJOR) "." STRING_OF(
		UTF8PROC_VERSION_MINOR) "." STRING_OF(UTF8PROC_VERSION_PATCH);
}
