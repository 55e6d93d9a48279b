/*
 * Answers in place of the HTML pages with which evhttp refuses what is no
 * request: the application words them like all its errors.
 */
#ifndef TODOD_DAEMON_REFUSAL_H
#define TODOD_DAEMON_REFUSAL_H

struct app;
struct evbuffer;

/* Writes a whole response with this status to out and logs it; the connection
 * is to end after it.  client as in the log. */
void refusal_write(struct app *app, int status, const char *client,
		   struct evbuffer *out);

#endif
