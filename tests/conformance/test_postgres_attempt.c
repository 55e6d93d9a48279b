/* A server with several addresses, of which some do not answer. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/backends.h"
#include "tests/conformance/subject.h"
#include "tests/support/logtrap.h"
#include "tests/support/pgfixture.h"
#include "tests/support/tap.h"

#define NOW INT64_C(1700000000000000)

/* A queue of this length is full with one connection more. */
#define BACKLOG_NONE  0
#define BACKLOG_LONG  64
#define FILLERS	      4
#define FILLED_MS     200
#define ADDRESS_BYTES 64

/* An address that is there, but where nobody answers. */
struct silent {
	int fd;
	int fillers[FILLERS];
	char address[ADDRESS_BYTES]; /* with its port */
};

static const struct backend_tuning brisk = {
	.connections_max = 2,
	.statement_timeout_ms = 10000,
	.connect_timeout_ms = 12000,
	.wait_timeout_ms = 12000,
	.idle_timeout_ms = 60000,
};

static void listen_silently(struct silent *silent, int backlog)
{
	struct sockaddr_in name = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(name);
	size_t i;

	silent->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (silent->fd < 0 ||
	    bind(silent->fd, (struct sockaddr *)&name, len) != 0 ||
	    listen(silent->fd, backlog) != 0 ||
	    getsockname(silent->fd, (struct sockaddr *)&name, &len) != 0)
		bail_out("no listener: %m");
	(void)snprintf(silent->address, sizeof(silent->address), "127.0.0.1:%d",
		       ntohs(name.sin_port));
	for (i = 0; i < FILLERS; i++) {
		silent->fillers[i] =
			socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (silent->fillers[i] < 0 ||
		    (connect(silent->fillers[i], (struct sockaddr *)&name,
			     len) != 0 &&
		     errno != EINPROGRESS))
			bail_out("no connection: %m");
	}
}

/* A black hole: its kernel drops what would open a connection. */
static void open_hole(struct silent *silent)
{
	struct pollfd last = { .events = POLLOUT };

	listen_silently(silent, BACKLOG_NONE);
	last.fd = silent->fillers[FILLERS - 1];
	if (poll(&last, 1, FILLED_MS) != 0)
		bail_out("the queue of a listener is not full");
}

static void close_fillers(struct silent *silent)
{
	size_t i;

	for (i = 0; i < FILLERS; i++)
		if (silent->fillers[i] >= 0)
			close(silent->fillers[i]);
	for (i = 0; i < FILLERS; i++)
		silent->fillers[i] = -1;
}

/* How many have come since the last time. */
static int count_arrived(struct silent *silent)
{
	int count = 0, fd;

	while ((fd = accept(silent->fd, NULL, NULL)) >= 0) {
		close(fd);
		count++;
	}
	return count;
}

static void release(struct silent *silent)
{
	close_fillers(silent);
	close(silent->fd);
}

/* The server behind another address; with its schema. */
static void begin(struct subject *subject, const struct silent *first)
{
	char url[1024];

	logtrap_clear();
	subject_init(subject, "postgres");
	subject_close(subject);
	backend_location_release(&subject->location);
	(void)snprintf(url, sizeof(url),
		       "postgresql://%s@%s,127.0.0.1:%s/%s?password=%s&"
		       "sslmode=disable",
		       pgfixture_get("user"), first->address,
		       pgfixture_get("port"), pgfixture_get("database"),
		       pgfixture_get("quoted_password"));
	pgfixture_locate_url(url, &subject->location);
	subject->location.tuning = brisk;
}

static void test_black_hole(void)
{
	struct subject subject;
	struct silent hole;
	struct answer answer;
	int64_t id;

	tap_prefix("black hole");
	open_hole(&hole);
	begin(&subject, &hole);
	is_err(subject_migrate(&subject), ERR_OK,
	       "a migration reaches the server behind it");
	subject_open(&subject, SUBJECT_TIMEOUT_MS);
	ok(!logtrap_has("starting without it"), "so does a worker that starts");
	id = create_id(&subject, "anna", "Task", NOW);
	ok(id > 0, "and a request");
	close_fillers(&hole);
	(void)count_arrived(&hole);
	get(&subject, "anna", key_by_id(id), &answer);
	is_err(answer.err, ERR_OK, "and the next, over another connection");
	answer_release(&answer);
	is_int(count_arrived(&hole), 0,
	       "for which what was silent is not tried first");
	is_int(logtrap_warnings(), 0, "nothing is lost");
	subject_release(&subject);
	release(&hole);
}

/* Connections are taken there, and that is all. */
static void test_mute(void)
{
	struct subject subject;
	struct silent mute;

	tap_prefix("mute server");
	listen_silently(&mute, BACKLOG_LONG);
	begin(&subject, &mute);
	subject.location.tuning.connect_timeout_ms = 3000;
	is_err(subject_migrate(&subject), ERR_OK,
	       "a migration reaches the server behind it");
	subject_open(&subject, SUBJECT_TIMEOUT_MS);
	ok(!logtrap_has("starting without it"), "so does a worker that starts");
	ok(create_id(&subject, "anna", "Task", NOW) > 0, "and a request");
	ok(count_arrived(&mute) >= 3, "each of them has tried it");
	subject_release(&subject);
	release(&mute);
}

/* Nobody listens there, which is known at once. */
static void test_refused(void)
{
	struct subject subject;
	struct silent gone;

	tap_prefix("refused");
	listen_silently(&gone, BACKLOG_LONG);
	begin(&subject, &gone);
	release(&gone);
	subject_open(&subject, SUBJECT_TIMEOUT_MS);
	ok(create_id(&subject, "anna", "Task", NOW) > 0,
	   "the next address is tried");
	is_int(logtrap_warnings(), 0, "without a word");
	subject_release(&subject);
}

/* The only address is a black hole: the deadline is that of the setting. */
static void test_alone(void)
{
	struct backend_location location;
	struct silent hole;
	char url[256];

	tap_prefix("alone");
	logtrap_clear();
	open_hole(&hole);
	(void)snprintf(url, sizeof(url), "postgresql://u@%s/d", hole.address);
	pgfixture_locate_url(url, &location);
	location.tuning.connect_timeout_ms = 100;
	is_err(location.backend->migrate(&location, BACKEND_MIGRATE_APPLY,
					 NULL),
	       ERR_UNAVAILABLE, "a migration gives up");
	ok(logtrap_has("no answer within the connect time-out"),
	   "and says why");
	backend_location_release(&location);
	release(&hole);
}

int main(void)
{
	if (!pgfixture_start())
		return tap_done();
	logtrap_start();
	test_black_hole();
	test_mute();
	test_refused();
	test_alone();
	tap_prefix(NULL);
	pgfixture_stop();
	return tap_done();
}
