/* A build without libcurl: nothing can be fetched. */
#include "config.h"

#include "daemon/keyfetch.h"

bool keyfetch_is_built_in(void)
{
	return false;
}

const char *keyfetch_library(void)
{
	return NULL;
}

enum err keyfetch_new(const struct keyfetch_options *options,
		      struct keyfetch **fetch)
{
	(void)options;
	(void)fetch;
	return ERR_UNAVAILABLE;
}

void keyfetch_free(struct keyfetch **fetch)
{
	*fetch = NULL;
}

void keyfetch_start(struct keyfetch *fetch)
{
	(void)fetch;
}

void keyfetch_wait(struct keyfetch *fetch, struct pollfd *fds, size_t count,
		   int timeout_ms)
{
	(void)fetch;
	(void)poll(fds, count, timeout_ms);
}

enum keyfetch_state keyfetch_state(const struct keyfetch *fetch)
{
	(void)fetch;
	return KEYFETCH_IDLE;
}

struct text keyfetch_body(const struct keyfetch *fetch)
{
	(void)fetch;
	return TEXT("");
}

const char *keyfetch_problem(const struct keyfetch *fetch)
{
	(void)fetch;
	return "built without libcurl";
}
