/* Watches of file descriptors, on the daemon's loop and on the tests' own. */
#include "config.h"

#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop.h"
#include "daemon/loop_event.h"
#include "tests/support/tap.h"
#include "tests/support/testloop.h"

/* Either loop. */
struct subject {
	struct testloop *test;
	struct loop_event *event;
	struct loop *loop;
};

struct watched {
	struct subject *subject;
	struct loop_watch *watch;
	int fd;
	int calls;
	unsigned events; /* of the last call */
	bool frees_itself;
};

static void on_events(void *arg, unsigned events)
{
	struct watched *watched = arg;

	watched->calls++;
	watched->events = events;
	if (watched->frees_itself)
		loop_watch_free(watched->subject->loop, &watched->watch);
}

/* What is ready now, some turns of it. */
static void turn(struct subject *subject)
{
	int i;

	for (i = 0; i < 3; i++) {
		if (subject->event != NULL)
			(void)event_base_loop(loop_event_base(subject->event),
					      EVLOOP_ONCE | EVLOOP_NONBLOCK);
		else
			testloop_run_for(subject->test, 2);
	}
}

static void init(struct watched *watched, struct subject *subject, int fd)
{
	memset(watched, 0, sizeof(*watched));
	watched->subject = subject;
	watched->fd = fd;
	watched->watch = loop_watch_new(subject->loop, fd, on_events, watched);
	if (watched->watch == NULL)
		bail_out("no watch");
}

static void test_watch(struct subject *subject)
{
	struct watched watched;
	struct loop_watch *none = NULL;
	int pair[2];
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		bail_out("no sockets");
	init(&watched, subject, pair[0]);
	if (write(pair[1], "x", 1) != 1)
		bail_out("no byte written");
	turn(subject);
	is_int(watched.calls, 0, "a new watch waits for nothing");
	loop_watch_set(subject->loop, watched.watch, LOOP_READABLE);
	turn(subject);
	ok(watched.calls >= 2 && watched.events == LOOP_READABLE,
	   "what can be read is told for as long as it can");
	if (read(pair[0], &byte, 1) != 1)
		bail_out("no byte read");
	watched.calls = 0;
	turn(subject);
	is_int(watched.calls, 0, "and no longer");
	loop_watch_set(subject->loop, watched.watch,
		       LOOP_READABLE | LOOP_WRITABLE);
	turn(subject);
	ok(watched.calls >= 1 && watched.events == LOOP_WRITABLE,
	   "so is room to write");
	loop_watch_set(subject->loop, watched.watch, LOOP_READABLE);
	watched.calls = 0;
	turn(subject);
	is_int(watched.calls, 0, "until it is not asked for any more");
	close(pair[1]);
	turn(subject);
	ok(watched.calls >= 1 && watched.events & LOOP_READABLE,
	   "the end of the file can be read");
	watched.calls = 0;
	watched.frees_itself = true;
	turn(subject);
	ok(watched.calls == 1 && watched.watch == NULL,
	   "a watch may be freed from within its callback");
	loop_watch_free(subject->loop, &none);
	ok(none == NULL, "none need not be there");
	close(pair[0]);
}

/* The same number for another file, as after a reconnect. */
static void test_number_again(struct subject *subject)
{
	struct watched watched;
	int pair[2], again[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		bail_out("no sockets");
	init(&watched, subject, pair[0]);
	loop_watch_set(subject->loop, watched.watch, LOOP_READABLE);
	turn(subject);
	loop_watch_free(subject->loop, &watched.watch);
	close(pair[0]);
	close(pair[1]);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, again) != 0)
		bail_out("no sockets");
	init(&watched, subject, again[0]);
	loop_watch_set(subject->loop, watched.watch, LOOP_READABLE);
	if (write(again[1], "x", 1) != 1)
		bail_out("no byte written");
	turn(subject);
	ok(watched.calls >= 1, "a descriptor's number may come again");
	loop_watch_free(subject->loop, &watched.watch);
	close(again[0]);
	close(again[1]);
}

int main(void)
{
	struct subject subject = { .test = testloop_new() };

	tap_prefix("tests' loop");
	subject.loop = testloop_port(subject.test);
	test_watch(&subject);
	test_number_again(&subject);
	testloop_free(&subject.test);

	tap_prefix("daemon's loop");
	if (loop_event_new(&subject.event) != ERR_OK)
		bail_out("no loop");
	subject.loop = loop_event_port(subject.event);
	test_watch(&subject);
	test_number_again(&subject);
	loop_event_free(&subject.event);
	return tap_done();
}
