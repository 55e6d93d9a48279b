/* Runs the parts of the suite, each on an empty storage. */
#include "config.h"

#include "tests/conformance/suite.h"

#include <stddef.h>

#include "tests/conformance/subject.h"
#include "tests/support/logtrap.h"
#include "tests/support/tap.h"

static const struct {
	const char *name;
	void (*run)(struct subject *subject);
} parts[] = {
	{ "tasks", suite_tasks },	  { "updates", suite_updates },
	{ "isolation", suite_isolation }, { "lists", suite_lists },
	{ "searches", suite_searches },	  { "users", suite_users },
	{ "calls", suite_calls },
};

void suite_run_parts(const char *backend)
{
	size_t i;

	logtrap_start();
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct subject subject;

		tap_prefix(parts[i].name);
		subject_init(&subject, backend);
		parts[i].run(&subject);
		subject_release(&subject);
	}
	tap_prefix(NULL);
	is_int(logtrap_warnings(), 0, "nothing was warned of");
}

int suite_run(const char *backend)
{
	suite_run_parts(backend);
	return tap_done();
}
