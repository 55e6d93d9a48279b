/* The table of what was built in: the only place that asks config.h. */
#include "config.h"

#include "backends/backends.h"

#include "backends/memory.h"
#ifdef HAVE_POSTGRES
#include "backends/postgres.h"
#endif
#ifdef HAVE_SQLITE
#include "backends/sqlite.h"
#endif

const struct backend *const backends_table[] = {
#ifdef HAVE_SQLITE
	&sqlite_backend,
#endif
#ifdef HAVE_POSTGRES
	&postgres_backend,
#endif
	&memory_backend,
	NULL,
};
