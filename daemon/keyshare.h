/*
 * The memory through which the keeper gives an issuer's keys to the workers
 * of its generation, and they tell it that they want newer ones.  The master
 * makes it before it forks them; a new configuration gets a new one.
 *
 * There are two halves: the keeper writes the one that is not read, then
 * counts the generation up, so that it may be killed at any point and the
 * readers still have a whole set.  Everything is an atomic, there is no lock.
 */
#ifndef TODOD_DAEMON_KEYSHARE_H
#define TODOD_DAEMON_KEYSHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/text.h"
#include "daemon/keyplan.h"

struct keyshare;

/* ERR_NO_MEMORY, ERR_SYSTEM. */
enum err keyshare_new(struct keyshare **share)
	__attribute__((warn_unused_result));

/* In this process only; leaves NULL behind, *share may be NULL. */
void keyshare_free(struct keyshare **share);

/* When fetches were and will be; the keeper writes, all read. */
struct keyplan *keyshare_plan(struct keyshare *share);

/* Counts the sets; 0: there is none yet. */
uint64_t keyshare_generation(const struct keyshare *share);

/*
 * Copies the newest set; json->ptr is from malloc, for keyfile_release().
 * ERR_NOT_FOUND when there is none, ERR_BUSY when it keeps changing while it
 * is read, ERR_NO_MEMORY.
 */
enum err keyshare_read(const struct keyshare *share, struct text *json,
		       uint64_t *generation)
	__attribute__((warn_unused_result));

/* One process writes at a time.  A set longer than KEYSET_MAX_BYTES is our own
 * mistake. */
void keyshare_publish(struct keyshare *share, struct text json);

/* Takes the set and the times of another generation over. */
void keyshare_copy(struct keyshare *share, const struct keyshare *from);

/* --- asking for a fetch -------------------------------------------------- */

/* A worker: wakes the keeper unless that was done since the last fetch. */
void keyshare_want(struct keyshare *share);

/* The keeper: whether somebody wants a fetch; it remains so until one ends. */
bool keyshare_is_wanted(const struct keyshare *share);

/* The keeper: readable when somebody wants a fetch; and taking note of it. */
int keyshare_wake_fd(const struct keyshare *share);
void keyshare_woken(const struct keyshare *share);

/* The keeper, around each fetch; what is wanted is settled by its end. */
void keyshare_fetch_begins(struct keyshare *share);
void keyshare_fetch_ends(struct keyshare *share);

/* A new keeper: the fetch of one that died is over, too. */
void keyshare_recover(struct keyshare *share);

/* Whether a fetch is on its way, and how many have ended. */
bool keyshare_is_fetching(const struct keyshare *share);
uint64_t keyshare_fetches(const struct keyshare *share);

#endif
