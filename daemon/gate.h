/*
 * The gate between a client and evhttp: evhttp never sees a byte that a client
 * has sent.  What comes in is parsed (core/httpparser.h); for each complete
 * request, and for each one that is refused, evhttp gets a constant head to
 * answer.  Who answers takes the request itself from the gate.
 *
 * One request is let through at a time; what the client sends meanwhile stays
 * in the kernel, so a flood costs nothing.
 */
#ifndef TODOD_DAEMON_GATE_H
#define TODOD_DAEMON_GATE_H

#include <event2/bufferevent.h>
#include <stdbool.h>

#include "daemon/intake.h"
#include "daemon/transport.h"

enum gate_state {
	GATE_IDLE,   /* waits for the first byte of a request */
	GATE_HEAD,   /* waits for the rest of the head */
	GATE_BODY,   /* waits for the rest of the body */
	GATE_PASSED, /* evhttp has a request, until its answer is complete */
	GATE_SHUT,   /* no further request is let through: the end is near */
};

struct gate {
	enum gate_state state;
	unsigned turns; /* how often the state has changed */
	struct bufferevent *bev;
	struct transport *transport; /* NULL: bev has the descriptor */
	struct intakes *intakes;
	struct intake *intake; /* NULL: there is no byte of a request */
	bool has_continued;    /* "100 Continue" was sent */
	bool is_taken;	       /* who answers has got the request */
	bool is_answering;     /* evhttp has been given something to send */
	/* Without a transport the callbacks are the gate's while a request
	 * comes in; these are evhttp's. */
	bool has_callbacks;
	bufferevent_data_cb read_cb;
	bufferevent_event_cb event_cb;
	void *evhttp_arg;
	void (*on_end)(void *arg); /* evhttp was told that the client is gone */
	void *arg;
};

/* Of a new bufferevent, which evhttp has not got yet; both are borrowed.
 * on_end(arg) may not free the gate or bev. */
void gate_open(struct gate *gate, struct bufferevent *bev,
	       struct intakes *intakes, void (*on_end)(void *arg), void *arg);

/* bev has lost its descriptor to transport, which is borrowed: what comes from
 * there goes to the two below. */
void gate_wire(struct gate *gate, struct transport *transport);
void gate_feed(struct gate *gate, const char *ptr, size_t len);
void gate_ended(struct gate *gate, enum transport_end how);

/* evhttp has set its callbacks, outside of any of them: takes them over if a
 * request is not complete. */
void gate_attend(struct gate *gate);

/* The rest of a request is not waited for: it is answered with this status and
 * the connection ends. */
void gate_refuse(struct gate *gate, int status);

/* The request that was let through, held for the caller; NULL: memory was short
 * when it came in. */
struct intake *gate_take(struct gate *gate);

/* A request is being answered: nothing more is read meanwhile. */
void gate_hold(struct gate *gate);

/* All that was to be sent is out: tells evhttp if it has sent something.  Else
 * that was a "100 Continue", which evhttp would take for the end of an answer:
 * it would give a request away that is still being handled. */
void gate_sent(struct gate *gate);

/* The answer is complete, evhttp is about to wait for a request: it gets the
 * next one if that is here already. */
void gate_next(struct gate *gate);

/* No further request is let through; gives up what has come in. */
void gate_shut(struct gate *gate);

/* Tells evhttp that the client is gone, then on_end. */
void gate_end(struct gate *gate);

#endif
