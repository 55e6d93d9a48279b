/* The connections of one process and the work that waits for them. */
#include "config.h"

#include "backends/postgres_pool.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "backends/postgres_attempt.h"
#include "backends/postgres_link.h"
#include "backends/postgres_work.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/storage_backend.h"
#include "core/wakeup.h"

/* Work that shares one Sync. */
#define READ_GROUP_MAX	32
#define WRITE_GROUP_MAX 256

/* In flight on one connection: reads, groups of writes that gather meanwhile,
 * and writes that must be alone. */
#define READS_MAX	 256
#define READS_BUSY	 64
#define WRITE_GROUPS_MAX 2
#define WRITE_ALONE_MAX	 16

/* A connection whose oldest work is older is left to itself. */
#define SLOW_US 50000

/* Share of the connections that write, and how many at most. */
#define WRITE_SHARE 4
#define WRITERS_MAX 4

#define TICK_MS 100

/* After a failure the next attempt waits for a part of the time that the
 * server has been away already, so that it is found soon after its return. */
#define BACKOFF_SHARE  16
#define BACKOFF_MIN_US 100000
#define BACKOFF_MAX_US 30000000

/* One connection and the writes that wait for it. */
struct lane {
	struct postgres_link *link;
	struct postgres_works pending;
};

/* Reads or writes. */
struct side {
	struct lane *lanes;
	size_t count;
	struct postgres_works queue; /* given to no connection yet */
	struct postgres_works again; /* goes before it, in its own order */
	bool is_away;		     /* no connection, the last try failed */
	bool has_failed;	     /* so, since the last turn */
	bool is_told;		     /* the log says that it is away */
	size_t uncertain;	     /* works whose outcome is not known */
	int64_t away_since_us;
	int64_t next_try_us;
};

struct postgres_pool {
	struct loop *loop;
	struct storage_backend *backend;
	struct wakeup *wakeup;
	struct loop_timer *timer;
	bool timer_is_running;
	struct postgres_link_options options;
	struct postgres_silence silence;
	bool is_unnamed;
	struct side sides[POSTGRES_SIDES];
};

static bool is_usable(const struct postgres_link *link)
{
	return postgres_link_state(link) == POSTGRES_READY &&
	       !postgres_link_is_retired(link);
}

static bool is_slow(const struct postgres_link *link, int64_t now_us)
{
	int64_t oldest_us = postgres_link_oldest_us(link);

	return oldest_us > 0 && now_us - oldest_us > SLOW_US;
}

static struct lane *lane_of(struct postgres_pool *pool,
			    const struct postgres_link *link)
{
	struct side *side = &pool->sides[postgres_link_side(link)];
	size_t i;

	for (i = 0; i < side->count; i++)
		if (side->lanes[i].link == link)
			return &side->lanes[i];
	BUG("a connection of another pool");
}

static void tick_soon(struct postgres_pool *pool)
{
	if (pool->timer_is_running)
		return;
	pool->timer_is_running = true;
	loop_timer_start(pool->loop, pool->timer, TICK_MS);
}

/* Opening connections. */

static size_t count_opening(const struct side *side)
{
	size_t count = 0, i;

	for (i = 0; i < side->count; i++)
		count += postgres_link_is_opening(
			postgres_link_state(side->lanes[i].link));
	return count;
}

/* One more, one at a time; false: there is none, or not now. */
static bool open_one(struct side *side, int64_t now_us)
{
	size_t i;

	if (count_opening(side) > 0 ||
	    (side->next_try_us > 0 && now_us < side->next_try_us))
		return false;
	for (i = 0; i < side->count; i++) {
		struct postgres_link *link = side->lanes[i].link;

		if (postgres_link_state(link) != POSTGRES_CLOSED)
			continue;
		postgres_link_open(link, now_us);
		return true;
	}
	return false;
}

static bool has_open(const struct side *side)
{
	size_t i;

	for (i = 0; i < side->count; i++)
		if (postgres_link_state(side->lanes[i].link) == POSTGRES_READY)
			return true;
	return false;
}

/* Reads. */

/* The first that is at hand; NULL: all have enough to do. */
static struct postgres_link *choose_reader(struct side *side, int64_t now_us)
{
	struct postgres_link *best = NULL;
	size_t i;

	for (i = 0; i < side->count; i++) {
		struct postgres_link *link = side->lanes[i].link;
		size_t works = postgres_link_works(link);

		if (!is_usable(link) || works >= READS_MAX)
			continue;
		if (works < READS_BUSY && !is_slow(link, now_us))
			return link;
		if (best == NULL || works < postgres_link_works(best))
			best = link;
	}
	open_one(side, now_us);
	/* While another is coming, behind a slow one is no good place. */
	if (best != NULL && is_slow(best, now_us) && count_opening(side) > 0)
		return NULL;
	return best;
}

/* Takes what somebody waits for, at most max; the rest is dropped. */
static void take_group(struct postgres_works *from, size_t max,
		       struct postgres_works *group)
{
	postgres_works_init(group);
	while (from->first != NULL && group->count < max) {
		struct postgres_work *work = postgres_works_take(from);

		if (storage_call_begin(work->call))
			postgres_works_append(group, work);
		else
			postgres_work_finish(work, ERR_UNAVAILABLE);
	}
}

static void dispatch_reads(struct side *side, int64_t now_us)
{
	while (side->queue.first != NULL) {
		struct postgres_link *link = choose_reader(side, now_us);
		struct postgres_works group;
		size_t max = READ_GROUP_MAX;

		if (link == NULL)
			return;
		/* Each for itself after one has spoilt a group. */
		if (side->queue.first->is_alone)
			max = 1;
		take_group(&side->queue, max, &group);
		if (group.count > 0)
			postgres_link_send(link, &group, now_us);
	}
}

/* Writes. */

static bool has_owner(const struct lane *lane, uint32_t owner)
{
	const struct postgres_work *work;

	for (work = lane->pending.first; work != NULL; work = work->next)
		if (work->owner == owner)
			return true;
	return postgres_link_has_owner(lane->link, owner);
}

static bool is_idle(const struct lane *lane)
{
	return lane->pending.count == 0 && postgres_link_works(lane->link) == 0;
}

/* Where the user's other writes are; else the first that is at hand; else the
 * one with the least to do.  NULL: none is open. */
static struct lane *choose_lane(struct side *side,
				const struct postgres_work *work,
				int64_t now_us)
{
	struct lane *first = NULL, *least = NULL;
	size_t i;

	for (i = 0; i < side->count; i++) {
		struct lane *lane = &side->lanes[i];

		if (!is_usable(lane->link) || is_slow(lane->link, now_us))
			continue;
		first = lane;
		break;
	}
	for (i = 0; i < side->count; i++) {
		struct lane *lane = &side->lanes[i];

		if (lane != first && !is_idle(lane) &&
		    has_owner(lane, work->owner))
			return lane;
	}
	if (first != NULL)
		return first;
	open_one(side, now_us);
	for (i = 0; i < side->count; i++) {
		struct lane *lane = &side->lanes[i];

		if (is_usable(lane->link) &&
		    (least == NULL ||
		     lane->pending.count < least->pending.count))
			least = lane;
	}
	return count_opening(side) > 0 ? NULL : least;
}

/* A user's writes wait until it is known what has become of those that were
 * lost: a later one would hide it, and they happen in order. */
static bool must_wait(const struct side *side, const struct postgres_work *work)
{
	size_t i;

	if (side->uncertain == 0 || work->is_uncertain)
		return false;
	for (i = 0; i < side->count; i++)
		if (has_owner(&side->lanes[i], work->owner))
			return true;
	return false;
}

static void assign_writes(struct side *side, int64_t now_us)
{
	struct postgres_works kept;

	postgres_works_init(&kept);
	while (side->queue.first != NULL) {
		struct postgres_work *work = side->queue.first;
		bool waits = must_wait(side, work);
		struct lane *lane = waits ? NULL :
					    choose_lane(side, work, now_us);

		if (lane == NULL && !waits)
			break;
		work = postgres_works_take(&side->queue);
		postgres_works_append(waits ? &kept : &lane->pending, work);
	}
	postgres_works_prepend(&side->queue, &kept);
}

/* What can share a transaction, up to the first that cannot. */
static void take_joined(struct lane *lane, struct postgres_works *group)
{
	postgres_works_init(group);
	while (group->count < WRITE_GROUP_MAX && lane->pending.first != NULL &&
	       postgres_work_is_joinable(lane->pending.first)) {
		struct postgres_works one;

		take_group(&lane->pending, 1, &one);
		if (one.count > 0)
			postgres_works_append(group, one.first);
	}
	if (group->count > 1)
		postgres_works_sort(group);
}

static void pump(struct lane *lane, int64_t now_us)
{
	while (lane->pending.first != NULL && is_usable(lane->link)) {
		bool is_joined = postgres_work_is_joinable(lane->pending.first);
		struct postgres_works group;

		if (postgres_link_groups(lane->link) >=
		    (is_joined ? WRITE_GROUPS_MAX : WRITE_ALONE_MAX))
			return;
		if (is_joined)
			take_joined(lane, &group);
		else
			take_group(&lane->pending, 1, &group);
		if (group.count > 0)
			postgres_link_send(lane->link, &group, now_us);
	}
}

static void dispatch_writes(struct side *side, int64_t now_us)
{
	size_t i;

	assign_writes(side, now_us);
	for (i = 0; i < side->count; i++)
		pump(&side->lanes[i], now_us);
}

/* Ends those that have waited for this attempt. */
static void fail_probes(struct side *side)
{
	struct postgres_works kept;
	struct postgres_work *work;

	postgres_works_init(&kept);
	while ((work = postgres_works_take(&side->queue)) != NULL) {
		if (work->is_probe && !work->is_uncertain)
			postgres_work_finish(work, ERR_UNAVAILABLE);
		else
			postgres_works_append(&kept, work);
	}
	postgres_works_prepend(&side->queue, &kept);
}

/* What has come back goes first: it was called for before. */
static void gather(struct side *side)
{
	postgres_works_prepend(&side->queue, &side->again);
}

static void on_turn(void *arg)
{
	struct postgres_pool *pool = arg;
	int64_t now_us = clock_monotonic_us();
	int i;

	for (i = 0; i < POSTGRES_SIDES; i++) {
		gather(&pool->sides[i]);
		if (pool->sides[i].has_failed && pool->sides[i].is_away)
			fail_probes(&pool->sides[i]);
		pool->sides[i].has_failed = false;
	}
	dispatch_reads(&pool->sides[POSTGRES_READS], now_us);
	dispatch_writes(&pool->sides[POSTGRES_WRITES], now_us);
	/* While the server is away the first that asks has it looked for. */
	for (i = 0; i < POSTGRES_SIDES; i++)
		if (pool->sides[i].is_away && !has_open(&pool->sides[i]))
			(void)open_one(&pool->sides[i], now_us);
	tick_soon(pool);
}

/* What links tell. */

static void on_ready(void *arg, struct postgres_link *link)
{
	struct postgres_pool *pool = arg;
	struct side *side = &pool->sides[postgres_link_side(link)];

	side->is_away = false;
	side->next_try_us = 0;
	wakeup_post(pool->wakeup);
}

/* Only an answer shows that the server is there: a pooler opens connections
 * without one. */
static void on_answer(struct side *side)
{
	if (side->is_told)
		log_event(LOG_INFO, "database is back",
			  LOG_MS("away_ms",
				 clock_monotonic_us() - side->away_since_us));
	side->is_told = false;
	side->away_since_us = 0;
}

/* Many processes must not come at once; nothing needs to be unguessable. */
static int64_t backoff_us(const struct side *side, int64_t now_us)
{
	int64_t delay_us = (now_us - side->away_since_us) / BACKOFF_SHARE;
	uint32_t noise;

	if (delay_us < BACKOFF_MIN_US)
		delay_us = BACKOFF_MIN_US;
	if (delay_us > BACKOFF_MAX_US)
		delay_us = BACKOFF_MAX_US;
	noise = (uint32_t)now_us * UINT32_C(2654435761);
	return delay_us / 2 + noise % (delay_us / 2 + 1);
}

static void reassign(struct side *side, struct lane *lane)
{
	postgres_works_prepend(&side->queue, &lane->pending);
}

/* Another attempt is not made at once. */
static void hold_off(struct side *side, int64_t now_us)
{
	if (side->away_since_us == 0)
		side->away_since_us = now_us;
	side->next_try_us = now_us + backoff_us(side, now_us);
}

static void on_failed(void *arg, struct postgres_link *link, const char *reason)
{
	struct postgres_pool *pool = arg;
	struct side *side = &pool->sides[postgres_link_side(link)];

	hold_off(side, clock_monotonic_us());
	if (!side->is_told)
		log_event(LOG_WARN, "database connection failed",
			  LOG_STRING("host", postgres_target_name(
						     pool->options.target)),
			  LOG_STRING("reason", reason));
	/* A pool that the server does not let grow is not away. */
	side->is_away = !has_open(side);
	side->is_told = side->is_told || side->is_away;
	if (side->is_away)
		storage_backend_report(pool->backend, HEALTH_UNREACHABLE);
	reassign(side, lane_of(pool, link));
	/* An attempt may fail within the turn that began it. */
	side->has_failed = true;
	wakeup_post(pool->wakeup);
}

static void on_read(void *arg, struct postgres_link *link,
		    struct postgres_work *work, const struct pg_result *result)
{
	(void)arg;
	(void)link;
	if (postgres_work_settle(work, result) == POSTGRES_AGAIN)
		BUG("a read has a second step");
}

static void send_again(struct postgres_pool *pool, struct side *side,
		       struct postgres_work *work)
{
	work->is_alone = true;
	postgres_works_append(&side->again, work);
	wakeup_post(pool->wakeup);
}

/* What an error of its own means to a work. */
static void apply_verdict(struct postgres_pool *pool,
			  struct postgres_link *link,
			  struct postgres_work *work,
			  const struct postgres_verdict *verdict)
{
	struct side *side = &pool->sides[postgres_link_side(link)];
	static const int repeats_max[] = {
		[POSTGRES_REMEDY_NONE] = 0,
		[POSTGRES_REMEDY_REPEAT] = 3,
		[POSTGRES_REMEDY_RECONNECT] = 1,
		[POSTGRES_REMEDY_UNNAMED] = 2,
	};

	if (work->repeats++ < repeats_max[verdict->remedy]) {
		send_again(pool, side, work);
		return;
	}
	if (postgres_work_refuse(work, verdict->err) == POSTGRES_AGAIN)
		send_again(pool, side, work);
}

/* What an error means to its connection. */
static void heed_verdict(struct postgres_pool *pool, struct postgres_link *link,
			 const struct postgres_verdict *verdict)
{
	if (verdict->remedy == POSTGRES_REMEDY_UNNAMED && !pool->is_unnamed) {
		pool->is_unnamed = true;
		log_event(LOG_INFO, "no prepared statements with this database",
			  LOG_STRING("remedy", "set DATABASE_POOLED=yes if a "
					       "pooler is between"));
	}
	if (verdict->remedy == POSTGRES_REMEDY_RECONNECT ||
	    verdict->remedy == POSTGRES_REMEDY_UNNAMED)
		postgres_link_retire(link);
}

static void on_read_failed(void *arg, struct postgres_link *link,
			   struct postgres_work *work,
			   const struct postgres_verdict *verdict)
{
	struct postgres_pool *pool = arg;

	if (verdict == NULL) {
		send_again(pool, &pool->sides[POSTGRES_READS], work);
		return;
	}
	heed_verdict(pool, link, verdict);
	apply_verdict(pool, link, work, verdict);
}

static void on_sync(void *arg, struct postgres_link *link,
		    struct postgres_group *group)
{
	struct postgres_pool *pool = arg;
	struct side *side = &pool->sides[postgres_link_side(link)];
	struct postgres_work *work;

	on_answer(side);
	if (group->has_failed)
		heed_verdict(pool, link, &group->verdict);
	while ((work = postgres_works_take(&group->done)) != NULL) {
		if (group->has_failed && !group->is_joined) {
			apply_verdict(pool, link, work, &group->verdict);
		} else if (group->has_failed) {
			/* One of them spoilt it: each for itself now. */
			send_again(pool, side, work);
		} else if (postgres_work_settle(work, work->rows) ==
			   POSTGRES_AGAIN) {
			send_again(pool, side, work);
		}
	}
	wakeup_post(pool->wakeup);
}

/* Those on which nothing is in flight are probably gone too: whoever is sent
 * over one of them next would learn it the hard way. */
static void rest_idle(struct side *side)
{
	size_t i;

	for (i = 0; i < side->count; i++) {
		struct postgres_link *link = side->lanes[i].link;

		if (postgres_link_state(link) == POSTGRES_READY &&
		    postgres_link_works(link) == 0 &&
		    postgres_link_groups(link) == 0)
			postgres_link_rest(link);
	}
}

static void on_lost(void *arg, struct postgres_link *link,
		    enum postgres_ending ending, enum postgres_loss loss,
		    struct postgres_works *works)
{
	struct postgres_pool *pool = arg;
	struct side *side = &pool->sides[postgres_link_side(link)];
	int64_t now_us = clock_monotonic_us();
	struct postgres_work *work;

	if (ending == POSTGRES_ENDED_BROKEN)
		storage_backend_report(pool->backend, HEALTH_UNREACHABLE);
	reassign(side, lane_of(pool, link));
	while ((work = postgres_works_take(works)) != NULL) {
		if (!storage_call_begin(work->call))
			postgres_work_finish(work, ERR_UNAVAILABLE);
		else if (loss == POSTGRES_LOSS_UNSENT ||
			 postgres_work_lose(work, now_us) == POSTGRES_AGAIN)
			postgres_works_append(&side->again, work);
	}
	if (side->again.count > 0)
		rest_idle(side);
	/* Else connections that do not last would be made one after another. */
	if (loss == POSTGRES_LOSS_FRESH)
		hold_off(side, now_us);
	wakeup_post(pool->wakeup);
}

static const struct postgres_link_events link_events = {
	.on_ready = on_ready,
	.on_failed = on_failed,
	.on_read = on_read,
	.on_read_failed = on_read_failed,
	.on_sync = on_sync,
	.on_lost = on_lost,
};

/* Time. */

/* Ends what has waited too long.  A write whose outcome is not known goes on
 * waiting until its caller does not any more. */
static void expire(struct postgres_works *works, int64_t before_us)
{
	struct postgres_works kept;
	struct postgres_work *work;

	postgres_works_init(&kept);
	while ((work = postgres_works_take(works)) != NULL) {
		if (work->is_uncertain ? !storage_call_begin(work->call) :
					 work->since_us < before_us)
			postgres_work_finish(work, ERR_UNAVAILABLE);
		else
			postgres_works_append(&kept, work);
	}
	postgres_works_prepend(works, &kept);
}

/* Whether time still matters to the side. */
static bool tick_side(struct postgres_pool *pool, struct side *side,
		      int64_t now_us)
{
	int64_t before_us =
		now_us - pool->options.tuning.wait_timeout_ms * 1000;
	bool is_alive = false;
	size_t i;

	gather(side);
	expire(&side->queue, before_us);
	for (i = 0; i < side->count; i++) {
		struct lane *lane = &side->lanes[i];

		expire(&lane->pending, before_us);
		postgres_link_tick(lane->link, now_us);
		if (postgres_link_state(lane->link) != POSTGRES_CLOSED ||
		    lane->pending.count > 0)
			is_alive = true;
	}
	return is_alive || side->queue.count > 0;
}

static void on_tick(void *arg)
{
	struct postgres_pool *pool = arg;
	int64_t now_us = clock_monotonic_us();
	bool is_alive = false;
	int i;

	pool->timer_is_running = false;
	for (i = 0; i < POSTGRES_SIDES; i++) {
		if (tick_side(pool, &pool->sides[i], now_us))
			is_alive = true;
		if (pool->sides[i].queue.count > 0)
			wakeup_post(pool->wakeup);
	}
	if (is_alive)
		tick_soon(pool);
}

enum err postgres_pool_submit(struct postgres_pool *pool,
			      struct storage_call *call)
{
	bool is_write = storage_verb_is_write(call->verb);
	struct side *side =
		&pool->sides[is_write ? POSTGRES_WRITES : POSTGRES_READS];
	int64_t now_us = clock_monotonic_us();
	struct postgres_work *work;

	/* For a ping an attempt is always due. */
	if (side->is_away && call->verb == STORAGE_PING)
		side->next_try_us = now_us;
	/* The first that comes when an attempt is due waits for it. */
	else if (side->is_away &&
		 (now_us < side->next_try_us || side->queue.count > 0 ||
		  count_opening(side) > 0))
		return ERR_UNAVAILABLE;
	work = postgres_work_new(call, now_us);
	if (work == NULL)
		return ERR_NO_MEMORY;
	work->uncertain = &side->uncertain;
	work->is_probe = side->is_away || call->verb == STORAGE_PING;
	postgres_works_append(&side->queue, work);
	wakeup_post(pool->wakeup);
	return ERR_OK;
}

static enum err make_side(struct postgres_pool *pool, enum postgres_side name,
			  size_t count)
{
	struct side *side = &pool->sides[name];
	enum err err = ERR_OK;
	size_t i;

	postgres_works_init(&side->queue);
	postgres_works_init(&side->again);
	side->lanes = calloc(count, sizeof(*side->lanes));
	if (side->lanes == NULL)
		return ERR_NO_MEMORY;
	side->count = count;
	for (i = 0; i < count; i++)
		postgres_works_init(&side->lanes[i].pending);
	for (i = 0; i < count && err == ERR_OK; i++)
		err = postgres_link_new(&pool->options, &link_events, pool,
					name, &side->lanes[i].link);
	return err;
}

static void name_statements(struct postgres_link_options *options)
{
	int i;

	for (i = 0; i < POSTGRES_SQL_COUNT; i++)
		postgres_sql_name((enum postgres_sql)i, options->names[i]);
}

enum err postgres_pool_new(struct loop *loop,
			   const struct postgres_target *target,
			   const struct backend_tuning *tuning,
			   struct storage_backend *backend,
			   struct postgres_pool **pool)
{
	size_t writers = tuning->connections_max / WRITE_SHARE;
	struct postgres_pool *made = calloc(1, sizeof(*made));
	enum err err;

	if (made == NULL)
		return ERR_NO_MEMORY;
	if (writers < 1)
		writers = 1;
	if (writers > WRITERS_MAX)
		writers = WRITERS_MAX;
	made->loop = loop;
	made->backend = backend;
	made->options.loop = loop;
	made->options.target = target;
	made->options.tuning = *tuning;
	made->options.silence = &made->silence;
	made->options.is_unnamed = &made->is_unnamed;
	name_statements(&made->options);
	made->is_unnamed = postgres_target_is_pooled(target, tuning->pooling);
	err = make_side(made, POSTGRES_WRITES, writers);
	if (err == ERR_OK)
		err = make_side(made, POSTGRES_READS,
				tuning->connections_max - writers);
	if (err == ERR_OK)
		err = wakeup_new(loop, on_turn, made, &made->wakeup);
	if (err == ERR_OK) {
		made->timer = loop_timer_new(loop, on_tick, made);
		err = made->timer != NULL ? ERR_OK : ERR_NO_MEMORY;
	}
	if (err != ERR_OK) {
		postgres_pool_free(&made);
		return err;
	}
	*pool = made;
	return ERR_OK;
}

static void free_works(struct postgres_works *works)
{
	struct postgres_work *work;

	while ((work = postgres_works_take(works)) != NULL)
		postgres_work_finish(work, ERR_UNAVAILABLE);
}

static void free_side(struct side *side)
{
	size_t i;

	if (side->lanes == NULL)
		return;
	for (i = 0; i < side->count; i++) {
		postgres_link_free(&side->lanes[i].link);
		free_works(&side->lanes[i].pending);
	}
	gather(side);
	free_works(&side->queue);
	free(side->lanes);
}

void postgres_pool_free(struct postgres_pool **pool)
{
	struct postgres_pool *freed = *pool;
	int i;

	if (freed == NULL)
		return;
	*pool = NULL;
	for (i = 0; i < POSTGRES_SIDES; i++)
		free_side(&freed->sides[i]);
	loop_timer_free(freed->loop, &freed->timer);
	wakeup_free(&freed->wakeup);
	free(freed);
}
