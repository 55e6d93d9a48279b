/* How long a dead worker's place stays empty. */
#include "config.h"

#include "daemon/backoff.h"

#include "tests/support/tap.h"

int main(void)
{
	int64_t before = 0;
	bool grows = true;

	is_int(backoff_count(0, -1), 1, "a failed start counts");
	is_int(backoff_count(3, -1), 4, "failed starts add up");
	is_int(backoff_count(3, 20), 4, "dying soon counts as well");
	is_int(backoff_count(3, 60000), 1,
	       "after a steady time all is forgiven");
	is_int(backoff_delay_ms(1), BACKOFF_MIN_MS, "the first wait is short");
	is_int(backoff_delay_ms(2), 2 * BACKOFF_MIN_MS, "the second is twice");
	for (unsigned i = 1; i < 1000; i++) {
		int64_t delay_ms = backoff_delay_ms(i);

		grows = grows && delay_ms >= before &&
			delay_ms <= BACKOFF_MAX_MS;
		before = delay_ms;
	}
	ok(grows, "waits never get shorter");
	is_int(before, BACKOFF_MAX_MS, "and have a bound");
	return tap_done();
}
