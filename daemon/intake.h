/*
 * Where the bytes of a request are while they come in and until it has been
 * answered: a buffer and a parser.  Only connections with a request have one;
 * a worker uses them again and again.
 */
#ifndef TODOD_DAEMON_INTAKE_H
#define TODOD_DAEMON_INTAKE_H

#include <stddef.h>

#include "core/buffer.h"
#include "core/err.h"
#include "core/httpparser.h"

struct intakes;

/* Held by the connection and, while it is being answered, by the exchange:
 * the one may be gone before the other. */
struct intake {
	struct intakes *owner;
	struct buffer bytes;
	struct httpparser parser;
	unsigned holders;
	struct intake *next; /* in the pool */
};

enum err intakes_new(struct intakes **intakes)
	__attribute__((warn_unused_result));

/* None may be held any more. */
void intakes_free(struct intakes **intakes);

/* An empty one with one holder, NULL when there is no memory. */
struct intake *intake_get(struct intakes *intakes);

/* One holder more; returns intake. */
struct intake *intake_hold(struct intake *intake);

/* One holder less; *intake may be NULL and is NULL afterwards. */
void intake_release(struct intake **intake);

/* The request has been dealt with: what came behind it is the beginning of the
 * next one. */
void intake_next(struct intake *intake);

#endif
