/* Addresses: reading, writing, comparing. */
#include "config.h"

#include "core/ip.h"

#include <arpa/inet.h>
#include <string.h>

#define HOLDER_BITS 64 /* of IPv6 */

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

enum err ip_parse(struct text text, struct ip *ip)
{
	struct ip found = { .family = IP_NONE };
	char string[IP_TEXT_BYTES];

	if (text_is_equal(text, TEXT("unix"))) {
		ip->family = IP_UNIX;
		memset(ip->bytes, 0, sizeof(ip->bytes));
		return ERR_OK;
	}
	if (text.len == 0 || text.len >= sizeof(string) ||
	    text_find_byte(text, '\0') != text.len)
		return ERR_INVALID;
	memcpy(string, text.ptr, text.len);
	string[text.len] = '\0';
	if (inet_pton(AF_INET, string, found.bytes) == 1) {
		found.family = IP_V4;
	} else if (inet_pton(AF_INET6, string, found.bytes) == 1) {
		found.family = IP_V6;
		if (memcmp(found.bytes, mapped, sizeof(mapped)) == 0) {
			found.family = IP_V4;
			memcpy(found.bytes, found.bytes + sizeof(mapped), 4);
			memset(found.bytes + 4, 0, IP_BYTES - 4);
		}
	} else {
		return ERR_INVALID;
	}
	*ip = found;
	return ERR_OK;
}

void ip_format(const struct ip *ip, char out[IP_TEXT_BYTES])
{
	out[0] = '\0';
	switch (ip->family) {
	case IP_NONE:
		break;
	case IP_UNIX:
		memcpy(out, "unix", sizeof("unix"));
		break;
	case IP_V4:
		(void)inet_ntop(AF_INET, ip->bytes, out, IP_TEXT_BYTES);
		break;
	case IP_V6:
		(void)inet_ntop(AF_INET6, ip->bytes, out, IP_TEXT_BYTES);
		break;
	}
}

unsigned ip_bits(const struct ip *ip)
{
	switch (ip->family) {
	case IP_NONE:
	case IP_UNIX:
		break;
	case IP_V4:
		return 32;
	case IP_V6:
		return 128;
	}
	return 0;
}

bool ip_is_equal(const struct ip *a, const struct ip *b)
{
	return a->family == b->family &&
	       memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

struct ip ip_network(const struct ip *ip, unsigned bits)
{
	struct ip network = *ip;

	for (unsigned i = 0; i < IP_BYTES; i++, bits -= bits < 8 ? bits : 8) {
		if (bits < 8)
			network.bytes[i] &=
				(unsigned char)(0xff00u >> bits & 0xffu);
	}
	return network;
}

struct ip ip_holder(const struct ip *ip)
{
	return ip->family == IP_V6 ? ip_network(ip, HOLDER_BITS) : *ip;
}

bool ip_has_prefix(const struct ip *ip, const struct ip *base, unsigned bits)
{
	struct ip a, b;

	if (ip->family != base->family)
		return false;
	a = ip_network(ip, bits);
	b = ip_network(base, bits);
	return ip_is_equal(&a, &b);
}

bool ip_is_loopback(const struct ip *ip)
{
	static const struct ip v4 = { IP_V4, { 127 } };
	static const struct ip v6 = { IP_V6, { [15] = 1 } };

	return ip_has_prefix(ip, &v4, 8) || ip_is_equal(ip, &v6);
}

bool ip_is_private(const struct ip *ip)
{
	static const struct {
		struct ip base;
		unsigned bits;
	} networks[] = {
		{ { IP_V4, { 10 } }, 8 },
		{ { IP_V4, { 172, 16 } }, 12 },
		{ { IP_V4, { 192, 168 } }, 16 },
		{ { IP_V4, { 100, 64 } }, 10 },
		{ { IP_V4, { 169, 254 } }, 16 },
		{ { IP_V6, { 0xfc } }, 7 },
		{ { IP_V6, { 0xfe, 0x80 } }, 10 },
	};

	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
		if (ip_has_prefix(ip, &networks[i].base, networks[i].bits))
			return true;
	}
	return ip_is_loopback(ip);
}
