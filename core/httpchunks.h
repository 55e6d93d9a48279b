/*
 * A body in chunks (RFC 9112, 7.1), unwrapped in place as it comes in.  Strict
 * where others have been lenient and read another length: sizes are plain
 * hexadecimal digits, lines end in CRLF.  Extensions and trailers are checked,
 * bounded and dropped.
 */
#ifndef TODOD_CORE_HTTPCHUNKS_H
#define TODOD_CORE_HTTPCHUNKS_H

#include <stddef.h>
#include <stdint.h>

/* Over all chunks of a body. */
#define HTTPCHUNKS_EXTENSIONS_MAX_BYTES 4096
#define HTTPCHUNKS_TRAILERS_MAX_BYTES	4096

enum httpchunks_state {
	HTTPCHUNKS_SIZE,	    /* hexadecimal digits */
	HTTPCHUNKS_EXTENSION_BLANK, /* blanks before a ';' */
	HTTPCHUNKS_EXTENSION_START, /* the name of an extension */
	HTTPCHUNKS_EXTENSION,	    /* the rest of the line */
	HTTPCHUNKS_SIZE_LF,
	HTTPCHUNKS_DATA,
	HTTPCHUNKS_DATA_CR,
	HTTPCHUNKS_DATA_LF,
	HTTPCHUNKS_TRAILER_START, /* a name, or the empty line */
	HTTPCHUNKS_TRAILER_NAME,
	HTTPCHUNKS_TRAILER_VALUE,
	HTTPCHUNKS_TRAILER_LF,
	HTTPCHUNKS_LAST_LF,
	HTTPCHUNKS_DONE,
	HTTPCHUNKS_TOO_LARGE, /* more data than it may have */
	HTTPCHUNKS_REFUSED,   /* status says why */
};

struct httpchunks {
	enum httpchunks_state state;
	int status; /* in HTTPCHUNKS_REFUSED: 400 or 431 */
	unsigned digits;
	uint64_t size; /* of this chunk; what is left of it in its data */
	size_t extension_bytes;
	size_t trailer_bytes;
};

void httpchunks_init(struct httpchunks *chunks);

/* Bytes from read on are raw, those before write are data already. */
struct httpchunks_span {
	size_t write;
	size_t read;
	size_t end;
	size_t data_max_bytes; /* that the data may still grow by */
};

/*
 * Reads on until the bytes end or the state is one of the last three; data is
 * moved down to write.  No byte is looked at twice: afterwards all up to read
 * may be dropped.
 */
void httpchunks_run(struct httpchunks *chunks, char *bytes,
		    struct httpchunks_span *span);

#endif
