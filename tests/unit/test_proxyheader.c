/* What proxies say of their clients, whole, cut anywhere, and wrong. */
#include "config.h"

#include "core/proxyheader.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define V2	      "\r\n\r\n\0\r\nQUIT\n"
#define IPV4                                                           \
	"\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x02\xdd\xd5\x01" \
	"\xbb"
#define IPV6_BLOCK                                                           \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0" \
	"\0\0\0\0\0\0\0\x02\xdd\xd5\x01\xbb"

#define CASE(name, literal, state, source, address, port)                   \
	{                                                                   \
		name, literal, sizeof(literal) - 1, state, source, address, \
			port                                                \
	}
#define GOOD(name, literal, source, address, port) \
	CASE(name, literal, PROXYHEADER_DONE, source, address, port)
#define BAD(name, literal) \
	CASE(name, literal, PROXYHEADER_INVALID, PROXYHEADER_ITSELF, "", 0)
#define SHORT(name, literal) \
	CASE(name, literal, PROXYHEADER_READING, PROXYHEADER_ITSELF, "", 0)

static const struct {
	const char *name;
	const char *bytes;
	size_t len;
	enum proxyheader_state state;
	enum proxyheader_source source;
	const char *address;
	uint16_t port;
} cases[] = {
	GOOD("a line of IPv4",
	     "PROXY TCP4 192.0.2.1 198.51.100.2 56789 443\r\n",
	     PROXYHEADER_IPV4, "\xc0\x00\x02\x01", 56789),
	GOOD("a line of IPv6", "PROXY TCP6 2001:db8::1 ::1 56789 443\r\n",
	     PROXYHEADER_IPV6, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01",
	     56789),
	GOOD("the longest line of IPv6",
	     "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
	     PROXYHEADER_IPV6,
	     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
	     65535),
	GOOD("an unknown client", "PROXY UNKNOWN\r\n", PROXYHEADER_ITSELF, "",
	     0),
	GOOD("an unknown client, and as many words as fit",
	     "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
	     PROXYHEADER_ITSELF, "", 0),
	GOOD("port 0", "PROXY TCP4 192.0.2.1 198.51.100.2 0 0\r\n",
	     PROXYHEADER_IPV4, "\xc0\x00\x02\x01", 0),
	GOOD("a block of IPv4", V2 IPV4, PROXYHEADER_IPV4, "\xc0\x00\x02\x01",
	     56789),
	GOOD("a block of IPv6", V2 "\x21\x21\x00\x24" IPV6_BLOCK,
	     PROXYHEADER_IPV6, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01",
	     56789),
	GOOD("a block with something behind the addresses",
	     V2 "\x21\x11\x00\x12\xc0\x00\x02\x01\xc6\x33\x64\x02\xdd\xd5\x01"
		"\xbb\x04\x00\x03"
		"abc",
	     PROXYHEADER_IPV4, "\xc0\x00\x02\x01", 56789),
	GOOD("a proxy that speaks for itself", V2 "\x20\x00\x00\x00",
	     PROXYHEADER_ITSELF, "", 0),
	GOOD("the same, whatever else it says", V2 "\x20\xff\x00\x03xyz",
	     PROXYHEADER_ITSELF, "", 0),
	GOOD("a client of an unknown kind", V2 "\x21\x00\x00\x02xy",
	     PROXYHEADER_ITSELF, "", 0),
	SHORT("nothing", ""),
	SHORT("half a line", "PROXY TCP4 192.0.2.1 198.51"),
	SHORT("a line without its last byte",
	      "PROXY TCP4 192.0.2.1 198.51.100.2 56789 443\r"),
	SHORT("a block without its last byte", V2
	      "\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x02\xdd\xd5\x01"),
	BAD("a request", "GET / HTTP/1.1\r\n"),
	BAD("a handshake of TLS", "\x16\x03\x01\x02\x00\x01"),
	BAD("another method in P", "POST / HTTP/1.1\r\n"),
	BAD("lower case", "proxy TCP4 192.0.2.1 198.51.100.2 1 2\r\n"),
	BAD("another word", "PROXYTCP4 192.0.2.1 198.51.100.2 1 2\r\n"),
	BAD("another protocol", "PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n"),
	BAD("two blanks", "PROXY TCP4  192.0.2.1 198.51.100.2 1 2\r\n"),
	BAD("a blank at the end", "PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n"),
	BAD("a tab", "PROXY TCP4\t192.0.2.1 198.51.100.2 1 2\r\n"),
	BAD("a field too few", "PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n"),
	BAD("a field too many", "PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n"),
	BAD("no field at all", "PROXY \r\n"),
	BAD("a line that ends in LF",
	    "PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n"),
	BAD("a CR within", "PROXY TCP4 192.0.2.1\r198.51.100.2 1 2\r\n"),
	BAD("a NUL", "PROXY UNKNOWN \0\r\n"),
	BAD("a byte beyond ASCII", "PROXY UNKNOWN \xc3\xa9\r\n"),
	BAD("IPv6 where IPv4 belongs", "PROXY TCP4 ::1 ::1 1 2\r\n"),
	BAD("IPv4 where IPv6 belongs",
	    "PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n"),
	BAD("an octet above 255",
	    "PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n"),
	BAD("an octet in octal", "PROXY TCP4 192.0.02.1 198.51.100.2 1 2\r\n"),
	BAD("a zone", "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n"),
	BAD("a server that is none", "PROXY TCP4 192.0.2.1 nobody 1 2\r\n"),
	BAD("a port above 65535",
	    "PROXY TCP4 192.0.2.1 198.51.100.2 65536 2\r\n"),
	BAD("a port with a zero before it",
	    "PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n"),
	BAD("a port with a sign", "PROXY TCP4 192.0.2.1 198.51.100.2 +1 2\r\n"),
	BAD("an empty port", "PROXY TCP4 192.0.2.1 198.51.100.2 1 \r\n"),
	BAD("a line of 108 bytes",
	    "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535 xx\r\n"),
	BAD("another signature", "\r\n\r\n\0\r\nQUIX\n" IPV4),
	BAD("version 1 in a block", V2 "\x11\x11\x00\x0c"),
	BAD("version 3", V2 "\x31\x11\x00\x0c"),
	BAD("an unknown command", V2 "\x22\x11\x00\x0c"),
	BAD("datagrams", V2 "\x21\x12\x00\x0c"),
	BAD("a family without a protocol", V2 "\x21\x10\x00\x0c"),
	BAD("an unknown family", V2 "\x21\x41\x00\x0c"),
	BAD("a block too short for IPv4", V2 "\x21\x11\x00\x0b"),
	BAD("a block too short for IPv6", V2 "\x21\x21\x00\x23"),
	BAD("a block too short for unix sockets", V2 "\x21\x31\x00\xd7"),
	BAD("a block of more than there may be", V2 "\x21\x11\x02\x09"),
	BAD("the same of a proxy itself", V2 "\x20\x00\xff\xff"),
};

static bool is_as(const struct proxyheader *header, size_t i)
{
	size_t len = header->source == PROXYHEADER_IPV4 ? 4 : 16;

	if (header->state != cases[i].state)
		return false;
	if (header->state != PROXYHEADER_DONE)
		return true;
	if (header->source != cases[i].source || header->port != cases[i].port)
		return false;
	return header->source == PROXYHEADER_ITSELF ||
	       memcmp(header->address, cases[i].address, len) == 0;
}

/* The same in two pieces, for each place to cut; false where one differs. */
static bool is_as_in_pieces(size_t i)
{
	for (size_t cut = 0; cut <= cases[i].len; cut++) {
		struct proxyheader header;
		size_t taken;

		proxyheader_init(&header);
		taken = proxyheader_take(&header, cases[i].bytes, cut);
		taken += proxyheader_take(&header, cases[i].bytes + taken,
					  cases[i].len - taken);
		if (!is_as(&header, i) ||
		    (header.state == PROXYHEADER_DONE && taken != cases[i].len))
			return diag("cut at %zu", cut), false;
	}
	return true;
}

static bool is_as_byte_by_byte(size_t i)
{
	struct proxyheader header;

	proxyheader_init(&header);
	for (size_t at = 0; at < cases[i].len; at++)
		(void)proxyheader_take(&header, cases[i].bytes + at, 1);
	return is_as(&header, i);
}

static void check_cases(void)
{
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct proxyheader header;

		proxyheader_init(&header);
		(void)proxyheader_take(&header, cases[i].bytes, cases[i].len);
		tap_prefix(cases[i].name);
		ok(is_as(&header, i), "is read as what it is");
		ok(is_as_in_pieces(i), "in two pieces as well");
		ok(is_as_byte_by_byte(i), "and byte by byte");
	}
	tap_prefix(NULL);
}

static void check_limits(void)
{
	static const char unix_head[] = V2 "\x21\x31\x00\xd8";
	static const char full_head[] = V2 "\x21\x11\x02\x08";
	unsigned char bytes[PROXYHEADER_MAX_BYTES + 10];
	struct proxyheader header;
	size_t len = sizeof(unix_head) - 1;

	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, unix_head, len);
	proxyheader_init(&header);
	is_int(proxyheader_take(&header, bytes, sizeof(bytes)), len + 216,
	       "a block of unix sockets is taken as a whole");
	ok(header.state == PROXYHEADER_DONE &&
		   header.source == PROXYHEADER_UNIX,
	   "and is one");
	memcpy(bytes, full_head, sizeof(full_head) - 1);
	proxyheader_init(&header);
	is_int(proxyheader_take(&header, bytes, sizeof(bytes)),
	       PROXYHEADER_MAX_BYTES, "the longest block is taken");
	is_int(header.state, PROXYHEADER_DONE, "and is fine");
	is_int(proxyheader_take(&header, bytes, sizeof(bytes)), 0,
	       "after the end nothing more is taken");
}

static void check_what_follows(void)
{
	static const char bytes[] = "PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n";
	struct proxyheader header;

	proxyheader_init(&header);
	is_int(proxyheader_take(&header, bytes, sizeof(bytes) - 1),
	       strlen("PROXY UNKNOWN\r\n"),
	       "what follows is left to the client");
	proxyheader_init(&header);
	ok(proxyheader_take(&header, "GET /", 5) == 1 &&
		   header.state == PROXYHEADER_INVALID,
	   "the first wrong byte is the last one looked at");
}

int main(void)
{
	check_cases();
	check_limits();
	check_what_follows();
	return tap_done();
}
