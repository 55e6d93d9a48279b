/* Which e-mail addresses are acceptable. */
#include "config.h"

#include "core/email.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define LABEL_63 \
	"abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"

static const char *const accepted[] = {
	"a@b.c",
	"user@example.com",
	"User.Name+tag@Example.COM",
	"first.last@sub.domain.example.co.uk",
	"!#$%&'*+-/=?^_`{|}~@example.org",
	"1234567890@example.org",
	"x@1.example",
	"x@123.456.com",
	"_@example.org",
	"a@b-c.example",
	"a@b--c.example",
	"a@xn--bcher-kva.example",
	"j\xc3\xbcrgen@example.org",
	"\xe7\x94\xa8\xe6\x88\xb7@\xe4\xbe\x8b\xe5\xad\x90."
	"\xe5\xb9\xbf\xe5\x91\x8a",
	"a@m\xc3\xbcnchen.example",
	"test@localhost.localdomain",
	"a@example.test",
	"a@example.invalid",
	"a@printer.local",
	"abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz01"
	"@example.org",
	"a@" LABEL_63 ".org",
};

/* Nothing of these can be seen, or they are no characters at all. */
static const struct {
	int32_t first, last;
} invisible[] = {
	{ 0x0, 0x20 },	      { 0x7f, 0xa0 },	     { 0xad, 0xad },
	{ 0x34f, 0x34f },     { 0x600, 0x605 },	     { 0x61c, 0x61c },
	{ 0x6dd, 0x6dd },     { 0x70f, 0x70f },	     { 0x8e2, 0x8e2 },
	{ 0x115f, 0x1160 },   { 0x1680, 0x1680 },    { 0x17b4, 0x17b5 },
	{ 0x180b, 0x180e },   { 0x2000, 0x200f },    { 0x2028, 0x202f },
	{ 0x205f, 0x206f },   { 0x2800, 0x2800 },    { 0x3000, 0x3000 },
	{ 0x3164, 0x3164 },   { 0xe000, 0xf8ff },    { 0xfdd0, 0xfdef },
	{ 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff },    { 0xffa0, 0xffa0 },
	{ 0xfff0, 0xffff },   { 0x110bd, 0x110bd },  { 0x110cd, 0x110cd },
	{ 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },  { 0x1fffe, 0x1ffff },
	{ 0x2fffe, 0x2ffff }, { 0x3fffe, 0x3ffff },  { 0xdfffe, 0xdffff },
	{ 0xe0000, 0xe0fff }, { 0xf0000, 0x10ffff },
};

/* Letters and marks that stand beside those. */
static const int32_t visible[] = {
	0xa1,	0xac,	0xae,	 0x34e,	  0x350,   0x606,   0x620,
	0x710,	0x115e, 0x1161,	 0x17b3,  0x17b6,  0x180a,  0x1820,
	0x2010, 0x2801, 0x3163,	 0x3165,  0xf900,  0xfdf0,  0xfe10,
	0xff9f, 0xffa1, 0x110be, 0x1d172, 0x1d17b, 0x1f600, 0x20000,
};

static const char *const refused[] = {
	"",
	"a",
	"@",
	"a@",
	"@b.c",
	"a@b",
	"a@localhost",
	"a.b.c",
	"a@@b.c",
	"a@b@c.d",
	".a@b.c",
	"a.@b.c",
	"a..b@c.d",
	"a@.b.c",
	"a@b..c",
	"a@b.c.",
	"a@b.c..",
	"a b@c.d",
	"a@b c.d",
	" a@b.c",
	"a@b.c ",
	"a@b.c\n",
	"\ta@b.c",
	"a@-b.c",
	"a@b-.c",
	"a@b.-c",
	"a@b.c-",
	"a@b_c.d",
	"a@b.123",
	"a@127.0.0.1",
	"a@[127.0.0.1]",
	"a@[IPv6:::1]",
	"\"a\"@b.c",
	"\"a b\"@b.c",
	"a(comment)@b.c",
	"a@b(comment).c",
	"Name <a@b.c>",
	"<a@b.c>",
	"a,b@c.d",
	"a;b@c.d",
	"a:b@c.d",
	"a\\b@c.d",
	"a[b@c.d",
	"a@b.c,d@e.f",
	"mailto:a@b.c",
	"a@b!c.d",
	"a@b.c/d",
	"a@b%c.d",
	"a\x7f@b.c",
	"a\x01@b.c",
	"a\xff@b.c",
	"a@b\xff.c",
	"a\xc2\x85@b.c",
	"a\xc2\xa0@b.c",
	"a\xe2\x80\x8b@b.c",
	"a\xe3\x80\x80@b.c",
	"a@b\xe2\x80\x8d.c",
	"a\xe2\x80\xae@b.c",
	"a\xef\xbb\xbf@b.c",
	"a\xc2\xad@b.c",
	"a\xed\xa0\x80@b.c",
	"a\xef\xbf\xbf@b.c",
	"abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz012"
	"@example.org",
	"a@" LABEL_63 "1.org",
};

/* local@label.label… of exactly len bytes. */
static bool is_valid_of_length(size_t len)
{
	char address[512];

	memset(address, 'a', sizeof(address));
	address[40] = '@';
	for (size_t i = 80; i < len - 10; i += 40)
		address[i] = '.';
	return email_is_valid((struct text){ address, len });
}

/* c in the local part, and in the domain. */
static bool is_valid_with(int32_t c, const char *before, const char *after)
{
	char address[32];
	size_t len = (size_t)snprintf(address, sizeof(address), "%s", before);

	if (c < 0x80) {
		address[len++] = (char)c;
	} else if (c < 0x800) {
		address[len++] = (char)(0xc0 | c >> 6);
		address[len++] = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		address[len++] = (char)(0xe0 | c >> 12);
		address[len++] = (char)(0x80 | (c >> 6 & 0x3f));
		address[len++] = (char)(0x80 | (c & 0x3f));
	} else {
		address[len++] = (char)(0xf0 | c >> 18);
		address[len++] = (char)(0x80 | (c >> 12 & 0x3f));
		address[len++] = (char)(0x80 | (c >> 6 & 0x3f));
		address[len++] = (char)(0x80 | (c & 0x3f));
	}
	(void)snprintf(address + len, sizeof(address) - len, "%s", after);
	return email_is_valid((struct text){ address, len + strlen(after) });
}

static void test_characters(void)
{
	char name[48];

	for (size_t i = 0; i < LENGTH(invisible); i++) {
		bool is_refused = true;

		for (int32_t c = invisible[i].first; c <= invisible[i].last;
		     c++)
			is_refused = is_refused &&
				     !is_valid_with(c, "a", "b@c.d") &&
				     !is_valid_with(c, "a@b", "c.d");
		(void)snprintf(name, sizeof(name), "U+%04X is refused",
			       (unsigned)invisible[i].first);
		ok(is_refused, name);
	}
	for (size_t i = 0; i < LENGTH(visible); i++) {
		(void)snprintf(name, sizeof(name), "U+%04X is accepted",
			       (unsigned)visible[i]);
		ok(is_valid_with(visible[i], "a", "b@c.d") &&
			   is_valid_with(visible[i], "a@b", "c.d"),
		   name);
	}
}

int main(void)
{
	test_characters();
	for (size_t i = 0; i < LENGTH(accepted); i++)
		ok(email_is_valid(text_of(accepted[i])), accepted[i]);
	for (size_t i = 0; i < LENGTH(refused); i++) {
		char name[48];

		(void)snprintf(name, sizeof(name), "address %zu is refused", i);
		if (!ok(!email_is_valid(text_of(refused[i])), name))
			diag("%s", refused[i]);
	}
	ok(!email_is_valid((struct text){ NULL, 0 }), "nothing is refused");
	ok(!email_is_valid(TEXT("a\0b@c.d")) &&
		   !email_is_valid(TEXT("a@b\0c.d")) &&
		   !email_is_valid(TEXT("a@b.c\0")),
	   "a NUL is refused everywhere");
	ok(is_valid_of_length(EMAIL_MAX_BYTES),
	   "an address of the greatest length is accepted");
	ok(!is_valid_of_length(EMAIL_MAX_BYTES + 1),
	   "a longer address is refused");
	return tap_done();
}
