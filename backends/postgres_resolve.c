/* Looking addresses up on a thread. */
#include "config.h"

#include "backends/postgres_resolve.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
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
	char *hosts;
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
	free(resolve->hosts);
	free(resolve);
}

static void add(struct postgres_addresses *addresses, unsigned char host,
		const char *text)
{
	struct postgres_address *added = &addresses->list[addresses->count];

	(void)snprintf(added->text, sizeof(added->text), "%s", text);
	added->host = host;
	addresses->count++;
}

/* At most room of them. */
static void copy_addresses(const struct addrinfo *found, size_t room,
			   unsigned char host,
			   struct postgres_addresses *addresses)
{
	char text[POSTGRES_ADDRESS_BYTES];

	for (; found != NULL && room > 0; found = found->ai_next)
		if (getnameinfo(found->ai_addr, found->ai_addrlen, text,
				sizeof(text), NULL, 0, NI_NUMERICHOST) == 0) {
			add(addresses, host, text);
			room--;
		}
}

static void look_up(const char *name, size_t room, unsigned char host,
		    struct postgres_addresses *addresses, const char **problem)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
					.ai_socktype = SOCK_STREAM,
					.ai_flags = AI_ADDRCONFIG };
	struct addrinfo *found = NULL;
	size_t before = addresses->count;
	int code = getaddrinfo(name, NULL, &hints, &found);

	if (code != 0) {
		*problem = gai_strerror(code);
		return;
	}
	copy_addresses(found, room, host, addresses);
	freeaddrinfo(found);
	if (addresses->count == before)
		*problem = "the host has no address";
}

/* One after the other; one that is not found is no harm while there are
 * others. */
static void look_up_all(const char *hosts, struct postgres_addresses *addresses,
			const char **problem)
{
	struct text rest = text_of(hosts);
	unsigned char host;

	addresses->count = 0;
	*problem = NULL;
	for (host = 0; host < POSTGRES_HOSTS_MAX; host++) {
		size_t comma = text_find_byte(rest, ',');
		size_t room =
			comma == rest.len && host == 0 ?
				POSTGRES_ADDRESSES_MAX :
				POSTGRES_ADDRESSES_MAX / POSTGRES_HOSTS_MAX;
		char name[POSTGRES_HOST_BYTES];

		(void)snprintf(name, sizeof(name), "%.*s", (int)comma,
			       rest.ptr);
		if (postgres_target_is_name(text_of(name)))
			look_up(name, room, host, addresses, problem);
		else
			add(addresses, host, "");
		if (comma == rest.len)
			break;
		rest = text_slice(rest, comma + 1, rest.len);
	}
	if (addresses->count > 0)
		*problem = NULL;
}

static void *thread_main(void *arg)
{
	struct postgres_resolve *resolve = arg;
	bool is_cancelled;

	look_up_all(resolve->hosts, &resolve->addresses, &resolve->problem);
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

static struct postgres_resolve *new_resolve(const char *hosts)
{
	struct postgres_resolve *made = calloc(1, sizeof(*made));
	pthread_condattr_t attr;

	if (made == NULL)
		return NULL;
	made->hosts = strdup(hosts);
	if (made->hosts == NULL) {
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

enum err postgres_resolve_start(struct loop *loop, const char *hosts,
				postgres_resolve_fn *fn, void *arg,
				struct postgres_resolve **resolve)
{
	struct postgres_resolve *made = new_resolve(hosts);

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

enum err postgres_resolve_wait(const char *hosts, int64_t timeout_ms,
			       struct postgres_addresses *addresses,
			       const char **problem)
{
	struct postgres_resolve *resolve = new_resolve(hosts);

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
