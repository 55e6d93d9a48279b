/*
 * A bounded pool of threads for password hashing.  A job goes from the loop's
 * thread to the queue, through one of the threads, and back to the loop by
 * loop_post().  There a refusal that came too soon is held until its time.
 */
#include "config.h"

#include "core/hashpool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop.h"

#define THREADS_MAX 64
/* The loop answers requests: hashing gets what it leaves. */
#define NICENESS 10
/* Between two looks at a budget that was taken. */
#define BUDGET_WAIT_NS 2000000
/* Nobody waits longer for a refusal than its own verification takes. */
#define HOLD_MAX_US 1000000

enum job_kind {
	JOB_HASH,   /* makes a hash */
	JOB_VERIFY, /* checks one, and makes its replacement when outdated */
	JOB_DECOY,  /* checks one that nothing matches */
};

struct job {
	struct loop_job posted; /* first: the loop gives it back */
	struct hashpool *pool;
	struct job *next; /* in the queue, or of those that are held */
	hashpool_fn *on_result;
	void *arg;
	enum job_kind kind;
	struct text password; /* both in bytes */
	struct text hash;
	enum err err;
	int64_t due_us;			    /* not told before */
	char new_hash[PASSWORD_HASH_BYTES]; /* empty: none was made */
	size_t size;			    /* of the whole, to wipe it */
	char bytes[];
};

struct hashpool {
	struct loop *loop;
	struct hashpool_options options;
	struct hashpool_budget budget; /* take is NULL: none */
	char decoy[PASSWORD_HASH_BYTES];
	pthread_t threads[THREADS_MAX];
	unsigned thread_count;

	/* The loop's thread only. */
	size_t pending;	  /* accepted, and their callback has not returned */
	bool is_closed;	  /* what was posted runs no callback any more */
	struct job *held; /* refusals that came too soon, by due_us */
	struct loop_timer *timer; /* for the first of those */

	pthread_mutex_t lock;
	pthread_cond_t work;
	struct job *first, **last; /* the queue */
	size_t waiting;		   /* its length */
	bool is_closing;
	int64_t slowest_us;  /* of the verifications, at most HOLD_MAX_US */
	bool has_decoy_time; /* the decoy's is among those */
};

static void free_job(struct job *job)
{
	size_t size = job->size;

	explicit_bzero(job, size);
	free(job);
}

static void free_pool(struct hashpool *pool)
{
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

/* In the loop's thread, once for every job that was carried out and is not
 * dropped.  False: the pool is closed, or is no more. */
static bool deliver(struct job *job)
{
	struct hashpool *pool = job->pool;
	const struct hashpool_result result = { job->err,
						text_of(job->new_hash) };

	if (!pool->is_closed)
		job->on_result(job->arg, &result);
	free_job(job);
	/* Counted until here, so that a callback which closes the pool does
	 * not free it under our feet. */
	pool->pending--;
	if (!pool->is_closed)
		return true;
	if (pool->pending == 0)
		free_pool(pool);
	return false;
}

static void start_timer(struct hashpool *pool, int64_t now_us)
{
	if (pool->held != NULL)
		loop_timer_start(pool->loop, pool->timer,
				 (pool->held->due_us - now_us + 999) / 1000);
}

static void on_due(void *arg)
{
	struct hashpool *pool = arg;
	int64_t now_us = clock_monotonic_us();

	while (pool->held != NULL && pool->held->due_us <= now_us) {
		struct job *job = pool->held;

		pool->held = job->next;
		if (!deliver(job))
			return;
	}
	start_timer(pool, now_us);
}

static void hold(struct job *job, int64_t now_us)
{
	struct hashpool *pool = job->pool;
	struct job **at = &pool->held;

	while (*at != NULL && (*at)->due_us <= job->due_us)
		at = &(*at)->next;
	job->next = *at;
	*at = job;
	if (pool->held == job)
		start_timer(pool, now_us);
}

static void on_posted(struct loop_job *posted)
{
	struct job *job = (struct job *)posted;
	int64_t now_us = clock_monotonic_us();

	if (job->due_us > now_us && !job->pool->is_closed)
		hold(job, now_us);
	else
		(void)deliver(job);
}

/* Verifies, and remembers how long the slowest has taken. */
static enum err measure(struct hashpool *pool, struct text password,
			struct text hash)
{
	int64_t began_us = clock_monotonic_us(), took_us;
	enum err err = password_verify(password, hash);

	took_us = clock_monotonic_us() - began_us;
	if (took_us > HOLD_MAX_US)
		took_us = HOLD_MAX_US;
	pthread_mutex_lock(&pool->lock);
	if (pool->slowest_us < took_us)
		pool->slowest_us = took_us;
	pthread_mutex_unlock(&pool->lock);
	return err;
}

/* ERR_DENIED, or ERR_NO_MEMORY. */
static enum err verify_decoy(struct hashpool *pool, struct text password)
{
	if (measure(pool, password, text_of(pool->decoy)) == ERR_NO_MEMORY)
		return ERR_NO_MEMORY;
	pthread_mutex_lock(&pool->lock);
	pool->has_decoy_time = true;
	pthread_mutex_unlock(&pool->lock);
	return ERR_DENIED;
}

static bool has_decoy_time(struct hashpool *pool)
{
	bool has;

	pthread_mutex_lock(&pool->lock);
	has = pool->has_decoy_time;
	pthread_mutex_unlock(&pool->lock);
	return has;
}

static void verify(struct hashpool *pool, struct job *job)
{
	const struct password_cost *cost = &pool->options.cost;

	job->err = measure(pool, job->password, job->hash);
	/* Without a replacement the user is signed in all the same. */
	if (job->err == ERR_OK && password_is_outdated(job->hash, cost) &&
	    !password_is_cut(job->password, job->hash) &&
	    password_hash(job->password, cost, job->new_hash) != ERR_OK)
		job->new_hash[0] = '\0';
	/* An unreadable hash cost nothing, and the first refusal of all does
	 * not know yet how long that of an unknown user takes. */
	if (job->err == ERR_INVALID ||
	    (job->err == ERR_DENIED && !has_decoy_time(pool))) {
		if (verify_decoy(pool, job->password) == ERR_NO_MEMORY)
			job->err = ERR_NO_MEMORY;
	}
}

/* When a refusal of what began then may be told. */
static int64_t due_after(struct hashpool *pool, int64_t began_us)
{
	int64_t slowest_us;

	pthread_mutex_lock(&pool->lock);
	slowest_us = pool->slowest_us;
	pthread_mutex_unlock(&pool->lock);
	return began_us + slowest_us;
}

static void carry_out(struct hashpool *pool, struct job *job)
{
	int64_t began_us = clock_monotonic_us();

	switch (job->kind) {
	case JOB_HASH:
		job->err = password_hash(job->password, &pool->options.cost,
					 job->new_hash);
		break;
	case JOB_VERIFY:
		verify(pool, job);
		break;
	case JOB_DECOY:
		job->err = verify_decoy(pool, job->password);
		break;
	}
	if (job->kind != JOB_HASH &&
	    (job->err == ERR_DENIED || job->err == ERR_INVALID))
		job->due_us = due_after(pool, began_us);
	/* The result may wait a while. */
	explicit_bzero(job->bytes, job->password.len + job->hash.len);
}

/* The next job, or NULL when the pool closes. */
static struct job *next_job(struct hashpool *pool)
{
	struct job *job = NULL;

	pthread_mutex_lock(&pool->lock);
	while (pool->first == NULL && !pool->is_closing)
		pthread_cond_wait(&pool->work, &pool->lock);
	if (!pool->is_closing) {
		job = pool->first;
		pool->first = job->next;
		if (pool->first == NULL)
			pool->last = &pool->first;
		pool->waiting--;
	}
	pthread_mutex_unlock(&pool->lock);
	return job;
}

static bool is_closing(struct hashpool *pool)
{
	bool closing;

	pthread_mutex_lock(&pool->lock);
	closing = pool->is_closing;
	pthread_mutex_unlock(&pool->lock);
	return closing;
}

/* The budget is shared between processes and wakes nobody: it is asked again
 * and again.  False when the pool closes meanwhile. */
static bool take_budget(struct hashpool *pool)
{
	const struct timespec wait = { 0, BUDGET_WAIT_NS };

	if (pool->budget.take == NULL)
		return true;
	while (!pool->budget.take(pool->budget.arg)) {
		if (is_closing(pool))
			return false;
		(void)nanosleep(&wait, NULL);
	}
	return true;
}

static void *run_thread(void *arg)
{
	struct hashpool *pool = arg;
	struct job *job;

	/* Niceness is a thread's own on Linux. */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS);
	while ((job = next_job(pool)) != NULL) {
		if (take_budget(pool)) {
			carry_out(pool, job);
			if (pool->budget.give != NULL)
				pool->budget.give(pool->budget.arg);
		} else {
			/* The pool closes: reported to nobody. */
			job->err = ERR_BUSY;
		}
		loop_post(pool->loop, &job->posted);
	}
	return NULL;
}

/* Signals are the loop's: the threads are started with all of them blocked. */
static enum err start_threads(struct hashpool *pool)
{
	sigset_t all, before;
	enum err err = ERR_OK;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (pool->thread_count < pool->options.threads && err == ERR_OK) {
		if (pthread_create(&pool->threads[pool->thread_count], NULL,
				   run_thread, pool) == 0)
			pool->thread_count++;
		else
			err = ERR_SYSTEM;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

enum err hashpool_new(struct loop *loop, const struct hashpool_options *options,
		      struct hashpool **pool)
{
	struct hashpool *made;
	enum err err;

	if (options->threads < 1 || options->threads > THREADS_MAX)
		return ERR_INVALID;
	made = calloc(1, sizeof(*made));
	if (made == NULL)
		return ERR_NO_MEMORY;
	made->loop = loop;
	made->options = *options;
	if (options->budget != NULL)
		made->budget = *options->budget;
	made->last = &made->first;
	password_decoy(&options->cost, made->decoy);
	pthread_mutex_init(&made->lock, NULL);
	pthread_cond_init(&made->work, NULL);
	made->timer = loop_timer_new(loop, on_due, made);
	err = made->timer != NULL ? start_threads(made) : ERR_NO_MEMORY;
	if (err != ERR_OK)
		hashpool_free(&made);
	else
		*pool = made;
	return err;
}

/* Jobs that will not be delivered. */
static void drop(struct hashpool *pool, struct job **jobs)
{
	struct job *job;

	while ((job = *jobs) != NULL) {
		*jobs = job->next;
		pool->pending--;
		free_job(job);
	}
}

void hashpool_free(struct hashpool **pool)
{
	struct hashpool *freed = *pool;

	if (freed == NULL)
		return;
	*pool = NULL;
	pthread_mutex_lock(&freed->lock);
	freed->is_closing = true;
	pthread_cond_broadcast(&freed->work);
	pthread_mutex_unlock(&freed->lock);
	for (unsigned i = 0; i < freed->thread_count; i++)
		pthread_join(freed->threads[i], NULL);
	drop(freed, &freed->first);
	drop(freed, &freed->held);
	loop_timer_free(freed->loop, &freed->timer);
	/* What is still pending lies with the loop, which cannot take it back:
	 * the last of those frees the pool. */
	freed->is_closed = true;
	if (freed->pending == 0)
		free_pool(freed);
}

static struct job *make_job(enum job_kind kind, struct text password,
			    struct text hash, hashpool_fn *on_result, void *arg)
{
	size_t size = sizeof(struct job) + password.len + hash.len;
	struct job *job = calloc(1, size);

	if (job == NULL)
		return NULL;
	job->posted.run = on_posted;
	job->on_result = on_result;
	job->arg = arg;
	job->kind = kind;
	job->size = size;
	if (password.len > 0)
		memcpy(job->bytes, password.ptr, password.len);
	if (hash.len > 0)
		memcpy(job->bytes + password.len, hash.ptr, hash.len);
	job->password = (struct text){ job->bytes, password.len };
	job->hash = (struct text){ job->bytes + password.len, hash.len };
	return job;
}

static enum err submit(struct hashpool *pool, struct job *job)
{
	bool is_full;

	if (job == NULL)
		return ERR_NO_MEMORY;
	job->pool = pool;
	pthread_mutex_lock(&pool->lock);
	is_full = pool->waiting >= pool->options.queue_max ||
		  pool->pending >= pool->options.queue_max + HASHPOOL_HELD_MAX;
	if (!is_full) {
		*pool->last = job;
		pool->last = &job->next;
		pool->waiting++;
		pthread_cond_signal(&pool->work);
	}
	pthread_mutex_unlock(&pool->lock);
	if (is_full) {
		free_job(job);
		return ERR_BUSY;
	}
	pool->pending++;
	return ERR_OK;
}

enum err hashpool_hash(struct hashpool *pool, struct text password,
		       hashpool_fn *on_result, void *arg)
{
	return submit(pool, make_job(JOB_HASH, password,
				     (struct text){ NULL, 0 }, on_result, arg));
}

enum err hashpool_verify(struct hashpool *pool, struct text password,
			 struct text hash, hashpool_fn *on_result, void *arg)
{
	enum job_kind kind = hash.len > 0 ? JOB_VERIFY : JOB_DECOY;

	return submit(pool, make_job(kind, password, hash, on_result, arg));
}

size_t hashpool_pending(const struct hashpool *pool)
{
	return pool->pending;
}
