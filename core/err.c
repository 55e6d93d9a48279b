/* Names of the error numbers, and the end of the process for our own bugs. */
#include "config.h"

#include "core/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *err_text(enum err err)
{
	switch (err) {
	case ERR_OK:
		return "no error";
	case ERR_INVALID:
		return "not acceptable";
	case ERR_NOT_FOUND:
		return "not found";
	case ERR_CONFLICT:
		return "already taken";
	case ERR_DENIED:
		return "denied";
	case ERR_EXPIRED:
		return "expired";
	case ERR_BUSY:
		return "busy";
	case ERR_UNAVAILABLE:
		return "unavailable";
	case ERR_UNCERTAIN:
		return "outcome unknown";
	case ERR_NO_MEMORY:
		return "out of memory";
	case ERR_OUTDATED:
		return "the schema needs a migration";
	case ERR_TOO_NEW:
		return "the schema is newer than this program";
	case ERR_CORRUPT:
		return "the database is damaged";
	case ERR_SYSTEM:
		return "refused by the system";
	}
	return "unknown error";
}

void err_bug(const char *file, int line, const char *message)
{
	char text[256];
	size_t len;
	ssize_t written;

	/* Straight to the descriptor: the state of stdio and of the log is
	 * not to be trusted any more. */
	(void)snprintf(text, sizeof(text), "todod: bug at %s:%d: %s\n", file,
		       line, message);
	len = strlen(text);
	text[len - 1] = '\n';
	written = write(STDERR_FILENO, text, len);
	(void)written;
	abort();
}
