/* The database file and its folder, seen from outside of SQLite. */
#include "config.h"

#include "backends/sqlite_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "core/log.h"

/* The magic numbers of statfs(2), of which linux/magic.h has only some. */
static const struct {
	unsigned long magic;
	const char *name;
} network_file_systems[] = {
	{ 0x00006969, "NFS" },	  { 0x0000517b, "SMB" },
	{ 0xfe534d42, "SMB2" },	  { 0xff534d42, "CIFS" },
	{ 0x01021997, "9P" },	  { 0x00c36400, "Ceph" },
	{ 0x0bd00bd0, "Lustre" }, { 0x01161970, "GFS2" },
	{ 0x7461636f, "OCFS2" },  { 0x47504653, "GPFS" },
	{ 0x19830326, "BeeGFS" }, { 0x5346414f, "AFS" },
	{ 0x6b414653, "AFS" },	  { 0x73757245, "Coda" },
	{ 0x786f4256, "vboxsf" },
};

/* Sometimes a disk of this machine, sometimes one of another. */
#define FUSE_MAGIC 0x65735546UL

enum err sqlite_file_fail(const char *path, const char *doing)
{
	char reason[128];

	(void)snprintf(reason, sizeof(reason), "%m");
	log_event(LOG_ERROR, "database file error", LOG_STRING("doing", doing),
		  LOG_STRING("reason", reason), LOG_STRING("path", path));
	return ERR_SYSTEM;
}

char *sqlite_file_join(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_size = strlen(b) + 1;
	char *joined = malloc(a_len + b_size);

	if (joined != NULL) {
		memcpy(joined, a, a_len);
		memcpy(joined + a_len, b, b_size);
	}
	return joined;
}

char *sqlite_file_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return strdup(".");
	if (slash == path)
		return strdup("/");
	return strndup(path, (size_t)(slash - path));
}

enum err sqlite_file_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum err err = ERR_OK;

	if (fd < 0)
		return sqlite_file_fail(path, "opening it to make it last");
	if (fsync(fd) != 0)
		err = sqlite_file_fail(path, "making it last");
	close(fd);
	return err;
}

enum err sqlite_file_create(const char *path)
{
	char *folder;
	enum err err;
	int fd;

	/* It is new, so no lock of this process on it can be lost. */
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return ERR_OK;
	if (fd < 0)
		return sqlite_file_fail(path, "creating the database (its "
					      "folder must exist and be "
					      "writable)");
	close(fd);
	folder = sqlite_file_folder(path);
	if (folder == NULL)
		return ERR_NO_MEMORY;
	err = sqlite_file_sync(folder);
	free(folder);
	return err;
}

static enum err refuse(const char *path, const char *reason, const char *what)
{
	log_event(LOG_ERROR, "database file refused",
		  LOG_STRING("reason", reason), LOG_STRING("path", path),
		  LOG_STRING("file_system", what));
	return ERR_SYSTEM;
}

static enum err check_file_system(const char *path)
{
	struct statfs info;
	unsigned long magic;
	size_t i;

	if (statfs(path, &info) != 0)
		return sqlite_file_fail(path, "asking for its file system");
	/* Some architectures widen the 32 bits as a signed number. */
	magic = (unsigned long)info.f_type & 0xffffffffUL;
	for (i = 0;
	     i < sizeof(network_file_systems) / sizeof(network_file_systems[0]);
	     i++)
		if (magic == network_file_systems[i].magic)
			return refuse(path,
				      "SQLite needs a disk of this machine: "
				      "move the file, or use PostgreSQL",
				      network_file_systems[i].name);
	if (magic == FUSE_MAGIC)
		log_event(LOG_WARN, "database on a FUSE file system",
			  LOG_STRING("path", path),
			  LOG_STRING("reason", "safe only when its locks and "
					       "shared memory work"));
	return ERR_OK;
}

enum err sqlite_file_resolve(const char *path, char **resolved)
{
	char *real = realpath(path, NULL);
	struct stat info;
	enum err err;

	if (real == NULL && errno == ENOENT)
		return ERR_NOT_FOUND;
	if (real == NULL)
		return sqlite_file_fail(path, "finding the database");
	if (stat(real, &info) != 0)
		err = sqlite_file_fail(real, "looking at the database");
	else if (!S_ISREG(info.st_mode))
		err = refuse(real, "it is no regular file", NULL);
	else
		err = check_file_system(real);
	if (err != ERR_OK) {
		free(real);
		return err;
	}
	*resolved = real;
	return ERR_OK;
}
