/*
 * Judges tokens that another program has made.  Each line of standard input is
 * a case: fields in hexadecimal ("-": empty), separated by blanks,
 *
 *   now exp-optional jwt-secret shared-secret issuer audience jwks token
 *
 * and each gets a line "judged VERDICT STATUS TEXT": what token_verify() says
 * at that time, the status with which the application answers now (403: it has
 * taken the token, for another user than the path's), and the user or the
 * reason.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/app.h"
#include "core/keyset.h"
#include "core/keysource.h"
#include "core/token.h"
#include "tests/support/appclient.h"
#include "tests/support/logtrap.h"
#include "tests/support/tap.h"

enum field {
	FIELD_NOW,
	FIELD_EXP_OPTIONAL,
	FIELD_JWT_SECRET,
	FIELD_SHARED_SECRET,
	FIELD_ISSUER,
	FIELD_AUDIENCE,
	FIELD_JWKS,
	FIELD_TOKEN,
	FIELD_COUNT,
};

/* Each in memory of exactly its size, for the sanitizer to watch. */
struct item {
	struct text fields[FIELD_COUNT];
};

static enum keysource_answer rest(struct keysource *source)
{
	(void)source;
	return KEYSOURCE_RESTING;
}

static const struct keysource_ops ops = { .want = rest };
static struct keysource source = { &ops };

static struct text unhex(const char *word)
{
	size_t len = strlen(word) / 2;
	char *bytes = malloc(len > 0 ? len : 1);

	if (!bytes)
		bail_out("no memory");
	if (strcmp(word, "-") == 0)
		len = 0;
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(text_hex_value(word[2 * i]) << 4 |
				  text_hex_value(word[2 * i + 1]));
	return (struct text){ bytes, len };
}

static bool read_item(char *line, struct item *item)
{
	char *rest_of = line, *word;

	for (size_t i = 0; i < FIELD_COUNT; i++) {
		word = strsep(&rest_of, " \n");
		if (!word || !*word)
			return false;
		item->fields[i] = unhex(word);
	}
	return true;
}

static void free_item(struct item *item)
{
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		void *bytes;

		memcpy(&bytes, &item->fields[i].ptr, sizeof(bytes));
		free(bytes);
	}
}

static void copy_item(const struct item *from, struct item *to)
{
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		size_t len = from->fields[i].len;
		char *bytes = malloc(len > 0 ? len : 1);

		if (!bytes)
			bail_out("no memory");
		if (len > 0)
			memcpy(bytes, from->fields[i].ptr, len);
		to->fields[i] = (struct text){ bytes, len };
	}
}

static struct app_options options_of(const struct item *item)
{
	struct app_options options = appclient_options();

	options.accounts = false;
	options.jwt_secret = item->fields[FIELD_JWT_SECRET];
	options.shared_secret = item->fields[FIELD_SHARED_SECRET];
	options.jwt_issuer = item->fields[FIELD_ISSUER];
	options.jwt_audience = item->fields[FIELD_AUDIENCE];
	options.jwt_exp_optional = item->fields[FIELD_EXP_OPTIONAL].len > 0;
	if (item->fields[FIELD_JWKS].len > 0)
		options.keysource = &source;
	return options;
}

static bool is_same_setting(const struct item *a, const struct item *b)
{
	for (size_t i = FIELD_EXP_OPTIONAL; i < FIELD_TOKEN; i++)
		if (!text_is_equal(a->fields[i], b->fields[i]))
			return false;
	return true;
}

/* The application for an item, which is kept as long as items ask for the
 * same.  NULL ends that. */
static struct appclient *client_for(const struct item *item)
{
	static struct appclient *client;
	static struct item setting;
	struct app_options options;
	enum err err;

	if (client && item && is_same_setting(&setting, item))
		return client;
	if (client) {
		appclient_free(&client);
		free_item(&setting);
	}
	if (!item)
		return NULL;
	copy_item(item, &setting);
	options = options_of(&setting);
	client = appclient_new_with(NULL, &options);
	err = app_keys_arrived(appclient_app(client),
			       setting.fields[FIELD_JWKS]);
	if (err != ERR_OK)
		diag("the set is not usable: %s", err_text(err));
	return client;
}

static int ask_app(const struct item *item)
{
	struct text token = item->fields[FIELD_TOKEN];
	char *copy = strndup(token.ptr, token.len);
	struct appclient_request request = {
		.method = HTTP_GET,
		.target = "/api/nobody/tasks",
		.token = copy,
	};
	struct appclient_answer answer;
	int status;

	appclient_send(client_for(item), &request, &answer);
	status = answer.status;
	appclient_answer_release(&answer);
	free(copy);
	return status;
}

static void judge(const struct item *item)
{
	static const char *const verdicts[] = {
		[ERR_OK] = "ok",
		[ERR_DENIED] = "denied",
		[ERR_EXPIRED] = "expired",
		[ERR_NOT_FOUND] = "unknown",
	};
	struct token_trust trust = {
		.jwt_secret = item->fields[FIELD_JWT_SECRET],
		.shared_secret = item->fields[FIELD_SHARED_SECRET],
		.issuer = item->fields[FIELD_ISSUER],
		.audience = item->fields[FIELD_AUDIENCE],
		.exp_is_optional = item->fields[FIELD_EXP_OPTIONAL].len > 0,
	};
	struct keyset *keys = NULL;
	const char *reason = "";
	struct token token;
	int64_t now_s = 0;
	enum err err;

	if (text_to_int64(item->fields[FIELD_NOW], &now_s) != ERR_OK)
		bail_out("no time is given");
	if (item->fields[FIELD_JWKS].len > 0 &&
	    keyset_parse(item->fields[FIELD_JWKS], &keys, &reason) == ERR_OK)
		trust.keys = keys;
	err = token_verify(item->fields[FIELD_TOKEN], &trust, now_s, &token,
			   &reason);
	if (err > ERR_EXPIRED || verdicts[err] == NULL)
		bail_out("no verdict: %s", err_text(err));
	printf("judged %s %d %s\n", verdicts[err], ask_app(item),
	       err == ERR_OK ? token.claims.user_id : reason);
	fflush(stdout);
	keyset_free(&keys);
}

int main(void)
{
	char *line = NULL;
	size_t size = 0;

	logtrap_start();
	while (getline(&line, &size, stdin) > 0) {
		struct item item;

		if (!read_item(line, &item))
			bail_out("a case lacks fields");
		judge(&item);
		free_item(&item);
	}
	(void)client_for(NULL);
	free(line);
	return 0;
}
