/* The Date header (RFC 9110, 6.6.1), made once a second. */
#ifndef TODOD_DAEMON_HTTPDATE_H
#define TODOD_DAEMON_HTTPDATE_H

#include <stdint.h>

/* Zeroed before its first use. */
struct httpdate {
	int64_t second;
	char text[32];
};

/* "Sat, 21 Nov 2026 02:26:38 GMT"; borrowed until the next call. */
const char *httpdate_text(struct httpdate *date);

#endif
