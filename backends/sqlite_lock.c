/* The lock beside the database. */
#include "config.h"

#include "backends/sqlite_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backends/sqlite_file.h"
#include "core/clock.h"
#include "core/log.h"

#define POLL_INTERVAL_NS 5000000

static int open_file(const char *path)
{
	return open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

enum err sqlite_lock_open(const char *db_path, struct sqlite_lock *lock)
{
	lock->path = sqlite_file_join(db_path, SQLITE_LOCK_SUFFIX);
	if (lock->path == NULL)
		return ERR_NO_MEMORY;
	lock->fd = open_file(lock->path);
	if (lock->fd < 0) {
		enum err err = sqlite_file_fail(lock->path, "opening the lock");

		free(lock->path);
		lock->path = NULL;
		return err;
	}
	return ERR_OK;
}

void sqlite_lock_close(struct sqlite_lock *lock)
{
	if (lock->path == NULL)
		return;
	close(lock->fd);
	free(lock->path);
	lock->path = NULL;
}

/* A file that was removed while we waited for it excludes nobody any more:
 * opens its successor.  ERR_NOT_FOUND: this was one, try again. */
static enum err check_is_current(struct sqlite_lock *lock)
{
	struct stat info;
	int fd;

	if (fstat(lock->fd, &info) != 0)
		return ERR_SYSTEM;
	if (info.st_nlink > 0)
		return ERR_OK;
	fd = open_file(lock->path);
	if (fd < 0)
		return ERR_SYSTEM;
	close(lock->fd);
	lock->fd = fd;
	return ERR_NOT_FOUND;
}

static enum err take(struct sqlite_lock *lock, int operation)
{
	enum err err;

	do {
		if (flock(lock->fd, operation) != 0) {
			if (errno == EINTR || errno == EWOULDBLOCK)
				return ERR_BUSY;
			return ERR_SYSTEM;
		}
		err = check_is_current(lock);
	} while (err == ERR_NOT_FOUND);
	if (err != ERR_OK)
		sqlite_lock_drop(lock);
	return err;
}

enum err sqlite_lock_take(struct sqlite_lock *lock)
{
	return take(lock, LOCK_EX);
}

enum err sqlite_lock_take_within(struct sqlite_lock *lock, int64_t timeout_ms)
{
	const struct timespec interval = { 0, POLL_INTERVAL_NS };
	int64_t end_us = clock_monotonic_us() + timeout_ms * 1000;
	enum err err;

	while ((err = take(lock, LOCK_EX | LOCK_NB)) == ERR_BUSY) {
		if (clock_monotonic_us() >= end_us) {
			log_event(LOG_ERROR, "database lock not released",
				  LOG_STRING("path", lock->path),
				  LOG_MS("waited_ms", timeout_ms * 1000));
			return ERR_UNAVAILABLE;
		}
		nanosleep(&interval, NULL);
	}
	if (err != ERR_OK)
		return sqlite_file_fail(lock->path, "taking the lock");
	return ERR_OK;
}

void sqlite_lock_drop(struct sqlite_lock *lock)
{
	int saved = errno;

	flock(lock->fd, LOCK_UN);
	errno = saved;
}

void sqlite_lock_remove(const struct sqlite_lock *lock)
{
	(void)unlink(lock->path);
}
