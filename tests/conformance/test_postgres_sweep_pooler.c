/* The ways to PgBouncer and from there to the server fail at every byte. */
#include "config.h"

#include "tests/conformance/sweep.h"

int main(void)
{
	static const struct sweep_way ways[] = {
		{
			.name = "before PgBouncer",
			.parameters = "sslmode=disable&pgbouncer=true",
			.proxy_to = "pgbouncer_port",
			/* PgBouncer refuses the beginning of a start-up. */
			.split = "split down",
			.sample = 4,
			.stalls = 1,
		},
		{
			.name = "behind PgBouncer",
			.parameters = "sslmode=disable&pgbouncer=true",
			.proxy_to = "port",
			.is_behind = true,
			.split = "split",
			.sample = 4,
			.stalls = 1,
		},
	};

	return sweep_run(ways, sizeof(ways) / sizeof(ways[0]));
}
