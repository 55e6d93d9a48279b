/*
 * Password hashes.  The argon2 vectors were made by argon2-cffi, those of
 * bcrypt by Python's bcrypt, the library that passlib and FastAPI programs use.
 */
#include "config.h"

#include "core/password.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define SALT	      "MDEyMzQ1Njc4OWFiY2RlZg"
#define A72                                    \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
/* Beyond ASCII in every width of UTF-8. */
#define WORDS "p\xc3\xa4ssw\xc3\xb6rd\xe2\x82\xac\xf0\x9f\x98\x80"

/* Cheap, so that the tests are quick. */
static const struct password_cost cheap = { 8, 1 };

static const struct {
	const char *password, *hash, *name;
} good[] = {
	{ "correct horse",
	  "$argon2id$v=19$m=8,t=1,p=1$" SALT
	  "$M7jw0GQI4Kfcxf+xPldfNRYttP89scc9XVAYAcaZ0U0",
	  "the least argon2id" },
	{ "correct horse",
	  "$argon2id$v=19$m=64,t=2,p=1$" SALT "$mnv7Nzh4acMnzm+/fzLh2Q",
	  "a key of 16 bytes" },
	{ "correct horse",
	  "$argon2id$v=19$m=64,t=3,p=1$" SALT
	  "$Y0HVozwRAyqS8oge3jwHehOEI7w8sfTrmGUKAZOZyXxRo/+35GpD31J9c65F7C8aLk"
	  "bw2wrzIp4J+xY8WwcLaA",
	  "a key of 64 bytes" },
	{ "Passw0rd!",
	  "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA"
	  "$V2pmkM4X3lmib77mhdYuRJdJIApZPqtnqonLhj8kzk8",
	  "argon2id of the default cost" },
	{ "correct horse",
	  "$argon2i$v=19$m=64,t=3,p=1$" SALT
	  "$7Zy9kRR2ckYcS9drlqdGtg040mnL7Y32VUHzoNugrHM",
	  "argon2i" },
	{ "",
	  "$argon2id$v=19$m=8,t=1,p=1$" SALT
	  "$1EDrpniG35PWQ9y4ppsCr2jBbShM1vaGWVU+JFv578A",
	  "argon2id of nothing" },
	{ WORDS,
	  "$argon2id$v=19$m=8,t=1,p=1$" SALT
	  "$AUo37U/Lkjw5YgUHf/ViQKlh0JgcWUWnMfrm2pyZTB8",
	  "argon2id beyond ASCII" },
	{ "correct horse",
	  "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
	  "$2b$" },
	{ "correct horse",
	  "$2a$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
	  "$2a$" },
	{ "correct horse",
	  "$2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
	  "$2y$" },
	{ WORDS, "$2b$04$abcdefghijklmnopqrstuufiRADj1exOQ2tuS1weDiQ1jvpW1Qy1e",
	  "bcrypt beyond ASCII" },
	{ WORDS, "$2a$04$abcdefghijklmnopqrstuufiRADj1exOQ2tuS1weDiQ1jvpW1Qy1e",
	  "$2a$ beyond ASCII" },
	/* The password that libcrypt's $2a$ treats differently. */
	{ "\xff\xa3"
	  "34\xff\xff\xff\xa3"
	  "345",
	  "$2a$05$/OK.fbVrR/bpIqNJ5ianF.o./n25XVfn6oAPaUvHe.Csk4zRfsYPi",
	  "$2a$ is the algorithm of $2b$" },
	{ A72, "$2b$04$abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe",
	  "bcrypt of 72 bytes" },
	{ A72 "aaaaaaaa",
	  "$2b$04$abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe",
	  "bcrypt reads 72 bytes" },
	{ "", "$2b$04$abcdefghijklmnopqrstuubyCG3zY1GIXMyxfivm.ClDiInHzxjiq",
	  "bcrypt of nothing" },
	{ "Passw0rd!",
	  "$2b$10$N9qo8uLOickgx2ZMRZoMye7YGr7uUPNV3SZBcYzoSWkkexSvRfk6W",
	  "bcrypt of cost 10" },
	/* The salt's last character has four bits that mean nothing. */
	{ "correct horse",
	  "$2b$04$abcdefghijklmnopqrstuvjydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
	  "bcrypt with a loose salt" },
};

static const struct {
	const char *hash, *name;
} refused[] = {
	{ "", "nothing" },
	{ "$", "a dollar" },
	{ "correct horse", "a password in the clear" },
	{ "$5$salt$hash", "sha256crypt" },
	{ "$1$abc$def", "md5crypt" },
	{ "$argon2d$v=19$m=64,t=3,p=1$" SALT
	  "$0C7dVJ4g79jtn+jWxhOPdG65s6KWtDwlQQqhVxUEOPk",
	  "argon2d" },
	{ "$argon2i$v=19$m=64,t=2,p=1$" SALT
	  "$+ZM6qIHKWUY4ZEkMSTQpzAefvkLMgPC7fLokalwJpuI",
	  "argon2i of two passes" },
	{ "$argon2id$v=19$m=64,t=3,p=4$" SALT
	  "$0CZqMZ1QBMaHQj3p+a9jDiwNcLoLHu6N5jg73q6A/M4",
	  "four lanes" },
	{ "$argon2id$v=19$m=64,t=3,p=1$MDEyMzQ1Njc"
	  "$KFTMIB4Vi+ZffKLD1CyqVMLjkh946670gO3asjEqLtM",
	  "a salt of 8 bytes" },
	{ "$argon2id$v=19$m=64,t=3,p=1$MDEyMzQ1NjcwMTIzNDU2NzAxMjM0NTY3"
	  "$WUxMTRwADRUskHTGGWDOFEJoCEt4Xwit5A3vdtmAA3I",
	  "a salt of 24 bytes" },
	{ "$argon2id$v=19$m=64,t=3,p=1$" SALT "$oHt/QjNhC2bxbx3BeLXN",
	  "a key of 15 bytes" },
	{ "$argon2id$v=19$m=64,t=3,p=1$" SALT
	  "$ApprjVlp6jJpxJ1bMmciBZHTHTHoh1Ri+osI3nH68g1vrPTVXsyulSFz0nacmPdMkr"
	  "ay4c7NMRIJDMQz8c/ulCY",
	  "a key of 65 bytes" },
	{ "$argon2id$v=16$m=8,t=1,p=1$" SALT
	  "$M7jw0GQI4Kfcxf+xPldfNRYttP89scc9XVAYAcaZ0U0",
	  "version 16" },
	{ "$argon2id$m=8,t=1,p=1$" SALT
	  "$M7jw0GQI4Kfcxf+xPldfNRYttP89scc9XVAYAcaZ0U0",
	  "no version" },
	{ "$argon2id$v=19$m=7,t=1,p=1$" SALT
	  "$M7jw0GQI4Kfcxf+xPldfNRYttP89scc9XVAYAcaZ0U0",
	  "too little memory" },
	{ "$argon2id$v=19$m=1048577,t=1,p=1$" SALT
	  "$M7jw0GQI4Kfcxf+xPldfNRYttP89scc9XVAYAcaZ0U0",
	  "too much memory" },
	{ "$argon2id$v=19$m=4294967296,t=1,p=1$" SALT
	  "$M7jw0GQI4Kfcxf+xPldfNRYttP89scc9XVAYAcaZ0U0",
	  "memory past 32 bits" },
	{ "$argon2id$v=19$m=99999999999999999999,t=1,p=1$" SALT
	  "$M7jw0GQI4Kfcxf+xPldfNRYttP89scc9XVAYAcaZ0U0",
	  "memory past 64 bits" },
	{ "$argon2id$v=19$m=8,t=0,p=1$" SALT
	  "$M7jw0GQI4Kfcxf+xPldfNRYttP89scc9XVAYAcaZ0U0",
	  "no passes" },
	{ "$argon2id$v=19$m=8,t=17,p=1$" SALT
	  "$M7jw0GQI4Kfcxf+xPldfNRYttP89scc9XVAYAcaZ0U0",
	  "too many passes" },
	{ "$argon2id$v=19$m=08,t=1,p=1$" SALT
	  "$M7jw0GQI4Kfcxf+xPldfNRYttP89scc9XVAYAcaZ0U0",
	  "a leading zero" },
	{ "$argon2id$v=19$m=-8,t=1,p=1$" SALT
	  "$M7jw0GQI4Kfcxf+xPldfNRYttP89scc9XVAYAcaZ0U0",
	  "a sign" },
	{ "$argon2id$v=19$t=1,m=8,p=1$" SALT
	  "$M7jw0GQI4Kfcxf+xPldfNRYttP89scc9XVAYAcaZ0U0",
	  "another order" },
	{ "$argon2id$v=19$m=8,t=1,p=1$" SALT, "no key" },
	{ "$argon2id$v=19$m=8,t=1,p=1$" SALT "$", "an empty key" },
	{ "$argon2id$v=19$m=8,t=1,p=1$$"
	  "M7jw0GQI4Kfcxf+xPldfNRYttP89scc9XVAYAcaZ0U0",
	  "an empty salt" },
	{ "$argon2id$v=19$m=8,t=1,p=1$" SALT
	  "$M7jw0GQI4Kfcxf+xPldfNRYttP89scc9XVAYAcaZ0U1",
	  "bits left over" },
	{ "$argon2id$v=19$m=8,t=1,p=1$" SALT
	  "$M7jw0GQI4Kfcxf+xPldfNRYttP89scc9XVAYAcaZ0U0=",
	  "padding" },
	{ "$argon2id$v=19$m=8,t=1,p=1$" SALT
	  "$M7jw0GQI4Kfcxf-xPldfNRYttP89scc9XVAYAcaZ0U0",
	  "the other base64" },
	{ "$argon2id$v=19$m=8,t=1,p=1$" SALT
	  "$M7jw0GQI4Kfcxf+xPldfNRYttP89scc9XVAYAcaZ0U0 ",
	  "something after it" },
	{ "$2b$03$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
	  "bcrypt of cost 3" },
	{ "$2b$15$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
	  "bcrypt of cost 15" },
	{ "$2b$31$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
	  "bcrypt of cost 31" },
	{ "$2b$99$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
	  "bcrypt of cost 99" },
	{ "$2b$00$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
	  "bcrypt of cost 0" },
	{ "$2b$4$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e.",
	  "bcrypt with one digit" },
	{ "$2b$010$bcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
	  "bcrypt with three digits" },
	{ "$2x$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
	  "$2x$" },
	{ "$2$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e.",
	  "$2$" },
	{ "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6",
	  "a short bcrypt" },
	{ "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6ee",
	  "a long bcrypt" },
	{ "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6:",
	  "a character that bcrypt has not" },
	{ "$2b$04$abcdefghijklmnopqrstu\njydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
	  "a line feed" },
	{ "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc\xc3\xa9",
	  "letters beyond ASCII" },
};

static void test_vectors(void)
{
	for (size_t i = 0; i < LENGTH(good); i++) {
		char other[128], wrong[128];

		is_err(password_verify(text_of(good[i].password),
				       text_of(good[i].hash)),
		       ERR_OK, good[i].name);
		(void)snprintf(wrong, sizeof(wrong), "x%s", good[i].password);
		is_err(password_verify(text_of(wrong), text_of(good[i].hash)),
		       ERR_DENIED, "another password is denied");
		/* Another key, well-formed. */
		(void)snprintf(other, sizeof(other), "%s", good[i].hash);
		other[strlen(other) - 5] =
			other[strlen(other) - 5] == 'x' ? 'y' : 'x';
		is_err(password_verify(text_of(good[i].password),
				       text_of(other)),
		       ERR_DENIED, "another hash is denied");
	}
	for (size_t i = 0; i < LENGTH(refused); i++)
		is_err(password_verify(TEXT("correct horse"),
				       text_of(refused[i].hash)),
		       ERR_INVALID, refused[i].name);
	is_err(password_verify(TEXT("x"), (struct text){ NULL, 0 }),
	       ERR_INVALID, "no hash is refused");
	is_err(password_verify((struct text){ NULL, 0 }, text_of(good[5].hash)),
	       ERR_OK, "no pointer is the empty password");
}

static void test_nul(void)
{
	static const char empty[] =
		"$2b$04$abcdefghijklmnopqrstuubyCG3zY1GIXMyxfivm.ClDiInHzxjiq";
	char hash[PASSWORD_HASH_BYTES];

	is_err(password_verify(TEXT("\0rest"), text_of(empty)), ERR_DENIED,
	       "for bcrypt a NUL does not end a password");
	if (password_hash(TEXT("a\0b"), &cheap, hash) != ERR_OK)
		bail_out("no hash");
	is_err(password_verify(TEXT("a\0b"), text_of(hash)), ERR_OK,
	       "for argon2 a NUL is a byte");
	is_err(password_verify(TEXT("a"), text_of(hash)), ERR_DENIED,
	       "and ends nothing");
}

static void test_hash(void)
{
	static const struct password_cost costs[] = { { 8, 1 },
						      { 64, 3 },
						      { 19456, 2 } };
	static const struct password_cost impossible[] = {
		{ 7, 1 },
		{ 8, 0 },
		{ 8, PASSWORD_PASSES_MAX + 1 },
		{ PASSWORD_MEMORY_KIB_MAX + 1, 1 },
	};
	char first[PASSWORD_HASH_BYTES], second[PASSWORD_HASH_BYTES];
	char want[64];

	for (size_t i = 0; i < LENGTH(costs); i++) {
		is_err(password_hash(TEXT("Passw0rd!"), &costs[i], first),
		       ERR_OK, "a hash is made");
		(void)snprintf(want, sizeof(want),
			       "$argon2id$v=19$m=%zu,t=%u,p=1$",
			       costs[i].memory_kib, costs[i].passes);
		ok(text_has_prefix(text_of(first), text_of(want)),
		   "of the cost that was asked");
		is_int(strlen(first), strlen(want) + 22 + 1 + 43,
		       "with a salt of 16 and a key of 32 bytes");
		is_err(password_verify(TEXT("Passw0rd!"), text_of(first)),
		       ERR_OK, "and matches");
		is_err(password_verify(TEXT("passw0rd!"), text_of(first)),
		       ERR_DENIED, "nothing else");
	}
	if (password_hash(TEXT("Passw0rd!"), &cheap, first) != ERR_OK ||
	    password_hash(TEXT("Passw0rd!"), &cheap, second) != ERR_OK)
		bail_out("no hash");
	ok(strcmp(first, second) != 0, "two hashes of one password differ");
	for (size_t i = 0; i < LENGTH(impossible); i++)
		is_err(password_hash(TEXT("x"), &impossible[i], first),
		       ERR_INVALID, "an impossible cost is refused");
}

static void test_decoy(void)
{
	char first[PASSWORD_HASH_BYTES], second[PASSWORD_HASH_BYTES];

	password_decoy(&cheap, first);
	password_decoy(&cheap, second);
	ok(strcmp(first, second) != 0, "two decoys differ");
	is_err(password_verify(TEXT("Passw0rd!"), text_of(first)), ERR_DENIED,
	       "a decoy is a hash that does not match");
	ok(!password_is_outdated(text_of(first), &cheap),
	   "and is of the cost that was asked");
}

static void test_outdated(void)
{
	static const struct password_cost cost = { 64, 2 };
	const struct {
		const char *hash;
		bool is_outdated;
		const char *name;
	} cases[] = {
		{ "$argon2id$v=19$m=64,t=2,p=1$" SALT
		  "$M7jw0GQI4Kfcxf+xPldfNRYttP89scc9XVAYAcaZ0U0",
		  false, "the same cost" },
		{ "$argon2id$v=19$m=65,t=3,p=1$" SALT
		  "$M7jw0GQI4Kfcxf+xPldfNRYttP89scc9XVAYAcaZ0U0",
		  false, "a higher cost" },
		{ "$argon2id$v=19$m=63,t=9,p=1$" SALT
		  "$M7jw0GQI4Kfcxf+xPldfNRYttP89scc9XVAYAcaZ0U0",
		  true, "less memory" },
		{ "$argon2id$v=19$m=999,t=1,p=1$" SALT
		  "$M7jw0GQI4Kfcxf+xPldfNRYttP89scc9XVAYAcaZ0U0",
		  true, "fewer passes" },
		{ "$argon2id$v=19$m=64,t=2,p=1$" SALT "$mnv7Nzh4acMnzm+/fzLh2Q",
		  true, "a shorter key" },
		{ "$argon2i$v=19$m=64,t=3,p=1$" SALT
		  "$7Zy9kRR2ckYcS9drlqdGtg040mnL7Y32VUHzoNugrHM",
		  true, "argon2i" },
		{ good[7].hash, true, "bcrypt" },
		{ "", true, "nothing" },
	};

	for (size_t i = 0; i < LENGTH(cases); i++)
		ok(password_is_outdated(text_of(cases[i].hash), &cost) ==
			   cases[i].is_outdated,
		   cases[i].name);
}

static void test_cut(void)
{
	struct text bcrypt = text_of(good[7].hash);
	struct text argon2 = text_of(good[0].hash);

	ok(!password_is_cut(TEXT(A72), bcrypt), "bcrypt compares 72 bytes");
	ok(password_is_cut(TEXT(A72 "a"), bcrypt), "but not 73");
	ok(!password_is_cut(TEXT(A72 "a"), argon2), "argon2 compares all");
	ok(!password_is_cut(TEXT(""), bcrypt), "nothing is compared whole");
}

int main(void)
{
	test_vectors();
	test_nul();
	test_hash();
	test_decoy();
	test_outdated();
	test_cut();
	ok(text_has_prefix(text_of(password_library()), TEXT("libsodium 1.")),
	   "the library has a name");
	return tap_done();
}
