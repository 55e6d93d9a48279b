/* Looking hosts up when the name servers do not answer.  getaddrinfo() is the
 * test's own. */
#include "config.h"

#include "backends/postgres_resolve.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/backends.h"
#include "core/storage_backend.h"
#include "tests/support/logtrap.h"
#include "tests/support/tap.h"
#include "tests/support/testloop.h"

/* Nobody waits so long for a name server; only a test that fails does. */
#define HANG_SECONDS_MAX 120

int __wrap_getaddrinfo(const char *node, const char *service,
		       const struct addrinfo *hints, struct addrinfo **found);
int __real_getaddrinfo(const char *node, const char *service,
		       const struct addrinfo *hints, struct addrinfo **found);

static sem_t hanging; /* a thread hangs until it is posted */
static sem_t ended;   /* posted by a thread that hung */

static int hang(void)
{
	struct timespec end;

	if (clock_gettime(CLOCK_REALTIME, &end) != 0)
		bail_out("no clock");
	end.tv_sec += HANG_SECONDS_MAX;
	while (sem_timedwait(&hanging, &end) != 0)
		if (errno == ETIMEDOUT)
			bail_out("the look-up was waited for");
	sem_post(&ended);
	return EAI_AGAIN;
}

int __wrap_getaddrinfo(const char *node, const char *service,
		       const struct addrinfo *hints, struct addrinfo **found)
{
	if (strcmp(node, "hangs.test") == 0)
		return hang();
	if (strcmp(node, "none.test") == 0)
		return EAI_NONAME;
	return __real_getaddrinfo("127.0.0.1", service, hints, found);
}

/* Lets the thread that hangs go on to its end. */
static void release_one(void)
{
	sem_post(&hanging);
	while (sem_wait(&ended) != 0)
		;
}

static void test_wait(void)
{
	struct postgres_addresses addresses = { 0 };
	const char *problem = "none yet";

	is_err(postgres_resolve_wait("works.test", 60000, &addresses, &problem),
	       ERR_OK, "a host is looked up");
	is_string(problem, NULL, "without a problem");
	is_int(addresses.count, 1, "and has its addresses");
	is_string(addresses.list[0].text, "127.0.0.1", "as text");
	is_err(postgres_resolve_wait("none.test", 60000, &addresses, &problem),
	       ERR_UNAVAILABLE, "a host may not be known");
	is_string(problem, gai_strerror(EAI_NONAME), "and the reason is told");
	is_err(postgres_resolve_wait("none.test,10.0.0.1,works.test", 60000,
				     &addresses, &problem),
	       ERR_OK, "of several hosts one may not be known");
	ok(problem == NULL && addresses.count == 2 &&
		   addresses.list[0].host == 1 &&
		   addresses.list[0].text[0] == '\0' &&
		   addresses.list[1].host == 2 &&
		   strcmp(addresses.list[1].text, "127.0.0.1") == 0,
	   "the others have their addresses");
	is_err(postgres_resolve_wait("hangs.test", 20, &addresses, &problem),
	       ERR_UNAVAILABLE, "name servers that hang are not waited for");
	ok(problem != NULL && strstr(problem, "time-out") != NULL,
	   "and the reason is told");
	release_one();
}

static void on_addresses(void *arg, const struct postgres_addresses *addresses,
			 const char *problem)
{
	bool *is_told = arg;

	*is_told = addresses->count == 1 && problem == NULL;
}

static void test_loop(void)
{
	struct testloop *loop = testloop_new();
	struct postgres_resolve *resolve = NULL;
	bool is_told = false;

	is_err(postgres_resolve_start(testloop_port(loop), "works.test",
				      on_addresses, &is_told, &resolve),
	       ERR_OK, "a look-up is started");
	ok(!is_told, "and tells nothing before the loop runs");
	ok(testloop_run_until_set(loop, &is_told), "but then");
	is_err(postgres_resolve_start(testloop_port(loop), "hangs.test",
				      on_addresses, &is_told, &resolve),
	       ERR_OK, "one may hang");
	postgres_resolve_cancel(&resolve);
	ok(resolve == NULL, "and is given up while it does");
	testloop_free(&loop);
	release_one();
}

/* A worker's start: it looks at the schema, if it can. */
static void test_open(void)
{
	struct backend_location location = { 0 };
	struct testloop *loop = testloop_new();
	struct storage_backend *backend = NULL;
	char problem[256];

	if (backend_locate("postgresql://u@hangs.test/d?sslmode=disable",
			   &location, problem, sizeof(problem)) != ERR_OK)
		bail_out("no location: %s", problem);
	location.tuning.connect_timeout_ms = 20;
	logtrap_clear();
	is_err(location.backend->open(&location, testloop_port(loop), &backend),
	       ERR_OK, "a worker starts while the name servers hang");
	ok(logtrap_has("starting without it") && logtrap_has("name servers"),
	   "and the log says so");
	backend->ops->close(backend);
	release_one();
	backend_location_release(&location);
	testloop_free(&loop);
}

int main(void)
{
	if (sem_init(&hanging, 0, 0) != 0 || sem_init(&ended, 0, 0) != 0)
		bail_out("no semaphores");
	logtrap_start();
	test_wait();
	test_loop();
	test_open();
	return tap_done();
}
