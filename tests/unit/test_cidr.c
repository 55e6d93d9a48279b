/* Lists of networks: what is in them, and what is refused with a reason. */
#include "config.h"

#include "core/cidr.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *list, *ip;
	bool is_in;
} cases[] = {
	{ "", "127.0.0.1", false },
	{ "none", "127.0.0.1", false },
	{ " , ,", "127.0.0.1", false },
	{ "127.0.0.1", "127.0.0.1", true },
	{ "127.0.0.1", "127.0.0.2", false },
	{ "10.0.0.0/8", "10.255.0.1", true },
	{ "10.0.0.0/8", "11.0.0.1", false },
	{ "10.0.0.0/8", "a00::1", false },
	{ " 192.0.2.0/24 , 2001:db8::/32 ", "2001:db8:ffff::1", true },
	{ " 192.0.2.0/24 , 2001:db8::/32 ", "192.0.2.7", true },
	{ " 192.0.2.0/24 , 2001:db8::/32 ", "2001:db9::", false },
	{ "0.0.0.0/0", "203.0.113.1", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "0.0.0.0/0", "unix", false },
	{ "::/0", "2001:db8::1", true },
	{ "::/0", "192.0.2.1", false },
	{ "::/0", "unix", false },
	{ "::ffff:10.0.0.0/104", "10.1.2.3", true },
	{ "::ffff:10.0.0.0/104", "11.1.2.3", false },
	{ "unix", "unix", true },
	{ "unix", "127.0.0.1", false },
	{ "loopback", "127.5.5.5", true },
	{ "loopback", "::1", true },
	{ "loopback", "10.0.0.1", false },
	{ "loopback", "unix", false },
	{ "private", "::1", true },
	{ "private", "172.31.0.1", true },
	{ "private", "100.64.1.1", true },
	{ "private", "fd00::1", true },
	{ "private", "unix", false },
	{ "private", "8.8.8.8", false },
	{ "private,unix", "unix", true },
	{ "none,192.0.2.1", "192.0.2.1", true },
};

static const char *const bad[] = {
	"localhost",
	"10.0.0.0/33",
	"10.0.0.0/-1",
	"10.0.0.0/",
	"10.0.0.0/8/8",
	"10.0.0.0/08x",
	"10.0.0.0/0000",
	"10.0.0/8",
	"10.0.0.1/8",
	"2001:db8::/129",
	"2001:db8::1/32",
	"::ffff:10.0.0.0/95",
	"[::1]",
	"::1%lo",
	"unix/0",
	"unix:/run/x",
	"*",
	"privat",
	"UNIX",
	"127.0.0.1;::1",
	"127.0.0.1 ::1",
};

static void test_limits(void)
{
	static const char entry[] = "192.0.2.1,";
	char text[sizeof(entry) * (CIDR_LIST_MAX + 1)] = "", problem[256] = "";
	struct cidr_list list;

	for (size_t i = 0; i < CIDR_LIST_MAX; i++)
		memcpy(text + i * (sizeof(entry) - 1), entry, sizeof(entry));
	is_err(cidr_list_parse(text_of(text), &list, problem, sizeof(problem)),
	       ERR_OK, "a list may be long");
	is_int(list.count, CIDR_LIST_MAX, "all of it is there");
	memcpy(text + strlen(text), entry, sizeof(entry));
	is_err(cidr_list_parse(text_of(text), &list, problem, sizeof(problem)),
	       ERR_INVALID, "but not longer");
	ok(strstr(problem, "too many") != NULL, "and the reason is said");
}

int main(void)
{
	char problem[256], name[128];
	struct cidr_list list;
	struct ip ip;

	for (size_t i = 0; i < LENGTH(cases); i++) {
		(void)snprintf(name, sizeof(name), "%s in \"%s\"", cases[i].ip,
			       cases[i].list);
		if (cidr_list_parse(text_of(cases[i].list), &list, problem,
				    sizeof(problem)) != ERR_OK ||
		    ip_parse(text_of(cases[i].ip), &ip) != ERR_OK)
			bail_out("%s: %s", name, problem);
		is_int(cidr_list_contains(&list, &ip), cases[i].is_in, name);
	}
	ip.family = IP_NONE;
	if (cidr_list_parse(TEXT("0.0.0.0/0,::/0,unix"), &list, problem,
			    sizeof(problem)) != ERR_OK)
		bail_out("%s", problem);
	ok(!cidr_list_contains(&list, &ip), "nobody is in no list");
	for (size_t i = 0; i < LENGTH(bad); i++) {
		problem[0] = '\0';
		list.count = 7;
		is_err(cidr_list_parse(text_of(bad[i]), &list, problem,
				       sizeof(problem)),
		       ERR_INVALID, bad[i]);
		ok(strstr(problem, " ") != NULL && list.count == 7,
		   "with a sentence, and the list is as it was");
	}
	test_limits();
	return tap_done();
}
