/*
 * A byte at a time, so that a wrong one is seen at once and none is taken that
 * belongs to the client.
 */
#include "config.h"

#include "core/proxyheader.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "core/text.h"

#define SIGNATURE_BYTES 12
#define FIXED_BYTES	16 /* of version 2, before the addresses */
#define TEXT_FIELDS	6

static const unsigned char text_start[] = { 'P', 'R', 'O', 'X', 'Y', ' ' };
static const unsigned char signature[SIGNATURE_BYTES] = {
	'\r', '\n', '\r', '\n', '\0', '\r', '\n', 'Q', 'U', 'I', 'T', '\n',
};

/* --- version 1: a line of text ------------------------------------------- */

/* Splits at single blanks; how many fields there are, at most one more than
 * there may be. */
static size_t split(struct text line, struct text fields[TEXT_FIELDS + 1])
{
	size_t count = 0;
	size_t start = 0;

	while (count <= TEXT_FIELDS) {
		struct text rest = text_slice(line, start, line.len);
		size_t len = text_find_byte(rest, ' ');

		fields[count++] = text_slice(rest, 0, len);
		if (len == rest.len)
			break;
		start += len + 1;
	}
	return count;
}

static bool read_address(int family, struct text text,
			 unsigned char address[16])
{
	char string[INET6_ADDRSTRLEN];

	if (text.len >= sizeof(string))
		return false;
	memcpy(string, text.ptr, text.len);
	string[text.len] = '\0';
	return inet_pton(family, string, address) == 1;
}

/* Decimal without a sign or leading zeros, 0 to 65535. */
static bool read_port(struct text text, uint16_t *port)
{
	unsigned long value = 0;

	if (text.len == 0 || text.len > 5 ||
	    (text.len > 1 && text.ptr[0] == '0'))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		value = value * 10 + (unsigned long)(text.ptr[i] - '0');
	}
	*port = (uint16_t)value;
	return value <= UINT16_MAX;
}

/* PROXY TCP4 client server client-port server-port */
static bool read_line(struct proxyheader *header, struct text line)
{
	struct text fields[TEXT_FIELDS + 1];
	size_t count = split(line, fields);
	unsigned char server[16];
	uint16_t server_port;
	int family;

	if (count >= 2 && text_is_equal(fields[1], TEXT("UNKNOWN")))
		return true; /* whatever else the line has */
	if (count != TEXT_FIELDS)
		return false;
	if (text_is_equal(fields[1], TEXT("TCP4"))) {
		header->source = PROXYHEADER_IPV4;
		family = AF_INET;
	} else if (text_is_equal(fields[1], TEXT("TCP6"))) {
		header->source = PROXYHEADER_IPV6;
		family = AF_INET6;
	} else {
		return false;
	}
	return read_address(family, fields[2], header->address) &&
	       read_address(family, fields[3], server) &&
	       read_port(fields[4], &header->port) &&
	       read_port(fields[5], &server_port);
}

/* The byte at this place, which is not the first. */
static enum proxyheader_state take_text(struct proxyheader *header, size_t at,
					unsigned char byte)
{
	bool after_cr = header->bytes[at - 1] == '\r';
	struct text line = { (const char *)header->bytes, at - 1 };

	if (at < sizeof(text_start))
		return byte == text_start[at] ? PROXYHEADER_READING :
						PROXYHEADER_INVALID;
	if (after_cr && byte == '\n')
		return read_line(header, line) ? PROXYHEADER_DONE :
						 PROXYHEADER_INVALID;
	if (after_cr || header->len == PROXYHEADER_TEXT_MAX_BYTES)
		return PROXYHEADER_INVALID;
	if (byte != '\r' && (byte < ' ' || byte > '~'))
		return PROXYHEADER_INVALID;
	return PROXYHEADER_READING;
}

/* --- version 2: a block of bytes ----------------------------------------- */

enum command { COMMAND_LOCAL = 0x20, COMMAND_PROXY = 0x21 };

/* Address family and protocol in one byte; only those of streams. */
static const struct {
	unsigned char kind;
	enum proxyheader_source source;
	size_t address_bytes; /* of each of the two */
	size_t block_bytes;   /* the two, with their ports */
} kinds[] = {
	{ 0x00, PROXYHEADER_ITSELF, 0, 0 },
	{ 0x11, PROXYHEADER_IPV4, 4, 12 },
	{ 0x21, PROXYHEADER_IPV6, 16, 36 },
	{ 0x31, PROXYHEADER_UNIX, 0, 216 },
};

/* The fixed part is there. */
static enum proxyheader_state judge_fixed(struct proxyheader *header)
{
	const unsigned char *bytes = header->bytes;
	size_t block = (size_t)bytes[14] << 8 | bytes[15];

	header->total = FIXED_BYTES + block;
	if (header->total > PROXYHEADER_MAX_BYTES)
		return PROXYHEADER_INVALID;
	if (bytes[12] == COMMAND_LOCAL)
		return PROXYHEADER_READING;
	if (bytes[12] != COMMAND_PROXY)
		return PROXYHEADER_INVALID;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].kind == bytes[13] && kinds[i].block_bytes <= block)
			return PROXYHEADER_READING;
	return PROXYHEADER_INVALID;
}

/* All of it is there; of what follows the addresses nothing is needed. */
static void read_block(struct proxyheader *header)
{
	const unsigned char *address = header->bytes + FIXED_BYTES;
	const unsigned char *port;
	size_t len = 0;

	if (header->bytes[12] == COMMAND_LOCAL)
		return;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].kind != header->bytes[13])
			continue;
		header->source = kinds[i].source;
		len = kinds[i].address_bytes;
	}
	if (len == 0)
		return;
	memcpy(header->address, address, len);
	port = address + 2 * len;
	header->port = (uint16_t)(port[0] << 8 | port[1]);
}

static enum proxyheader_state take_block(struct proxyheader *header, size_t at,
					 unsigned char byte)
{
	enum proxyheader_state state = PROXYHEADER_READING;

	if (at < SIGNATURE_BYTES && byte != signature[at])
		return PROXYHEADER_INVALID;
	if (header->len == FIXED_BYTES)
		state = judge_fixed(header);
	if (state != PROXYHEADER_READING || header->len != header->total)
		return state;
	read_block(header);
	return PROXYHEADER_DONE;
}

/* --- both ---------------------------------------------------------------- */

static enum proxyheader_state take_byte(struct proxyheader *header,
					unsigned char byte)
{
	size_t at = header->len++;

	if (at < sizeof(header->bytes))
		header->bytes[at] = byte;
	if (at == 0)
		return byte == text_start[0] || byte == signature[0] ?
			       PROXYHEADER_READING :
			       PROXYHEADER_INVALID;
	return header->bytes[0] == text_start[0] ? take_text(header, at, byte) :
						   take_block(header, at, byte);
}

void proxyheader_init(struct proxyheader *header)
{
	memset(header, 0, sizeof(*header));
}

size_t proxyheader_take(struct proxyheader *header, const void *bytes,
			size_t len)
{
	const unsigned char *next = bytes;
	size_t taken = 0;

	while (taken < len && header->state == PROXYHEADER_READING)
		header->state = take_byte(header, next[taken++]);
	return taken;
}
