/* The storage contract on PostgreSQL: directly, over TLS and with PgBouncer
 * between. */
#include "config.h"

#include "tests/conformance/suite.h"
#include "tests/support/pgfixture.h"
#include "tests/support/tap.h"

int main(void)
{
	static const char *const urls[] = { "url", "tls_url", "pgbouncer_url" };
	int status = 0;
	size_t i;

	if (!pgfixture_start())
		return tap_done();
	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		diag("by the %s", urls[i]);
		pgfixture_use(urls[i]);
		suite_run_parts("postgres");
	}
	status = tap_done();
	pgfixture_stop();
	return status;
}
