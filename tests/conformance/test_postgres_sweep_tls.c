/* A connection over TLS fails at every byte. */
#include "config.h"

#include "tests/conformance/sweep.h"

int main(void)
{
	static const struct sweep_way ways[] = {
		{
			.name = "TLS",
			.parameters = "sslmode=require&channel_binding=require",
			.proxy_to = "port",
			.split = "split",
			.sample = 6,
			.stalls = 1,
		},
	};

	return sweep_run(ways, sizeof(ways) / sizeof(ways[0]));
}
