/* What a caller is told of a write on its way through PostgreSQL that ends for
 * want of something. */
#include "config.h"

#include "backends/postgres_work.h"

#include <stdlib.h>

#include "core/storage.h"
#include "core/storage_backend.h"
#include "tests/support/tap.h"
#include "tests/support/testloop.h"

#define DEADLINE_MS 60000

/* Keeps the one call that it is given. */
struct keeper {
	struct storage_backend backend;
	struct storage_call *call;
};

static enum err keep(struct storage_backend *backend, struct storage_call *call)
{
	((struct keeper *)backend)->call = call;
	return ERR_OK;
}

static void forget(struct storage_backend *backend)
{
	(void)backend;
}

static const struct storage_backend_ops keeper_ops = {
	.name = "keeper",
	.submit = keep,
	.close = forget,
};

static void on_task(void *arg, enum err err, const struct task *task)
{
	(void)task;
	*(enum err *)arg = err;
}

/* What has become of it before it ends. */
enum past {
	NEVER_SENT,
	CONNECTION_LOST, /* while it was in flight */
	ROW_THERE,	 /* one with its uuid was, so that is looked at */
};

/* What is told of a create with this past that ends so. */
static enum err told(enum past past, enum err end)
{
	struct keeper keeper = { .backend.ops = &keeper_ops };
	struct testloop *loop = testloop_new();
	struct task_draft draft = {
		.title = TEXT("once"),
		.title_folded = TEXT("once"),
	};
	enum postgres_next next = POSTGRES_AGAIN;
	struct postgres_work *work;
	struct storage *storage;
	size_t uncertain = 0;
	enum err err = ERR_OK;

	if (storage_new(testloop_port(loop), &keeper.backend, DEADLINE_MS,
			&storage) != ERR_OK ||
	    storage_task_create(storage, TEXT("user"), &draft, on_task, &err,
				NULL) != ERR_OK)
		bail_out("no call");
	work = postgres_work_new(keeper.call, 0);
	if (work == NULL)
		bail_out("no memory");
	work->uncertain = &uncertain;
	switch (past) {
	case NEVER_SENT:
		break;
	case CONNECTION_LOST:
		next = postgres_work_lose(work, 0);
		break;
	case ROW_THERE:
		next = postgres_work_settle(work, NULL);
		break;
	}
	if (next != POSTGRES_AGAIN)
		bail_out("it has ended by itself");
	postgres_work_finish(work, end);
	if (uncertain != 0)
		bail_out("a write that has ended is counted");
	storage_close(&storage);
	testloop_free(&loop);
	return err;
}

int main(void)
{
	static const enum err ends[] = { ERR_UNAVAILABLE, ERR_NO_MEMORY,
					 ERR_SYSTEM };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		diag("%s", err_text(ends[i]));
		is_err(told(NEVER_SENT, ends[i]), ends[i],
		       "a create that was never sent is told so");
		is_err(told(CONNECTION_LOST, ends[i]), ERR_UNCERTAIN,
		       "after a lost connection its outcome is unknown");
		is_err(told(ROW_THERE, ends[i]), ERR_UNCERTAIN,
		       "and so it is before its row was looked at");
	}
	is_err(told(CONNECTION_LOST, ERR_INVALID), ERR_INVALID,
	       "what was refused for good surely is not there");
	return tap_done();
}
