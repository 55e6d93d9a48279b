/*
 * The log's way out.  O_NONBLOCK belongs to an open file description, which
 * for the inherited stderr others share: a pipe or terminal is therefore
 * opened a second time for ourselves, and a socket is told with each send.
 */
#include "config.h"

#include "daemon/logsink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/loop.h"

/* Lines that wait for a reader that is slow for a moment. */
#define LOGSINK_PENDING_BYTES 65536

enum way {
	WAY_PLAIN,  /* a file: write() as it is */
	WAY_OWN,    /* our own description, non-blocking */
	WAY_SOCKET, /* send() that does not wait */
	WAY_POLL,   /* ask before each write: no second description to be had */
};

/* The log's one place of state in a process. */
static struct logsink {
	pthread_mutex_t mutex;
	int fd;
	enum way way;
	char pending[LOGSINK_PENDING_BYTES];
	size_t len;
	unsigned long long dropped;
	bool is_taken;	   /* the last write got through */
	struct loop *loop; /* NULL: write at once */
	struct loop_job flush_job;
	bool flush_is_posted;
} sink = {
	.mutex = PTHREAD_MUTEX_INITIALIZER,
	.fd = STDERR_FILENO,
};

void logsink_open(void)
{
	struct stat status;
	int own;

	sink.fd = STDERR_FILENO;
	sink.way = WAY_PLAIN;
	if (fstat(STDERR_FILENO, &status) != 0)
		return;
	if (S_ISSOCK(status.st_mode)) {
		sink.way = WAY_SOCKET;
	} else if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) {
		own = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_APPEND |
						      O_CLOEXEC | O_NOCTTY);
		sink.way = own >= 0 ? WAY_OWN : WAY_POLL;
		if (own >= 0)
			sink.fd = own;
	}
}

/* How many bytes went out; 0: none can now; -1: they never will. */
static ssize_t write_some(const char *bytes, size_t len)
{
	struct pollfd poll_fd = { .fd = sink.fd, .events = POLLOUT };
	ssize_t written;

	if (sink.way == WAY_POLL &&
	    (poll(&poll_fd, 1, 0) <= 0 || !(poll_fd.revents & POLLOUT)))
		return 0;
	if (sink.way == WAY_SOCKET)
		written =
			send(sink.fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		written = write(sink.fd, bytes, len);
	if (written < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return written;
}

static void take_off(size_t len)
{
	sink.len -= len;
	memmove(sink.pending, sink.pending + len, sink.len);
}

/* Bytes of whole lines from the front that make one batch. */
static size_t batch(void)
{
	size_t limit = sink.len < LOGSINK_BATCH_BYTES ? sink.len :
							LOGSINK_BATCH_BYTES;
	const char *end = memrchr(sink.pending, '\n', limit);

	return end ? (size_t)(end - sink.pending) + 1 : limit;
}

static void drop_batch(void)
{
	size_t len = batch();

	for (size_t i = 0; i < len; i++)
		sink.dropped += sink.pending[i] == '\n';
	take_off(len);
}

/* With the mutex held.  Whether all went out. */
static bool flush_locked(void)
{
	while (sink.len > 0) {
		size_t len = batch();
		ssize_t written = write_some(sink.pending, len);

		sink.is_taken = written > 0;
		if (written == 0)
			return false;
		if (written < 0) {
			drop_batch();
			continue;
		}
		/* After a part of a line its rest stays in front. */
		take_off((size_t)written);
	}
	return true;
}

/* Reports what is missing, once a line got through again: a report of its own
 * loss would have to be reported, too. */
static void flush_and_report(void)
{
	unsigned long long dropped = 0;

	pthread_mutex_lock(&sink.mutex);
	if (flush_locked() && sink.is_taken && sink.dropped > 0) {
		dropped = sink.dropped;
		sink.dropped = 0;
	}
	pthread_mutex_unlock(&sink.mutex);
	if (dropped > 0)
		log_event(LOG_WARN, "log lines dropped",
			  LOG_INT("count", (int64_t)dropped));
}

static void on_flush_job(struct loop_job *job)
{
	(void)job;
	pthread_mutex_lock(&sink.mutex);
	sink.flush_is_posted = false;
	pthread_mutex_unlock(&sink.mutex);
	flush_and_report();
}

/* With the mutex held: keeps the line or counts it as dropped. */
static void append(const char *line, size_t len)
{
	if (len > sizeof(sink.pending) - sink.len)
		(void)flush_locked();
	if (len > sizeof(sink.pending) - sink.len) {
		sink.dropped++;
		return;
	}
	memcpy(sink.pending + sink.len, line, len);
	sink.len += len;
}

static void on_line(void *arg, const char *line, size_t len)
{
	bool posts = false;
	struct loop *loop;

	(void)arg;
	pthread_mutex_lock(&sink.mutex);
	append(line, len);
	loop = sink.loop;
	if (loop) {
		posts = !sink.flush_is_posted;
		sink.flush_is_posted = true;
	} else {
		(void)flush_locked();
	}
	pthread_mutex_unlock(&sink.mutex);
	if (posts)
		loop_post(loop, &sink.flush_job);
}

void logsink_configure(enum log_level level, enum log_format format, int worker)
{
	const struct log_options options = {
		.level = level,
		.format = format,
		.worker = worker,
		.sink = on_line,
	};

	log_init(&options);
}

void logsink_attach(struct loop *loop)
{
	pthread_mutex_lock(&sink.mutex);
	sink.loop = loop;
	sink.flush_job.run = on_flush_job;
	sink.flush_is_posted = false;
	pthread_mutex_unlock(&sink.mutex);
}

void logsink_detach(void)
{
	pthread_mutex_lock(&sink.mutex);
	sink.loop = NULL;
	pthread_mutex_unlock(&sink.mutex);
	logsink_flush();
}

void logsink_flush(void)
{
	flush_and_report();
	/* The report itself. */
	pthread_mutex_lock(&sink.mutex);
	(void)flush_locked();
	pthread_mutex_unlock(&sink.mutex);
}

void logsink_reset(void)
{
	sink.len = 0;
	sink.dropped = 0;
}
