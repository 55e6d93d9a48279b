/*
 * One request and its answer: evhttp's request turned into core/http.h's, the
 * application's response turned into evhttp's.
 */
#ifndef TODOD_DAEMON_EXCHANGE_H
#define TODOD_DAEMON_EXCHANGE_H

#include <stddef.h>

#include "core/err.h"

struct app;
struct connections;
struct evhttp_request;
struct exchanges;
struct loop;

/* Answers that clients have not taken yet, of one worker; above this further
 * requests are refused. */
#define EXCHANGE_UNSENT_MAX_BYTES (64 * 1024 * 1024)

/* All borrowed. */
struct exchanges_options {
	struct app *app;
	struct loop *loop;
	struct connections *connections;
};

enum err exchanges_new(const struct exchanges_options *options,
		       struct exchanges **exchanges)
	__attribute__((warn_unused_result));

/* There must be none left. */
void exchanges_free(struct exchanges **exchanges);

/* Requests that were not answered yet. */
size_t exchanges_pending(const struct exchanges *exchanges);

/* For evhttp_set_gencb(), with the exchanges as its argument. */
void exchanges_on_request(struct evhttp_request *request, void *exchanges);

#endif
