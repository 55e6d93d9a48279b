/* Addresses: how they are read and written, and whose they can be. */
#include "config.h"

#include "core/ip.h"

#include <stdio.h>

#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *text, *shown;
} good[] = {
	{ "192.0.2.1", "192.0.2.1" },
	{ "0.0.0.0", "0.0.0.0" },
	{ "255.255.255.255", "255.255.255.255" },
	{ "::", "::" },
	{ "::1", "::1" },
	{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
	{ "::ffff:192.0.2.1", "192.0.2.1" },
	{ "::ffff:c000:201", "192.0.2.1" },
	{ "::fffe:192.0.2.1", "::fffe:c000:201" },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ "unix", "unix" },
};

static const char *const bad[] = {
	"",
	" 192.0.2.1",
	"192.0.2.1 ",
	"192.0.2",
	"192.0.2.256",
	"192.0.2.01",
	"192.0.2.1:80",
	"0x7f.0.0.1",
	"3221225985",
	"[::1]",
	"::1%lo",
	"fe80::1%eth0",
	":::",
	"1::2::3",
	"12345::",
	"localhost",
	"Unix",
	"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555",
};

static const struct {
	const char *text;
	bool is_private, is_loopback;
} owners[] = {
	{ "127.0.0.1", true, true },
	{ "127.255.255.255", true, true },
	{ "::1", true, true },
	{ "::ffff:127.0.0.1", true, true },
	{ "::2", false, false },
	{ "10.255.255.255", true, false },
	{ "11.0.0.0", false, false },
	{ "172.16.0.0", true, false },
	{ "172.31.255.255", true, false },
	{ "172.32.0.0", false, false },
	{ "192.168.255.255", true, false },
	{ "192.169.0.0", false, false },
	{ "100.64.0.0", true, false },
	{ "100.127.255.255", true, false },
	{ "100.128.0.0", false, false },
	{ "169.254.169.254", true, false },
	{ "fc00::", true, false },
	{ "fdff:ffff::1", true, false },
	{ "fe00::", false, false },
	{ "fe80::1", true, false },
	{ "febf::1", true, false },
	{ "fec0::1", false, false },
	{ "a00::", false, false },
	{ "8.8.8.8", false, false },
	{ "2001:db8::1", false, false },
	{ "unix", false, false },
};

static struct ip read_ip(const char *text)
{
	struct ip ip;

	if (ip_parse(text_of(text), &ip) != ERR_OK)
		bail_out("%s is no address", text);
	return ip;
}

static void test_prefixes(void)
{
	struct ip a = read_ip("2001:db8:1:2:3:4:5:6");
	struct ip b = read_ip("2001:db8:1:2::");
	struct ip c = read_ip("192.0.2.129"), d = read_ip("192.0.2.128");
	struct ip network = ip_network(&a, 64);
	struct ip none = { .family = IP_NONE };

	ok(ip_is_equal(&network, &b), "a /64 is cut at its end");
	ok(ip_has_prefix(&a, &b, 64), "an address is in its /64");
	ok(!ip_has_prefix(&a, &b, 96), "and not in a smaller network");
	ok(ip_has_prefix(&c, &d, 31 - 6), "a /25 ends inside of a byte");
	ok(ip_has_prefix(&c, &d, 31), "a /31 has two addresses");
	ok(!ip_has_prefix(&c, &d, 32), "a /32 has one");
	ok(ip_has_prefix(&c, &d, 0), "a /0 has all of its family");
	ok(!ip_has_prefix(&a, &d, 0), "and none of the other");
	is_int(ip_bits(&a), 128, "IPv6 has 128 bits");
	is_int(ip_bits(&c), 32, "IPv4 has 32");
	is_int(ip_bits(&none), 0, "what is not known has none");
}

int main(void)
{
	char shown[IP_TEXT_BYTES];
	struct ip ip;

	for (size_t i = 0; i < LENGTH(good); i++) {
		ip = read_ip(good[i].text);
		ip_format(&ip, shown);
		is_string(shown, good[i].shown, good[i].text);
	}
	for (size_t i = 0; i < LENGTH(bad); i++)
		is_err(ip_parse(text_of(bad[i]), &ip), ERR_INVALID, bad[i]);
	is_err(ip_parse((struct text){ "::1\0", 4 }, &ip), ERR_INVALID,
	       "a NUL is not the end of an address");
	for (size_t i = 0; i < LENGTH(owners); i++) {
		ip = read_ip(owners[i].text);
		tap_prefix(owners[i].text);
		is_int(ip_is_private(&ip), owners[i].is_private, "private");
		is_int(ip_is_loopback(&ip), owners[i].is_loopback, "loopback");
		tap_prefix(NULL);
	}
	ip.family = IP_NONE;
	ip_format(&ip, shown);
	is_string(shown, "", "what is not known is shown as nothing");
	test_prefixes();
	return tap_done();
}
