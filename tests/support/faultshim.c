/* A library to preload: the k-th call of one function fails, once or, in that
 * process, from then on; or it never comes back.  Which one is in a small file
 * that the test maps too, so that the fault can be changed and lifted while the
 * program runs.  Calls are counted over all processes that it is for.
 * tests/program/faults.py is the other side. */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define NAME_BYTES 16

enum mode {
	MODE_COUNT = 0, /* no call fails */
	MODE_ONCE = 1,
	MODE_ALWAYS = 2, /* from that call on, in its process */
	MODE_HANG = 3,	 /* that call never ends */
};

/* Bits of fault.processes. */
#define PROCESS_FIRST 1 /* the one that was started */
#define PROCESS_CHILD 2 /* those it forked */

/* The file; its size and places are known to faults.py. */
struct fault {
	char function[NAME_BYTES];
	_Atomic uint32_t mode;
	_Atomic uint32_t processes;
	_Atomic uint32_t struck; /* the process of the call that failed first */
	uint32_t unused;
	_Atomic uint64_t at; /* the call that fails, from 1 */
	_Atomic uint64_t calls;
	_Atomic uint64_t failed;
};

static struct fault *fault;
static uint32_t first;
static _Thread_local bool is_exempt;

__attribute__((constructor)) static void map_fault(void)
{
	const char *path = getenv("FAULTSHIM");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at;

	first = (uint32_t)getpid();
	if (fd < 0)
		return;
	at = mmap(NULL, sizeof(*fault), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		  0);
	close(fd);
	if (at != MAP_FAILED)
		fault = at;
}

/* Whether the call of this number is to fail in this process. */
static bool is_meant(uint64_t call, uint32_t pid)
{
	uint64_t at = atomic_load(&fault->at);

	switch ((enum mode)atomic_load(&fault->mode)) {
	case MODE_COUNT:
		break;
	case MODE_ONCE:
		return call == at;
	case MODE_ALWAYS:
		if (call == at)
			atomic_store(&fault->struck, pid);
		return call >= at && atomic_load(&fault->struck) == pid;
	case MODE_HANG:
		if (call == at) {
			atomic_fetch_add(&fault->failed, 1);
			for (;;)
				(void)sched_yield();
		}
		break;
	}
	return false;
}

/* Counts this call of the function; true: it is to fail. */
static bool fails(const char *function, int error)
{
	uint32_t pid, process;

	if (!fault || is_exempt ||
	    strncmp(fault->function, function, NAME_BYTES) != 0)
		return false;
	pid = (uint32_t)getpid();
	process = pid == first ? PROCESS_FIRST : PROCESS_CHILD;
	if (!(atomic_load(&fault->processes) & process) ||
	    !is_meant(atomic_fetch_add(&fault->calls, 1) + 1, pid))
		return false;
	atomic_fetch_add(&fault->failed, 1);
	errno = error;
	return true;
}

/* Nothing comes from a connection that has failed. */
static bool breaks(int fd, const char *function, int error)
{
	if (!fails(function, error))
		return false;
	(void)shutdown(fd, SHUT_RDWR);
	errno = error;
	return true;
}

/* The next library's function of this name.  It is looked up at its first call,
 * which may come before any constructor ran. */
static void *next(void *_Atomic *known, const char *function)
{
	void *found = atomic_load(known);

	if (!found) {
		found = dlsym(RTLD_NEXT, function);
		atomic_store(known, found);
	}
	return found;
}

/* A function of ours in the place of the library's: its type and name, what it
 * returns when it fails and whether it does, its parameters, its arguments. */
#define REPLACE(type, name, failure, condition, parameters, arguments) \
	__attribute__((visibility("default"))) type name parameters    \
	{                                                              \
		static void *_Atomic known;                            \
		type(*real) parameters;                                \
		if (condition)                                         \
			return failure;                                \
		*(void **)&real = next(&known, #name);                 \
		return real arguments;                                 \
	}

REPLACE(void *, malloc, NULL, fails("malloc", ENOMEM), (size_t size), (size))
REPLACE(void *, calloc, NULL, fails("calloc", ENOMEM),
	(size_t count, size_t size), (count, size))
REPLACE(void *, realloc, NULL, fails("realloc", ENOMEM),
	(void *old, size_t size), (old, size))

/* The sanitizers' own question in each thread, which has to be answered. */
__attribute__((visibility("default"))) int pthread_getattr_np(
	pthread_t thread, pthread_attr_t *attributes)
{
	static void *_Atomic known;
	int (*real)(pthread_t, pthread_attr_t *);
	int result;

	*(void **)&real = next(&known, "pthread_getattr_np");
	is_exempt = true;
	result = real(thread, attributes);
	is_exempt = false;
	return result;
}

#ifdef TODOD_COVERAGE
/* What counts the lines that ran takes its memory for granted.  It asks for
 * this before it writes, at the end of a process or before an exec. */
__attribute__((visibility("default"))) char *getenv(const char *name)
{
	static void *_Atomic known;
	char *(*real)(const char *);

	if (strncmp(name, "GCOV_PREFIX", 11) == 0)
		is_exempt = true;
	*(void **)&real = next(&known, "getenv");
	return real(name);
}
#endif

REPLACE(int, accept4, -1, fails("accept4", EMFILE),
	(int fd, struct sockaddr *address, socklen_t *length, int flags),
	(fd, address, length, flags))
REPLACE(int, connect, -1, fails("connect", ECONNREFUSED),
	(int fd, const struct sockaddr *address, socklen_t length),
	(fd, address, length))
REPLACE(int, epoll_ctl, -1, fails("epoll_ctl", ENOSPC),
	(int epoll, int operation, int fd, struct epoll_event *event),
	(epoll, operation, fd, event))

REPLACE(ssize_t, read, -1, fails("read", EIO),
	(int fd, void *buffer, size_t size), (fd, buffer, size))
REPLACE(ssize_t, readv, -1, breaks(fd, "readv", ECONNRESET),
	(int fd, const struct iovec *parts, int count), (fd, parts, count))
REPLACE(ssize_t, recv, -1, breaks(fd, "recv", ECONNRESET),
	(int fd, void *buffer, size_t size, int flags),
	(fd, buffer, size, flags))
REPLACE(ssize_t, writev, -1, breaks(fd, "writev", EPIPE),
	(int fd, const struct iovec *parts, int count), (fd, parts, count))
REPLACE(ssize_t, send, -1, breaks(fd, "send", EPIPE),
	(int fd, const void *data, size_t size, int flags),
	(fd, data, size, flags))

/* Those of SQLite, which reads by a function of ours. */
REPLACE(ssize_t, pread, -1, fails("pread64", EIO),
	(int fd, void *buffer, size_t size, off_t offset),
	(fd, buffer, size, offset))
REPLACE(ssize_t, pread64, -1, fails("pread64", EIO),
	(int fd, void *buffer, size_t size, off64_t offset),
	(fd, buffer, size, offset))
REPLACE(ssize_t, pwrite64, -1, fails("pwrite64", ENOSPC),
	(int fd, const void *data, size_t size, off64_t offset),
	(fd, data, size, offset))
REPLACE(int, ftruncate64, -1, fails("ftruncate64", EIO), (int fd, off64_t size),
	(fd, size))
REPLACE(int, fdatasync, -1, fails("fdatasync", EIO), (int fd), (fd))
REPLACE(int, fsync, -1, fails("fsync", EIO), (int fd), (fd))

REPLACE(ssize_t, getrandom, -1, fails("getrandom", ENOSYS),
	(void *buffer, size_t size, unsigned flags), (buffer, size, flags))
