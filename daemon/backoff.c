/* Exponential back-off. */
#include "config.h"

#include "daemon/backoff.h"

unsigned backoff_count(unsigned failures, int64_t served_ms)
{
	return served_ms >= BACKOFF_STEADY_MS ? 1 : failures + 1;
}

int64_t backoff_delay_ms(unsigned failures)
{
	int64_t delay_ms = BACKOFF_MIN_MS;

	while (--failures > 0 && delay_ms < BACKOFF_MAX_MS)
		delay_ms *= 2;
	return delay_ms < BACKOFF_MAX_MS ? delay_ms : BACKOFF_MAX_MS;
}
