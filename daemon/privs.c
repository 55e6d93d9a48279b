/* Choosing and becoming a user. */
#include "config.h"

#include "daemon/privs.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/log.h"
#include "daemon/fault.h"
#include "daemon/settings.h"

#define USER_IN_PRODUCTION "todod"

static void take(const struct passwd *user, struct identity *identity)
{
	identity->changes = true;
	identity->uid = user->pw_uid;
	identity->gid = user->pw_gid;
	(void)snprintf(identity->name, sizeof(identity->name), "%s",
		       user->pw_name);
	(void)snprintf(identity->home, sizeof(identity->home), "%s",
		       user->pw_dir);
}

static enum err choose_named(const char *name, struct identity *identity,
			     struct fault *fault)
{
	const struct passwd *user = getpwnam(name);

	if (!user)
		return fault_set(fault, EX_NOUSER,
				 "started as root, but there is no user "
				 "\"%s\" to become: make it with "
				 "\"useradd --system %s\", or name another "
				 "with --user (TODOD_USER)",
				 name, name);
	if (user->pw_uid == 0)
		return fault_set(fault, EX_CONFIG,
				 "--user is %s: todod does not serve as root; "
				 "name a user without its rights",
				 name);
	take(user, identity);
	return ERR_OK;
}

/* Root's own data in development: nobody else may reach it. */
static enum err stay_root(const struct settings *settings, struct fault *fault)
{
	for (size_t i = 0; i < settings->addresses.count; i++) {
		const struct address *address = &settings->addresses.items[i];

		if (!address_is_local(address))
			return fault_set(fault, EX_CONFIG,
					 "started as root, todod serves this "
					 "machine only, and HOST has %s: start "
					 "it as another user, or name one with "
					 "--user (TODOD_USER)",
					 address->text);
	}
	log_write(LOG_WARN,
		  "running as root, because the data folder is root's", NULL,
		  0);
	return ERR_OK;
}

static enum err choose_owner(const struct settings *settings,
			     enum privs_purpose purpose,
			     struct identity *identity, struct fault *fault)
{
	const struct passwd *user;
	struct stat status;

	if (stat(settings->data_folder, &status) != 0)
		return fault_set(fault, EX_CONFIG,
				 "the data folder %s: %m; make it, or choose "
				 "another with --data-dir (DATA_DIR)",
				 settings->data_folder);
	if (status.st_uid == 0)
		return purpose == PRIVS_SERVE ? stay_root(settings, fault) :
						ERR_OK;
	user = getpwuid(status.st_uid);
	if (user) {
		take(user, identity);
		return ERR_OK;
	}
	identity->changes = true;
	identity->uid = status.st_uid;
	identity->gid = status.st_gid;
	return ERR_OK;
}

static enum err check_stays(const struct settings *settings,
			    struct fault *fault)
{
	const struct passwd *user;

	if (!settings->user)
		return ERR_OK;
	user = getpwnam(settings->user);
	if (user && user->pw_uid == geteuid())
		return ERR_OK;
	return fault_set(fault, EX_CONFIG,
			 "cannot become %s, because todod was not started as "
			 "root: start it as that user, or unset --user "
			 "(TODOD_USER)",
			 settings->user);
}

enum err privs_choose(const struct settings *settings,
		      enum privs_purpose purpose, struct identity *identity,
		      struct fault *fault)
{
	memset(identity, 0, sizeof(*identity));
	if (geteuid() != 0)
		return check_stays(settings, fault);
	if (settings->user)
		return choose_named(settings->user, identity, fault);
	if (settings->environment == SETTINGS_PRODUCTION)
		return choose_named(USER_IN_PRODUCTION, identity, fault);
	return choose_owner(settings, purpose, identity, fault);
}

/* libpq looks for certificates and passwords in there, and fails where it may
 * not look. */
static bool change_home(const struct identity *identity)
{
	return identity->home[0] ? setenv("HOME", identity->home, 1) == 0 :
				   unsetenv("HOME") == 0;
}

static bool become(const struct identity *identity)
{
	bool has_groups = identity->name[0] ? initgroups(identity->name,
							 identity->gid) == 0 :
					      setgroups(0, NULL) == 0;

	return has_groups &&
	       setresgid(identity->gid, identity->gid, identity->gid) == 0 &&
	       setresuid(identity->uid, identity->uid, identity->uid) == 0;
}

enum err privs_drop(const struct settings *settings,
		    const struct identity *identity, struct fault *fault)
{
	if (identity->changes) {
		if (!become(identity) || !change_home(identity))
			return fault_set(fault, EX_OSERR,
					 "cannot become user %s (%ld): %m",
					 identity->name, (long)identity->uid);
		if (setuid(0) == 0)
			return fault_set(fault, EX_OSERR,
					 "could become root again");
		/* The kernel hides a process that changed its user, also from
		 * a debugger. */
		if (settings->environment == SETTINGS_DEVELOPMENT)
			(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return fault_set(fault, EX_OSERR,
				 "cannot give up new privileges: %m");
	return ERR_OK;
}
