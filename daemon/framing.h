/*
 * Whether it is certain where a request ends and the next one begins (RFC
 * 9112, 6 and 9): evhttp takes much that others read differently.
 */
#ifndef TODOD_DAEMON_FRAMING_H
#define TODOD_DAEMON_FRAMING_H

#include <stdbool.h>

struct http_request;

/* 0, or the status to refuse the request with; the connection must end then.
 * minor is that of the request's HTTP version 1.x. */
int framing_problem(const struct http_request *request, int minor);

/* Whether the client asks for the connection to end after the answer. */
bool framing_wants_close(const struct http_request *request);

#endif
