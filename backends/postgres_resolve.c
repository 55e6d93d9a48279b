/* Looking addresses up on a thread. */
#include "config.h"

#include "backends/postgres_resolve.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "core/clock.h"
#include "core/loop.h"

/* Who asked and the thread share it; whoever is last frees it. */
struct postgres_resolve {
	struct loop_job job; /* first: the loop hands it back */
	struct loop *loop;   /* NULL: somebody waits for is_done */
	postgres_resolve_fn *fn;
	void *arg;
	char *host;
	struct postgres_addresses addresses; /* first the thread's */
	const char *problem;

	pthread_mutex_t mutex; /* for what follows */
	pthread_cond_t done;
	bool is_cancelled;
	bool is_done;
};

static void destroy(struct postgres_resolve *resolve)
{
	pthread_cond_destroy(&resolve->done);
	pthread_mutex_destroy(&resolve->mutex);
	free(resolve->host);
	free(resolve);
}

static void copy_addresses(const struct addrinfo *found,
			   struct postgres_addresses *addresses)
{
	addresses->count = 0;
	for (; found != NULL && addresses->count < POSTGRES_ADDRESSES_MAX;
	     found = found->ai_next)
		if (getnameinfo(found->ai_addr, found->ai_addrlen,
				addresses->text[addresses->count],
				POSTGRES_ADDRESS_BYTES, NULL, 0,
				NI_NUMERICHOST) == 0)
			addresses->count++;
}

static void look_up(const char *host, struct postgres_addresses *addresses,
		    const char **problem)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
					.ai_socktype = SOCK_STREAM,
					.ai_flags = AI_ADDRCONFIG };
	struct addrinfo *found = NULL;
	int code = getaddrinfo(host, NULL, &hints, &found);

	*problem = NULL;
	addresses->count = 0;
	if (code != 0) {
		*problem = gai_strerror(code);
		return;
	}
	copy_addresses(found, addresses);
	freeaddrinfo(found);
	if (addresses->count == 0)
		*problem = "the host has no address";
}

static void *thread_main(void *arg)
{
	struct postgres_resolve *resolve = arg;
	bool is_cancelled;

	look_up(resolve->host, &resolve->addresses, &resolve->problem);
	/* The loop is there for as long as nobody has cancelled, and nobody
	 * can while the mutex is held. */
	pthread_mutex_lock(&resolve->mutex);
	is_cancelled = resolve->is_cancelled;
	resolve->is_done = true;
	if (!is_cancelled && resolve->loop != NULL)
		loop_post(resolve->loop, &resolve->job);
	/* Who waits may free it as soon as the mutex is free. */
	pthread_cond_signal(&resolve->done);
	pthread_mutex_unlock(&resolve->mutex);
	if (is_cancelled)
		destroy(resolve);
	return NULL;
}

static void on_job(struct loop_job *job)
{
	struct postgres_resolve *resolve = (struct postgres_resolve *)job;
	bool is_cancelled;

	pthread_mutex_lock(&resolve->mutex);
	is_cancelled = resolve->is_cancelled;
	pthread_mutex_unlock(&resolve->mutex);
	if (!is_cancelled)
		resolve->fn(resolve->arg, &resolve->addresses,
			    resolve->problem);
	destroy(resolve);
}

/* The thread gets no signals: they are the loop's. */
static int start_thread(struct postgres_resolve *resolve)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int code;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	code = pthread_create(&thread, &attr, thread_main, resolve);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return code;
}

static struct postgres_resolve *new_resolve(const char *host)
{
	struct postgres_resolve *made = calloc(1, sizeof(*made));
	pthread_condattr_t attr;

	if (made == NULL)
		return NULL;
	made->host = strdup(host);
	if (made->host == NULL) {
		free(made);
		return NULL;
	}
	pthread_mutex_init(&made->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&made->done, &attr);
	pthread_condattr_destroy(&attr);
	return made;
}

enum err postgres_resolve_start(struct loop *loop, const char *host,
				postgres_resolve_fn *fn, void *arg,
				struct postgres_resolve **resolve)
{
	struct postgres_resolve *made = new_resolve(host);

	if (made == NULL)
		return ERR_NO_MEMORY;
	made->job.run = on_job;
	made->loop = loop;
	made->fn = fn;
	made->arg = arg;
	if (start_thread(made) != 0) {
		destroy(made);
		return ERR_SYSTEM;
	}
	*resolve = made;
	return ERR_OK;
}

/* False: the time has passed, and the thread will free it. */
static bool wait_done(struct postgres_resolve *resolve, int64_t timeout_ms)
{
	int64_t end_us = clock_monotonic_us() + timeout_ms * 1000;
	const struct timespec end = { end_us / 1000000,
				      end_us % 1000000 * 1000 };
	bool is_done;
	int code = 0;

	pthread_mutex_lock(&resolve->mutex);
	while (!resolve->is_done && code == 0)
		code = pthread_cond_timedwait(&resolve->done, &resolve->mutex,
					      &end);
	is_done = resolve->is_done;
	resolve->is_cancelled = !is_done;
	pthread_mutex_unlock(&resolve->mutex);
	return is_done;
}

enum err postgres_resolve_wait(const char *host, int64_t timeout_ms,
			       struct postgres_addresses *addresses,
			       const char **problem)
{
	struct postgres_resolve *resolve = new_resolve(host);

	*problem = "memory is exhausted";
	if (resolve == NULL)
		return ERR_UNAVAILABLE;
	if (start_thread(resolve) != 0) {
		*problem = "a thread cannot be started";
		destroy(resolve);
		return ERR_UNAVAILABLE;
	}
	if (!wait_done(resolve, timeout_ms)) {
		*problem = "no answer from the name servers within the connect "
			   "time-out";
		return ERR_UNAVAILABLE;
	}
	*addresses = resolve->addresses;
	*problem = resolve->problem;
	destroy(resolve);
	return *problem == NULL ? ERR_OK : ERR_UNAVAILABLE;
}

void postgres_resolve_cancel(struct postgres_resolve **resolve)
{
	struct postgres_resolve *gone = *resolve;

	if (gone == NULL)
		return;
	*resolve = NULL;
	pthread_mutex_lock(&gone->mutex);
	gone->is_cancelled = true;
	pthread_mutex_unlock(&gone->mutex);
}
