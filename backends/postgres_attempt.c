/* One attempt to connect, address by address. */
#include "config.h"

#include "backends/postgres_attempt.h"

#include <libpq-fe.h>
#include <string.h>

/* An address that is there answers a connection at once, or, when the first
 * packet was lost, after the second that it takes to send another.  Requests
 * wait for a connection a little longer than this. */
#define SILENCE_MAX_US 1500000

/* So long a silent address comes after all others. */
#define SILENT_US INT64_C(600000000)

static bool is_same(const struct postgres_address *a,
		    const struct postgres_address *b)
{
	return a->host == b->host && strcmp(a->text, b->text) == 0;
}

static bool is_silent(const struct postgres_silence *silence,
		      const struct postgres_address *address, int64_t now_us)
{
	size_t i;

	for (i = 0; silence != NULL && i < POSTGRES_ADDRESSES_MAX; i++)
		if (now_us < silence->until_us[i] &&
		    is_same(&silence->list[i], address))
			return true;
	return false;
}

/* Adds those that were silent lately, or those that were not. */
static void add(struct postgres_attempt *attempt,
		const struct postgres_addresses *found, bool silent,
		int64_t now_us)
{
	size_t i;

	for (i = 0; i < found->count; i++)
		if (is_silent(attempt->silence, &found->list[i], now_us) ==
		    silent)
			attempt->addresses.list[attempt->addresses.count++] =
				found->list[i];
}

void postgres_attempt_init(struct postgres_attempt *attempt,
			   const struct postgres_target *target,
			   const struct postgres_addresses *addresses,
			   struct postgres_silence *silence, int64_t end_us,
			   int64_t now_us)
{
	struct postgres_addresses found;

	if (addresses != NULL)
		found = *addresses;
	else
		postgres_target_addresses(target, &found);
	attempt->target = target;
	attempt->silence = silence;
	attempt->addresses.count = 0;
	add(attempt, &found, false, now_us);
	add(attempt, &found, true, now_us);
	attempt->next = 0;
	attempt->began_us = now_us;
	attempt->end_us = end_us;
}

bool postgres_attempt_has_next(const struct postgres_attempt *attempt)
{
	return attempt->next < attempt->addresses.count;
}

struct pg_conn *postgres_attempt_next(struct postgres_attempt *attempt,
				      int64_t statement_timeout_ms,
				      int64_t now_us)
{
	struct postgres_params params;

	postgres_target_params(attempt->target,
			       &attempt->addresses.list[attempt->next++],
			       statement_timeout_ms, &params);
	attempt->began_us = now_us;
	return PQconnectStartParams(params.keywords, params.values, 0);
}

int64_t postgres_attempt_until_us(const struct postgres_attempt *attempt,
				  const struct pg_conn *conn)
{
	int64_t rest = (int64_t)(attempt->addresses.count - attempt->next);
	int64_t share_us = (attempt->end_us - attempt->began_us) / (rest + 1);

	if (rest > 0 && share_us > SILENCE_MAX_US &&
	    PQstatus(conn) == CONNECTION_STARTED)
		share_us = SILENCE_MAX_US;
	return attempt->began_us + share_us;
}

void postgres_attempt_note(struct postgres_attempt *attempt,
			   const struct pg_conn *conn, int64_t now_us)
{
	struct postgres_silence *silence = attempt->silence;

	if (silence == NULL || PQstatus(conn) != CONNECTION_STARTED)
		return;
	silence->list[silence->next] =
		attempt->addresses.list[attempt->next - 1];
	silence->until_us[silence->next] = now_us + SILENT_US;
	silence->next = (silence->next + 1) % POSTGRES_ADDRESSES_MAX;
}
