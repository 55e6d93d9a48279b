/*
 * HTTP/1.1 requests (RFC 9112), read strictly and piece by piece from a buffer
 * that grows: no socket, no memory of its own, no byte is looked at twice.  The
 * same bytes give the same request or refusal in whatever pieces they come.
 *
 * What may be read in two ways is refused: bare LF and CR, folded lines, blanks
 * before a colon, a second length, a length beside chunks, codings other than
 * chunked.  A refusal ends the connection, since nobody knows where the next
 * request begins.
 */
#ifndef TODOD_CORE_HTTPPARSER_H
#define TODOD_CORE_HTTPPARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buffer.h"
#include "core/http.h"
#include "core/httpchunks.h"

#define HTTPPARSER_LINE_MAX_BYTES   4096  /* more: 414 */
#define HTTPPARSER_FIELDS_MAX_BYTES 16384 /* all of them; more: 431 */
#define HTTPPARSER_FIELDS_MAX	    100	  /* more: 431 */

/* How far a request is. */
enum httpparser_stage {
	HTTPPARSER_NOTHING, /* not even its first byte has come */
	HTTPPARSER_HEAD,
	HTTPPARSER_BODY,
	HTTPPARSER_DONE, /* complete, or refused */
};

enum httpparser_state {
	HTTPPARSER_BLANK,    /* an empty line or the first byte of a method */
	HTTPPARSER_BLANK_LF, /* the end of that empty line */
	HTTPPARSER_METHOD,
	HTTPPARSER_TARGET,
	HTTPPARSER_VERSION, /* and the end of the line */
	HTTPPARSER_FIELD,   /* the first byte of a field, or the empty line */
	HTTPPARSER_NAME,
	HTTPPARSER_VALUE_BLANK, /* blanks before a value */
	HTTPPARSER_VALUE,
	HTTPPARSER_VALUE_LF,
	HTTPPARSER_HEAD_LF, /* the end of the empty line */
	HTTPPARSER_LENGTH,  /* a body of known length */
	HTTPPARSER_CHUNKS,
	HTTPPARSER_END,
};

/* A line of the header section, as offsets: the buffer may move. */
struct httpparser_field {
	uint16_t name_at, name_len;
	uint16_t value_at, value_len;
};

/* Callers look at what stands first, the rest is the parser's own. */
struct httpparser {
	int refusal;	     /* the status to refuse with; 0: none */
	bool persists;	     /* the connection may have another request */
	uint8_t minor;	     /* of the version 1.x: 0 or 1 */
	size_t next_at;	     /* when done: where the next request begins */
	size_t field_count;  /* that are complete */
	bool is_continuable; /* the client waits for "100 Continue" */

	enum httpparser_state state;
	bool has_blank; /* an empty line went before */
	bool is_body_too_large;
	bool wants_close, wants_keep;
	bool expects_other;
	enum http_method method;
	size_t at;    /* the first byte not looked at */
	size_t begin; /* of the request line, then of the fields */
	size_t target_at, target_len;
	size_t authority_at, authority_len; /* of an absolute target */
	size_t body_at, body_len;
	size_t length; /* that the body has still to have, all of it */
	unsigned hosts, lengths, encodings;
	size_t host, length_field, encoding; /* the last of each */
	bool is_connect;
	struct httpchunks chunks;
	struct httpparser_field fields[HTTPPARSER_FIELDS_MAX];
};

void httpparser_init(struct httpparser *parser);

/*
 * Reads on in bytes, to which the caller has appended; what stands there
 * belongs to the parser until the request has been dealt with.  In a body in
 * chunks len shrinks, since they are unwrapped in place.
 */
enum httpparser_stage httpparser_run(struct httpparser *parser,
				     struct buffer *bytes);

/*
 * Gives up waiting for the rest, with this status unless there is a reason
 * already: a time-out, or the end of what the client sends.
 */
void httpparser_refuse(struct httpparser *parser, int status);

/*
 * The request as far as it is known, all of it when it was not refused: fills
 * headers, of which there are field_count.  Everything borrows bytes until the
 * next change of it.
 */
void httpparser_request(const struct httpparser *parser,
			const struct buffer *bytes, struct http_header *headers,
			struct http_request *request);

#endif
