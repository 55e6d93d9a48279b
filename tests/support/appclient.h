/*
 * Drives core/app.h without a socket: an application over a storage backend,
 * and exchanges that collect what it answers.
 */
#ifndef TODOD_TESTS_APPCLIENT_H
#define TODOD_TESTS_APPCLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/app.h"
#include "core/buffer.h"
#include "core/http.h"
#include "core/text.h"

#define APPCLIENT_SECRET "a secret for tests, 32 bytes long"
#define APPCLIENT_ORIGIN "http://localhost:3000"

struct appclient;
struct storage_backend;
struct testloop;

/* Opens the memory backend, or takes over the one given. */
struct appclient *appclient_new(struct storage_backend *backend);

/* The same with other options than these; its CORS origins are the client's. */
struct app_options appclient_options(void);
struct appclient *appclient_new_with(struct storage_backend *backend,
				     const struct app_options *options);

void appclient_free(struct appclient **client);
struct testloop *appclient_loop(struct appclient *client);
struct app *appclient_app(struct appclient *client);

struct appclient_header {
	const char *name;
	const char *value;
};

/* What is sent; members that are NULL are left out. */
struct appclient_request {
	enum http_method method;
	const char *target;
	const char *token; /* Authorization: Bearer … */
	const char *body;
	const char *origin;
	const char *accept;
	const char *content_type;
	const char *request_id;
	const char *preflight_method;
	const struct appclient_header *more; /* the last has no name */
	const char *peer;		     /* as core/ip.h reads it */
	bool is_tls;
	bool is_body_too_large;
	bool is_surplus; /* its client has too many, if that is asked */
	bool is_gone;	 /* from the beginning */
	/* The client goes away once this many chunks were written. */
	size_t gone_after_chunks; /* 0: it stays */
	/* From this chunk on too much is unsent. */
	size_t crowded_at_chunk; /* 1: the first; 0: never */
};

/* What came back. */
struct appclient_answer {
	bool is_answered;
	bool is_aborted;
	int status;
	size_t chunks;
	struct buffer headers; /* "name: value\n" each */
	struct buffer body;    /* NUL-terminated behind its end */
};

/* Sends and waits for the answer, which appclient_answer_release empties. */
void appclient_send(struct appclient *client,
		    const struct appclient_request *request,
		    struct appclient_answer *answer);

/* Sends without waiting: answer->is_answered says when it has come.  request is
 * borrowed until then. */
void appclient_start(struct appclient *client,
		     const struct appclient_request *request,
		     struct appclient_answer *answer);
void appclient_answer_release(struct appclient_answer *answer);

/* Value of a header of the answer, NULL when it has none; the caller frees. */
char *appclient_header(const struct appclient_answer *answer, const char *name);

/* A token for a user id, signed with APPCLIENT_SECRET; the caller frees. */
char *appclient_token(const char *user_id);

/* Signs up and in: the user's id and token, which the caller frees. */
void appclient_signin(struct appclient *client, const char *email, char **id,
		      char **token);

#endif
