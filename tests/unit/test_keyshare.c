/* The keys that a keeper and workers share. */
#include "config.h"

#include "daemon/keyshare.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/keyset.h"
#include "daemon/keyfile.h"
#include "tests/support/child.h"
#include "tests/support/tap.h"

#define READS  2000
#define COPIES 20000

static bool reads(const struct keyshare *share, struct text want,
		  uint64_t generation)
{
	struct text json = { NULL, 0 };
	uint64_t got = 0;
	bool is_so;

	if (keyshare_read(share, &json, &got) != ERR_OK)
		return false;
	is_so = text_is_equal(json, want) && got == generation;
	keyfile_release(&json);
	return is_so;
}

static void test_sets(struct keyshare *share)
{
	static char longest[KEYSET_MAX_BYTES];
	struct text json;
	uint64_t generation;

	is_err(keyshare_read(share, &json, &generation), ERR_NOT_FOUND,
	       "at first there is no set");
	is_int(keyshare_generation(share), 0, "and no generation");
	keyshare_publish(share, TEXT("one"));
	ok(reads(share, TEXT("one"), 1), "the first set is read");
	keyshare_publish(share, TEXT("a longer second"));
	ok(reads(share, TEXT("a longer second"), 2), "then the second");
	keyshare_publish(share, TEXT("3"));
	ok(reads(share, TEXT("3"), 3), "and a shorter third");
	memset(longest, 'x', sizeof(longest));
	json = (struct text){ longest, sizeof(longest) };
	keyshare_publish(share, json);
	ok(reads(share, json, 4), "the longest one fits");
}

static bool is_readable(int fd)
{
	struct pollfd poller = { fd, POLLIN, 0 };

	return poll(&poller, 1, 0) == 1;
}

static void test_wishes(struct keyshare *share)
{
	int fd = keyshare_wake_fd(share);

	ok(!keyshare_is_wanted(share) && !is_readable(fd),
	   "nobody wants anything");
	keyshare_want(share);
	ok(keyshare_is_wanted(share) && is_readable(fd),
	   "who wants a fetch wakes the keeper");
	keyshare_woken(share);
	keyshare_want(share);
	ok(!is_readable(fd), "once until there was one");
	keyshare_fetch_begins(share);
	ok(keyshare_is_fetching(share), "a fetch is on its way");
	is_int(keyshare_fetches(share), 0, "and is not counted before its end");
	keyshare_fetch_ends(share);
	ok(!keyshare_is_fetching(share) && !keyshare_is_wanted(share),
	   "its end settles what was wanted");
	is_int(keyshare_fetches(share), 1, "it is counted");
	keyshare_want(share);
	ok(is_readable(fd), "the next wish wakes again");
	keyshare_woken(share);
}

static void test_recovery(struct keyshare *share)
{
	uint64_t before = keyshare_fetches(share);

	keyshare_recover(share);
	is_int(keyshare_fetches(share), before, "nothing was to be ended");
	keyshare_fetch_begins(share);
	keyshare_recover(share);
	ok(!keyshare_is_fetching(share), "the fetch of a dead keeper is over");
	is_int(keyshare_fetches(share), before + 1, "for those who wait, too");
	ok(keyshare_is_wanted(share), "what was wanted still is");
}

static void test_copy(void)
{
	struct keyshare *next = NULL;
	struct keyshare *from = NULL;

	if (keyshare_new(&next) != ERR_OK || keyshare_new(&from) != ERR_OK)
		bail_out("no shared memory");
	keyshare_copy(next, from);
	is_int(keyshare_generation(next), 0,
	       "where there is no set, none is "
	       "taken over");
	keyshare_publish(from, TEXT("old"));
	atomic_store(&keyshare_plan(from)->ended_us, 77);
	keyshare_copy(next, from);
	keyshare_free(&from);
	ok(reads(next, TEXT("old"), 1), "a set is taken over");
	is_int(atomic_load(&keyshare_plan(next)->ended_us), 77,
	       "with its times");
	keyshare_free(&next);
	ok(next == NULL, "it can be freed");
}

/* A set of one letter, of a length that belongs to the letter. */
static struct text letters(char *bytes, char letter)
{
	size_t len = (size_t)(letter - 'a' + 1) * 2000;

	memset(bytes, letter, len);
	return (struct text){ bytes, len };
}

static int write_all_the_time(const struct parent *parent, void *arg)
{
	static char bytes[KEYSET_MAX_BYTES];
	struct keyshare *share = arg;

	child_say_ready(parent);
	for (char letter = 'a';; letter = letter == 'z' ? 'a' : letter + 1)
		keyshare_publish(share, letters(bytes, letter));
	return 0;
}

static bool is_whole(struct text json)
{
	for (size_t i = 1; i < json.len; i++)
		if (json.ptr[i] != json.ptr[0])
			return false;
	return json.len == (size_t)(json.ptr[0] - 'a' + 1) * 2000;
}

/* Reads while another process writes; then kills it wherever it is. */
static void test_torn(struct keyshare *share)
{
	struct child child;
	struct text json = { NULL, 0 };
	uint64_t generation = 0, last = 0;
	int torn = 0, back = 0, good = 0;
	enum err err;

	keyshare_publish(share, TEXT(""));
	child_start(&child, write_all_the_time, share);
	if (!child_wait_ready(&child))
		bail_out("no writer");
	while (good < READS) {
		err = keyshare_read(share, &json, &generation);
		if (err != ERR_OK)
			continue;
		torn += json.len > 0 && !is_whole(json);
		back += generation < last;
		last = generation;
		good += json.len > 0;
		keyfile_release(&json);
	}
	is_int(torn, 0, "no set is a mixture of two");
	is_int(back, 0, "generations only grow");
	child_kill(&child);
	(void)child_end(&child);
	is_err(keyshare_read(share, &json, &generation), ERR_OK,
	       "a set can be read after the writer was killed");
	ok(is_whole(json), "a whole one");
	keyfile_release(&json);
	keyshare_publish(share, TEXT("next"));
	ok(reads(share, TEXT("next"), generation + 1),
	   "and another writer goes on");
}

/* A keeper: the set first, then the time of it. */
static int succeed_all_the_time(const struct parent *parent, void *arg)
{
	struct keyshare *share = arg;
	char number[24];

	child_say_ready(parent);
	for (int64_t i = 1;; i++) {
		(void)snprintf(number, sizeof(number), "%" PRId64, i);
		keyshare_publish(share, text_of(number));
		atomic_store(&keyshare_plan(share)->confirmed_us, i);
	}
	return 0;
}

/* What is taken over while it changes. */
static void test_copy_of_news(void)
{
	struct keyshare *from = NULL, *next = NULL;
	struct child child;
	int older = 0;

	if (keyshare_new(&from) != ERR_OK || keyshare_new(&next) != ERR_OK)
		bail_out("no shared memory");
	keyshare_publish(from, TEXT("0"));
	child_start(&child, succeed_all_the_time, from);
	if (!child_wait_ready(&child))
		bail_out("no keeper");
	for (int i = 0; i < COPIES; i++) {
		struct text json = { NULL, 0 };
		uint64_t generation;
		int64_t number = -1;

		keyshare_copy(next, from);
		if (keyshare_read(next, &json, &generation) != ERR_OK)
			continue;
		older += text_to_int64(json, &number) != ERR_OK ||
			 number < atomic_load(
					  &keyshare_plan(next)->confirmed_us);
		keyfile_release(&json);
	}
	child_kill(&child);
	(void)child_end(&child);
	is_int(older, 0, "no set is taken over with the time of a newer one");
	keyshare_free(&from);
	keyshare_free(&next);
}

int main(void)
{
	struct keyshare *share = NULL;

	if (keyshare_new(&share) != ERR_OK)
		bail_out("no shared memory");
	test_sets(share);
	test_wishes(share);
	test_recovery(share);
	test_copy();
	test_torn(share);
	test_copy_of_news();
	keyshare_free(&share);
	ok(share == NULL, "the memory can be freed");
	keyshare_free(&share);
	return tap_done();
}
