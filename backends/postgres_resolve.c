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

#include "core/loop.h"

/* The loop's side and the thread share it; whoever is last frees it. */
struct postgres_resolve {
	struct loop_job job; /* first: the loop hands it back */
	struct loop *loop;
	postgres_resolve_fn *fn;
	void *arg;
	char *host;
	struct postgres_addresses addresses; /* the thread's, then the loop's */
	const char *problem;

	pthread_mutex_t mutex; /* for what follows */
	bool is_cancelled;
	bool is_posted;
};

static void destroy(struct postgres_resolve *resolve)
{
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

enum err postgres_resolve_now(const char *host,
			      struct postgres_addresses *addresses,
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
		return ERR_UNAVAILABLE;
	}
	copy_addresses(found, addresses);
	freeaddrinfo(found);
	if (addresses->count == 0) {
		*problem = "the host has no address";
		return ERR_UNAVAILABLE;
	}
	return ERR_OK;
}

static void *thread_main(void *arg)
{
	struct postgres_resolve *resolve = arg;
	bool is_cancelled;
	enum err err;

	err = postgres_resolve_now(resolve->host, &resolve->addresses,
				   &resolve->problem);
	(void)err;
	/* The loop is there for as long as nobody has cancelled, and nobody
	 * can while the mutex is held. */
	pthread_mutex_lock(&resolve->mutex);
	is_cancelled = resolve->is_cancelled;
	if (!is_cancelled) {
		resolve->is_posted = true;
		loop_post(resolve->loop, &resolve->job);
	}
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

enum err postgres_resolve_start(struct loop *loop, const char *host,
				postgres_resolve_fn *fn, void *arg,
				struct postgres_resolve **resolve)
{
	struct postgres_resolve *made = calloc(1, sizeof(*made));

	if (made == NULL)
		return ERR_NO_MEMORY;
	made->host = strdup(host);
	if (made->host == NULL) {
		free(made);
		return ERR_NO_MEMORY;
	}
	made->job.run = on_job;
	made->loop = loop;
	made->fn = fn;
	made->arg = arg;
	pthread_mutex_init(&made->mutex, NULL);
	if (start_thread(made) != 0) {
		destroy(made);
		return ERR_SYSTEM;
	}
	*resolve = made;
	return ERR_OK;
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
