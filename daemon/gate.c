/*
 * Bytes come from a transport.  Where the bufferevent has the descriptor the
 * gate works inside the callback of its input buffer: libevent calls it with
 * what was read before evhttp's own callback runs, which then finds either
 * nothing or a head.
 */
#include "config.h"

#include "daemon/gate.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stddef.h>
#include <string.h>

#include "core/text.h"

/* The method decides whether the answer has a body.  Everything else about the
 * answer is said by its own headers. */
#define HEAD_OF_GET    TEXT("GET / HTTP/1.1\r\n\r\n")
#define HEAD_OF_HEAD   TEXT("HEAD / HTTP/1.1\r\n\r\n")
#define HEAD_CONTINUED TEXT("HTTP/1.1 100 Continue\r\n\r\n")

static void enter(struct gate *gate, enum gate_state state)
{
	if (gate->state == state)
		return;
	gate->state = state;
	gate->turns++;
}

static void give_back(struct gate *gate)
{
	if (!gate->has_callbacks)
		return;
	gate->has_callbacks = false;
	/* Not the one for writing: evhttp sets it when it answers, and until
	 * then it would take a "100 Continue" for the end of an answer. */
	bufferevent_setcb(gate->bev, gate->read_cb, NULL, gate->event_cb,
			  gate->evhttp_arg);
}

void gate_ended(struct gate *gate, enum transport_end how)
{
	/* A client that has ended its side may still be there to read. */
	if (how == TRANSPORT_CLOSED &&
	    (gate->state == GATE_HEAD || gate->state == GATE_BODY))
		gate_refuse(gate, 400);
	else
		gate_end(gate);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	if (!(what & BEV_EVENT_CONNECTED))
		gate_ended(arg, what & BEV_EVENT_EOF ? TRANSPORT_CLOSED :
						       TRANSPORT_FAILED);
}

static void take_over(struct gate *gate)
{
	bufferevent_event_cb event_cb = NULL;

	/* Of a bufferevent without a descriptor nothing calls them. */
	if (gate->has_callbacks || gate->transport)
		return;
	bufferevent_getcb(gate->bev, &gate->read_cb, NULL, &event_cb,
			  &gate->evhttp_arg);
	/* evhttp has let go of it. */
	if (!event_cb)
		return;
	gate->event_cb = event_cb;
	gate->has_callbacks = true;
	bufferevent_setcb(gate->bev, NULL, NULL, on_event, gate);
}

/* A bufferevent may let nobody add to its input but itself. */
static bool add_input(struct evbuffer *input, struct text bytes)
{
	int result = evbuffer_add(input, bytes.ptr, bytes.len);

	if (result != 0) {
		(void)evbuffer_unfreeze(input, 0);
		result = evbuffer_add(input, bytes.ptr, bytes.len);
		(void)evbuffer_freeze(input, 0);
	}
	return result == 0;
}

/* evhttp gets a head in its input; that it looks there is the caller's
 * business. */
static void pass(struct gate *gate)
{
	struct evbuffer *input = bufferevent_get_input(gate->bev);
	bool is_head = gate->intake && gate->intake->parser.method == HTTP_HEAD;
	struct text head = is_head ? HEAD_OF_HEAD : HEAD_OF_GET;

	give_back(gate);
	enter(gate, GATE_PASSED);
	gate->is_taken = false;
	gate->is_answering = false;
	if (gate->transport)
		transport_pause(gate->transport);
	if (!add_input(input, head))
		enter(gate, GATE_SHUT);
}

static void send_continue(struct gate *gate)
{
	const struct httpparser *parser = &gate->intake->parser;
	struct text head = HEAD_CONTINUED;

	if (gate->has_continued || !parser->is_continuable ||
	    parser->at > parser->body_at)
		return;
	gate->has_continued = true;
	(void)evbuffer_add(bufferevent_get_output(gate->bev), head.ptr,
			   head.len);
	(void)bufferevent_enable(gate->bev, EV_WRITE);
}

/* Room for what has been read; NULL: there is no memory. */
static char *reserve(struct gate *gate, size_t len)
{
	char *end;

	if (!gate->intake)
		gate->intake = intake_get(gate->intakes);
	if (!gate->intake)
		return NULL;
	end = buffer_reserve(&gate->intake->bytes, len);
	if (!end)
		httpparser_refuse(&gate->intake->parser, 503);
	return end;
}

/* Moves what the bufferevent has read. */
static bool take_input(struct gate *gate)
{
	struct evbuffer *input = bufferevent_get_input(gate->bev);
	size_t len = evbuffer_get_length(input);
	char *end = reserve(gate, len);

	if (!end) {
		(void)evbuffer_drain(input, len);
		return false;
	}
	(void)evbuffer_remove(input, end, len);
	gate->intake->bytes.len += len;
	return true;
}

/* Parses what is here and lets it through when it is complete. */
static void advance(struct gate *gate)
{
	switch (httpparser_run(&gate->intake->parser, &gate->intake->bytes)) {
	case HTTPPARSER_NOTHING:
		break;
	case HTTPPARSER_HEAD:
		enter(gate, GATE_HEAD);
		break;
	case HTTPPARSER_BODY:
		enter(gate, GATE_BODY);
		break;
	case HTTPPARSER_DONE:
		pass(gate);
		break;
	}
}

static void on_input(struct evbuffer *input,
		     const struct evbuffer_cb_info *info, void *arg)
{
	struct gate *gate = arg;

	/* What was added may be a proxy's, and gone already. */
	if (info->n_added == 0 || gate->state >= GATE_PASSED ||
	    evbuffer_get_length(input) == 0)
		return;
	if (take_input(gate))
		advance(gate);
	else
		pass(gate);
	gate_attend(gate);
}

void gate_feed(struct gate *gate, const char *ptr, size_t len)
{
	char *end;

	if (gate->state >= GATE_PASSED)
		return;
	end = reserve(gate, len);
	if (end) {
		memcpy(end, ptr, len);
		gate->intake->bytes.len += len;
		advance(gate);
	} else {
		pass(gate);
	}
	if (gate->state == GATE_PASSED)
		bufferevent_trigger(gate->bev, EV_READ, 0);
	else
		gate_attend(gate);
}

void gate_wire(struct gate *gate, struct transport *transport)
{
	gate->transport = transport;
	(void)evbuffer_remove_cb(bufferevent_get_input(gate->bev), on_input,
				 gate);
}

void gate_open(struct gate *gate, struct bufferevent *bev,
	       struct intakes *intakes, void (*on_end)(void *arg), void *arg)
{
	*gate = (struct gate){
		.bev = bev,
		.intakes = intakes,
		.on_end = on_end,
		.arg = arg,
	};
	(void)evbuffer_add_cb(bufferevent_get_input(bev), on_input, gate);
}

void gate_attend(struct gate *gate)
{
	if (gate->state >= GATE_PASSED)
		return;
	take_over(gate);
	if (gate->state == GATE_BODY &&
	    (gate->has_callbacks || gate->transport))
		send_continue(gate);
}

void gate_refuse(struct gate *gate, int status)
{
	if (gate->state >= GATE_PASSED)
		return;
	if (!gate->intake)
		gate->intake = intake_get(gate->intakes);
	if (gate->intake)
		httpparser_refuse(&gate->intake->parser, status);
	pass(gate);
	bufferevent_trigger(gate->bev, EV_READ, 0);
}

struct intake *gate_take(struct gate *gate)
{
	gate->is_taken = true;
	return gate->intake ? intake_hold(gate->intake) : NULL;
}

void gate_hold(struct gate *gate)
{
	const struct intake *intake = gate->intake;

	if (gate->state != GATE_PASSED)
		return;
	gate->is_answering = true;
	if (!gate->transport)
		(void)bufferevent_disable(gate->bev, EV_READ);
	/* While the answer is on its way nobody needs the request, unless the
	 * next one is behind it. */
	if (intake && gate->is_taken && intake->holders == 1 &&
	    intake->parser.next_at == intake->bytes.len)
		intake_release(&gate->intake);
}

void gate_sent(struct gate *gate)
{
	if (gate->state == GATE_PASSED && gate->is_answering)
		bufferevent_trigger(gate->bev, EV_WRITE, 0);
}

void gate_next(struct gate *gate)
{
	bool has_input = evbuffer_get_length(bufferevent_get_input(gate->bev)) >
			 0;

	if (gate->state != GATE_PASSED)
		return;
	enter(gate, GATE_IDLE);
	gate->has_continued = false;
	if (gate->transport)
		transport_resume(gate->transport);
	if (gate->intake)
		intake_next(gate->intake);
	if (has_input && !take_input(gate))
		pass(gate);
	else if (gate->intake && gate->intake->bytes.len > 0)
		advance(gate);
	else
		intake_release(&gate->intake);
}

void gate_shut(struct gate *gate)
{
	enter(gate, GATE_SHUT);
	intake_release(&gate->intake);
}

void gate_end(struct gate *gate)
{
	give_back(gate);
	bufferevent_trigger_event(gate->bev, BEV_EVENT_READING | BEV_EVENT_EOF,
				  0);
	gate->on_end(gate->arg);
}
