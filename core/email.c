/* The syntax of e-mail addresses. */
#include "config.h"

#include "core/email.h"

#include <stdint.h>
#include <string.h>

static bool is_letter_or_digit(int32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

/* Beyond ASCII all but controls, and the spaces and invisible characters that
 * make two addresses look the same. */
static bool is_international(int32_t c)
{
	if (c < 0xa1 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
	    (c >= 0x2028 && c <= 0x202f) || c == 0x205f || c == 0x3000)
		return false;
	/* Private use and what stands for another character are no letters. */
	return !(c >= 0xe000 && c <= 0xf8ff) && c != 0xfffc && c != 0xfffd &&
	       c < 0xe0000 && !text_is_invisible(c);
}

/* atext of RFC 5322, and RFC 6532's addition. */
static bool is_atom_character(int32_t c)
{
	if (c >= 0x80)
		return is_international(c);
	return is_letter_or_digit(c) ||
	       (c > ' ' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool is_label_character(int32_t c)
{
	if (c >= 0x80)
		return is_international(c);
	return is_letter_or_digit(c) || c == '-';
}

static bool has_only(struct text text, bool (*is_allowed)(int32_t))
{
	size_t offset = 0;

	while (offset < text.len) {
		if (!is_allowed(text_next(text, &offset)))
			return false;
	}
	return text.len > 0;
}

static bool is_atom(struct text text)
{
	return has_only(text, is_atom_character);
}

static bool is_label(struct text text)
{
	return text.len <= EMAIL_LABEL_MAX_BYTES &&
	       has_only(text, is_label_character) && text.ptr[0] != '-' &&
	       text.ptr[text.len - 1] != '-';
}

/* Whether every part between dots is one, and how many there are; *last is
 * the last of them. */
static bool has_parts(struct text text, bool (*is_part)(struct text),
		      size_t *count, struct text *last)
{
	*count = 0;
	for (;;) {
		size_t dot = text_find_byte(text, '.');

		*last = text_slice(text, 0, dot);
		if (!is_part(*last))
			return false;
		++*count;
		if (dot == text.len)
			return true;
		text = text_slice(text, dot + 1, text.len);
	}
}

static bool is_digit(int32_t c)
{
	return c >= '0' && c <= '9';
}

bool email_is_valid(struct text email)
{
	size_t at = text_find_byte(email, '@');
	struct text local = text_slice(email, 0, at);
	struct text domain = text_slice(email, at + 1, email.len);
	struct text last;
	size_t count;

	if (email.len > EMAIL_MAX_BYTES || local.len > EMAIL_LOCAL_MAX_BYTES)
		return false;
	/* A second '@' is no label character. */
	return has_parts(local, is_atom, &count, &last) &&
	       has_parts(domain, is_label, &count, &last) && count >= 2 &&
	       !has_only(last, is_digit);
}
