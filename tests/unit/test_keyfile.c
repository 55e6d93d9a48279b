/* Sets of keys in files. */
#include "config.h"

#include "daemon/keyfile.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/keyset.h"
#include "tests/support/tap.h"

/* The key of RFC 8037 A.2. */
#define SET                                                       \
	"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\","        \
	"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]" \
	"}"
#define URL    "https://issuer.example/jwks"
#define KEPT   "kept.jwks"
#define ROUNDS 100 /* of two processes that write at once */

static void write_file(const char *name, const char *content)
{
	FILE *file = fopen(name, "w");

	if (!file || fputs(content, file) < 0 || fclose(file) != 0)
		bail_out("cannot write %s", name);
}

/* Whether it is refused, and the words are in what is said. */
static bool refuses(const char *file, const char *words)
{
	struct text json = { NULL, 0 };
	char problem[256] = "";
	enum err err = keyfile_read(file, &json, problem, sizeof(problem));

	if (err == ERR_INVALID && json.ptr == NULL && strstr(problem, words))
		return true;
	diag("%s: %s", err_text(err), problem);
	keyfile_release(&json);
	return false;
}

static void test_read(void)
{
	struct text json = { NULL, 0 };
	char problem[256];
	char *big = malloc(KEYSET_MAX_BYTES + 2);

	write_file("keys", SET);
	is_err(keyfile_read("keys", &json, problem, sizeof(problem)), ERR_OK,
	       "a set is read");
	is_text(json, TEXT(SET), "as it is");
	keyfile_release(&json);
	ok(refuses("none", "No such file"), "a missing file is refused");
	ok(refuses("/", "regular file"), "a folder is");
	if (mkfifo("pipe", 0600) != 0)
		bail_out("no pipe");
	ok(refuses("pipe", "regular file"), "a pipe is, without waiting");
	write_file("keys", "");
	ok(refuses("keys", ""), "an empty file is");
	write_file("keys", "{\"keys\":[]}");
	ok(refuses("keys", ""), "a set without keys is");
	if (!big)
		bail_out("no memory");
	memset(big, ' ', KEYSET_MAX_BYTES + 1);
	memcpy(big, SET, sizeof(SET) - 1);
	big[KEYSET_MAX_BYTES + 1] = '\0';
	write_file("keys", big);
	ok(refuses("keys", "longer than 65536"), "a file too long is");
	big[KEYSET_MAX_BYTES] = '\0';
	write_file("keys", big);
	is_err(keyfile_read("keys", &json, problem, sizeof(problem)), ERR_OK,
	       "the longest is not");
	keyfile_release(&json);
	free(big);
}

static void test_stamp(void)
{
	struct keyfile_stamp none, first, second;

	keyfile_stamp_get("nothing", &none);
	write_file("watched", SET);
	keyfile_stamp_get("watched", &first);
	ok(!keyfile_stamp_is_equal(&none, &first), "a new file is a change");
	keyfile_stamp_get("watched", &second);
	ok(keyfile_stamp_is_equal(&first, &second), "nothing is none");
	write_file("other", SET);
	if (rename("other", "watched") != 0)
		bail_out("no rename");
	keyfile_stamp_get("watched", &second);
	ok(!keyfile_stamp_is_equal(&first, &second),
	   "another file of the same size is one");
	if (unlink("watched") != 0)
		bail_out("no unlink");
	keyfile_stamp_get("watched", &second);
	ok(keyfile_stamp_is_equal(&none, &second), "a removed file is gone");
}

static int child_status(pid_t pid)
{
	int status = 0;

	if (waitpid(pid, &status, 0) != pid)
		bail_out("no child");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static enum err load(const char *url, struct text *json, int64_t *confirmed_s)
{
	char problem[256] = "";
	enum err err = keyfile_load(KEPT, url, json, confirmed_s, problem,
				    sizeof(problem));

	if (err == ERR_INVALID)
		diag("%s", problem);
	return err;
}

static void test_keep(void)
{
	struct text json = { NULL, 0 };
	int64_t confirmed_s = 0;
	int64_t now_s = clock_wall_us() / 1000000;
	const struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	const struct timespec oldest[2] = { { INT64_MIN, 0 },
					    { INT64_MIN, 0 } };
	struct stat status;

	is_err(load(URL, &json, &confirmed_s), ERR_NOT_FOUND,
	       "at first nothing is kept");
	(void)umask(0);
	is_err(keyfile_keep(KEPT, URL, TEXT(SET)), ERR_OK, "a set is kept");
	(void)umask(022);
	ok(stat(KEPT, &status) == 0 && (status.st_mode & 0777) == 0600,
	   "for its owner only");
	is_err(load(URL, &json, &confirmed_s), ERR_OK, "and found again");
	is_text(json, TEXT(SET), "as it was");
	ok(confirmed_s >= now_s - 1 && confirmed_s <= now_s + 60,
	   "with its time");
	keyfile_release(&json);
	is_err(load("https://other.example/", &json, &confirmed_s),
	       ERR_NOT_FOUND, "but not for another URL");
	if (utimensat(AT_FDCWD, KEPT, old, 0) != 0)
		bail_out("no old file");
	is_err(load(URL, &json, &confirmed_s), ERR_OK, "an old one");
	is_int(confirmed_s, 1000, "is known to be old");
	keyfile_release(&json);
	if (utimensat(AT_FDCWD, KEPT, oldest, 0) != 0)
		bail_out("no file of long ago");
	is_err(load(URL, &json, &confirmed_s), ERR_OK, "one of long ago");
	is_int(confirmed_s, 0, "is of 1970: times can be subtracted");
	keyfile_release(&json);
	keyfile_confirm(KEPT);
	is_err(load(URL, &json, &confirmed_s), ERR_OK, "until it is confirmed");
	ok(confirmed_s >= now_s - 1, "just now");
	keyfile_release(&json);
	is_err(keyfile_keep("no/such/folder", URL, TEXT(SET)), ERR_SYSTEM,
	       "where there is no folder nothing is kept");
}

static void test_distrust(void)
{
	struct text json = { NULL, 0 };
	int64_t confirmed_s;

	if (chmod(KEPT, 0620) != 0)
		bail_out("no chmod");
	is_err(load(URL, &json, &confirmed_s), ERR_INVALID,
	       "one that others may write to is not trusted");
	write_file("target", URL "\n" SET);
	(void)unlink(KEPT);
	if (chmod("target", 0600) != 0 || symlink("target", KEPT) != 0)
		bail_out("no symbolic link");
	is_err(load(URL, &json, &confirmed_s), ERR_INVALID,
	       "a link is not followed");
	(void)unlink(KEPT);
	write_file(KEPT, URL "\n{\"keys\":[]");
	if (chmod(KEPT, 0600) != 0)
		bail_out("no chmod");
	is_err(load(URL, &json, &confirmed_s), ERR_INVALID,
	       "what is damaged is not used");
	write_file(KEPT, URL);
	is_err(load(URL, &json, &confirmed_s), ERR_INVALID,
	       "a URL without a set neither");
	write_file(KEPT, "");
	is_err(load(URL, &json, &confirmed_s), ERR_NOT_FOUND,
	       "an empty file is nothing");
	is_err(keyfile_keep(KEPT, URL, TEXT(SET)), ERR_OK,
	       "and a new one takes its place");
	is_err(load(URL, &json, &confirmed_s), ERR_OK, "which is used");
	keyfile_release(&json);
}

/* How many files beside the kept one have its name and more. */
static int count_left(void)
{
	DIR *folder = opendir(".");
	const struct dirent *entry;
	int count = 0;

	if (!folder)
		bail_out("no folder");
	while ((entry = readdir(folder)) != NULL)
		count += strncmp(entry->d_name, KEPT ".", strlen(KEPT ".")) ==
			 0;
	closedir(folder);
	return count;
}

/* A process that the kernel ends in the middle of writing a set. */
static void die_while_keeping(void)
{
	const struct rlimit few = { sizeof(URL) + 10, sizeof(URL) + 10 };
	const struct rlimit none = { 0, 0 };
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		bail_out("no child");
	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &none);
		_exit(signal(SIGXFSZ, SIG_DFL) != SIG_ERR &&
		      setrlimit(RLIMIT_FSIZE, &few) == 0 &&
		      keyfile_keep(KEPT, URL, TEXT(SET)) == ERR_OK);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
		bail_out("the child was not killed");
}

static void test_killed(void)
{
	struct text json = { NULL, 0 };
	int64_t confirmed_s;

	is_err(keyfile_keep(KEPT, URL, TEXT(SET)), ERR_OK, "a set is kept");
	for (int i = 0; i < 3; i++)
		die_while_keeping();
	is_int(count_left(), 1, "who is killed while writing leaves one file");
	is_err(load(URL, &json, &confirmed_s), ERR_OK,
	       "which is not the kept one");
	keyfile_release(&json);
	is_err(keyfile_keep(KEPT, URL, TEXT(SET)), ERR_OK,
	       "the next one writes to it");
	is_int(count_left(), 0, "and nothing is left");
	is_err(load(URL, &json, &confirmed_s), ERR_OK, "but what is kept");
	is_text(json, TEXT(SET), "whole");
	keyfile_release(&json);
}

/* What stands where a set is to be written. */
static void test_squatters(void)
{
	struct stat status;

	write_file(KEPT ".new", "anybody's");
	if (chmod(KEPT ".new", 0666) != 0)
		bail_out("no chmod");
	is_err(keyfile_keep(KEPT, URL, TEXT(SET)), ERR_OK,
	       "a file that others may write to gives way");
	ok(stat(KEPT, &status) == 0 && (status.st_mode & 0777) == 0600,
	   "to one that is the owner's only");
	write_file("target", "precious");
	if (link("target", KEPT ".new") != 0 || chmod("target", 0600) != 0)
		bail_out("no link");
	is_err(keyfile_keep(KEPT, URL, TEXT(SET)), ERR_OK,
	       "so does another name of a file");
	ok(stat("target", &status) == 0 && status.st_size == 8,
	   "which is left alone");
	if (symlink("target", KEPT ".new") != 0)
		bail_out("no symbolic link");
	is_err(keyfile_keep(KEPT, URL, TEXT(SET)), ERR_SYSTEM,
	       "a link is not followed");
	ok(stat("target", &status) == 0 && status.st_size == 8,
	   "where it leads nothing is written");
	(void)unlink(KEPT ".new");
}

/* Two keepers, of two generations, at the same time. */
static void test_two_keepers(void)
{
	bool is_whole = true, is_kept = true;
	pid_t pid = fork();

	if (pid < 0)
		bail_out("no child");
	for (int i = 0; i < ROUNDS; i++) {
		struct text json = { NULL, 0 };
		int64_t confirmed_s;
		enum err err = keyfile_keep(KEPT, URL, TEXT(SET));

		is_kept = is_kept && (err == ERR_OK || err == ERR_BUSY);
		is_whole = is_whole &&
			   load(URL, &json, &confirmed_s) == ERR_OK &&
			   text_is_equal(json, TEXT(SET));
		keyfile_release(&json);
	}
	if (pid == 0)
		_exit(is_kept && is_whole ? 0 : 1);
	ok(is_kept, "of two that keep at once each does, or leaves it be");
	ok(is_whole, "and what is kept is whole all the time");
	is_int(child_status(pid), 0, "for both");
	is_int(count_left(), 0, "nothing is left");
}

int main(void)
{
	static const char *const left[] = { "keys", "pipe", "target", KEPT };
	char folder[] = "/tmp/todod-keyfile-XXXXXX";

	if (!mkdtemp(folder) || chdir(folder) != 0)
		bail_out("no folder");
	test_read();
	test_stamp();
	test_keep();
	test_distrust();
	test_killed();
	test_squatters();
	test_two_keepers();
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		(void)unlink(left[i]);
	if (chdir("/") != 0 || rmdir(folder) != 0)
		diag("%s is left", folder);
	return tap_done();
}
