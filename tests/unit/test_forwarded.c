/*
 * What is believed of proxies.  Trusted here are 10.0.0.0/8, 2001:db8::/32 and
 * unix sockets; 203.0.113.x and 2a00::x are clients.
 */
#include "config.h"

#include "core/forwarded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define HEADERS_MAX   4
#define PROXY	      "10.0.0.1"

#define XFF   "X-Forwarded-For"
#define FWD   "Forwarded"
#define REAL  "X-Real-IP"
#define PROTO "X-Forwarded-Proto"
#define HOST  "X-Forwarded-Host"

struct pair {
	const char *name, *value;
};

static struct cidr_list trusted;

static const struct {
	const char *name, *peer;
	struct pair headers[HEADERS_MAX];
	const char *client;
} clients[] = {
	{ "without headers the peer is the client", PROXY, { { 0 } }, PROXY },
	{ "who is not trusted is believed nothing",
	  "203.0.113.9",
	  { { XFF, "203.0.113.1" },
	    { FWD, "for=203.0.113.1" },
	    { REAL, "203.0.113.1" } },
	  "203.0.113.9" },
	{ "a trusted proxy names its client",
	  PROXY,
	  { { XFF, "203.0.113.1" } },
	  "203.0.113.1" },
	{ "the name of a header has any case",
	  PROXY,
	  { { "x-forwarded-FOR", "203.0.113.1" } },
	  "203.0.113.1" },
	{ "a unix socket can be trusted",
	  "unix",
	  { { XFF, "203.0.113.1" } },
	  "203.0.113.1" },
	{ "the right-most address counts, not what the client sent",
	  PROXY,
	  { { XFF, "203.0.113.66, 203.0.113.1" } },
	  "203.0.113.1" },
	{ "trusted proxies are passed over from the right",
	  PROXY,
	  { { XFF, "203.0.113.66, 203.0.113.1, 10.0.0.2, 2001:db8::2" } },
	  "203.0.113.1" },
	{ "a trusted address that the client sent hides nobody",
	  PROXY,
	  { { XFF, "10.0.0.7, 203.0.113.1" } },
	  "203.0.113.1" },
	{ "of proxies only the left-most is the client",
	  PROXY,
	  { { XFF, "10.0.0.3, 10.0.0.2" } },
	  "10.0.0.3" },
	{ "headers of one name are one list",
	  PROXY,
	  { { XFF, "203.0.113.66" },
	    { XFF, "203.0.113.1" },
	    { XFF, "10.0.0.2" } },
	  "203.0.113.1" },
	{ "an empty header says nothing", PROXY, { { XFF, "" } }, PROXY },
	{ "nor do commas", PROXY, { { XFF, " , ,, " } }, PROXY },
	{ "empty elements are none",
	  PROXY,
	  { { XFF, ",203.0.113.1, ," } },
	  "203.0.113.1" },
	{ "a port belongs to no address",
	  PROXY,
	  { { XFF, "203.0.113.1:4711" } },
	  "203.0.113.1" },
	{ "IPv6", PROXY, { { XFF, "2A00::1" } }, "2a00::1" },
	{ "IPv6 in brackets", PROXY, { { XFF, "[2a00::1]" } }, "2a00::1" },
	{ "IPv6 with a port", PROXY, { { XFF, "[2a00::1]:80" } }, "2a00::1" },
	{ "IPv4 as IPv6",
	  PROXY,
	  { { XFF, "::ffff:203.0.113.1" } },
	  "203.0.113.1" },
	{ "a proxy's IPv4 as IPv6",
	  PROXY,
	  { { XFF, "203.0.113.1, ::ffff:10.0.0.2" } },
	  "203.0.113.1" },
	/* what names no address */
	{ "garbage ends the chain at its writer",
	  PROXY,
	  { { XFF, "203.0.113.1, garbage" } },
	  PROXY },
	{ "who may be another proxy",
	  PROXY,
	  { { XFF, "203.0.113.1, garbage, 10.0.0.3, 10.0.0.2" } },
	  "10.0.0.3" },
	{ "garbage that the client sent is passed over",
	  PROXY,
	  { { XFF, "garbage, 203.0.113.1" } },
	  "203.0.113.1" },
	{ "unknown", PROXY, { { XFF, "unknown" } }, PROXY },
	{ "the word for a socket is no address",
	  PROXY,
	  { { XFF, "unix" } },
	  PROXY },
	{ "a zone is none", PROXY, { { XFF, "fe80::1%eth0" } }, PROXY },
	{ "two addresses with a blank between them",
	  PROXY,
	  { { XFF, "203.0.113.1 203.0.113.2" } },
	  PROXY },
	{ "a bad port", PROXY, { { XFF, "203.0.113.1:x" } }, PROXY },
	{ "a port too long", PROXY, { { XFF, "203.0.113.1:123456" } }, PROXY },
	{ "a bracket too few", PROXY, { { XFF, "[2a00::1" } }, PROXY },
	{ "a bracket only", PROXY, { { XFF, "[" } }, PROXY },
	{ "empty brackets", PROXY, { { XFF, "[]" } }, PROXY },
	{ "IPv4 in brackets", PROXY, { { XFF, "[203.0.113.1]" } }, PROXY },
	{ "quotes do not belong here",
	  PROXY,
	  { { XFF, "\"203.0.113.1\"" } },
	  PROXY },
	/* Forwarded */
	{ "Forwarded", PROXY, { { FWD, "for=203.0.113.1" } }, "203.0.113.1" },
	{ "its parameters have any case and order",
	  PROXY,
	  { { FWD, "Proto=https;By=10.0.0.1;FOR=203.0.113.1;x=y" } },
	  "203.0.113.1" },
	{ "a quoted node",
	  PROXY,
	  { { FWD, "for=\"[2a00::1]:47011\"" } },
	  "2a00::1" },
	{ "a port by another name",
	  PROXY,
	  { { FWD, "for=\"203.0.113.1:_p1\"" } },
	  "203.0.113.1" },
	{ "an address that lacks its quotes",
	  PROXY,
	  { { FWD, "for=[2a00::1]:80" } },
	  "2a00::1" },
	{ "a comma in quotes ends nothing",
	  PROXY,
	  { { FWD, "x=\"for=203.0.113.66,\";for=203.0.113.1" } },
	  "203.0.113.1" },
	{ "an escaped quote ends nothing",
	  PROXY,
	  { { FWD, "x=\"\\\", for=203.0.113.66\", for=203.0.113.1" } },
	  "203.0.113.1" },
	{ "the right-most element counts",
	  PROXY,
	  { { FWD, "for=203.0.113.66, for=203.0.113.1,for=10.0.0.2" } },
	  "203.0.113.1" },
	{ "elements of several headers are one list",
	  PROXY,
	  { { FWD, "for=203.0.113.66" }, { FWD, "for=203.0.113.1" } },
	  "203.0.113.1" },
	{ "blanks around separators are harmless",
	  PROXY,
	  { { FWD, " for=203.0.113.66 ;proto=http , for=203.0.113.1 " } },
	  "203.0.113.1" },
	{ "an obfuscated identifier",
	  PROXY,
	  { { FWD, "for=203.0.113.66, for=_SEVKISEK" } },
	  PROXY },
	{ "an unknown one", PROXY, { { FWD, "for=unknown" } }, PROXY },
	{ "an element without for", PROXY, { { FWD, "proto=http" } }, PROXY },
	{ "two for in one element",
	  PROXY,
	  { { FWD, "for=203.0.113.1;for=203.0.113.1" } },
	  PROXY },
	{ "an escape in an address",
	  PROXY,
	  { { FWD, "for=\"203.0.113.\\1\"" } },
	  PROXY },
	{ "an endless quote swallows what follows",
	  PROXY,
	  { { FWD, "for=\"203.0.113.66, for=203.0.113.1" } },
	  PROXY },
	{ "but not the next header",
	  PROXY,
	  { { FWD, "for=\"203.0.113.66" }, { FWD, "for=203.0.113.1" } },
	  "203.0.113.1" },
	{ "a name without a value", PROXY, { { FWD, "for" } }, PROXY },
	{ "a value without a name", PROXY, { { FWD, "=x" } }, PROXY },
	{ "a backslash at the end", PROXY, { { FWD, "for=\"\\" } }, PROXY },
	{ "two values", PROXY, { { FWD, "for=203.0.113.1=x" } }, PROXY },
	/* X-Real-IP, and several */
	{ "X-Real-IP", PROXY, { { REAL, "203.0.113.1" } }, "203.0.113.1" },
	{ "headers that agree",
	  PROXY,
	  { { XFF, "203.0.113.1" },
	    { REAL, "203.0.113.1" },
	    { FWD, "for=203.0.113.1" } },
	  "203.0.113.1" },
	{ "one that knows the next proxy only has nothing against it",
	  PROXY,
	  { { XFF, "203.0.113.1, 10.0.0.2" }, { REAL, "10.0.0.2" } },
	  "203.0.113.1" },
	{ "whatever their order",
	  PROXY,
	  { { REAL, "203.0.113.1" }, { FWD, "for=10.0.0.2" } },
	  "203.0.113.1" },
};

/* The client sends what its proxy does not write. */
static const struct {
	const char *name;
	struct pair headers[HEADERS_MAX];
} contradictions[] = {
	{ "Forwarded against X-Forwarded-For",
	  { { FWD, "for=203.0.113.66" }, { XFF, "203.0.113.1" } } },
	{ "X-Real-IP against X-Forwarded-For",
	  { { REAL, "203.0.113.66" }, { XFF, "203.0.113.1" } } },
	{ "Forwarded against X-Real-IP",
	  { { FWD, "for=203.0.113.66" }, { REAL, "203.0.113.1" } } },
	{ "garbage against an address",
	  { { FWD, "for=_x" }, { XFF, "203.0.113.1" } } },
	{ "garbage against garbage", { { FWD, "for=_x" }, { XFF, "x" } } },
};

static const struct {
	const char *name;
	struct pair headers[HEADERS_MAX];
	enum forwarded_scheme scheme;
	const char *host;
} origins[] = {
	{ "nothing is said", { { XFF, "203.0.113.1" } }, FORWARDED_UNSAID, "" },
	{ "https", { { PROTO, "https" } }, FORWARDED_HTTPS, "" },
	{ "in any case", { { PROTO, " HTTPS " } }, FORWARDED_HTTPS, "" },
	{ "http", { { PROTO, "http" } }, FORWARDED_HTTP, "" },
	{ "neither", { { PROTO, "httpss" } }, FORWARDED_UNSAID, "" },
	{ "Forwarded",
	  { { FWD, "for=203.0.113.1;proto=https;host=a.example" } },
	  FORWARDED_HTTPS,
	  "a.example" },
	{ "what the client's element says, not the last one",
	  { { FWD, "for=203.0.113.66;proto=http;host=evil.example, "
		   "for=203.0.113.1;proto=https;host=\"a.example:443\","
		   "for=10.0.0.2;proto=http;host=inside" } },
	  FORWARDED_HTTPS,
	  "a.example:443" },
	{ "one that hides its client is believed the rest",
	  { { FWD, "for=_x;proto=https;host=a.example" } },
	  FORWARDED_HTTPS,
	  "a.example" },
	{ "a list as long as that of the addresses",
	  { { XFF, "203.0.113.66, 203.0.113.1, 10.0.0.2" },
	    { PROTO, "http, https, http" },
	    { HOST, "evil.example, a.example, inside" } },
	  FORWARDED_HTTPS,
	  "a.example" },
	{ "else the nearest proxy's word",
	  {
		  { XFF, "203.0.113.1, 10.0.0.2" },
		  { PROTO, "http" },
		  { PROTO, "https" },
		  { PROTO, "http" },
	  },
	  FORWARDED_HTTP,
	  "" },
	{ "http goes before https",
	  { { FWD, "for=203.0.113.1;proto=http" }, { PROTO, "https" } },
	  FORWARDED_HTTP,
	  "" },
	{ "whoever says it",
	  { { FWD, "for=203.0.113.1;proto=https" }, { PROTO, "http" } },
	  FORWARDED_HTTP,
	  "" },
	{ "a host",
	  { { HOST, "a.example:8443" } },
	  FORWARDED_UNSAID,
	  "a.example:8443" },
	{ "no host", { { HOST, "a.example/b" } }, FORWARDED_UNSAID, "" },
};

static const char *const hosts[] = {
	"a",	       "a.example",	"A.example.",
	"192.0.2.1",   "[2001:db8::1]", "a.example:1",
	"[::1]:65535", "a_b.example",
};

static const char *const no_hosts[] = {
	"",
	":80",
	"a.example:",
	"a.example:x",
	"a:123456",
	"a.example:80:80",
	"a/b",
	"a?b",
	"a#b",
	"user@a.example",
	"a b",
	"a\r\nX: y",
	"a\\b",
	"[::1",
	"[::1]x",
	"[",
	"[]",
	"[a.example]",
	"[192.0.2.1]",
	"::1",
	"a\xc3\xa4.b",
	"a%2eb",
	"\"a.example\"",
	"a,b",
	"a:_p",
};

static void judge(const char *peer, const struct pair *pairs,
		  struct forwarded *out)
{
	struct http_header headers[HEADERS_MAX];
	struct http_request request = { .headers = headers };

	if (ip_parse(text_of(peer), &request.peer) != ERR_OK)
		bail_out("%s is no address", peer);
	for (size_t i = 0; i < HEADERS_MAX && pairs[i].name; i++) {
		headers[i].name = text_of(pairs[i].name);
		headers[i].value = text_of(pairs[i].value);
		request.header_count++;
	}
	forwarded_judge(&request, &trusted, out);
}

static void test_clients(void)
{
	char client[IP_TEXT_BYTES];
	struct forwarded found;

	for (size_t i = 0; i < LENGTH(clients); i++) {
		judge(clients[i].peer, clients[i].headers, &found);
		ip_format(&found.client, client);
		is_string(client, clients[i].client, clients[i].name);
		if (found.is_contradictory)
			ok(false, "and nothing contradicts itself");
	}
	for (size_t i = 0; i < LENGTH(contradictions); i++) {
		judge(PROXY, contradictions[i].headers, &found);
		ip_format(&found.client, client);
		is_string(client, PROXY, contradictions[i].name);
		ok(found.is_contradictory, "is noticed");
	}
}

static void test_origins(void)
{
	struct forwarded found;

	for (size_t i = 0; i < LENGTH(origins); i++) {
		judge(PROXY, origins[i].headers, &found);
		is_int(found.scheme, origins[i].scheme, origins[i].name);
		is_text(found.host, text_of(origins[i].host), origins[i].name);
		judge("203.0.113.9", origins[i].headers, &found);
		ok(found.scheme == FORWARDED_UNSAID && found.host.len == 0,
		   "which nobody else may say");
	}
	for (size_t i = 0; i < LENGTH(hosts); i++)
		ok(forwarded_is_host(text_of(hosts[i])), hosts[i]);
	for (size_t i = 0; i < LENGTH(no_hosts); i++)
		ok(!forwarded_is_host(text_of(no_hosts[i])), "no host");
	is_text(forwarded_host_name(TEXT("a.example:80")), TEXT("a.example"),
		"a name without its port");
	is_text(forwarded_host_name(TEXT("[::1]:80")), TEXT("[::1]"),
		"so too of IPv6");
}

/* The text over and over, then an end. */
static char *repeat(const char *text, size_t count, const char *end)
{
	size_t len = strlen(text);
	char *all = malloc(len * count + strlen(end) + 1);

	if (!all)
		bail_out("no memory");
	for (size_t i = 0; i < count; i++)
		memcpy(all + i * len, text, len);
	memcpy(all + len * count, end, strlen(end) + 1);
	return all;
}

static void test_length(void)
{
	static const struct {
		const char *header, *piece, *end, *client;
	} cases[] = {
		{ XFF, "203.0.113.66,", "203.0.113.1", "203.0.113.1" },
		{ XFF, "203.0.113.66,10.0.0.2,", "", "203.0.113.66" },
		{ XFF, "10.0.0.2,", "", "10.0.0.2" },
		{ XFF, "x,", "203.0.113.1", "203.0.113.1" },
		{ XFF, ",", "203.0.113.1", "203.0.113.1" },
		{ XFF, "9", "", PROXY },
		{ FWD, "for=203.0.113.66,", "for=203.0.113.1", "203.0.113.1" },
		{ FWD, ";", "for=203.0.113.1", "203.0.113.1" },
		{ FWD, "a=b;", "for=203.0.113.1", "203.0.113.1" },
		{ FWD, "\"", "", PROXY },
		{ FWD, "for=\"\\", "", PROXY },
	};
	char client[IP_TEXT_BYTES];
	struct forwarded found;

	for (size_t i = 0; i < LENGTH(cases); i++) {
		char *value = repeat(cases[i].piece, 1000, cases[i].end);
		const struct pair headers[HEADERS_MAX] = {
			{ cases[i].header, value },
		};

		judge(PROXY, headers, &found);
		ip_format(&found.client, client);
		is_string(client, cases[i].client, "a thousand of them");
		free(value);
	}
}

int main(void)
{
	static const struct pair sent[HEADERS_MAX] = { { "FORWARDED", "" } };
	struct http_header header = { text_of(sent[0].name), TEXT("") };
	struct http_request request = { .headers = &header, .header_count = 1 };
	char problem[256];

	if (cidr_list_parse(TEXT("10.0.0.0/8,2001:db8::/32,unix"), &trusted,
			    problem, sizeof(problem)) != ERR_OK)
		bail_out("%s", problem);
	test_clients();
	test_origins();
	test_length();
	ok(forwarded_is_sent(&request), "an empty header has been sent, too");
	header.name = TEXT("X-Forwarded-Proto");
	ok(!forwarded_is_sent(&request), "one that names nobody has not");
	return tap_done();
}
