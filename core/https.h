/*
 * REQUIRE_HTTPS: requests that did not come to the outermost trusted proxy, or
 * to todod itself, by TLS are sent there, and browsers are told to stay there
 * (HSTS, RFC 6797).
 */
#ifndef TODOD_CORE_HTTPS_H
#define TODOD_CORE_HTTPS_H

#include <stdbool.h>

struct call;
struct http_response;

/* Whether the call came by TLS, as far as that is known. */
bool https_is_used(const struct call *call);

/* Whether the call must not be answered as it came. */
bool https_is_missing(const struct call *call);

/*
 * Answers such a call: GET and HEAD with 308 to the same at https://, others
 * with 403, because what they carry has been seen on the way already.  So is
 * one whose Host is none: it is put into no header.
 */
void https_refuse(struct call *call);

/* Strict-Transport-Security, where it is required and was used. */
void https_add_header(const struct call *call, struct http_response *response);

#endif
