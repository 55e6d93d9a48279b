/* Jobs that can be asked for again and again. */
#include "config.h"

#include <pthread.h>

#include "core/wakeup.h"
#include "tests/support/tap.h"
#include "tests/support/testloop.h"

#define ASKS 20000

struct counter {
	struct wakeup *wakeup;
	size_t runs;
	size_t again; /* posts itself so often */
	bool frees;
};

static void on_wakeup(void *arg)
{
	struct counter *counter = arg;

	counter->runs++;
	if (counter->again > 0) {
		counter->again--;
		wakeup_post(counter->wakeup);
	}
	if (counter->frees)
		wakeup_free(&counter->wakeup);
}

static void counter_init(struct counter *counter, struct testloop *loop)
{
	static const struct counter empty;

	*counter = empty;
	if (wakeup_new(testloop_port(loop), on_wakeup, counter,
		       &counter->wakeup) != ERR_OK)
		bail_out("no memory");
}

static void test_once(struct testloop *loop)
{
	struct counter counter;

	counter_init(&counter, loop);
	wakeup_post(counter.wakeup);
	wakeup_post(counter.wakeup);
	is_int(counter.runs, 0, "it does not run at once");
	testloop_run_ready(loop);
	is_int(counter.runs, 1, "asked for twice it runs once");
	counter.again = 3;
	wakeup_post(counter.wakeup);
	testloop_run_until_count(loop, &counter.runs, 5);
	is_int(counter.runs, 5, "it may ask for itself");
	wakeup_free(&counter.wakeup);
	ok(counter.wakeup == NULL, "a free leaves NULL behind");
	wakeup_free(&counter.wakeup);
}

static void test_free(struct testloop *loop)
{
	struct counter counter;

	counter_init(&counter, loop);
	wakeup_post(counter.wakeup);
	wakeup_free(&counter.wakeup);
	testloop_run_ready(loop);
	is_int(counter.runs, 0, "freed while it was to come it does not run");
	counter_init(&counter, loop);
	counter.frees = true;
	wakeup_post(counter.wakeup);
	testloop_run_ready(loop);
	is_int(counter.runs, 1, "it may free itself");
	counter_init(&counter, loop);
	counter.frees = true;
	counter.again = 1;
	wakeup_post(counter.wakeup);
	testloop_run_ready(loop);
	testloop_run_ready(loop);
	is_int(counter.runs, 1, "even when it is to come again");
}

static void *ask(void *arg)
{
	struct wakeup *wakeup = arg;
	int i;

	for (i = 0; i < ASKS; i++)
		wakeup_post(wakeup);
	return NULL;
}

static void test_threads(struct testloop *loop)
{
	struct counter counter;
	pthread_t threads[2];
	size_t i;

	counter_init(&counter, loop);
	for (i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, ask, counter.wakeup) != 0)
			bail_out("no thread");
	ok(testloop_run_until_count(loop, &counter.runs, 1),
	   "another thread may ask");
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	testloop_run_ready(loop);
	ok(counter.runs <= 2 * ASKS + 1, "it never runs more often than asked");
	counter.runs = 0;
	wakeup_post(counter.wakeup);
	testloop_run_ready(loop);
	is_int(counter.runs, 1, "and none is lost after that");
	wakeup_free(&counter.wakeup);
}

int main(void)
{
	struct testloop *loop = testloop_new();

	test_once(loop);
	test_free(loop);
	test_threads(loop);
	testloop_free(&loop);
	return tap_done();
}
