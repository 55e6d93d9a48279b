/* Looking after files and their folders. */
#include "config.h"

#include "daemon/safefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"

#define NAME_MAX_BYTES 4096

void safefile_look(const char *option, const char *file,
		   enum safefile_kind kind)
{
	struct stat status;

	/* Whoever reads it says that it is not there. */
	if (stat(file, &status) != 0)
		return;
	if ((status.st_mode & 022) != 0)
		log_event(LOG_WARN,
			  "others may write to a file that todod believes: "
			  "chmod go-w it",
			  LOG_STRING("option", option),
			  LOG_STRING("file", file));
	if (kind == SAFEFILE_SECRET && (status.st_mode & 004) != 0)
		log_event(LOG_WARN,
			  "everybody here may read a secret: chmod o= it",
			  LOG_STRING("option", option),
			  LOG_STRING("file", file));
}

bool safefile_sync_folder(const char *file)
{
	char name[NAME_MAX_BYTES];
	char *slash;
	bool is_synced;
	int saved;
	int fd;

	(void)snprintf(name, sizeof(name), "%s", file);
	slash = strrchr(name, '/');
	if (slash)
		slash[slash == name] = '\0';
	fd = open(slash ? name : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	is_synced = fsync(fd) == 0;
	saved = errno;
	close(fd);
	errno = saved;
	return is_synced;
}
