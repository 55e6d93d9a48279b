/* A new configuration over an old one. */
#include "config.h"

#include "daemon/reload.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "daemon/configuration.h"
#include "daemon/options.h"
#include "daemon/secret.h"
#include "daemon/settings.h"

static bool is_changed(const struct options *old, const struct options *new,
		       enum option_id id)
{
	if (!options_is_given(old, id) || !options_is_given(new, id))
		return options_is_given(old, id) != options_is_given(new, id);
	return strcmp(options_text(old, id), options_text(new, id)) != 0;
}

/* Puts the old values of such options back; names lists which. */
static enum err keep_old(const struct options *old, struct options *new,
			 char *names, size_t size)
{
	size_t len = 0;

	for (unsigned i = 0; i < OPTION_COUNT; i++) {
		if (!(option_get(i)->traits & OPTION_NEEDS_RESTART))
			continue;
		if (is_changed(old, new, i) && len < size)
			len += (size_t)snprintf(names + len, size - len, "%s%s",
						len > 0 ? ", " : "",
						option_get(i)->name);
		if (options_copy(new, old, i) != ERR_OK)
			return ERR_NO_MEMORY;
	}
	return ERR_OK;
}

enum err reload_configuration(const struct options *flags,
			      const struct options *old,
			      struct options *options,
			      struct settings **settings, struct fault *fault)
{
	char names[256] = "";
	enum err err = configuration_load(flags, options, fault);

	if (err == ERR_OK)
		err = keep_old(old, options, names, sizeof(names));
	if (err == ERR_OK)
		err = settings_new(options, settings, fault);
	if (err == ERR_OK)
		err = secret_provide(*settings, fault);
	if (err == ERR_OK && names[0])
		log_event(LOG_WARN, "some changes need a restart",
			  LOG_STRING("options", names));
	return err;
}
