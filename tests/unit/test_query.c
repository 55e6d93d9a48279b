/* Query strings, as urllib.parse.parse_qsl(keep_blank_values=True) has them. */
#include "config.h"

#include "core/query.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *query, *name;
	const char *value; /* NULL: not found */
} cases[] = {
	{ "a=1", "a", "1" },
	{ "a=1&b=2", "b", "2" },
	{ "a=1&a=2", "a", "2" },
	{ "a=1&a=", "a", "" },
	{ "a=1&a", "a", "" },
	{ "a", "a", "" },
	{ "a=", "a", "" },
	{ "a=1&b&c=%20+", "c", "  " },
	{ "a=1&b&c=%20+", "b", "" },
	{ "", "a", NULL },
	{ "&", "a", NULL },
	{ "&&a=1&&", "a", "1" },
	{ "b=1", "a", NULL },
	{ "A=1", "a", NULL },
	{ "aa=1", "a", NULL },
	{ "a=b=c", "a", "b=c" },
	{ "=1", "", "1" },
	{ "=", "", "" },
	{ "?a=1", "?a", "1" },
	{ "a;b=1", "a;b", "1" },
	{ "a=1;b=2", "a", "1;b=2" },
	{ "%61=1", "a", "1" },
	{ "a+b=1", "a b", "1" },
	{ "a%2Bb=1", "a+b", "1" },
	{ "a%3D1=2", "a=1", "2" },
	{ "a%26=2", "a&", "2" },
	{ "a=%3D%26%2B", "a", "=&+" },
	{ "a=%c3%a9", "a", "\xc3\xa9" },
	{ "a=%C3%A9", "a", "\xc3\xa9" },
	{ "a=\xc3\xa9", "a", "\xc3\xa9" },
	{ "a=%e9", "a", "\xef\xbf\xbd" },
	{ "a=x%ffy%fe", "a", "x\xef\xbf\xbdy\xef\xbf\xbd" },
	{ "a=%ed%a0%80", "a", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "a=%e2%82z", "a", "\xef\xbf\xbdz" },
	{ "a=\xff", "a", "\xef\xbf\xbd" },
	{ "a=%", "a", "%" },
	{ "a=%4", "a", "%4" },
	{ "a=%zz", "a", "%zz" },
	{ "a=%4z", "a", "%4z" },
	{ "a=%%41", "a", "%A" },
	{ "a=%2541", "a", "%41" },
	{ "a=%+1", "a", "% 1" },
	{ "a=100%", "a", "100%" },
	{ "a=%u00e9", "a", "%u00e9" },
	{ "%=1", "%", "1" },
	{ "%ff=1", "\xef\xbf\xbd", "1" },
	{ "keyword=50%25+off_%5Bnow%5D", "keyword", "50% off_[now]" },
};

int main(void)
{
	struct arena arena;
	struct text value;

	arena_init(&arena);
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const char *wanted = cases[i].value;
		enum err want = ERR_NOT_FOUND;
		char name[64];

		if (wanted != NULL)
			want = strstr(wanted, "\xef\xbf\xbd") == NULL ?
				       ERR_OK :
				       ERR_INVALID;
		(void)snprintf(name, sizeof(name), "case %zu", i);
		if (!is_err(query_find(&arena, text_of(cases[i].query),
				       text_of(cases[i].name), &value),
			    want, name) ||
		    wanted == NULL)
			continue;
		is_text(value, text_of(cases[i].value), name);
	}
	is_err(query_find(&arena, (struct text){ NULL, 0 }, TEXT("a"), &value),
	       ERR_NOT_FOUND, "there is nothing in no query");
	if (is_err(query_find(&arena, TEXT("a=x%00y"), TEXT("a"), &value),
		   ERR_OK, "a NUL is a character"))
		is_text(value, TEXT("x\0y"), "a NUL ends nothing");
	is_err(query_find(&arena, TEXT("a=%EF%BF%BD"), TEXT("a"), &value),
	       ERR_OK, "U+FFFD itself is a character like others");
	is_err(query_find(&arena, TEXT("a%00b=1"), TEXT("a"), &value),
	       ERR_NOT_FOUND, "a NUL does not end a name");
	arena_release(&arena);
	return tap_done();
}
