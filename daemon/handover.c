/* "5:6,7u": the pipe, then the sockets; u is one that has a file. */
#include "config.h"

#include "daemon/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/text.h"
#include "daemon/fault.h"

#define UNLINKED 'u'

static bool keep_over_exec(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags >= 0 && fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) == 0;
}

enum err handover_leave(const struct listeners *listeners, int report_fd,
			char text[HANDOVER_TEXT_BYTES])
{
	int len = snprintf(text, HANDOVER_TEXT_BYTES, "%d:", report_fd);

	if (!keep_over_exec(report_fd))
		return ERR_SYSTEM;
	for (size_t i = 0; i < listeners->count; i++) {
		const struct listener *each = &listeners->items[i];

		if (!keep_over_exec(each->fd))
			return ERR_SYSTEM;
		len += snprintf(text + len, (size_t)(HANDOVER_TEXT_BYTES - len),
				"%s%d%s", i > 0 ? "," : "", each->fd,
				each->unlink_path ? "u" : "");
		if (len >= HANDOVER_TEXT_BYTES) {
			errno = E2BIG;
			return ERR_SYSTEM;
		}
	}
	return ERR_OK;
}

/* A descriptor that is there and is none of the standard streams. */
static bool read_fd(struct text text, int *fd)
{
	int64_t number = 0;

	if (text_to_int64(text, &number) != ERR_OK || number > INT_MAX ||
	    number <= STDERR_FILENO ||
	    fcntl((int)number, F_SETFD, FD_CLOEXEC) != 0)
		return false;
	*fd = (int)number;
	return true;
}

static bool read_socket(struct text text, struct handover_socket *into)
{
	into->is_unlinked = text.len > 0 && text.ptr[text.len - 1] == UNLINKED;
	text.len -= into->is_unlinked;
	return read_fd(text, &into->fd);
}

static bool read_sockets(struct text list, struct handover *handover)
{
	bool is_good = true;

	while (is_good && list.len > 0) {
		size_t comma = text_find_byte(list, ',');

		is_good = handover->count < LISTENERS_MAX &&
			  read_socket(text_slice(list, 0, comma),
				      &handover->sockets[handover->count++]);
		list = text_slice(list, comma + 1, list.len);
	}
	return is_good && handover->count > 0;
}

static bool is_pipe(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

static bool read_all(struct text text, struct handover *handover)
{
	size_t colon = text_find_byte(text, ':');

	return colon < text.len &&
	       read_fd(text_slice(text, 0, colon), &handover->report_fd) &&
	       is_pipe(handover->report_fd) &&
	       read_sockets(text_slice(text, colon + 1, text.len), handover);
}

enum err handover_take(struct handover *handover, struct fault *fault)
{
	const char *value = getenv(HANDOVER_VARIABLE);
	bool is_good;

	memset(handover, 0, sizeof(*handover));
	handover->report_fd = -1;
	if (!value)
		return ERR_OK;
	is_good = read_all(text_of(value), handover);
	if (!is_good) {
		memset(handover, 0, sizeof(*handover));
		handover->report_fd = -1;
		fault_set(fault, EX_USAGE,
			  HANDOVER_VARIABLE " is \"%s\": it is todod's own, "
					    "for SIGUSR2; unset it",
			  value);
	}
	(void)unsetenv(HANDOVER_VARIABLE);
	return is_good ? ERR_OK : ERR_INVALID;
}

bool handover_is_open(const struct handover *handover)
{
	return handover->report_fd >= 0;
}

/* Once, and at most what fits into a pipe at once. */
static bool report(struct handover *handover, const char *words, size_t len)
{
	bool is_told;

	if (!handover_is_open(handover))
		return false;
	is_told = write(handover->report_fd, words, len) == (ssize_t)len;
	close(handover->report_fd);
	handover->report_fd = -1;
	return is_told;
}

bool handover_accept(struct handover *handover)
{
	static const char taken = HANDOVER_TAKEN;

	return report(handover, &taken, 1);
}

bool handover_refuse(struct handover *handover, const char *reason)
{
	return report(handover, reason, strlen(reason));
}
