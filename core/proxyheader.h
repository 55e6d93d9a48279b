/*
 * What a proxy says of its client before the client's first byte: the PROXY
 * protocol of HAProxy, versions 1 and 2
 * (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt).
 *
 * The bytes may come in pieces.  Whether the one who sends them may say so is
 * the caller's to know.
 */
#ifndef TODOD_CORE_PROXYHEADER_H
#define TODOD_CORE_PROXYHEADER_H

#include <stddef.h>
#include <stdint.h>

/* The longest line of version 1, with its CR LF. */
#define PROXYHEADER_TEXT_MAX_BYTES 107
/* Of version 2, which has to fit into one segment of any network. */
#define PROXYHEADER_MAX_BYTES 536

enum proxyheader_state {
	PROXYHEADER_READING, /* wants more bytes */
	PROXYHEADER_DONE,    /* what follows is the client's */
	PROXYHEADER_INVALID, /* nothing that follows can be trusted */
};

enum proxyheader_source {
	PROXYHEADER_ITSELF, /* the proxy speaks for itself, or does not know */
	PROXYHEADER_IPV4,
	PROXYHEADER_IPV6,
	PROXYHEADER_UNIX,
};

/* Read state, source, address and port; the rest is the parser's. */
struct proxyheader {
	enum proxyheader_state state;
	enum proxyheader_source source; /* PROXYHEADER_DONE: the client … */
	unsigned char address[16];	/* … network order; IPv4 has four */
	uint16_t port;
	size_t len;   /* taken so far */
	size_t total; /* of version 2; 0: not known yet */
	unsigned char bytes[PROXYHEADER_TEXT_MAX_BYTES]; /* the first ones */
};

void proxyheader_init(struct proxyheader *header);

/* Takes the next bytes as far as they belong to the header; how many did. */
size_t proxyheader_take(struct proxyheader *header, const void *bytes,
			size_t len);

#endif
