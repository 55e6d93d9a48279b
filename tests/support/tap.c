/* Writes the Test Anything Protocol on stdout. */
#include "config.h"

#include "tests/support/tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned int checks;
static unsigned int failures;
static const char *name_prefix;

/* One line, flushed: a child or a crash must not lose or double it. */
static void result(bool condition, const char *name, const char *skipped)
{
	checks++;
	if (!condition)
		failures++;
	printf("%s %u - %s%s%s", condition ? "ok" : "not ok", checks,
	       name_prefix != NULL ? name_prefix : "",
	       name_prefix != NULL ? ": " : "", name);
	if (skipped != NULL)
		printf(" # SKIP %s", skipped);
	putchar('\n');
	fflush(stdout);
}

bool tap_ok(const char *file, int line, bool condition, const char *name)
{
	result(condition, name, NULL);
	if (!condition)
		diag("failed at %s:%d", file, line);
	return condition;
}

bool tap_is_int(const char *file, int line, int64_t got, int64_t want,
		const char *name)
{
	if (!tap_ok(file, line, got == want, name))
		diag("got %lld, want %lld", (long long)got, (long long)want);
	return got == want;
}

/* Bytes as a line can show them. */
static void diag_text(const char *label, struct text text)
{
	size_t i;

	printf("# %s (%zu bytes) ", label, text.len);
	for (i = 0; i < text.len && i < 200; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c >= 0x20 && c < 0x7f)
			putchar(c);
		else
			printf("\\x%02x", (unsigned int)c);
	}
	puts(i < text.len ? "..." : "");
	fflush(stdout);
}

bool tap_is_text(const char *file, int line, struct text got, struct text want,
		 const char *name)
{
	bool same = got.len == want.len &&
		    (got.len == 0 || memcmp(got.ptr, want.ptr, got.len) == 0);

	if (!tap_ok(file, line, same, name)) {
		diag_text("got ", got);
		diag_text("want", want);
	}
	return same;
}

bool tap_is_string(const char *file, int line, const char *got,
		   const char *want, const char *name)
{
	bool same = got == want ||
		    (got != NULL && want != NULL && strcmp(got, want) == 0);

	if (!tap_ok(file, line, same, name)) {
		diag("got  %s", got != NULL ? got : "NULL");
		diag("want %s", want != NULL ? want : "NULL");
	}
	return same;
}

bool tap_is_err(const char *file, int line, enum err got, enum err want,
		const char *name)
{
	if (!tap_ok(file, line, got == want, name))
		diag("got \"%s\", want \"%s\"", err_text(got), err_text(want));
	return got == want;
}

void skip(const char *name, const char *reason)
{
	result(true, name, reason);
}

void diag(const char *format, ...)
{
	va_list args;

	fputs("# ", stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

void tap_prefix(const char *prefix)
{
	name_prefix = prefix;
}

void bail_out(const char *format, ...)
{
	va_list args;

	fputs("Bail out! ", stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	exit(EXIT_FAILURE);
}

int tap_done(void)
{
	printf("1..%u\n", checks);
	if (failures > 0)
		diag("%u of %u failed", failures, checks);
	fflush(stdout);
	return failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
