/*
 * Writes the Test Anything Protocol.  Names are statements of behaviour
 * ("another user's task is not found").  The plan comes at the end: finish
 * main() with "return tap_done();".
 *
 * Every check returns whether it held, so that what depends on it can be left
 * out:  if (!ok(task != NULL, "there is a task")) return;
 */
#ifndef TODOD_TESTS_TAP_H
#define TODOD_TESTS_TAP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/text.h"

#define ok(condition, name) tap_ok(__FILE__, __LINE__, (condition), (name))

/* got comes first, what is wanted second. */
#define is_int(got, want, name) \
	tap_is_int(__FILE__, __LINE__, (int64_t)(got), (int64_t)(want), (name))
#define is_text(got, want, name) \
	tap_is_text(__FILE__, __LINE__, (got), (want), (name))
/* Strings; NULL equals only NULL. */
#define is_string(got, want, name) \
	tap_is_string(__FILE__, __LINE__, (got), (want), (name))
#define is_err(got, want, name) \
	tap_is_err(__FILE__, __LINE__, (got), (want), (name))

bool tap_ok(const char *file, int line, bool condition, const char *name);
bool tap_is_int(const char *file, int line, int64_t got, int64_t want,
		const char *name);
bool tap_is_text(const char *file, int line, struct text got, struct text want,
		 const char *name);
bool tap_is_string(const char *file, int line, const char *got,
		   const char *want, const char *name);
bool tap_is_err(const char *file, int line, enum err got, enum err want,
		const char *name);

/* Counts a check that cannot be made here, with the reason. */
void skip(const char *name, const char *reason);

/* A line for the reader. */
void diag(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Every name from here on begins with "prefix: "; NULL ends that. */
void tap_prefix(const char *prefix);

/* Gives the whole program up: nothing after this makes sense. */
void bail_out(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/* Prints the plan; the exit status of main(). */
int tap_done(void);

#endif
