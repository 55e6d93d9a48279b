/* Request paths: what they are split into, and which are refused. */
#include "config.h"

#include "core/path.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Segments joined by '|', a '>' at the end for a trailing slash. */
static const struct {
	const char *raw, *joined;
} good[] = {
	{ "/", "" },
	{ "/health", "health" },
	{ "/health/", "health>" },
	{ "/api/u1/tasks", "api|u1|tasks" },
	{ "/api/u1/tasks/", "api|u1|tasks>" },
	{ "/api/u1/tasks/5/complete", "api|u1|tasks|5|complete" },
	{ "//", ">" },
	{ "//health", "|health" },
	{ "/health//", "health|>" },
	{ "/a//b", "a||b" },
	{ "/%61pi/%7e", "api|~" },
	{ "/a%20b", "a b" },
	{ "/a+b", "a+b" },
	{ "/a;b=c", "a;b=c" },
	{ "/%C3%A9", "\xc3\xa9" },
	{ "/\xc3\xa9", "\xc3\xa9" },
	{ "/%25", "%" },
	{ "/%2541", "%41" },
	{ "/%23", "#" },
	{ "/%3F", "?" },
	{ "/...", "..." },
	{ "/.a", ".a" },
	{ "/a..", "a.." },
	{ "/.well-known", ".well-known" },
	{ "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16",
	  "1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16" },
	{ "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/",
	  "1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16>" },
};

static const char *const bad[] = {
	"",
	"health",
	"*",
	"http://a/b",
	"/%",
	"/%4",
	"/%4/",
	"/%zz",
	"/%4z",
	"/%z4",
	"/%%41",
	"/%u0041",
	"/%00",
	"/a%00b",
	"/a%2Fb",
	"/a%2fb",
	"/%2f",
	"/%2e%2e%2f",
	"/.",
	"/..",
	"/./a",
	"/../a",
	"/a/./b",
	"/a/../b",
	"/a/.",
	"/a/..",
	"/a/../",
	"/%2e",
	"/%2E%2e/a",
	"/.%2e/a",
	"/%2e./a",
	"/a#b",
	"/#",
	"/a\tb",
	"/a%09b",
	"/a%0d%0ab",
	"/a%1fb",
	"/a%7f",
	"/a\x7f",
	"/%ff",
	"/\xff",
	"/%c3",
	"/%c3/%a9",
	"/%ed%a0%80",
	"/%c0%af",
	"/%c0%ae%c0%ae",
	"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/%",
};

static void test_good(struct arena *arena)
{
	for (size_t i = 0; i < LENGTH(good); i++) {
		struct path path;
		char joined[256] = "";
		size_t len = 0;

		if (!is_err(path_parse(arena, text_of(good[i].raw), &path),
			    ERR_OK, good[i].raw))
			continue;
		for (size_t at = 0; at < path.count; at++)
			len += (size_t)snprintf(joined + len,
						sizeof(joined) - len, "%s%.*s",
						at > 0 ? "|" : "",
						(int)path.segments[at].len,
						path.segments[at].ptr);
		(void)snprintf(joined + len, sizeof(joined) - len, "%s",
			       path.has_trailing_slash ? ">" : "");
		is_string(joined, good[i].joined, good[i].raw);
	}
}

static void test_bad(struct arena *arena)
{
	for (size_t i = 0; i < LENGTH(bad); i++) {
		struct path path;
		char name[48];

		(void)snprintf(name, sizeof(name), "path %zu is refused", i);
		if (!is_err(path_parse(arena, text_of(bad[i]), &path),
			    ERR_INVALID, name))
			diag("%s", bad[i]);
	}
}

static void test_rest(struct arena *arena)
{
	struct text path, query;
	struct path parsed;

	is_err(path_parse(arena,
			  TEXT("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"),
			  &parsed),
	       ERR_NOT_FOUND, "no route has so many segments");
	is_err(path_parse(arena, TEXT("/a\0b"), &parsed), ERR_INVALID,
	       "a NUL is refused");
	is_err(path_parse(arena, (struct text){ NULL, 0 }, &parsed),
	       ERR_INVALID, "no path is refused");

	path_split_target(TEXT("/a/b?c=d?e"), &path, &query);
	is_text(path, TEXT("/a/b"), "the path ends at the first '?'");
	is_text(query, TEXT("c=d?e"), "the query is the rest");
	path_split_target(TEXT("/a"), &path, &query);
	is_text(path, TEXT("/a"), "there may be no query");
	is_text(query, TEXT(""), "and then it is empty");
	path_split_target(TEXT("/a?"), &path, &query);
	is_text(path, TEXT("/a"), "a query may be empty");
	is_text(query, TEXT(""), "and is empty then");
}

int main(void)
{
	struct arena arena;

	arena_init(&arena);
	test_good(&arena);
	test_bad(&arena);
	test_rest(&arena);
	arena_release(&arena);
	return tap_done();
}
