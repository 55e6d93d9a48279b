/*
 * CORS in credentials mode (Fetch standard): which origins are listed, and the
 * headers that follow.
 */
#ifndef TODOD_CORE_CORS_H
#define TODOD_CORE_CORS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/http.h"
#include "core/text.h"

struct cors; /* a parsed list, read-only once made */

/*
 * Parses a comma list of exact origins and of patterns with one '*' in the
 * host, which stands for one label without dots, or a part of one; empty
 * entries are skipped.  ERR_INVALID with a sentence in problem that names the
 * entry; ERR_NO_MEMORY.
 */
enum err cors_new(struct text list, struct cors **cors, char *problem,
		  size_t problem_size) __attribute__((warn_unused_result));
void cors_free(struct cors **cors);

/* The origin of a URL: what comes before its path, as a list wants it.  The
 * whole text when it is no URL, for cors_new() to complain about. */
struct text cors_origin_of(struct text url);

bool cors_is_listed(const struct cors *cors, struct text origin);

/* Adds Vary: Origin, and for a listed origin the headers that let its page
 * read the response. */
void cors_add_headers(const struct cors *cors, struct text origin,
		      struct http_response *response);

/* The answer to a preflight request: 204, or a 400 whose detail is in
 * *detail.  Adds the preflight's own headers; cors_add_headers is separate. */
int cors_preflight(const struct cors *cors, const struct http_request *request,
		   struct http_response *response, const char **detail);

#endif
