/* Reading TRUSTED_PROXIES, REQUIRE_HTTPS and the rate limits. */
#include "config.h"

#include "daemon/settings_limits.h"

#include <stddef.h>
#include <sysexits.h>

#include "core/text.h"
#include "daemon/fault.h"
#include "daemon/options.h"
#include "daemon/settings.h"

static const struct {
	enum limit_name name;
	enum option_id option;
	enum ratelimit_growth growth;
} limits[] = {
	{ LIMIT_SIGNIN, OPTION_RATE_LIMIT_SIGNIN, RATELIMIT_GROWING },
	{ LIMIT_SIGNUP, OPTION_RATE_LIMIT_SIGNUP, RATELIMIT_GROWING },
	{ LIMIT_ACCOUNT, OPTION_RATE_LIMIT_ACCOUNT, RATELIMIT_GROWING },
	{ LIMIT_ADDRESS, OPTION_RATE_LIMIT_ADDRESS, RATELIMIT_STEADY },
	{ LIMIT_USER, OPTION_RATE_LIMIT_USER, RATELIMIT_STEADY },
};

static enum err set_proxies(const struct options *options,
			    struct proxies_settings *proxies,
			    struct fault *fault)
{
	const char *list = options_text(options, OPTION_TRUSTED_PROXIES);
	char problem[FAULT_TEXT_BYTES / 2] = "";

	proxies->https_required = options_is_on(options, OPTION_REQUIRE_HTTPS);
	proxies->has_trusted = list != NULL;
	if (list && cidr_list_parse(text_of(list), &proxies->trusted, problem,
				    sizeof(problem)) != ERR_OK)
		return fault_set(fault, EX_CONFIG, "TRUSTED_PROXIES: %s",
				 problem);
	/* Nothing would ever be answered. */
	if (proxies->https_required && proxies->trusted.count == 0 &&
	    !options_text(options, OPTION_TLS_CERT))
		return fault_set(fault, EX_CONFIG,
				 "REQUIRE_HTTPS needs TRUSTED_PROXIES: only a "
				 "trusted proxy can say that a request came by "
				 "https; or TLS_CERT, to speak it here");
	proxies->speak_first = options_is_on(options, OPTION_PROXY_PROTOCOL);
	if (proxies->speak_first && proxies->trusted.count == 0)
		return fault_set(fault, EX_CONFIG,
				 "PROXY_PROTOCOL needs TRUSTED_PROXIES: say "
				 "whose PROXY headers to believe");
	return ERR_OK;
}

static enum err set_limits(const struct options *options,
			   struct limits_settings *settings,
			   struct fault *fault)
{
	settings->is_on = options_is_on(options, OPTION_RATE_LIMIT);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct ratelimit_policy *policy =
			&settings->policies[limits[i].name];
		const char *text = options_text(options, limits[i].option);

		policy->growth = limits[i].growth;
		if (ratelimit_policy_parse(text_of(text), policy) != ERR_OK)
			return fault_set(
				fault, EX_CONFIG,
				"%s is \"%s\": write how many in what time, "
				"100/m, 20/30s or 1000/h, or off (at most "
				"100000, 24h and 10000 in a second)",
				option_get(limits[i].option)->variable, text);
	}
	return ERR_OK;
}

enum err settings_limits_init(const struct options *options,
			      struct settings *settings, struct fault *fault)
{
	enum err err = set_proxies(options, &settings->proxies, fault);

	return err == ERR_OK ?
		       set_limits(options, &settings->rate_limits, fault) :
		       err;
}
