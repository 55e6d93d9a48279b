/*
 * evhttp, with every limit set: the HTTP server of one worker.
 */
#ifndef TODOD_DAEMON_SERVER_H
#define TODOD_DAEMON_SERVER_H

#include <stddef.h>

#include "core/err.h"
#include "daemon/connection.h"

struct app;
struct cidr_list;
struct loop_event;
struct server;
struct shared;
struct tls;

/* All borrowed. */
struct server_options {
	struct loop_event *loop;
	struct app *app;
	struct shared *shared;
	unsigned slot;
	size_t connections_max;
	struct connection_limits limits;
	const struct cidr_list *proxies; /* trusted ones; NULL: none */
	bool proxies_speak_first;	 /* with a PROXY header */
	struct tls *tls; /* what TCP sockets speak; NULL: plain HTTP */
};

enum err server_new(const struct server_options *options,
		    struct server **server) __attribute__((warn_unused_result));

/* No request may be in flight any more. */
void server_free(struct server **server);

/* Takes a listening socket over, also on failure, and accepts from it. */
enum err server_listen(struct server *server, int fd)
	__attribute__((warn_unused_result));

/*
 * Accepts no more, finishes the requests in flight, closes idle connections;
 * on_drained(arg) runs once, later, when all is done.
 */
void server_drain(struct server *server, void (*on_drained)(void *arg),
		  void *arg);

/* Requests without an answer yet. */
size_t server_pending(const struct server *server);

/* Connections that are not idle. */
size_t server_busy(const struct server *server);

/* Name and version of the library, for --version. */
const char *server_library(void);

#endif
