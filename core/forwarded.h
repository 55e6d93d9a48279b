/*
 * What proxies say about the client behind them: Forwarded (RFC 7239),
 * X-Forwarded-For, -Proto and -Host, X-Real-IP.  Anybody can send these, so
 * they count only from a peer in the list of trusted proxies, and only as far
 * back as the chain of trusted proxies reaches: each of them adds the address
 * it was called from at the right, so the client is the right-most address that
 * is no trusted proxy's.  What stands left of it, the client may have made up.
 */
#ifndef TODOD_CORE_FORWARDED_H
#define TODOD_CORE_FORWARDED_H

#include <stdbool.h>

#include "core/cidr.h"
#include "core/http.h"
#include "core/ip.h"
#include "core/text.h"

enum forwarded_scheme {
	FORWARDED_UNSAID,
	FORWARDED_HTTP,
	FORWARDED_HTTPS,
};

struct forwarded {
	struct ip client;
	enum forwarded_scheme scheme; /* between the client and its proxy */
	struct text host; /* a valid one, in the request; empty: unsaid */
	/* Headers contradict each other: some proxy leaves one alone that its
	 * client has sent.  The client is then the peer. */
	bool is_contradictory;
};

/*
 * Judges a request by its peer and its headers.  A peer that is not trusted is
 * the client.  An entry that names no address (unknown, an obfuscated
 * identifier, garbage) ends the chain: the client is then the proxy that wrote
 * it.  Several headers of one name are one list.  X-Real-IP is one entry.
 * Linear in the length of the headers, takes no memory.
 */
void forwarded_judge(const struct http_request *request,
		     const struct cidr_list *trusted, struct forwarded *out);

/* Whether there is any header that names a client. */
bool forwarded_is_sent(const struct http_request *request);

/* Whether a text is a host with or without a port (RFC 9110, 7.2): nothing
 * that could end a header or become another part of a URL. */
bool forwarded_is_host(struct text text);

/* A host without its port. */
struct text forwarded_host_name(struct text host);

#endif
