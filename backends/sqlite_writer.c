/* The writing connection of a process, on a thread of its own. */
#include "config.h"

#include "backends/sqlite_writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/sqlite_calls.h"
#include "backends/sqlite_db.h"
#include "backends/sqlite_lock.h"
#include "backends/sqlite_write.h"
#include "core/log.h"
#include "core/storage_backend.h"
#include "core/wakeup.h"

/* Calls that share a transaction, and calls that are answered in one turn of
 * the loop. */
#define BATCH_MAX 256
#define TURN_MAX  64

/* A checkpoint is due when the log has grown by so many pages (4 KiB each). */
#define CHECKPOINT_PAGES 4000

/* From here on (64 MiB) a checkpoint waits for the readers to leave, so that
 * the log starts anew; below, it takes what it can get. */
#define LOG_PAGES_MAX 16384

/* Waits for a foreign program that writes, and for readers when the log must
 * start anew; the lock is held meanwhile. */
#define BUSY_STEP_MS	   2
#define BUSY_WRITE_MS	   SQLITE_BUSY_TIMEOUT_MS
#define BUSY_CHECKPOINT_MS 100

/* Interrupts the wait for the lock, nothing else: its action is to be
 * ignored. */
#define INTERRUPT_SIGNAL      SIGURG
#define INTERRUPT_INTERVAL_NS 2000000

struct sqlite_writer {
	/* The thread's. */
	struct sqlite_db db;
	struct sqlite_write *write;
	struct sqlite_lock lock;
	int busy_limit_ms;
	int log_pages; /* as of the last commit */
	int checkpoint_at_pages;

	/* The loop's. */
	pthread_t thread;
	bool has_thread;
	struct wakeup *wakeup;
	struct loglimit limit;

	/* Both, under the mutex. */
	pthread_mutex_t mutex;
	pthread_cond_t has_work;
	pthread_cond_t has_ended;
	struct sqlite_calls
		queue; /* not begun; backend_data says that it is here */
	struct sqlite_calls done; /* to be finished on the loop */
	struct sqlite_failure failure;
	bool is_waiting; /* the thread, for the lock */
	bool is_ended;	 /* the thread */

	atomic_bool is_closing;
};

/* The thread. */

/* Moves from the queue what can be begun, at most a batch; the rest of what was
 * looked at is done.  Under the mutex: what is not in the queue has begun. */
static void take_batch(struct sqlite_writer *writer, struct sqlite_calls *batch)
{
	int count = 0;

	pthread_mutex_lock(&writer->mutex);
	while (writer->queue.first != NULL && count < BATCH_MAX) {
		struct storage_call *call = sqlite_calls_take(&writer->queue);

		call->backend_data = NULL;
		call->backend_err = ERR_UNAVAILABLE;
		if (storage_call_begin(call)) {
			sqlite_calls_append(batch, call);
			count++;
		} else {
			sqlite_calls_append(&writer->done, call);
		}
	}
	pthread_mutex_unlock(&writer->mutex);
}

/* Hands the batch over to the loop, and what went wrong. */
static void hand_over(struct sqlite_writer *writer, struct sqlite_calls *batch)
{
	struct storage_call *call;

	pthread_mutex_lock(&writer->mutex);
	while ((call = sqlite_calls_take(batch)) != NULL)
		sqlite_calls_append(&writer->done, call);
	if (writer->db.failure.err != ERR_OK)
		writer->failure = writer->db.failure;
	writer->db.failure.err = ERR_OK;
	pthread_mutex_unlock(&writer->mutex);
	wakeup_post(writer->wakeup);
}

/* What a failed step of the transaction means to its calls. */
static enum err err_for_calls(enum err err)
{
	return err == ERR_BUSY ? ERR_UNAVAILABLE : err;
}

/* Every call of the batch fails as the transaction did; nothing is kept. */
static void fail_batch(struct sqlite_calls *batch, enum err err)
{
	struct storage_call *call;

	for (call = batch->first; call != NULL; call = call->next) {
		free(call->backend_data);
		call->backend_data = NULL;
		call->backend_err = err_for_calls(err);
	}
}

/* Carries the calls out; a call that fails does so alone, unless the whole
 * transaction was taken back. */
static enum err run_calls(struct sqlite_writer *writer,
			  struct sqlite_calls *batch)
{
	struct storage_call *call;

	for (call = batch->first; call != NULL; call = call->next) {
		struct task *task = NULL;
		enum err err = sqlite_write_run(writer->write, call, &task);

		call->backend_data = task;
		call->backend_err = err_for_calls(err);
		if (sqlite_write_is_lost(writer->write))
			return err != ERR_OK ? err : ERR_UNAVAILABLE;
	}
	return ERR_OK;
}

/* One transaction with what is in the queue when it has begun. */
static void run_batch(struct sqlite_writer *writer)
{
	struct sqlite_calls batch = { NULL, NULL };
	enum err err = sqlite_write_begin(writer->write);

	if (err == ERR_BUSY && !atomic_load(&writer->is_closing))
		sqlite_failure_note(&writer->db.failure,
				    "beginning a transaction",
				    "another program keeps the database "
				    "locked");
	take_batch(writer, &batch);
	if (err == ERR_OK)
		err = run_calls(writer, &batch);
	if (err == ERR_OK)
		err = sqlite_write_commit(writer->write);
	sqlite_write_rollback(writer->write);
	if (err != ERR_OK)
		fail_batch(&batch, err);
	hand_over(writer, &batch);
}

/* SQLite says after each commit how many pages the log has. */
static int on_commit(void *arg, struct sqlite3 *handle, const char *name,
		     int pages)
{
	struct sqlite_writer *writer = arg;

	(void)handle;
	(void)name;
	if (pages < writer->log_pages)
		writer->checkpoint_at_pages = CHECKPOINT_PAGES;
	writer->log_pages = pages;
	return SQLITE_OK;
}

/* While the lock is held; the calls have been answered. */
static void checkpoint(struct sqlite_writer *writer)
{
	int mode = SQLITE_CHECKPOINT_PASSIVE;
	int code;

	if (writer->log_pages < writer->checkpoint_at_pages)
		return;
	writer->checkpoint_at_pages = writer->log_pages + CHECKPOINT_PAGES;
	if (writer->log_pages >= LOG_PAGES_MAX)
		mode = SQLITE_CHECKPOINT_TRUNCATE;
	writer->busy_limit_ms = BUSY_CHECKPOINT_MS;
	code = sqlite3_wal_checkpoint_v2(writer->db.handle, NULL, mode, NULL,
					 NULL);
	writer->busy_limit_ms = BUSY_WRITE_MS;
	(void)sqlite_db_fail(&writer->db, code, "making a checkpoint");
}

/* Waits for others who have the file locked; 0 gives up. */
static int on_busy(void *arg, int tries)
{
	const struct timespec step = { 0, BUSY_STEP_MS * 1000000 };
	const struct sqlite_writer *writer = arg;

	if (atomic_load(&writer->is_closing) ||
	    tries >= writer->busy_limit_ms / BUSY_STEP_MS)
		return 0;
	nanosleep(&step, NULL);
	return 1;
}

/* Takes the lock; ERR_BUSY: the end has come before. */
static enum err take_lock(struct sqlite_writer *writer)
{
	enum err err;

	pthread_mutex_lock(&writer->mutex);
	writer->is_waiting = true;
	pthread_mutex_unlock(&writer->mutex);
	do
		err = atomic_load(&writer->is_closing) ?
			      ERR_BUSY :
			      sqlite_lock_take(&writer->lock);
	while (err == ERR_BUSY && !atomic_load(&writer->is_closing));
	if (err == ERR_SYSTEM)
		sqlite_failure_note(&writer->db.failure, "taking the lock",
				    NULL);
	pthread_mutex_lock(&writer->mutex);
	writer->is_waiting = false;
	pthread_mutex_unlock(&writer->mutex);
	return err;
}

/* Without the lock nothing is written: what waits fails. */
static void fail_queue(struct sqlite_writer *writer)
{
	struct sqlite_calls batch = { NULL, NULL };

	take_batch(writer, &batch);
	hand_over(writer, &batch);
}

/* False: the end has come. */
static bool wait_for_work(struct sqlite_writer *writer)
{
	bool is_closing;

	pthread_mutex_lock(&writer->mutex);
	while (writer->queue.first == NULL && !atomic_load(&writer->is_closing))
		pthread_cond_wait(&writer->has_work, &writer->mutex);
	is_closing = atomic_load(&writer->is_closing);
	pthread_mutex_unlock(&writer->mutex);
	return !is_closing;
}

static void *thread_main(void *arg)
{
	struct sqlite_writer *writer = arg;

	while (wait_for_work(writer)) {
		enum err err = take_lock(writer);

		if (err == ERR_BUSY)
			break;
		if (err == ERR_OK) {
			run_batch(writer);
			checkpoint(writer);
			sqlite_lock_drop(&writer->lock);
		} else {
			fail_queue(writer);
		}
	}
	pthread_mutex_lock(&writer->mutex);
	writer->is_ended = true;
	pthread_cond_signal(&writer->has_ended);
	pthread_mutex_unlock(&writer->mutex);
	return NULL;
}

/* The loop. */

static void finish(struct storage_call *call)
{
	struct task *task = call->backend_data;
	const struct storage_result result = { .task = task };

	storage_call_finish(call, call->backend_err, &result);
	free(task);
}

/* Answers some of what is done, not so many that the loop is held up. */
static void on_done(void *arg)
{
	struct sqlite_writer *writer = arg;
	struct sqlite_calls turn = { NULL, NULL };
	struct sqlite_failure failure;
	struct storage_call *call;
	int count;

	pthread_mutex_lock(&writer->mutex);
	for (count = 0; count < TURN_MAX; count++) {
		call = sqlite_calls_take(&writer->done);
		if (call == NULL)
			break;
		sqlite_calls_append(&turn, call);
	}
	failure = writer->failure;
	writer->failure.err = ERR_OK;
	pthread_mutex_unlock(&writer->mutex);
	if (count == TURN_MAX)
		wakeup_post(writer->wakeup);
	sqlite_failure_log(&failure, &writer->limit);
	while ((call = sqlite_calls_take(&turn)) != NULL)
		finish(call);
}

void sqlite_writer_submit(struct sqlite_writer *writer,
			  struct storage_call *call)
{
	pthread_mutex_lock(&writer->mutex);
	call->backend_data = writer;
	sqlite_calls_append(&writer->queue, call);
	pthread_cond_signal(&writer->has_work);
	pthread_mutex_unlock(&writer->mutex);
}

void sqlite_writer_drop(struct sqlite_writer *writer, struct storage_call *call)
{
	bool is_queued;

	pthread_mutex_lock(&writer->mutex);
	is_queued = call->backend_data == writer;
	if (is_queued)
		sqlite_calls_remove(&writer->queue, call);
	pthread_mutex_unlock(&writer->mutex);
	if (is_queued)
		storage_call_finish(call, ERR_UNAVAILABLE, NULL);
}

static void on_interrupt(int number)
{
	(void)number;
}

/* Starts the thread, which gets no signal but the one that interrupts it. */
static enum err start_thread(struct sqlite_writer *writer)
{
	struct sigaction action = { .sa_handler = on_interrupt };
	sigset_t blocked, before;
	int code;

	sigemptyset(&action.sa_mask);
	sigfillset(&blocked);
	sigdelset(&blocked, INTERRUPT_SIGNAL);
	if (sigaction(INTERRUPT_SIGNAL, &action, NULL) != 0)
		BUG("a signal of ours cannot be handled");
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	code = pthread_create(&writer->thread, NULL, thread_main, writer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (code != 0) {
		log_event(LOG_ERROR, "thread not started",
			  LOG_STRING("reason", strerror(code)));
		return ERR_SYSTEM;
	}
	writer->has_thread = true;
	return ERR_OK;
}

static void init_conditions(struct sqlite_writer *writer)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&writer->has_work, &attr);
	pthread_cond_init(&writer->has_ended, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&writer->mutex, NULL);
}

enum err sqlite_writer_new(const char *path, struct sqlite_db *db,
			   struct loop *loop, struct sqlite_writer **writer)
{
	struct sqlite_writer *made = calloc(1, sizeof(*made));
	enum err err;

	if (made == NULL) {
		sqlite_db_close(db);
		return ERR_NO_MEMORY;
	}
	made->db = *db;
	made->busy_limit_ms = BUSY_WRITE_MS;
	made->checkpoint_at_pages = CHECKPOINT_PAGES;
	init_conditions(made);
	sqlite3_busy_handler(made->db.handle, on_busy, made);
	sqlite3_wal_hook(made->db.handle, on_commit, made);
	err = sqlite_write_new(&made->db, &made->write);
	sqlite_failure_log(&made->db.failure, NULL);
	if (err == ERR_OK)
		err = sqlite_lock_open(path, &made->lock);
	if (err == ERR_OK)
		err = wakeup_new(loop, on_done, made, &made->wakeup);
	if (err == ERR_OK)
		err = start_thread(made);
	if (err != ERR_OK) {
		sqlite_writer_free(&made);
		return err;
	}
	*writer = made;
	return ERR_OK;
}

/* A signal that comes just before the thread waits for the lock is lost, so it
 * is sent again. */
static void stop_thread(struct sqlite_writer *writer)
{
	pthread_mutex_lock(&writer->mutex);
	atomic_store(&writer->is_closing, true);
	pthread_cond_signal(&writer->has_work);
	while (!writer->is_ended) {
		struct timespec until;

		if (writer->is_waiting)
			pthread_kill(writer->thread, INTERRUPT_SIGNAL);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += INTERRUPT_INTERVAL_NS;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&writer->has_ended, &writer->mutex,
				       &until);
	}
	pthread_mutex_unlock(&writer->mutex);
	pthread_join(writer->thread, NULL);
}

void sqlite_writer_free(struct sqlite_writer **writer)
{
	struct sqlite_writer *freed = *writer;
	struct storage_call *call;

	if (freed == NULL)
		return;
	*writer = NULL;
	if (freed->has_thread)
		stop_thread(freed);
	sqlite_failure_log(&freed->failure, NULL);
	while ((call = sqlite_calls_take(&freed->queue)) != NULL)
		storage_call_finish(call, ERR_UNAVAILABLE, NULL);
	while ((call = sqlite_calls_take(&freed->done)) != NULL)
		finish(call);
	wakeup_free(&freed->wakeup);
	sqlite_lock_close(&freed->lock);
	sqlite_write_free(&freed->write);
	sqlite_db_close(&freed->db);
	pthread_mutex_destroy(&freed->mutex);
	pthread_cond_destroy(&freed->has_work);
	pthread_cond_destroy(&freed->has_ended);
	free(freed);
}
