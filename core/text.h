/*
 * Text: a borrowed pointer and a length, and what todod needs of Unicode.
 * This is the only door to utf8proc.  Nothing here allocates unless it says so.
 */
#ifndef TODOD_CORE_TEXT_H
#define TODOD_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

/* Bytes that somebody else owns; not NUL-terminated.  ptr may be NULL only
 * when len is 0. */
struct text {
	const char *ptr;
	size_t len;
};

/* A text of a string literal. */
#define TEXT(literal) ((struct text){ "" literal, sizeof(literal) - 1 })

/* The text of a NUL-terminated string (NULL gives the empty text). */
struct text text_of(const char *string);

bool text_is_equal(struct text a, struct text b);

/* Equality that folds A-Z only (header names, schemes, host names). */
bool text_is_equal_nocase(struct text a, struct text b);

bool text_has_prefix(struct text text, struct text prefix);

/* Whether part, byte for byte, is somewhere in text; the empty one always is.
 * Takes time as the two together are long. */
bool text_contains(struct text text, struct text part);

/* Position of the first byte c, or text.len when there is none. */
size_t text_find_byte(struct text text, char c);

/* The part of text from offset on, at most len bytes (both clamped). */
struct text text_slice(struct text text, size_t offset, size_t len);

/* Without the spaces and tabs at both ends (HTTP's OWS). */
struct text text_trim_blank(struct text text);

/* Without Unicode White_Space (PropList.txt) at both ends.  The text must be
 * valid UTF-8. */
struct text text_trim_space(struct text text);

/* Whether the bytes are well-formed UTF-8 (RFC 3629: no surrogates, nothing
 * overlong, nothing above U+10FFFF). */
bool text_is_utf8(struct text text);

/* Whether there is a control character (category Cc).  The text must be valid
 * UTF-8. */
bool text_has_control(struct text text);

/*
 * Reads the character at *offset, which is less than text.len, and moves
 * *offset past it.  Gives its code point, or -1 where the bytes are not UTF-8:
 * *offset is then past what one U+FFFD stands for ("maximal subpart" in the
 * Unicode Standard, as Python decodes with errors="replace").
 */
int32_t text_next(struct text text, size_t *offset);

/* Number of code points of valid UTF-8. */
size_t text_length(struct text text);

/*
 * Whether nothing of a code point can be seen, spaces aside: controls, format
 * characters (general category Cf), Default_Ignorable_Code_Point with what is
 * reserved for it, U+2800 (a blank of braille), and noncharacters.
 */
bool text_is_invisible(int32_t c);

/* Value of a hexadecimal digit of either case, -1 when c is none. */
int text_hex_value(char c);

/* Lower-cases A-Z in place. */
void text_lower_ascii(char *ptr, size_t len);

/*
 * Reads a decimal integer: an optional '-', then digits only.
 * ERR_INVALID when it is not one; when it is one but does not fit, *value is
 * INT64_MAX or INT64_MIN and the result is ERR_OK.
 */
enum err text_to_int64(struct text text, int64_t *value)
	__attribute__((warn_unused_result));

/*
 * Copies the case-folded form of valid UTF-8 (utf8proc's NFC + CASEFOLD) into
 * memory from malloc, which the caller frees; *folded borrows it.  More than 30
 * combining marks in a row are folded 30 by 30 (as UAX #15's Stream-Safe Text
 * has them), so that the time grows as the text does.
 * ERR_NO_MEMORY, or ERR_INVALID when the bytes are not UTF-8.
 */
enum err text_fold(struct text text, char **owned, struct text *folded)
	__attribute__((warn_unused_result));

/* Name and version of the Unicode library, for --version. */
const char *text_library(void);

#endif
