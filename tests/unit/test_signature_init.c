/* libcrypto prepares itself, or says that it has no memory for that: each of
 * its allocations fails in a process of its own. */
#include "config.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/signature.h"
#include "tests/support/tap.h"

/* Of the first allocations each fails, of the later ones some. */
#define EACH 300
#define SOME 200

enum end { PREPARED, NO_MEMORY, UNUSABLE };

static size_t fails_at; /* 0: none */
static size_t *calls;	/* shared with the children */

static bool fails(void)
{
	return ++*calls == fails_at;
}

static void *take(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : malloc(size);
}

static void *resize(void *old, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : realloc(old, size);
}

static void give(void *memory, const char *file, int line)
{
	(void)file;
	(void)line;
	free(memory);
}

/* In a child. */
__attribute__((noreturn)) static void prepare(size_t at)
{
	fails_at = at;
	if (CRYPTO_set_mem_functions(take, resize, give) != 1)
		_exit(UNUSABLE);
	if (signature_init() != ERR_OK)
		_exit(NO_MEMORY);
	/* Where libpq crashed. */
	_exit(RAND_status() == 1 ? PREPARED : UNUSABLE);
}

/* How a process ends in which this allocation fails; -1: it crashed. */
static int end_of(size_t at)
{
	int status;
	pid_t pid;

	*calls = 0;
	pid = fork();
	if (pid == 0)
		prepare(at);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bail_out("no process");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(void)
{
	size_t count, step, refused = 0, crashed = 0, unusable = 0;

	calls = mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (calls == MAP_FAILED)
		bail_out("no shared memory");
	is_int(end_of(0), PREPARED, "libcrypto prepares itself");
	count = *calls;
	step = 1 + count / SOME;
	diag("%zu allocations", count);
	for (size_t at = 1; at <= count; at += at < EACH ? 1 : step) {
		int end = end_of(at);

		if (end < 0)
			diag("allocation %zu crashes", at);
		refused += end == NO_MEMORY;
		crashed += end < 0;
		unusable += end == UNUSABLE;
	}
	is_int(crashed, 0, "without memory nothing crashes");
	is_int(unusable, 0, "nor is half of it taken for the whole");
	ok(refused > 0, "it says that it has none");
	return tap_done();
}
