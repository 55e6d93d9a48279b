/*
 * Addresses of peers and clients: IPv4, IPv6, or the other end of a unix
 * socket, which has none.  IPv4 that comes as IPv6 (::ffff:192.0.2.1) is IPv4.
 */
#ifndef TODOD_CORE_IP_H
#define TODOD_CORE_IP_H

#include <stdbool.h>

#include "core/err.h"
#include "core/text.h"

#define IP_BYTES      16
#define IP_TEXT_BYTES 46 /* the longest IPv6 address and the NUL */

enum ip_family {
	IP_NONE, /* not known */
	IP_UNIX, /* the other end of a unix socket */
	IP_V4,
	IP_V6,
};

struct ip {
	enum ip_family family;
	unsigned char bytes[IP_BYTES]; /* network order; IPv4 has four */
};

/* Reads an address without brackets, port and zone, or "unix".  ERR_INVALID;
 * *ip is then unchanged. */
enum err ip_parse(struct text text, struct ip *ip)
	__attribute__((warn_unused_result));

/* As ip_parse() reads it, IPv6 in its canonical form (RFC 5952); IP_NONE is
 * the empty string. */
void ip_format(const struct ip *ip, char out[IP_TEXT_BYTES]);

/* Bits of an address: 32, 128, or 0 when it has none. */
unsigned ip_bits(const struct ip *ip);

bool ip_is_equal(const struct ip *a, const struct ip *b);

/* Whether two of the same family agree in their first bits. */
bool ip_has_prefix(const struct ip *ip, const struct ip *base, unsigned bits);

/* The address with all but its first bits set to zero. */
struct ip ip_network(const struct ip *ip, unsigned bits);

/* What is counted as one client: an IPv4 address, or the first 64 bits of an
 * IPv6 address, since who has one of these has all of them. */
struct ip ip_holder(const struct ip *ip);

/* 127.0.0.0/8 and ::1. */
bool ip_is_loopback(const struct ip *ip);

/*
 * Whether it can only be that of a neighbour: loopback, RFC 1918, RFC 6598
 * (which clouds use between their edge and a container), link-local, fc00::/7.
 */
bool ip_is_private(const struct ip *ip);

#endif
