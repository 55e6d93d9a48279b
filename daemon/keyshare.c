/* Two halves, a generation, and a wish. */
#include "config.h"

#include "daemon/keyshare.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/keyset.h"

#define HALF_WORDS (KEYSET_MAX_BYTES / sizeof(uint64_t))
#define READ_TRIES 8

struct half {
	_Atomic uint64_t len;
	_Atomic uint64_t words[HALF_WORDS];
};

/* What is mapped. */
struct memory {
	_Atomic uint64_t generation; /* its lowest bit says which half */
	_Atomic uint64_t fetches;
	atomic_bool is_fetching;
	atomic_bool is_wanted;
	struct keyplan plan;
	struct half halves[2];
};

/* What each process has of its own. */
struct keyshare {
	struct memory *memory;
	int wake_fd;
};

enum err keyshare_new(struct keyshare **out)
{
	struct keyshare *share = calloc(1, sizeof(*share));
	void *map;

	if (!share)
		return ERR_NO_MEMORY;
	map = mmap(NULL, sizeof(*share->memory), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED) {
		free(share);
		return ERR_NO_MEMORY;
	}
	share->memory = map;
	share->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (share->wake_fd < 0) {
		keyshare_free(&share);
		return ERR_SYSTEM;
	}
	*out = share;
	return ERR_OK;
}

void keyshare_free(struct keyshare **share)
{
	if (!*share)
		return;
	if ((*share)->wake_fd >= 0)
		close((*share)->wake_fd);
	(void)munmap((*share)->memory, sizeof(*(*share)->memory));
	free(*share);
	*share = NULL;
}

struct keyplan *keyshare_plan(struct keyshare *share)
{
	return &share->memory->plan;
}

uint64_t keyshare_generation(const struct keyshare *share)
{
	return atomic_load(&share->memory->generation);
}

/* Copies a half; false when it was written to meanwhile. */
static bool copy_half(const struct memory *memory, uint64_t generation,
		      uint64_t *words, size_t *len)
{
	const struct half *half = &memory->halves[generation & 1];
	uint64_t said = atomic_load(&half->len);

	/* Whatever it says, no more than there is. */
	*len = said > KEYSET_MAX_BYTES ? KEYSET_MAX_BYTES : (size_t)said;
	for (size_t i = 0; i * sizeof(*words) < *len; i++)
		words[i] = atomic_load_explicit(&half->words[i],
						memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire);
	return atomic_load(&memory->generation) == generation;
}

enum err keyshare_read(const struct keyshare *share, struct text *json,
		       uint64_t *generation)
{
	uint64_t *words;

	if (keyshare_generation(share) == 0)
		return ERR_NOT_FOUND;
	words = malloc(KEYSET_MAX_BYTES);
	if (!words)
		return ERR_NO_MEMORY;
	for (int i = 0; i < READ_TRIES; i++) {
		uint64_t now = keyshare_generation(share);

		if (!copy_half(share->memory, now, words, &json->len))
			continue;
		json->ptr = (const char *)words;
		*generation = now;
		return ERR_OK;
	}
	free(words);
	return ERR_BUSY;
}

void keyshare_publish(struct keyshare *share, struct text json)
{
	struct memory *memory = share->memory;
	uint64_t next = atomic_load(&memory->generation) + 1;
	struct half *half = &memory->halves[next & 1];

	if (json.len > KEYSET_MAX_BYTES)
		BUG("a set of keys that is too long");
	/* Readers of this half, the one before the last, must see that the
	 * generation has moved on before they see new words. */
	atomic_thread_fence(memory_order_seq_cst);
	for (size_t at = 0; at < json.len; at += sizeof(uint64_t)) {
		struct text piece = text_slice(json, at, sizeof(uint64_t));
		uint64_t word = 0;

		memcpy(&word, piece.ptr, piece.len);
		atomic_store_explicit(&half->words[at / sizeof(word)], word,
				      memory_order_relaxed);
	}
	atomic_store(&half->len, json.len);
	atomic_store(&memory->generation, next);
}

void keyshare_copy(struct keyshare *share, const struct keyshare *from)
{
	const struct keyplan *old = &from->memory->plan;
	struct keyplan *new = &share->memory->plan;
	/* Before the set, which its keeper may replace at this moment: times
	 * that are too old end in a fetch too soon, a set that is too old would
	 * count for an hour. */
	int64_t confirmed_us = atomic_load(&old->confirmed_us);
	int64_t refresh_us = atomic_load(&old->refresh_us);
	int64_t ended_us = atomic_load(&old->ended_us);
	unsigned failures = atomic_load(&old->failures);
	struct text json = { NULL, 0 };
	uint64_t generation;
	enum err err = keyshare_read(from, &json, &generation);

	if (err == ERR_OK)
		keyshare_publish(share, json);
	free((char *)(uintptr_t)json.ptr);
	/* There is one, but not here: it is to be fetched at once. */
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return;
	atomic_store(&new->confirmed_us, confirmed_us);
	atomic_store(&new->refresh_us, refresh_us);
	atomic_store(&new->ended_us, ended_us);
	atomic_store(&new->failures, failures);
}

bool keyshare_is_wanted(const struct keyshare *share)
{
	return atomic_load(&share->memory->is_wanted);
}

void keyshare_want(struct keyshare *share)
{
	static const uint64_t one = 1;

	/* Looked at first: in a flood the line of the cache stays shared. */
	if (keyshare_is_wanted(share) ||
	    atomic_exchange(&share->memory->is_wanted, true))
		return;
	/* It cannot be full: nobody adds to it twice before a fetch. */
	if (write(share->wake_fd, &one, sizeof(one)) < 0)
		return;
}

int keyshare_wake_fd(const struct keyshare *share)
{
	return share->wake_fd;
}

void keyshare_woken(const struct keyshare *share)
{
	uint64_t count;

	if (read(share->wake_fd, &count, sizeof(count)) < 0)
		return;
}

void keyshare_fetch_begins(struct keyshare *share)
{
	atomic_store(&share->memory->is_fetching, true);
}

void keyshare_fetch_ends(struct keyshare *share)
{
	atomic_store(&share->memory->is_wanted, false);
	atomic_store(&share->memory->is_fetching, false);
	/* Last: who sees it finds all the rest done. */
	atomic_fetch_add(&share->memory->fetches, 1);
}

void keyshare_recover(struct keyshare *share)
{
	if (atomic_exchange(&share->memory->is_fetching, false))
		atomic_fetch_add(&share->memory->fetches, 1);
}

bool keyshare_is_fetching(const struct keyshare *share)
{
	return atomic_load(&share->memory->is_fetching);
}

uint64_t keyshare_fetches(const struct keyshare *share)
{
	return atomic_load(&share->memory->fetches);
}
