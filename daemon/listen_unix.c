/* Unix sockets live in the file system and outlast who made them. */
#include "config.h"

#include "daemon/listen_unix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/fault.h"
#include "daemon/privs.h"

#define SOCKET_MASK 0117 /* mode 0660: the owner and a proxy in the group */

static void fill(struct sockaddr_un *address, const char *path)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	/* address.c has seen to it that it fits. */
	(void)snprintf(address->sun_path, sizeof(address->sun_path), "%s",
		       path);
}

static bool is_answered(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool is_refused;

	if (fd < 0)
		return true;
	is_refused = connect(fd, (const struct sockaddr *)address,
			     sizeof(*address)) != 0 &&
		     errno == ECONNREFUSED;
	close(fd);
	return !is_refused;
}

/* Makes way for a new socket. */
static enum err clear(const struct sockaddr_un *address, struct fault *fault)
{
	struct stat status;

	if (lstat(address->sun_path, &status) != 0)
		return ERR_OK;
	if (!S_ISSOCK(status.st_mode))
		return fault_set(fault, EX_CANTCREAT,
				 "%s is there and is no socket: move it away "
				 "or choose another path in HOST",
				 address->sun_path);
	if (is_answered(address))
		return fault_set(fault, EX_UNAVAILABLE,
				 "%s is in use by another program; find it "
				 "with: ss -lxp",
				 address->sun_path);
	if (unlink(address->sun_path) != 0)
		return fault_set(fault, EX_CANTCREAT,
				 "cannot remove the old socket %s: %m",
				 address->sun_path);
	return ERR_OK;
}

/* Gives the socket to its user, and nothing else that somebody has put there
 * meanwhile: the folder may be the user's. */
static bool give(const char *path, const struct identity *identity)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	int saved = EBUSY;
	bool is_given = false;

	if (fd < 0)
		return false;
	if (fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) &&
	    status.st_nlink == 1 && status.st_uid == geteuid()) {
		is_given = fchownat(fd, "", identity->uid, identity->gid,
				    AT_EMPTY_PATH) == 0;
		saved = errno;
	}
	close(fd);
	errno = saved;
	return is_given;
}

struct listen_unix_file listen_unix_file_at(const char *path)
{
	struct listen_unix_file file = { 0, 0 };
	struct stat status;

	if (lstat(path, &status) == 0) {
		file.device = status.st_dev;
		file.inode = status.st_ino;
	}
	return file;
}

void listen_unix_remove(const char *path, const struct listen_unix_file *file)
{
	struct listen_unix_file there = listen_unix_file_at(path);

	if (there.inode == file->inode && there.device == file->device)
		(void)unlink(path);
}

enum err listen_unix_open(const char *path, int backlog,
			  const struct identity *identity, int *out,
			  struct fault *fault)
{
	struct sockaddr_un address;
	mode_t mask;
	bool is_bound;
	enum err err;
	int fd;

	fill(&address, path);
	err = clear(&address, fault);
	if (err != ERR_OK)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fault_set(fault, EX_OSERR, "no unix socket: %m");
	mask = umask(SOCKET_MASK);
	is_bound = bind(fd, (const struct sockaddr *)&address,
			sizeof(address)) == 0;
	(void)umask(mask);
	if (!is_bound || listen(fd, backlog) != 0) {
		fault_set(fault, EX_CANTCREAT,
			  "cannot make the socket %s: %m; is its folder "
			  "there, and may todod write to it?",
			  path);
		close(fd);
		return ERR_INVALID;
	}
	if (identity->changes && !give(path, identity)) {
		fault_set(fault, EX_CANTCREAT, "cannot give %s to %s: %m", path,
			  identity->name);
		close(fd);
		(void)unlink(path);
		return ERR_INVALID;
	}
	*out = fd;
	return ERR_OK;
}
