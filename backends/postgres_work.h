/*
 * One storage call on its way through PostgreSQL: which statement it needs
 * next, what a result means to it, and what has become of it when a connection
 * was lost in the middle.
 *
 * A write is repeatable: it leaves a number in the row it changes.  The first
 * 40 bits are random and those of its connection, one says that the write was
 * repeated, and 23 count the writes of the connection.  When its outcome is
 * lost, the row is looked up.  With a number of its transaction in it the write
 * has happened.  With one that the connection gave out before, or when the row
 * is older than the write, it has not, so it is repeated.  Else somebody has
 * written since, and nobody can know.
 *
 * A try whose connection was lost may still happen, much later.  Of an update
 * or a toggle no harm comes of that: see postgres_sql.c.  A create may bring
 * back what was deleted meanwhile.
 */
#ifndef TODOD_BACKENDS_POSTGRES_WORK_H
#define TODOD_BACKENDS_POSTGRES_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/postgres_error.h"
#include "backends/postgres_row.h"
#include "core/err.h"

struct pg_result;
struct storage_call;

/* So many rows has a page of a list at most. */
#define POSTGRES_PAGE_ROWS 1000

enum postgres_phase {
	POSTGRES_PHASE_RUN,  /* the statement of the verb */
	POSTGRES_PHASE_LOOK, /* what is in the database now */
};

struct postgres_work {
	struct storage_call *call;
	struct postgres_work *next;
	/* Of a write, until its Sync.  Of those that share a statement the
	 * last owns the result. */
	struct pg_result *result;     /* owned */
	const struct pg_result *rows; /* the same, or another's */
	int row;		      /* of it there; -1: none */
	/* So many from this one on share a statement; set where it begins. */
	size_t together;
	enum postgres_phase phase;
	bool is_write;
	bool is_alone;	     /* shares a transaction with no other */
	bool is_uncertain;   /* was sent once, and its outcome was lost */
	bool is_repeated;    /* so was its repetition */
	size_t *uncertain;   /* how many are; the count is the side's */
	bool is_probe;	     /* waits for one attempt to connect, not longer */
	int losses;	     /* connections it was on when they were lost */
	int repeats;	     /* after errors that go away */
	int64_t at_us;	     /* when an update or a toggle happens */
	int64_t number;	     /* of a write, when it was first sent */
	int64_t first, last; /* numbers of its transaction then */
	int64_t seen;	     /* the number in the row that was looked up */
	uint32_t owner;	     /* a hash of whom it is for */
	int64_t since_us;    /* it has waited to be sent */
};

struct postgres_works {
	struct postgres_work *first, **last;
	size_t count;
};

void postgres_works_init(struct postgres_works *works);
void postgres_works_append(struct postgres_works *works,
			   struct postgres_work *work);
/* NULL when it is empty. */
struct postgres_work *postgres_works_take(struct postgres_works *works);
/* Puts all of front before what is there; front is empty after. */
void postgres_works_prepend(struct postgres_works *works,
			    struct postgres_works *front);

/* NULL when memory is exhausted. */
struct postgres_work *postgres_work_new(struct storage_call *call,
					int64_t now_us);

/* Ends the call and frees the work.  Where a write may have happened, an error
 * that says it has not becomes ERR_UNCERTAIN. */
void postgres_work_finish(struct postgres_work *work, enum err err);

/* Whether it may share a transaction with others that may; they are then put
 * in the order of postgres_works_sort(), in which two transactions take
 * their locks without a deadlock. */
bool postgres_work_is_joinable(const struct postgres_work *work);
void postgres_works_sort(struct postgres_works *works);

/* The statement it needs now, and its parameters. */
enum postgres_sql postgres_work_statement(const struct postgres_work *work,
					  struct postgres_parameters *to);

/* The result of its statement, borrowed, NULL when that has failed.  Of those
 * that share one each has the row with its own uuid; *row is the next one that
 * is nobody's yet, NULL when nobody shares. */
void postgres_work_keep(struct postgres_work *work,
			const struct pg_result *rows, int *row);

enum postgres_next {
	POSTGRES_FINISHED, /* answered, and freed */
	POSTGRES_AGAIN,	   /* needs its next statement */
};

/* What a result without an error means, that of a write (its rows) after its
 * Sync. */
enum postgres_next postgres_work_settle(struct postgres_work *work,
					const struct pg_result *result);

/* The server refused the statement, for good. */
enum postgres_next postgres_work_refuse(struct postgres_work *work,
					enum err err);

/* Numbers the writes that are sent as one transaction, but those whose first
 * try was lost.  *next belongs to the connection, and is 0 at first. */
void postgres_works_number(struct postgres_works *works, int64_t *next);

/* The connection was lost with it: what it needs now is up to it. */
enum postgres_next postgres_work_lose(struct postgres_work *work,
				      int64_t now_us);

#endif
