/* Chooses and merges the fragments of the API description. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/apidoc.h"
#include "core/app.h"
#include "core/embedded.h"
#include "core/jsonreader.h"
#include "core/log.h"

#define FRAGMENTS_MAX 16
#define VERSION_BYTES 64

struct apidoc {
	const struct app_options *options;
	struct buffer openapi;
};

/* When a fragment belongs to the document; the others never do. */
enum fragment_use {
	FRAGMENT_ALWAYS,
	FRAGMENT_ACCOUNTS,
	FRAGMENT_MULTIUSER,
	FRAGMENT_SECURED,
	FRAGMENT_SENTENCES, /* some route refuses in the form of multiuser */
};

static const struct {
	const char *name;
	enum fragment_use use;
} fragments[] = {
	{ "00-common.json", FRAGMENT_ALWAYS },
	{ "01-errors-multiuser.json", FRAGMENT_SENTENCES },
	{ "10-tasks-multiuser.json", FRAGMENT_MULTIUSER },
	{ "11-tasks-secured.json", FRAGMENT_SECURED },
	{ "12-todos.json", FRAGMENT_ALWAYS },
	{ "20-accounts.json", FRAGMENT_ACCOUNTS },
	{ "30-health-multiuser.json", FRAGMENT_MULTIUSER },
	{ "31-health-secured.json", FRAGMENT_SECURED },
	{ "32-health-todos.json", FRAGMENT_ALWAYS },
};

static bool is_used(enum fragment_use use, const struct app_options *options)
{
	switch (use) {
	case FRAGMENT_ALWAYS:
		return true;
	case FRAGMENT_ACCOUNTS:
		return options->accounts;
	case FRAGMENT_MULTIUSER:
		return options->tasks_dialect == DIALECT_MULTIUSER;
	case FRAGMENT_SENTENCES:
		return options->accounts ||
		       options->tasks_dialect == DIALECT_MULTIUSER;
	case FRAGMENT_SECURED:
		return options->tasks_dialect == DIALECT_SECURED;
	}
	return false;
}

static const struct embedded_file *file_find(const struct embedded_file *files,
					     size_t count, struct text name)
{
	for (size_t i = 0; i < count; i++) {
		if (text_is_equal(text_of(files[i].name), name))
			return &files[i];
	}
	return NULL;
}

static struct text file_text(const struct embedded_file *file)
{
	return (struct text){ (const char *)file->data, file->len };
}

static enum err assemble(struct apidoc *doc)
{
	const struct app_options *options = doc->options;
	struct text texts[FRAGMENTS_MAX];
	char version[VERSION_BYTES];
	size_t count = 0, bad = 0;
	enum err err;

	for (size_t i = 0; i < sizeof(fragments) / sizeof(fragments[0]); i++) {
		const struct embedded_file *file;

		if (!is_used(fragments[i].use, options))
			continue;
		file = file_find(options->api_files, options->api_file_count,
				 text_of(fragments[i].name));
		if (file)
			texts[count++] = file_text(file);
	}
	/* The last word on the version is the program's. */
	snprintf(version, sizeof(version), "{\"info\":{\"version\":\"%s\"}}",
		 options->version);
	texts[count++] = text_of(version);

	err = jsonreader_merge(texts, count, &doc->openapi, &bad);
	if (err == ERR_INVALID) {
		log_event(LOG_ERROR, "the API description does not parse",
			  LOG_INT("fragment", (int64_t)bad));
		return ERR_SYSTEM;
	}
	return err;
}

enum err apidoc_new(const struct app_options *options, struct apidoc **out)
{
	struct apidoc *doc = calloc(1, sizeof(*doc));
	enum err err;

	if (!doc)
		return ERR_NO_MEMORY;
	doc->options = options;
	buffer_init(&doc->openapi);
	err = assemble(doc);
	if (err == ERR_OK && buffer_is_failed(&doc->openapi))
		err = ERR_NO_MEMORY;
	if (err != ERR_OK)
		apidoc_free(&doc);
	else
		*out = doc;
	return err;
}

void apidoc_free(struct apidoc **doc)
{
	if (!*doc)
		return;
	buffer_release(&(*doc)->openapi);
	free(*doc);
	*doc = NULL;
}

struct text apidoc_openapi(const struct apidoc *doc)
{
	return buffer_text(&doc->openapi);
}

static struct text type_of(const char *name)
{
	static const struct {
		const char *suffix;
		struct text type;
	} types[] = {
		{ ".html", TEXT("text/html; charset=utf-8") },
		{ ".css", TEXT("text/css; charset=utf-8") },
		{ ".js", TEXT("text/javascript; charset=utf-8") },
		{ ".png", TEXT("image/png") },
		{ ".svg", TEXT("image/svg+xml") },
	};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(dot, types[i].suffix) == 0)
			return types[i].type;
	}
	return TEXT("application/octet-stream");
}

enum err apidoc_page(const struct apidoc *doc, struct text name,
		     struct apidoc_file *out)
{
	const struct embedded_file *file = file_find(
		doc->options->docs_files, doc->options->docs_file_count, name);

	if (!file)
		return ERR_NOT_FOUND;
	out->content = file_text(file);
	out->type = type_of(file->name);
	return ERR_OK;
}
