/* A direct connection fails at every byte. */
#include "config.h"

#include "tests/conformance/sweep.h"

int main(void)
{
	static const struct sweep_way ways[] = {
		{
			.name = "direct",
			.parameters = "sslmode=disable",
			.proxy_to = "port",
			.split = "split",
			.sample = 9,
			.stalls = 1,
		},
	};

	return sweep_run(ways, sizeof(ways) / sizeof(ways[0]));
}
