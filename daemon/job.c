/* migrate, backup, --version. */
#include "config.h"

#include "daemon/job.h"

#include <sysexits.h>

#include "core/jsonreader.h"
#include "core/password.h"
#include "core/signature.h"
#include "core/text.h"
#include "core/token.h"
#include "daemon/fault.h"
#include "daemon/keyfetch.h"
#include "daemon/privs.h"
#include "daemon/server.h"
#include "daemon/settings.h"
#include "daemon/tls.h"

enum err job_become_server(const struct settings *settings, struct fault *fault)
{
	struct identity identity;
	enum err err = privs_choose(settings, PRIVS_JOB, &identity, fault);

	return err == ERR_OK ? privs_drop(settings, &identity, fault) : err;
}

static int fail(struct fault *fault, const char *what, enum err err)
{
	fault_set(fault, fault_exit_code(err), "%s: %s", what, err_text(err));
	return fault->exit_code;
}

static enum backend_migrate_mode mode_of(enum command_name name)
{
	if (name == COMMAND_MIGRATE_STATUS)
		return BACKEND_MIGRATE_STATUS;
	if (name == COMMAND_MIGRATE_DRY_RUN)
		return BACKEND_MIGRATE_DRY_RUN;
	return BACKEND_MIGRATE_APPLY;
}

int job_migrate(const struct settings *settings, enum command_name name,
		struct fault *fault)
{
	const struct backend_location *location =
		settings_migrate_location(settings);
	enum backend_migrate_mode mode = mode_of(name);
	enum err err = job_become_server(settings, fault);

	if (err != ERR_OK)
		return fault->exit_code;
	err = location->backend->migrate(location, mode, stdout);
	if ((fflush(stdout) != 0 || ferror(stdout)) &&
	    (err == ERR_OK || err == ERR_OUTDATED)) {
		fault_set(fault, EX_IOERR, "cannot write: %m");
		return fault->exit_code;
	}
	/* That something is missing was printed. */
	if (err == ERR_OUTDATED && mode == BACKEND_MIGRATE_STATUS)
		return EX_DATAERR;
	return err == ERR_OK ? EX_OK : fail(fault, "migrate", err);
}

int job_backup(const struct settings *settings, const char *file,
	       struct fault *fault)
{
	const struct backend_location *location = &settings->location;
	enum err err;

	if (!location->backend->backup) {
		fault_set(fault, EX_UNAVAILABLE,
			  "the backend %s has no backup of its own",
			  location->backend->name);
		return fault->exit_code;
	}
	err = job_become_server(settings, fault);
	if (err != ERR_OK)
		return fault->exit_code;
	err = location->backend->backup(location, file);
	if (err == ERR_CONFLICT) {
		fault_set(fault, EX_CANTCREAT,
			  "%s is there already: choose a name that is free",
			  file);
		return fault->exit_code;
	}
	return err == ERR_OK ? EX_OK : fail(fault, "backup", err);
}

void job_print_version(FILE *out)
{
	(void)fprintf(out, "todod %s\n", PACKAGE_VERSION);
	(void)fprintf(out, "libevent %s\n", server_library());
	(void)fprintf(out, "%s\n", jsonreader_library());
	(void)fprintf(out, "%s\n", token_library());
	(void)fprintf(out, "%s\n", signature_library());
	(void)fprintf(out, "%s\n", password_library());
	(void)fprintf(out, "%s\n", text_library());
	if (keyfetch_library())
		(void)fprintf(out, "%s\n", keyfetch_library());
	if (tls_library())
		(void)fprintf(out, "%s\n", tls_library());
	for (size_t i = 0; backends_table[i]; i++) {
		const struct backend *backend = backends_table[i];

		if (backend->library && backend->library_version)
			(void)fprintf(out, "%s %s\n", backend->library,
				      backend->library_version());
	}
}
