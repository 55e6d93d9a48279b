/* Words and exit statuses for what stops todod. */
#include "config.h"

#include "daemon/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

enum err fault_set(struct fault *fault, int exit_code, const char *format, ...)
{
	va_list args;

	fault->exit_code = exit_code;
	va_start(args, format);
	(void)vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	return ERR_INVALID;
}

int fault_exit_code(enum err err)
{
	switch (err) {
	case ERR_OK:
		return EX_OK;
	case ERR_INVALID:
	case ERR_DENIED:
		return EX_CONFIG;
	case ERR_OUTDATED:
	case ERR_TOO_NEW:
	case ERR_CORRUPT:
		return EX_DATAERR;
	case ERR_CONFLICT:
		return EX_CANTCREAT;
	case ERR_NOT_FOUND:
	case ERR_EXPIRED:
	case ERR_BUSY:
	case ERR_UNAVAILABLE:
	case ERR_UNCERTAIN:
		return EX_UNAVAILABLE;
	case ERR_NO_MEMORY:
	case ERR_SYSTEM:
		return EX_OSERR;
	}
	return EX_SOFTWARE;
}
