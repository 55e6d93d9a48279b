/*
 * One connection to PostgreSQL, in libpq's pipeline mode on the loop: opened
 * when there is work, closed when there has been none for a while.  It sends
 * groups of work, each group one implicit transaction that ends with a Sync,
 * and tells what came back.  Which work goes where, and what is done about
 * errors, is the pool's business.
 */
#ifndef TODOD_BACKENDS_POSTGRES_LINK_H
#define TODOD_BACKENDS_POSTGRES_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/postgres_error.h"
#include "backends/postgres_group.h"
#include "backends/postgres_sql.h"
#include "backends/postgres_target.h"
#include "backends/postgres_work.h"
#include "core/err.h"

struct loop;
struct postgres_link;
struct postgres_silence;

enum postgres_link_state {
	POSTGRES_CLOSED,     /* not there; waits to be wanted */
	POSTGRES_RESOLVING,  /* waits for the host's addresses */
	POSTGRES_CONNECTING, /* waits for libpq and the server */
	POSTGRES_PREPARING,  /* waits for the statements to be prepared */
	POSTGRES_READY,	     /* takes work */
};

/* How a connection that was open came to its end. */
enum postgres_ending {
	/* With nothing in flight: we have given it up, or the server has said
	 * that an administrator or a time-out ends it. */
	POSTGRES_ENDED_AT_REST,
	POSTGRES_ENDED_BROKEN, /* anything else */
};

/* What links of a pool share. */
struct postgres_link_options {
	struct loop *loop;
	const struct postgres_target *target;
	struct postgres_silence *silence; /* of the pool */
	struct backend_tuning tuning;	  /* without zeros */
	bool *is_unnamed; /* of the pool: no prepared statements; may be set */
	/* Of postgres_sql_name(), which is too slow to be asked each time. */
	char names[POSTGRES_SQL_COUNT][POSTGRES_NAME_BYTES];
};

/* What the loss of an open connection says. */
enum postgres_loss {
	POSTGRES_LOSS_SENT,   /* what was in flight may have happened */
	POSTGRES_LOSS_FRESH,  /* so; nothing had ever come back */
	POSTGRES_LOSS_UNSENT, /* a pooler had no server for it: it has not */
};

/* Called from the loop, on_failed perhaps from within postgres_link_open().
 * They must not open, send on or close that link, but see to it later. */
struct postgres_link_events {
	void (*on_ready)(void *arg, struct postgres_link *link);
	/* It could not be opened: it is closed again. */
	void (*on_failed)(void *arg, struct postgres_link *link,
			  const char *reason);
	/* A read has its result (work is the callee's now). */
	void (*on_read)(void *arg, struct postgres_link *link,
			struct postgres_work *work,
			const struct pg_result *result);
	/* The statement has failed, or was left out since another had
	 * (verdict NULL); reads only. */
	void (*on_read_failed)(void *arg, struct postgres_link *link,
			       struct postgres_work *work,
			       const struct postgres_verdict *verdict);
	/* The Sync of a group; its writes are in done. */
	void (*on_sync)(void *arg, struct postgres_link *link,
			struct postgres_group *group);
	/* It was open and is closed now, with this in flight (the callee's
	 * now), oldest first.  When it was unsent, on_failed follows. */
	void (*on_lost)(void *arg, struct postgres_link *link,
			enum postgres_ending ending, enum postgres_loss loss,
			struct postgres_works *works);
};

/* ERR_NO_MEMORY.  All is borrowed for the link's life. */
enum err postgres_link_new(const struct postgres_link_options *options,
			   const struct postgres_link_events *events, void *arg,
			   enum postgres_side side, struct postgres_link **link)
	__attribute__((warn_unused_result));

/* Closes it without on_lost; what is in flight is ended as unavailable. */
void postgres_link_free(struct postgres_link **link);

enum postgres_link_state postgres_link_state(const struct postgres_link *link);
enum postgres_side postgres_link_side(const struct postgres_link *link);
static inline bool postgres_link_is_opening(enum postgres_link_state state)
{
	return state != POSTGRES_CLOSED && state != POSTGRES_READY;
}

/* Begins to open a closed link; on_ready or on_failed follows. */
void postgres_link_open(struct postgres_link *link, int64_t now_us);

/* Takes over the works (as many as it likes to have in one transaction) and
 * sends them; the link is ready.  What goes wrong comes by on_lost. */
void postgres_link_send(struct postgres_link *link,
			struct postgres_works *works, int64_t now_us);

/* Lets no new work in; it is closed when nothing is in flight any more. */
void postgres_link_retire(struct postgres_link *link);
bool postgres_link_is_retired(const struct postgres_link *link);

/* Closes a ready link on which nothing is in flight. */
void postgres_link_rest(struct postgres_link *link);

/* In flight. */
size_t postgres_link_groups(const struct postgres_link *link);
size_t postgres_link_works(const struct postgres_link *link);
bool postgres_link_has_owner(const struct postgres_link *link, uint32_t owner);
/* When the oldest in flight was sent; 0: nothing is. */
int64_t postgres_link_oldest_us(const struct postgres_link *link);

/* Sees to the deadlines; from time to time. */
void postgres_link_tick(struct postgres_link *link, int64_t now_us);

#endif
