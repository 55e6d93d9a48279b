/* What is known about the database. */
#include "config.h"

#include "core/health.h"

void health_report(struct health *health, enum health_state state)
{
	/* It is mostly the same: then no other worker's cache is disturbed. */
	if (atomic_load(&health->state) != (int)state)
		atomic_store(&health->state, (int)state);
}

enum health_state health_state(const struct health *health)
{
	return (enum health_state)atomic_load(&health->state);
}

bool health_may_probe(struct health *health, int64_t now_us, int64_t age_us)
{
	int64_t probed_us = atomic_load(&health->probed_us);

	if (health_state(health) == HEALTH_REACHABLE)
		return false;
	if (probed_us != 0 && now_us - probed_us < age_us)
		return false;
	/* Of several that come at once, the one whose time is taken. */
	return atomic_compare_exchange_strong(&health->probed_us, &probed_us,
					      now_us);
}
