/* Token secrets in files. */
#include "config.h"

#include "daemon/secret.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/fault.h"
#include "daemon/settings.h"
#include "tests/support/tap.h"

#define KEPT "db.jwt-secret"

static void write_file(const char *name, const char *content)
{
	FILE *file = fopen(name, "w");

	if (!file || fputs(content, file) < 0 || fclose(file) != 0)
		bail_out("cannot write %s", name);
}

static void write_long(const char *name, size_t len)
{
	FILE *file = fopen(name, "w");

	while (file && len-- > 0)
		(void)fputc('x', file);
	if (!file || fclose(file) != 0)
		bail_out("cannot write %s", name);
}

static void test_read(void)
{
	struct text secret = { NULL, 0 };
	struct fault fault;

	write_file("key", "line one\nline two \r\n\n");
	is_err(secret_read("key", &secret, &fault), ERR_OK, "a file is read");
	is_text(secret, TEXT("line one\nline two "),
		"without the line feeds at its end");
	secret_release(&secret);
	ok(secret.ptr == NULL, "it can be released");
	is_err(secret_read("none", &secret, &fault), ERR_INVALID,
	       "a file that is not there is refused");
	ok(strstr(fault.text, "none") != NULL, "by name");
	is_err(secret_read("/", &secret, &fault), ERR_INVALID,
	       "so is a folder");
	if (mkfifo("pipe", 0600) != 0)
		bail_out("no pipe");
	is_err(secret_read("pipe", &secret, &fault), ERR_INVALID,
	       "and a pipe by which nothing comes");
	ok(strstr(fault.text, "pipe") != NULL, "by name, too");
	write_long("long", 65535);
	is_err(secret_read("long", &secret, &fault), ERR_OK, "64 KiB less one");
	is_int(secret.len, 65535, "are read");
	secret_release(&secret);
	write_long("long", 65536);
	is_err(secret_read("long", &secret, &fault), ERR_INVALID,
	       "one byte more is refused");
}

static void test_made(void)
{
	struct settings first = { .location = { .path = (char[]){ "db" } },
				  .accounts = true };
	struct settings second = first;
	struct fault fault = { 0, "" };
	struct stat status;

	is_err(secret_provide(&first, &fault), ERR_OK, "a secret is made");
	is_int(first.jwt_secret.len, 64, "of 32 random bytes");
	ok(stat(KEPT, &status) == 0 && (status.st_mode & 0777) == 0600,
	   "and kept for its owner only");
	is_err(secret_provide(&second, &fault), ERR_OK, "a second start");
	is_text(second.jwt_secret, first.jwt_secret, "uses the same");
	secret_release(&first.jwt_secret);
	secret_release(&second.jwt_secret);
	write_file(KEPT, "short\n");
	is_err(secret_provide(&first, &fault), ERR_INVALID,
	       "a kept one that is too short is refused");
	ok(strstr(fault.text, KEPT) != NULL, "with the file to remove");
}

/* What somebody has put beside a database, in the hope that it is used. */
static void test_planted(void)
{
	struct settings settings = { .location = { .path = (char[]){ "db" } },
				     .accounts = true };
	struct fault fault = { 0, "" };
	char mine[64];

	write_file("planted", "0123456789abcdef0123456789abcdef\n");
	(void)unlink(KEPT);
	is_int(symlink("planted", KEPT), 0, "a link to a secret is there");
	is_err(secret_provide(&settings, &fault), ERR_INVALID,
	       "it is not followed");
	is_err(secret_find(&settings, &fault), ERR_INVALID,
	       "nor by who only looks");
	(void)unlink(KEPT);
	is_int(symlink("nowhere", KEPT), 0, "a link to nothing is there");
	is_err(secret_provide(&settings, &fault), ERR_INVALID,
	       "nothing is made where it leads");
	ok(access("nowhere", F_OK) != 0, "nor put there");
	(void)unlink(KEPT);

	/* As temporary files were once called. */
	(void)snprintf(mine, sizeof(mine), KEPT ".%ld", (long)getpid());
	is_int(mkdir(mine, 0700), 0, "the name of a temporary file is taken");
	is_err(secret_provide(&settings, &fault), ERR_OK, "another is used");
	secret_release(&settings.jwt_secret);
	(void)unlink(KEPT);
	(void)rmdir(mine);
	write_file(mine, "left over\n");
	is_err(secret_provide(&settings, &fault), ERR_OK,
	       "of a file that was left over");
	secret_release(&settings.jwt_secret);
	is_int(access(mine, F_OK), 0, "nothing is done to it");
	(void)unlink(mine);

	is_int(chmod(KEPT, 0620), 0, "others may write to the one kept");
	is_err(secret_provide(&settings, &fault), ERR_INVALID,
	       "then it is not trusted");
	ok(strstr(fault.text, KEPT) != NULL, "by name");
	(void)chmod(KEPT, 0644);
	is_err(secret_provide(&settings, &fault), ERR_OK,
	       "that they may read it is a warning");
	secret_release(&settings.jwt_secret);
	(void)unlink("planted");
	(void)unlink(KEPT);
}

/* How many files the folder has. */
static size_t files(void)
{
	DIR *folder = opendir(".");
	size_t count = 0;

	if (!folder)
		bail_out("cannot read the folder");
	while (readdir(folder))
		count++;
	(void)closedir(folder);
	return count;
}

static void test_nothing_is_left(void)
{
	struct settings settings = { .location = { .path = (char[]){ "db" } },
				     .accounts = true };
	struct fault fault = { 0, "" };
	size_t before = files();

	is_err(secret_provide(&settings, &fault), ERR_OK, "a secret is made");
	is_int(files(), before + 1, "and no other file stays");
	secret_release(&settings.jwt_secret);
	(void)unlink(KEPT);
}

static void test_memory(void)
{
	struct settings first = { .location = { .path = NULL },
				  .accounts = true };
	struct settings second = first;
	struct fault fault = { 0, "" };

	is_err(secret_provide(&first, &fault), ERR_OK,
	       "without a file a secret is made as well");
	is_err(secret_provide(&second, &fault), ERR_OK, "for each run");
	ok(!text_is_equal(first.jwt_secret, second.jwt_secret), "another one");
	secret_release(&first.jwt_secret);
	secret_release(&second.jwt_secret);
}

static void test_no_accounts(void)
{
	struct settings settings = { .location = { .path = (char[]){ "x" } } };
	struct fault fault = { 0, "" };

	is_err(secret_provide(&settings, &fault), ERR_OK,
	       "without accounts no secret is needed");
	ok(settings.jwt_secret.ptr == NULL && access("x.jwt-secret", F_OK) != 0,
	   "and none is made");
}

static void test_given(void)
{
	struct settings settings = {
		.location = { .path = (char[]){ "other" } },
		.jwt_secret = TEXT("given"),
	};
	struct fault fault = { 0, "" };

	is_err(secret_provide(&settings, &fault), ERR_OK,
	       "one that is given is enough");
	ok(access("other.jwt-secret", F_OK) != 0, "and nothing is made");
}

static void drop_line(void *arg, const char *line, size_t len)
{
	(void)arg;
	(void)line;
	(void)len;
}

int main(void)
{
	const struct log_options quiet = {
		.level = LOG_ERROR,
		.worker = -1,
		.sink = drop_line,
	};
	char folder[] = "/tmp/todod-secret-XXXXXX";

	log_init(&quiet);
	if (!mkdtemp(folder) || chdir(folder) != 0)
		bail_out("no folder");
	test_read();
	test_made();
	test_planted();
	test_nothing_is_left();
	test_memory();
	test_no_accounts();
	test_given();
	(void)unlink("key");
	(void)unlink(KEPT);
	(void)rmdir(folder);
	return tap_done();
}
