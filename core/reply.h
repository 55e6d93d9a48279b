/*
 * Answering a call.  Every response of the application leaves through here, so
 * that each carries the common headers (request id, CORS, …) and every error
 * has the form the client asked for.  Each function ends the call: it and its
 * exchange are gone when the function returns.
 */
#ifndef TODOD_CORE_REPLY_H
#define TODOD_CORE_REPLY_H

#include "core/buffer.h"
#include "core/err.h"
#include "core/http.h"
#include "core/text.h"

struct call;

/* Adds the headers that every response has; for answers that go out by
 * themselves (reply_send does it for the others). */
void reply_common_headers(struct call *call, struct http_response *response);

/* Sends a response that is ready. */
void reply_send(struct call *call, struct http_response *response);

/* JSON from body, which is moved; a failed buffer is answered 503. */
void reply_json(struct call *call, int status, struct buffer *body);

/* A constant JSON text. */
void reply_constant(struct call *call, int status, struct text json);

/* 503 with Retry-After: a constant JSON text, or the RFC 9457 object with this
 * detail. */
void reply_unavailable(struct call *call, struct text json, const char *detail);

/* No body: 204. */
void reply_empty(struct call *call);

/* {"detail":"…"}, or the RFC 9457 object. */
void reply_detail(struct call *call, int status, const char *detail);

/* The same with headers that are already in response. */
void reply_detail_with(struct call *call, struct http_response *response,
		       int status, const char *detail);

/* The call's problems, in the form and with the status of its dialect. */
void reply_problems(struct call *call);

/* An error of storage or memory: 503 with Retry-After, or 500. */
void reply_err(struct call *call, enum err err);

#endif
