/* Whose tokens count, what is remembered of them, and who waits for keys. */
#include "config.h"

#include "core/auth.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/app.h"
#include "core/clock.h"
#include "core/keysource.h"
#include "core/keywait.h"
#include "tests/support/appclient.h"
#include "tests/support/logtrap.h"
#include "tests/support/signer.h"
#include "tests/support/tap.h"
#include "tests/support/testloop.h"

#define SHARED	"a secret that another server has, too"
#define ACCOUNT "00000000-0000-4000-8000-000000000000"
#define ISSUER	"https://auth.example"
#define FLOOD	1000

static const struct signer_key key_a = { 1, "a" };
static const struct signer_key key_b = { 2, "b" };
static const struct signer_key other_a = { 3, "a" };

/* A key source that does as it is told. */
struct fake_source {
	struct keysource base;
	enum keysource_answer answer;
	size_t wants;
};

static enum keysource_answer fake_want(struct keysource *base)
{
	struct fake_source *source = (struct fake_source *)base;

	source->wants++;
	return source->answer;
}

static const struct keysource_ops fake_ops = { .want = fake_want };
static struct fake_source source = { .base = { &fake_ops } };
static struct appclient *client;

static void start(const struct app_options *options)
{
	source.answer = KEYSOURCE_RESTING;
	source.wants = 0;
	client = appclient_new_with(NULL, options);
}

static struct app_options foreign_options(void)
{
	struct app_options options = appclient_options();

	options.accounts = false;
	options.keysource = &source.base;
	return options;
}

static enum err publish(const struct signer_key *keys, size_t count)
{
	char *json = signer_jwks(keys, count);
	enum err err = app_keys_arrived(appclient_app(client), text_of(json));

	free(json);
	return err;
}

/* Claims for a user, good for a while. */
static const char *claims_of(const char *user, const char *more)
{
	static char claims[512];

	(void)snprintf(claims, sizeof(claims),
		       "{\"sub\":\"%s\",\"exp\":%lld%s}", user,
		       (long long)(clock_wall_us() / 1000000 + 3600), more);
	return claims;
}

static struct appclient_request list_of(const char *user, const char *token)
{
	static char target[128];

	(void)snprintf(target, sizeof(target), "/api/%s/tasks", user);
	return (struct appclient_request){
		.method = HTTP_GET,
		.target = target,
		.token = token,
	};
}

/* Asks for the tasks of user with a token; the status. */
static int ask(const char *user, const char *token)
{
	const struct appclient_request request = list_of(user, token);
	struct appclient_answer answer;
	int status;

	appclient_send(client, &request, &answer);
	status = answer.status;
	appclient_answer_release(&answer);
	return status;
}

/* The same with a token that is freed. */
static int ask_once(const char *user, char *token)
{
	int status = ask(user, token);

	free(token);
	return status;
}

static void test_cold(void)
{
	const struct app_options options = foreign_options();
	char *good, *mac;
	struct appclient_answer answer;
	struct appclient_request request;
	char *value;

	start(&options);
	good = signer_token(&key_a, claims_of("u1", ""));
	mac = signer_mac_token(TEXT("nobody's secret"), claims_of("u1", ""));
	request = list_of("u1", good);
	appclient_send(client, &request, &answer);
	is_int(answer.status, 503, "without any set there is no verdict");
	value = appclient_header(&answer, "Retry-After");
	ok(value != NULL, "and the client is told to come again");
	free(value);
	value = appclient_header(&answer, "WWW-Authenticate");
	ok(value == NULL, "but not that its token is bad");
	free(value);
	appclient_answer_release(&answer);
	is_int(source.wants, 1, "a set was asked for");
	is_int(ask("u1", mac), 401, "an HS256 token needs no set");
	is_int(ask("u1", NULL), 401, "nor does no token");
	is_int(ask("u1", "x.y.z"), 401, "nor what is none");
	is_int(source.wants, 1, "and asks for none");

	is_err(publish(&key_a, 1), ERR_OK, "then a set comes");
	is_int(ask("u1", good), 200, "and the token counts");
	is_int(ask("u2", good), 403, "for its user");
	is_int(source.wants, 1, "a known key asks for no set");
	free(mac);
	free(good);
	appclient_free(&client);
}

static void test_unknown_key(void)
{
	const struct app_options options = foreign_options();
	const struct signer_key both[] = { key_a, key_b };
	char *token;

	start(&options);
	is_err(publish(&key_a, 1), ERR_OK, "there is a set");
	token = signer_token(&key_b, claims_of("u1", ""));
	is_int(ask("u1", token), 401, "a key that is not in it is refused");
	is_int(source.wants, 1, "after a newer one was asked for");
	is_err(publish(both, 2), ERR_OK, "a newer set comes");
	is_int(ask("u1", token), 200, "and the same token counts");
	is_int(source.wants, 1, "without another question");
	free(token);
	token = signer_token(&other_a, claims_of("u1", ""));
	is_int(ask("u1", token), 401, "a forged signature is refused");
	is_int(source.wants, 1, "and asks for nothing");
	free(token);
	appclient_free(&client);
}

static void test_expired(void)
{
	const struct app_options options = foreign_options();
	char *token, *mac;

	start(&options);
	is_err(publish(&key_a, 1), ERR_OK, "there is a set");
	token = signer_token(&key_a, claims_of("u1", ""));
	mac = signer_mac_token(TEXT(APPCLIENT_SECRET), claims_of("u1", ""));
	is_int(ask("u1", token), 200, "by which a token counts");
	app_keys_expired(appclient_app(client));
	is_int(ask("u1", token), 503, "until the set expires");
	is_int(source.wants, 1, "and another one is asked for");
	is_int(ask("u1", mac), 200, "a token of a shared secret goes on");
	is_err(publish(&key_a, 1), ERR_OK, "the same set may come again");
	is_int(ask("u1", token), 200, "and the token counts again");
	free(mac);
	free(token);
	appclient_free(&client);
}

static void test_no_source(void)
{
	struct app_options options = foreign_options();

	options.keysource = NULL;
	start(&options);
	is_int(ask_once("u1", signer_token(&key_a, claims_of("u1", ""))), 401,
	       "without a key source a public key's token is refused");
	is_int(source.wants, 0, "and nobody is asked");
	appclient_free(&client);
}

/* ---- waiting ---- */

static void test_wait(void)
{
	const struct app_options options = foreign_options();
	char *token, *mac;
	struct appclient_request request;
	struct appclient_answer first, second;

	start(&options);
	source.answer = KEYSOURCE_FETCHING;
	token = signer_token(&key_a, claims_of("u1", ""));
	mac = signer_mac_token(TEXT(APPCLIENT_SECRET), claims_of("u1", ""));
	request = list_of("u1", token);
	appclient_start(client, &request, &first);
	appclient_start(client, &request, &second);
	(void)testloop_run_ready(appclient_loop(client));
	ok(!first.is_answered && !second.is_answered,
	   "who needs the keys waits while they are fetched");
	is_int(ask("u1", mac), 200, "and nobody else");
	is_err(publish(&key_a, 1), ERR_OK, "they come");
	ok(testloop_run_until_set(appclient_loop(client), &first.is_answered) &&
		   testloop_run_until_set(appclient_loop(client),
					  &second.is_answered),
	   "and all are answered");
	is_int(first.status, 200, "by the new keys");
	is_int(second.status, 200, "each of them");
	appclient_answer_release(&first);
	appclient_answer_release(&second);

	free(token);
	token = signer_token(&key_b, claims_of("u1", ""));
	request = list_of("u1", token);
	appclient_start(client, &request, &first);
	app_keys_expired(appclient_app(client));
	ok(testloop_run_until_set(appclient_loop(client), &first.is_answered),
	   "who waits when the set expires waits no longer");
	is_int(first.status, 503, "but has no verdict");
	appclient_answer_release(&first);
	free(mac);
	free(token);
	appclient_free(&client);
}

/* How a call that waits is answered when json comes; empty: nothing newer. */
static void arrive(const char *json, enum err err, int status, const char *name)
{
	char *token = signer_token(&key_b, claims_of("u1", ""));
	const struct appclient_request request = list_of("u1", token);
	struct appclient_answer answer;

	source.answer = KEYSOURCE_FETCHING;
	appclient_start(client, &request, &answer);
	is_err(app_keys_arrived(appclient_app(client), text_of(json)), err,
	       name);
	if (ok(testloop_run_until_set(appclient_loop(client),
				      &answer.is_answered),
	       "who waited is answered"))
		is_int(answer.status, status, name);
	appclient_answer_release(&answer);
	free(token);
}

static void test_arrivals(void)
{
	const struct app_options options = foreign_options();
	char *old = signer_jwks(&key_a, 1), *new = signer_jwks(&key_b, 1);

	start(&options);
	arrive("", ERR_OK, 503, "no set after all");
	arrive("<html>", ERR_INVALID, 503, "what is no set");
	arrive("{\"keys\":[]}", ERR_INVALID, 503, "an empty set");
	arrive(old, ERR_OK, 401, "a set without the key");
	arrive("", ERR_OK, 401, "nothing newer");
	arrive("{\"keys\":[]}", ERR_INVALID, 401, "a bad set after a good one");
	is_int(source.wants, 6, "each asked once, and did not wait again");
	is_int(ask_once("u1", signer_token(&key_a, claims_of("u1", ""))), 200,
	       "the set before a bad one stays");
	arrive(new, ERR_OK, 200, "a set with the key");
	free(new);
	free(old);
	appclient_free(&client);
}

/* A flood of tokens that nobody has signed: each costs a look at its header,
 * and none takes the place of what is remembered. */
static void test_flood(void)
{
	const struct app_options options = foreign_options();
	char *token = signer_token(&key_a, claims_of("u1", ""));
	size_t refused = 0;
	char kid[32];

	start(&options);
	is_err(publish(&key_a, 1), ERR_OK, "there is a set");
	is_int(ask("u1", token), 200, "a good token counts");
	for (int i = 0; i < FLOOD; i++) {
		struct signer_key nobody = { 9, kid };
		char *forged;

		(void)snprintf(kid, sizeof(kid), "kid-%d", i);
		forged = signer_token(&nobody, claims_of("u1", ""));
		refused += ask("u1", forged) == 401;
		free(forged);
	}
	is_int(refused, FLOOD, "of many forged ones none does");
	is_int(source.wants, FLOOD, "each asks for a set, which is cheap");
	is_int(ask("u1", token), 200, "and the good one still counts");
	free(token);
	appclient_free(&client);
}

#define WAITING_MAX (KEYWAIT_CALLS_MAX + 1)

static void test_full(void)
{
	static struct appclient_answer answers[WAITING_MAX];
	const struct app_options options = foreign_options();
	char *token = signer_token(&key_b, claims_of("u1", ""));
	const struct appclient_request request = list_of("u1", token);
	size_t answered = 0, good = 0;

	start(&options);
	source.answer = KEYSOURCE_FETCHING;
	for (size_t i = 0; i < WAITING_MAX; i++) {
		appclient_start(client, &request, &answers[i]);
		answered += answers[i].is_answered;
	}
	is_int(answered, 1, "256 calls wait, one more does not");
	is_int(answers[WAITING_MAX - 1].status, 503, "without a set it is 503");
	appclient_answer_release(&answers[WAITING_MAX - 1]);
	is_err(publish(&key_a, 1), ERR_OK, "a set without the key comes");
	for (size_t i = 0; i < WAITING_MAX - 1; i++) {
		good += answers[i].is_answered && answers[i].status == 401;
		appclient_answer_release(&answers[i]);
	}
	is_int(good, KEYWAIT_CALLS_MAX, "and refuses all that waited");

	answered = 0;
	for (size_t i = 0; i < WAITING_MAX; i++) {
		appclient_start(client, &request, &answers[i]);
		answered += answers[i].is_answered;
	}
	is_int(answered, 1, "then 256 can wait again");
	is_int(answers[WAITING_MAX - 1].status, 401, "with a set it is 401");
	is_err(publish(&key_b, 1), ERR_OK, "the set they wait for comes");
	good = 0;
	for (size_t i = 0; i < WAITING_MAX; i++) {
		(void)testloop_run_until_set(appclient_loop(client),
					     &answers[i].is_answered);
		good += answers[i].status == 200;
		appclient_answer_release(&answers[i]);
	}
	is_int(good, KEYWAIT_CALLS_MAX, "and all of them are served");
	free(token);
	appclient_free(&client);
}

static void test_deadline(void)
{
	const struct app_options options = foreign_options();
	char *token = signer_token(&key_b, claims_of("u1", ""));
	const struct appclient_request request = list_of("u1", token);
	struct appclient_answer cold, warm;

	start(&options);
	source.answer = KEYSOURCE_FETCHING;
	appclient_start(client, &request, &cold);
	ok(testloop_run_until_set(appclient_loop(client), &cold.is_answered),
	   "nobody waits for ever");
	is_int(cold.status, 503, "without a set it is 503");
	appclient_answer_release(&cold);
	is_err(publish(&key_a, 1), ERR_OK, "a set comes too late");
	appclient_start(client, &request, &warm);
	ok(testloop_run_until_set(appclient_loop(client), &warm.is_answered),
	   "the next one does not wait for ever either");
	is_int(warm.status, 401, "with a set it is 401");
	appclient_answer_release(&warm);
	free(token);
	appclient_free(&client);
}

static void test_gone(void)
{
	const struct app_options options = foreign_options();
	char *token = signer_token(&key_a, claims_of("u1", ""));
	struct appclient_request request = list_of("u1", token);
	struct appclient_answer answer;

	start(&options);
	source.answer = KEYSOURCE_FETCHING;
	request.is_gone = true;
	appclient_start(client, &request, &answer);
	is_err(publish(&key_a, 1), ERR_OK, "the keys come for a client");
	ok(testloop_run_until_set(appclient_loop(client), &answer.is_answered),
	   "that is gone, and its call ends all the same");
	appclient_answer_release(&answer);
	free(token);
	appclient_free(&client);
}

/* ---- what is remembered ---- */

static void test_withdrawn(void)
{
	const struct app_options options = foreign_options();
	char *token, *mac;

	start(&options);
	is_err(publish(&key_a, 1), ERR_OK, "there is a set");
	token = signer_token(&key_a, claims_of("u1", ""));
	mac = signer_mac_token(TEXT(APPCLIENT_SECRET), claims_of("u1", ""));
	is_int(ask("u1", token), 200, "its token counts");
	is_int(ask("u1", token), 200, "and counts again");
	is_int(ask("u1", mac), 200, "as does one by a secret");
	is_err(publish(&key_a, 1), ERR_OK, "the same set comes again");
	is_int(ask("u1", token), 200, "and changes nothing");
	is_err(publish(&other_a, 1), ERR_OK, "the key changes under its name");
	is_int(ask("u1", token), 401, "and the old token is forgotten");
	is_err(publish(&key_b, 1), ERR_OK, "the key is withdrawn");
	is_int(ask("u1", token), 401, "and the token stays refused");
	is_int(ask("u1", mac), 200, "the other one has no part in this");
	free(mac);
	free(token);
	appclient_free(&client);
}

static void test_no_exp(void)
{
	struct app_options options = foreign_options();
	static const char claims[] = "{\"sub\":\"u1\"}";
	char *token;

	options.shared_secret = TEXT(SHARED);
	start(&options);
	is_err(publish(&key_a, 1), ERR_OK, "there is a set");
	is_int(ask_once("u1", signer_mac_token(TEXT(SHARED), claims)), 401,
	       "without exp no token counts");
	is_int(ask_once("u1", signer_token(&key_a, claims)), 401,
	       "of no issuer");
	appclient_free(&client);

	options.jwt_exp_optional = true;
	start(&options);
	is_err(publish(&key_a, 1), ERR_OK, "there is a set");
	token = signer_mac_token(TEXT(SHARED), claims);
	is_int(ask("u1", token), 200, "unless secrets may do without");
	is_int(ask("u1", token), 200, "and it is remembered");
	free(token);
	is_int(ask_once("u1", signer_token(&key_a, claims)), 401,
	       "a key set never may");
	appclient_free(&client);
}

/* ---- issuers side by side ---- */

static void test_accounts(void)
{
	struct app_options options = foreign_options();
	char *id, *token;

	options.accounts = true;
	options.shared_secret = TEXT(SHARED);
	start(&options);
	is_err(publish(&key_a, 1), ERR_OK, "there is a set");
	appclient_signin(client, "a@b.example", &id, &token);
	is_int(ask(id, token), 200, "an account's own token counts");
	is_int(ask_once(ACCOUNT, appclient_token(ACCOUNT)), 401,
	       "one for nobody's account does not");
	is_int(ask_once("u1", signer_mac_token(TEXT(APPCLIENT_SECRET),
					       claims_of("u1", ""))),
	       401, "nor one that names no account");
	is_int(ask_once("u1",
			signer_mac_token(TEXT(SHARED), claims_of("u1", ""))),
	       200, "a token by the shared secret needs no account");
	is_int(ask_once("u1", signer_token(&key_a, claims_of("u1", ""))), 200,
	       "nor does one by a key set");
	free(token);
	free(id);
	appclient_free(&client);
}

static void test_issuer(void)
{
	struct app_options options = foreign_options();
	static const char good[] = ",\"iss\":\"" ISSUER "\",\"aud\":\"me\"";
	static const char other[] = ",\"iss\":\"" ISSUER "/\",\"aud\":\"me\"";

	options.shared_secret = TEXT(SHARED);
	options.jwt_issuer = TEXT(ISSUER);
	options.jwt_audience = TEXT("me");
	start(&options);
	is_err(publish(&key_a, 1), ERR_OK, "there is a set");
	is_int(ask_once("u1", signer_token(&key_a, claims_of("u1", good))), 200,
	       "the right issuer and audience");
	is_int(ask_once("u1", signer_token(&key_a, claims_of("u1", other))),
	       401, "another issuer");
	is_int(ask_once("u1", signer_token(&key_a, claims_of("u1", ""))), 401,
	       "no issuer at all");
	is_int(ask_once("u1",
			signer_mac_token(TEXT(SHARED), claims_of("u1", good))),
	       200, "so too by the shared secret");
	is_int(ask_once("u1",
			signer_mac_token(TEXT(SHARED), claims_of("u1", ""))),
	       401, "which is asked for both");
	is_int(ask_once("u1", signer_mac_token(TEXT(APPCLIENT_SECRET),
					       claims_of("u1", ""))),
	       200, "our own tokens carry neither");
	is_int(ask_once("u1", signer_mac_token(TEXT(APPCLIENT_SECRET),
					       claims_of("u1", other))),
	       401, "one that does is of another issuer");
	appclient_free(&client);
}

int main(void)
{
	logtrap_start();
	test_cold();
	test_unknown_key();
	test_expired();
	test_no_source();
	test_wait();
	test_arrivals();
	test_flood();
	test_full();
	test_deadline();
	test_gone();
	test_withdrawn();
	test_no_exp();
	test_accounts();
	test_issuer();
	return tap_done();
}
