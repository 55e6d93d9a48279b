/* The list of addresses to listen at. */
#include "config.h"

#include "daemon/address.h"

#include <stdio.h>
#include <string.h>

#include "daemon/fault.h"
#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *text;
	enum address_kind kind;
	const char *stored;
	bool is_local;
} good[] = {
	{ "127.0.0.1", ADDRESS_IPV4, "127.0.0.1", true },
	{ "127.1.2.3", ADDRESS_IPV4, "127.1.2.3", true },
	{ "0.0.0.0", ADDRESS_IPV4, "0.0.0.0", false },
	{ "192.0.2.1", ADDRESS_IPV4, "192.0.2.1", false },
	{ "::1", ADDRESS_IPV6, "::1", true },
	{ "[::1]", ADDRESS_IPV6, "::1", true },
	{ "::", ADDRESS_IPV6, "::", false },
	{ "*", ADDRESS_IPV6, "::", false },
	{ "2001:db8::1", ADDRESS_IPV6, "2001:db8::1", false },
	{ "localhost", ADDRESS_NAME, "localhost", true },
	{ "todo.example", ADDRESS_NAME, "todo.example", false },
	{ "unix:/run/todod.sock", ADDRESS_UNIX, "/run/todod.sock", true },
	{ "  ::1\t", ADDRESS_IPV6, "::1", true },
};

static const char *const bad[] = {
	"",
	",",
	"::1,",
	",::1",
	"not an address",
	"127.0.0.1:80",
	"[::1]:80",
	"127.0.0.256",
	"127.0.0",
	"1234",
	"http://x",
	"unix:",
	"unix:relative",
	"a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q",
};

static void test_good(void)
{
	struct address_list list;
	struct fault fault;

	for (size_t i = 0; i < LENGTH(good); i++) {
		const struct address *address = &list.items[0];

		if (!is_err(address_list_parse(text_of(good[i].text), &list,
					       &fault),
			    ERR_OK, good[i].text))
			continue;
		is_int(list.count, 1, good[i].text);
		is_int(address->kind, good[i].kind, good[i].text);
		is_string(address->text, good[i].stored, good[i].text);
		is_int(address_is_local(address), good[i].is_local,
		       good[i].text);
	}
}

static void test_bad(void)
{
	struct address_list list;
	struct fault fault;
	char path[256];

	for (size_t i = 0; i < LENGTH(bad); i++) {
		is_err(address_list_parse(text_of(bad[i]), &list, &fault),
		       ERR_INVALID, bad[i]);
		ok(strstr(fault.text, "HOST") != NULL, bad[i]);
	}
	(void)snprintf(path, sizeof(path), "unix:/%0120d", 0);
	is_err(address_list_parse(text_of(path), &list, &fault), ERR_INVALID,
	       "the path of a unix socket is bounded");
}

static void test_lists(void)
{
	struct address_list list;
	struct fault fault;

	is_err(address_list_parse(TEXT("127.0.0.1, ::, unix:/a b"), &list,
				  &fault),
	       ERR_OK, "several places can be given");
	is_int(list.count, 3, "each is kept");
	is_string(list.items[2].text, "/a b", "in order");
	is_err(address_list_parse(TEXT("0.0.0.0"), &list, &fault), ERR_OK,
	       "0.0.0.0 can be given");
	ok(address_is_any_ipv4(&list.items[0]),
	   "0.0.0.0 is every IPv4 address");
}

int main(void)
{
	test_good();
	test_bad();
	test_lists();
	return tap_done();
}
