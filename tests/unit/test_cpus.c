/* CPUs granted by a cgroup. */
#include "config.h"

#include "daemon/cpus.h"

#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *max;
	unsigned cpus;
} cases[] = {
	{ "max 100000\n", 0 },	{ "200000 100000\n", 2 },
	{ "100000 100000", 1 }, { "150000 100000", 2 },
	{ "50000 100000", 1 },	{ "-1 100000", 0 },
	{ "0 100000", 0 },	{ "100000", 0 },
	{ "100000 0", 0 },	{ "", 0 },
	{ "x y", 0 },
};

int main(void)
{
	for (size_t i = 0; i < LENGTH(cases); i++)
		is_int(cpus_of_quota(cases[i].max), cases[i].cpus,
		       cases[i].max[0] ? cases[i].max : "an empty file");
	ok(cpus_available() >= 1, "there is at least one CPU");
	return tap_done();
}
