/*
 * The header section of a response, handed to evhttp in one piece.  Header by
 * header evhttp copies, checks and formats each name and value, which takes
 * more time than all the rest of an answer.
 */
#ifndef TODOD_DAEMON_RESPONSEHEAD_H
#define TODOD_DAEMON_RESPONSEHEAD_H

#include <stddef.h>

struct evkeyvalq;
struct http_response;

/* Adds Date and the response's own headers.  A header that would break the
 * section (a control character in its value) is left out. */
void responsehead_put(struct evkeyvalq *headers,
		      const struct http_response *response, const char *date);

/* Adds the length of the body. */
void responsehead_put_length(struct evkeyvalq *headers, size_t len);

#endif
