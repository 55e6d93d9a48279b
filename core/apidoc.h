/*
 * The description of the API (OpenAPI 3.1), put together at start-up from the
 * fragments in docs/api for what is mounted, and the page at /docs.
 */
#ifndef TODOD_CORE_APIDOC_H
#define TODOD_CORE_APIDOC_H

#include "core/err.h"
#include "core/text.h"

struct app_options;
struct apidoc;

/* ERR_NO_MEMORY; ERR_SYSTEM when a fragment does not parse (logged). */
enum err apidoc_new(const struct app_options *options, struct apidoc **doc)
	__attribute__((warn_unused_result));
void apidoc_free(struct apidoc **doc);

/* The whole document; lives as long as doc. */
struct text apidoc_openapi(const struct apidoc *doc);

struct apidoc_file {
	struct text content;
	struct text type; /* Content-Type */
};

/* A file of the page: "index.html" or one that it names; ERR_NOT_FOUND. */
enum err apidoc_page(const struct apidoc *doc, struct text name,
		     struct apidoc_file *file)
	__attribute__((warn_unused_result));

#endif
