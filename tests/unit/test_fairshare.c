/* Fair shares of connections. */
#include "config.h"

#include "daemon/fairshare.h"

#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *name;
	unsigned counts[5];
	size_t count;
	bool is_exceeded;
} cases[] = {
	{ "who is alone takes all", { 1000 }, 1, false },
	{ "without connections nobody waits", { 0, 0, 0 }, 3, false },
	{ "the first connection is taken", { 1, 0, 0 }, 3, false },
	{ "the second goes to another", { 2, 0, 0 }, 3, true },
	{ "an even spread exceeds nothing", { 7, 7, 7 }, 3, false },
	{ "one more than the others is fine", { 8, 7, 7 }, 3, false },
	{ "twice the others is not", { 14, 7, 7 }, 3, true },
	{ "who has fewer takes", { 3, 7, 7 }, 3, false },
	{ "small differences of large numbers do not matter",
	  { 1010, 1000, 1000 },
	  3,
	  false },
	{ "large ones do", { 1300, 1000, 1000 }, 3, true },
	{ "sums do not overflow",
	  { 4000000000u, 4000000000u, 4000000000u },
	  3,
	  false },
};

int main(void)
{
	unsigned least = 1;
	bool grows = true;

	for (size_t i = 0; i < LENGTH(cases); i++)
		is_int(fairshare_is_exceeded(cases[i].counts, cases[i].count),
		       cases[i].is_exceeded, cases[i].name);
	for (unsigned i = 0; i < 100; i++) {
		unsigned burst = fairshare_burst(i);

		grows = grows && burst >= least && burst <= 256;
		least = burst;
	}
	is_int(fairshare_burst(0), 1, "the first pause is for one connection");
	ok(grows, "without relief more are taken between pauses, to a bound");
	return tap_done();
}
