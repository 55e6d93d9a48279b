/*
 * Sets of keys in files: the one that the operator names, and the one that
 * todod keeps of what it fetched last, for a start while the issuer is away.
 */
#ifndef TODOD_DAEMON_KEYFILE_H
#define TODOD_DAEMON_KEYFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "core/err.h"
#include "core/text.h"

/* What tells one state of a file from another; all zero: it is not there. */
struct keyfile_stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
	struct timespec changed;
};

void keyfile_stamp_get(const char *file, struct keyfile_stamp *stamp);
bool keyfile_stamp_is_equal(const struct keyfile_stamp *a,
			    const struct keyfile_stamp *b);

/*
 * Reads a file and sees that it is a set with a key in it that can be used;
 * *json is from malloc, for keyfile_release().  ERR_INVALID with the problem
 * in words, ERR_NO_MEMORY.
 */
enum err keyfile_read(const char *file, struct text *json, char *problem,
		      size_t problem_size) __attribute__((warn_unused_result));
void keyfile_release(struct text *json);

/*
 * Keeps the set that was fetched from the URL: whole or not at all, readable
 * and writable by its owner only.  What is being written is in FILE.new; who is
 * killed there leaves it to the next.  ERR_BUSY: another process keeps a set at
 * this moment; ERR_SYSTEM with errno.
 */
enum err keyfile_keep(const char *file, const char *url, struct text json)
	__attribute__((warn_unused_result));

/* Notes that what is kept was found unchanged just now. */
void keyfile_confirm(const char *file);

/*
 * Loads what is kept and when it was last confirmed (seconds of the wall
 * clock).  ERR_NOT_FOUND when there is nothing, or what there is was fetched
 * from another URL; ERR_INVALID with the problem when it must not be trusted:
 * it is no usable set, or others may write to it.  ERR_NO_MEMORY.
 */
enum err keyfile_load(const char *file, const char *url, struct text *json,
		      int64_t *confirmed_s, char *problem, size_t problem_size)
	__attribute__((warn_unused_result));

#endif
