/* Which e-mail addresses are acceptable. */
#include "config.h"

#include "core/email.h"

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

int main(void)
{
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
