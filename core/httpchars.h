/*
 * Which bytes may stand where in HTTP (RFC 9110, 5; RFC 3986): one table for
 * all the scanning of requests.
 */
#ifndef TODOD_CORE_HTTPCHARS_H
#define TODOD_CORE_HTTPCHARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"

/* Classes are bits: a byte may be in several. */
enum httpchars_class {
	HTTPCHARS_TOKEN = 1 << 0,  /* methods, names of fields */
	HTTPCHARS_TARGET = 1 << 1, /* visible ASCII but '#', which no target
				    * has: browsers send the rest as it is */
	HTTPCHARS_VALUE = 1 << 2,  /* visible, space, tab, 0x80 and above */
	HTTPCHARS_HOST = 1 << 3,   /* names of hosts, but for escapes */
};

extern const uint8_t httpchars_table[256];

static inline bool httpchars_has(enum httpchars_class class, char c)
{
	return (httpchars_table[(unsigned char)c] & class) != 0;
}

/* The position of the first byte from at on that is not of the class, or
 * end. */
static inline size_t httpchars_skip(enum httpchars_class class,
				    const char *bytes, size_t at, size_t end)
{
	while (at < end && httpchars_has(class, bytes[at]))
		at++;
	return at;
}

/* The same for HTTPCHARS_VALUE, of which most of a request is: eight bytes at a
 * time. */
size_t httpchars_skip_value(const char *bytes, size_t at, size_t end);

/* Whether text can be a Host: a name or address, perhaps empty, and perhaps a
 * port (RFC 3986, 3.2.2; no user information). */
bool httpchars_is_host(struct text text);

/* Whether it is what CONNECT wants: a host and a port that is not 0 (RFC 9110,
 * 9.3.6). */
bool httpchars_is_destination(struct text text);

#endif
