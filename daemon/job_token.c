/* todod token inspect and mint. */
#include "config.h"

#include "daemon/job_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "core/buffer.h"
#include "core/keyset.h"
#include "core/token.h"
#include "core/tokenreport.h"
#include "core/uuid.h"
#include "daemon/fault.h"
#include "daemon/job.h"
#include "daemon/keyfile.h"
#include "daemon/secret.h"
#include "daemon/settings.h"

/* More than any token, so that one that is too long is seen to be. */
#define INPUT_MAX_BYTES (2 * TOKEN_MAX_BYTES)

static int fail(struct fault *fault, enum err err)
{
	if (err != ERR_INVALID)
		fault_set(fault, fault_exit_code(err), "token: %s",
			  err_text(err));
	return fault->exit_code;
}

/* The key set that todod would start with.  That there is none is no error,
 * and that one cannot be used is said on standard error. */
static enum err load_keys(const struct settings *settings, struct keyset **keys)
{
	const struct keys_settings *source = &settings->keys;
	struct text json = { NULL, 0 };
	char problem[FAULT_TEXT_BYTES] = "";
	const char *reason;
	int64_t confirmed_s;
	enum err err = ERR_NOT_FOUND;

	if (source->source == KEYS_IN_FILE)
		err = keyfile_read(source->file, &json, problem,
				   sizeof(problem));
	else if (source->source == KEYS_AT_URL && source->store)
		err = keyfile_load(source->store, source->url, &json,
				   &confirmed_s, problem, sizeof(problem));
	if (err == ERR_OK)
		err = keyset_parse(json, keys, &reason);
	keyfile_release(&json);
	if (err == ERR_INVALID)
		(void)fprintf(stderr, "todod: the key set: %s\n", problem);
	return err == ERR_NO_MEMORY ? err : ERR_OK;
}

/* Standard input without white space at its ends; *owned is from malloc. */
static enum err read_input(char **owned, struct text *token)
{
	static const char space[] = " \t\r\n";
	struct text text;

	*owned = malloc(INPUT_MAX_BYTES);
	if (!*owned)
		return ERR_NO_MEMORY;
	text.ptr = *owned;
	text.len = fread(*owned, 1, INPUT_MAX_BYTES, stdin);
	while (text.len > 0 && strchr(space, text.ptr[text.len - 1]))
		text.len--;
	while (text.len > 0 && strchr(space, text.ptr[0]))
		text = text_slice(text, 1, text.len);
	*token = text;
	return ERR_OK;
}

static int print(const struct buffer *out, int status, struct fault *fault)
{
	if (fwrite(out->ptr, 1, out->len, stdout) == out->len &&
	    fflush(stdout) == 0)
		return status;
	fault_set(fault, EX_IOERR, "cannot write: %m");
	return fault->exit_code;
}

static int inspect(const struct settings *settings, struct text token,
		   struct fault *fault)
{
	struct token_trust trust = {
		.jwt_secret = settings->jwt_secret,
		.shared_secret = settings->shared_secret,
		.issuer = settings->jwt_issuer,
		.audience = settings->jwt_audience,
		.exp_is_optional = settings->jwt_exp_optional,
	};
	struct keyset *keys = NULL;
	struct buffer out;
	enum err err;
	int status;

	err = load_keys(settings, &keys);
	if (err != ERR_OK)
		return fail(fault, err);
	trust.keys = keys;
	buffer_init(&out);
	err = tokenreport_write(token, &trust, (int64_t)time(NULL), &out);
	if (err == ERR_NO_MEMORY)
		status = fail(fault, err);
	else
		status = print(&out, err == ERR_OK ? EX_OK : EX_DATAERR, fault);
	buffer_release(&out);
	keyset_free(&keys);
	return status;
}

int job_token_inspect(struct settings *settings, const char *token,
		      struct fault *fault)
{
	struct text text = text_of(token);
	char *owned = NULL;
	enum err err = job_become_server(settings, fault);
	int status;

	if (err == ERR_OK)
		err = secret_find(settings, fault);
	if (err == ERR_OK && strcmp(token, "-") == 0)
		err = read_input(&owned, &text);
	status = err == ERR_OK ? inspect(settings, text, fault) :
				 fail(fault, err);
	free(owned);
	return status;
}

/* Whether and for whom a token can be made. */
static enum err check_mint(const struct settings *settings, const char *user,
			   struct text *user_id, struct fault *fault)
{
	static char canonical[UUID_TEXT_LEN + 1];
	struct uuid uuid;

	if (settings->environment == SETTINGS_PRODUCTION)
		return fault_set(fault, EX_CONFIG,
				 "token mint is for development: it signs in "
				 "as anybody. Sign in instead");
	if (!settings->jwt_secret.ptr && !settings->location.path)
		return fault_set(fault, EX_CONFIG,
				 "JWT_SECRET_KEY is not set, and in memory "
				 "each run makes its own: set it for both");
	*user_id = text_of(user);
	if (user_id->len == 0 || user_id->len > CLAIMS_USER_ID_MAX_BYTES ||
	    !text_is_utf8(*user_id) || text_has_control(*user_id))
		return fault_set(fault, EX_USAGE,
				 "a user id has 1 to 255 bytes of UTF-8, none "
				 "of them a control character");
	if (!settings->accounts)
		return ERR_OK;
	if (uuid_parse(*user_id, &uuid) != ERR_OK)
		return fault_set(fault, EX_USAGE,
				 "while accounts are on a user id is a UUID; "
				 "sign-up answers with it");
	uuid_format(&uuid, canonical);
	*user_id = text_of(canonical);
	return ERR_OK;
}

int job_token_mint(struct settings *settings, const char *user,
		   struct fault *fault)
{
	struct text user_id = TEXT("");
	struct buffer out;
	char *token = NULL;
	enum err err;
	int status;

	err = check_mint(settings, user, &user_id, fault);
	if (err == ERR_OK)
		err = job_become_server(settings, fault);
	if (err == ERR_OK)
		err = secret_provide(settings, fault);
	if (err == ERR_OK && !settings->jwt_secret.ptr)
		err = fault_set(fault, EX_CONFIG, "JWT_SECRET_KEY is not set");
	if (err == ERR_OK)
		err = token_issue(settings->jwt_secret, user_id, TEXT(""),
				  (int64_t)time(NULL), &token);
	if (err != ERR_OK)
		return fail(fault, err);
	buffer_init(&out);
	buffer_append_text(&out, text_of(token));
	buffer_append_text(&out, TEXT("\n"));
	free(token);
	status = buffer_is_failed(&out) ? fail(fault, ERR_NO_MEMORY) :
					  print(&out, EX_OK, fault);
	buffer_release(&out);
	return status;
}
