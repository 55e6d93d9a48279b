/* The shared mapping. */
#include "config.h"

#include "daemon/shared.h"

#include <sys/mman.h>

enum err shared_new(struct shared **shared)
{
	void *map = mmap(NULL, sizeof(**shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return ERR_NO_MEMORY;
	*shared = map;
	ratelimit_init(&(*shared)->addresses);
	ratelimit_init(&(*shared)->accounts);
	return ERR_OK;
}

void shared_free(struct shared **shared)
{
	if (*shared)
		(void)munmap(*shared, sizeof(**shared));
	*shared = NULL;
}

void shared_reap(struct shared *shared, unsigned slot)
{
	struct shared_slot *gone = &shared->slots[slot];

	for (size_t i = 0; i < SHARED_HASH_TOKENS; i++) {
		unsigned holder = slot + 1;

		atomic_compare_exchange_strong(&shared->hash_tokens[i], &holder,
					       0);
	}
	atomic_store(&gone->connections, 0);
	atomic_store(&gone->heartbeat_us, 0);
	atomic_store(&gone->state, SHARED_EMPTY);
}

bool shared_hash_take(struct shared *shared, unsigned slot)
{
	unsigned count = atomic_load(&shared->hash_token_count);

	for (unsigned i = 0; i < count && i < SHARED_HASH_TOKENS; i++) {
		unsigned nobody = 0;

		if (atomic_compare_exchange_strong(&shared->hash_tokens[i],
						   &nobody, slot + 1))
			return true;
	}
	return false;
}

void shared_hash_give(struct shared *shared, unsigned slot)
{
	/* Beyond the count too: a reload may have made it smaller. */
	for (size_t i = 0; i < SHARED_HASH_TOKENS; i++) {
		unsigned holder = slot + 1;

		if (atomic_compare_exchange_strong(&shared->hash_tokens[i],
						   &holder, 0))
			return;
	}
}

size_t shared_connections(const struct shared *shared, unsigned own_slot,
			  int64_t now_us, unsigned counts[SHARED_SLOTS])
{
	size_t count = 0;

	counts[count++] = atomic_load(&shared->slots[own_slot].connections);
	for (unsigned i = 0; i < SHARED_SLOTS; i++) {
		const struct shared_slot *slot = &shared->slots[i];

		if (i == own_slot ||
		    atomic_load(&slot->state) != SHARED_SERVING)
			continue;
		if (now_us - atomic_load(&slot->heartbeat_us) >
		    SHARED_FRESH_MS * INT64_C(1000))
			continue;
		counts[count++] = atomic_load(&slot->connections);
	}
	return count;
}
