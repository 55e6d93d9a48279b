/*
 * Sets of keys in files.  What is kept is the URL, a line feed, and the set
 * as it came; the file's time says when it was confirmed last.
 */
#include "config.h"

#include "daemon/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/keyset.h"
#include "daemon/safefile.h"

#define URL_MAX_BYTES  4096
#define FILE_MAX_BYTES (KEYSET_MAX_BYTES + URL_MAX_BYTES)
#define NAME_MAX_BYTES 4096
#define NEW_SUFFIX     ".new" /* of a set that is being written */
#define OPEN_TRIES     8

void keyfile_stamp_get(const char *file, struct keyfile_stamp *stamp)
{
	struct stat status;

	memset(stamp, 0, sizeof(*stamp));
	if (stat(file, &status) != 0)
		return;
	stamp->device = status.st_dev;
	stamp->inode = status.st_ino;
	stamp->size = status.st_size;
	stamp->modified = status.st_mtim;
	stamp->changed = status.st_ctim;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool keyfile_stamp_is_equal(const struct keyfile_stamp *a,
			    const struct keyfile_stamp *b)
{
	return a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && is_same_time(&a->modified, &b->modified) &&
	       is_same_time(&a->changed, &b->changed);
}

void keyfile_release(struct text *json)
{
	/* What was allocated is ours to free. */
	free((char *)(uintptr_t)json->ptr);
	json->ptr = NULL;
	json->len = 0;
}

/* The whole file, of at most max bytes; a pipe or a device is no file. */
static enum err slurp(int fd, size_t max, struct text *out, char *problem,
		      size_t size)
{
	struct stat status;
	char *bytes = malloc(max + 1);
	size_t len = 0;
	ssize_t got = 1;

	if (!bytes)
		return ERR_NO_MEMORY;
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		(void)snprintf(problem, size, "not a regular file");
		free(bytes);
		return ERR_INVALID;
	}
	while (got > 0 && len <= max) {
		got = read(fd, bytes + len, max + 1 - len);
		if (got > 0)
			len += (size_t)got;
	}
	out->ptr = bytes;
	out->len = len;
	if (got >= 0 && len <= max)
		return ERR_OK;
	if (got < 0)
		(void)snprintf(problem, size, "%m");
	else
		(void)snprintf(problem, size, "longer than %zu bytes", max);
	keyfile_release(out);
	return ERR_INVALID;
}

static enum err judge(struct text json, char *problem, size_t size)
{
	struct keyset *set = NULL;
	const char *reason = NULL;
	enum err err = keyset_parse(json, &set, &reason);

	if (err == ERR_INVALID)
		(void)snprintf(problem, size, "%s", reason);
	keyset_free(&set);
	return err;
}

enum err keyfile_read(const char *file, struct text *json, char *problem,
		      size_t problem_size)
{
	struct text read = { NULL, 0 };
	/* Non-blocking: opening a pipe must not wait for its writer. */
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	enum err err;

	if (fd < 0) {
		(void)snprintf(problem, problem_size, "%m");
		return ERR_INVALID;
	}
	err = slurp(fd, KEYSET_MAX_BYTES, &read, problem, problem_size);
	close(fd);
	if (err == ERR_OK)
		err = judge(read, problem, problem_size);
	if (err == ERR_OK)
		*json = read;
	else
		keyfile_release(&read);
	return err;
}

static bool write_all(int fd, struct text text)
{
	while (text.len > 0) {
		ssize_t wrote = write(fd, text.ptr, text.len);

		if (wrote < 0)
			return false;
		text = text_slice(text, (size_t)wrote, text.len);
	}
	return true;
}

/* Whether name is still that of the open file. */
static bool is_named(const struct stat *opened, const char *name)
{
	struct stat named;

	return lstat(name, &named) == 0 && opened->st_dev == named.st_dev &&
	       opened->st_ino == named.st_ino;
}

static bool is_private(const struct stat *opened)
{
	return S_ISREG(opened->st_mode) && opened->st_nlink == 1 &&
	       opened->st_uid == geteuid() && (opened->st_mode & 077) == 0;
}

/* Takes an open file for this process alone, and empties it.  ERR_CONFLICT: it
 * is not the one to be written to, but the next one of that name may be. */
static enum err take_new(int fd, const char *name)
{
	struct stat opened;

	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? ERR_BUSY : ERR_SYSTEM;
	if (fstat(fd, &opened) != 0)
		return ERR_SYSTEM;
	/* Who had the lock before has renamed it. */
	if (!is_named(&opened, name))
		return ERR_CONFLICT;
	if (!is_private(&opened))
		return unlink(name) == 0 ? ERR_CONFLICT : ERR_SYSTEM;
	return ftruncate(fd, 0) == 0 ? ERR_OK : ERR_SYSTEM;
}

/*
 * Opens the file that is to become the kept one, empty and under a lock that
 * ends with this process: its name is always the same, so that one that is
 * killed leaves no more than a file for the next.
 */
static enum err open_new(const char *name, int *out)
{
	static const int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC |
				 O_NONBLOCK;
	enum err err = ERR_CONFLICT;
	int saved;
	int fd;

	for (int i = 0; err == ERR_CONFLICT && i < OPEN_TRIES; i++) {
		fd = open(name, flags, 0600);
		if (fd < 0)
			return ERR_SYSTEM;
		err = take_new(fd, name);
		if (err == ERR_OK) {
			*out = fd;
			return ERR_OK;
		}
		saved = errno;
		close(fd);
		errno = saved;
	}
	return err == ERR_CONFLICT ? ERR_BUSY : err;
}

enum err keyfile_keep(const char *file, const char *url, struct text json)
{
	char name[NAME_MAX_BYTES];
	bool is_kept;
	enum err err;
	int saved;
	int fd;

	if (snprintf(name, sizeof(name), "%s" NEW_SUFFIX, file) >=
	    (int)sizeof(name)) {
		errno = ENAMETOOLONG;
		return ERR_SYSTEM;
	}
	err = open_new(name, &fd);
	if (err != ERR_OK)
		return err;
	is_kept = write_all(fd, text_of(url)) && write_all(fd, TEXT("\n")) &&
		  write_all(fd, json) && fsync(fd) == 0 &&
		  rename(name, file) == 0;
	saved = errno;
	if (!is_kept)
		(void)unlink(name);
	/* The lock goes with it: not before the name is given up. */
	close(fd);
	errno = saved;
	return is_kept && safefile_sync_folder(file) ? ERR_OK : ERR_SYSTEM;
}

void keyfile_confirm(const char *file)
{
	(void)utimensat(AT_FDCWD, file, NULL, AT_SYMLINK_NOFOLLOW);
}

/* Whoever can write to the file could be every user. */
static enum err distrust(int fd, int64_t *confirmed_s, char *problem,
			 size_t size)
{
	struct stat status;

	if (fstat(fd, &status) != 0 || status.st_uid != geteuid() ||
	    (status.st_mode & 022) != 0) {
		(void)snprintf(problem, size,
			       "others than its owner may write to it, or it "
			       "is another user's");
		return ERR_INVALID;
	}
	/* A time before 1970 is none, and differences to it may overflow. */
	*confirmed_s = status.st_mtim.tv_sec > 0 ? status.st_mtim.tv_sec : 0;
	return ERR_OK;
}

/* Splits what was read into the URL and the set, which is copied. */
static enum err take_set(struct text kept, const char *url, struct text *json,
			 char *problem, size_t size)
{
	size_t end = text_find_byte(kept, '\n');
	struct text set = text_slice(kept, end + 1, kept.len);
	char *copy;
	enum err err;

	if (!text_is_equal(text_slice(kept, 0, end), text_of(url)))
		return ERR_NOT_FOUND;
	err = judge(set, problem, size);
	if (err != ERR_OK)
		return err;
	copy = malloc(set.len);
	if (!copy)
		return ERR_NO_MEMORY;
	memcpy(copy, set.ptr, set.len);
	json->ptr = copy;
	json->len = set.len;
	return ERR_OK;
}

enum err keyfile_load(const char *file, const char *url, struct text *json,
		      int64_t *confirmed_s, char *problem, size_t problem_size)
{
	struct text kept = { NULL, 0 };
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	enum err err;

	if (fd < 0 && errno == ENOENT)
		return ERR_NOT_FOUND;
	if (fd < 0) {
		(void)snprintf(problem, problem_size, "%m");
		return ERR_INVALID;
	}
	err = distrust(fd, confirmed_s, problem, problem_size);
	if (err == ERR_OK)
		err = slurp(fd, FILE_MAX_BYTES, &kept, problem, problem_size);
	close(fd);
	if (err == ERR_OK)
		err = take_set(kept, url, json, problem, problem_size);
	keyfile_release(&kept);
	return err;
}
