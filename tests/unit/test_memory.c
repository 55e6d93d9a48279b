/* What core's modules do when an allocation fails: each of theirs in turn.  The
 * linker puts the functions below in place of malloc() and the others. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/buffer.h"
#include "core/cors.h"
#include "core/hashpool.h"
#include "core/jsonreader.h"
#include "core/keyset.h"
#include "core/keywait.h"
#include "core/password.h"
#include "core/text.h"
#include "core/token.h"
#include "core/tokenreport.h"
#include "tests/support/tap.h"
#include "tests/support/testloop.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
/* More than any of them allocates. */
#define ALLOCATIONS_MAX 1000

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *ptr, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *ptr, size_t size);

/* How many more of this thread's succeed before one fails; -1: all. */
static _Thread_local int left = -1;

static bool fails(void)
{
	return left >= 0 && left-- == 0;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *ptr, size_t size)
{
	return fails() ? NULL : __real_realloc(ptr, size);
}

static struct testloop *loop;
static struct hashpool *pool;

static enum err fold(struct text text)
{
	struct text folded;
	char *owned = NULL;
	enum err err = text_fold(text, &owned, &folded);

	free(owned);
	return err;
}

static enum err fold_ascii(void)
{
	return fold(TEXT("Milk"));
}

static enum err fold_unicode(void)
{
	return fold(TEXT("\xc3\x89t\xc3\xa9"));
}

static enum err parse_json(void)
{
	struct jsonreader *reader = NULL;
	size_t offset;
	enum err err = jsonreader_parse(TEXT("{\"a\":[1,\"b\",{\"c\":{}}]}"),
					&reader, &offset);

	jsonreader_free(&reader);
	return err;
}

static enum err merge_json(void)
{
	const struct text texts[] = { TEXT("{\"a\":[1]}"),
				      TEXT("{\"a\":[2],\"b\":3}") };
	struct buffer out;
	size_t bad;
	enum err err;

	buffer_init(&out);
	err = jsonreader_merge(texts, LENGTH(texts), &out, &bad);
	buffer_release(&out);
	return err;
}

static enum err parse_origins(void)
{
	struct cors *cors = NULL;
	char problem[200];
	enum err err = cors_new(TEXT("https://a.example,https://*.b.example"),
				&cors, problem, sizeof(problem));

	cors_free(&cors);
	return err;
}

static enum err use_token(void)
{
	static const struct text secret = { "0123456789abcdef0123456789abcdef",
					    32 };
	const struct token_trust trust = { .jwt_secret = secret };
	struct token verified;
	const char *reason;
	char *token = NULL;
	enum err err = token_issue(secret, TEXT("u"), TEXT("a@b.c"), 0, &token);

	if (err == ERR_OK)
		err = token_verify(text_of(token), &trust, 0, &verified,
				   &reason);
	free(token);
	return err;
}

static enum err read_keys(void)
{
	struct keyset *keys = NULL;
	const char *reason;
	enum err err = keyset_parse(
		TEXT("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\""
		     "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},"
		     "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\""
		     "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\""
		     "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}"),
		&keys, &reason);

	keyset_free(&keys);
	return err;
}

static enum err report_token(void)
{
	const struct token_trust trust = { .keys = NULL };
	struct buffer report;
	enum err err;

	buffer_init(&report);
	/* {"alg":"HS256"}, {"sub":"u"} */
	err = tokenreport_write(
		TEXT("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1In0.AAAA"), &trust, 0,
		&report);
	buffer_release(&report);
	return err == ERR_DENIED ? ERR_OK : err;
}

static enum err make_wait(void)
{
	struct keywait *wait = NULL;
	enum err err = keywait_new(testloop_port(loop), NULL, NULL, &wait);

	keywait_free(&wait);
	return err;
}

static enum err check_bcrypt(void)
{
	enum err err = password_verify(
		TEXT("x"),
		TEXT("$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJ"
		     "LQc6e"));

	return err == ERR_DENIED ? ERR_OK : err;
}

static enum err make_pool(void)
{
	const struct hashpool_options options = {
		.threads = 1,
		.queue_max = 1,
		.cost = { 8, 1 },
	};
	struct hashpool *made = NULL;
	enum err err = hashpool_new(testloop_port(loop), &options, &made);

	/* One stays for the next. */
	if (err == ERR_OK && pool == NULL)
		pool = made;
	else
		hashpool_free(&made);
	return err;
}

static void on_result(void *arg, const struct hashpool_result *result)
{
	(void)result;
	++*(size_t *)arg;
}

static enum err use_pool(void)
{
	size_t calls = 0;
	enum err err =
		hashpool_verify(pool, TEXT("x"), TEXT(""), on_result, &calls);

	left = -1;
	if (err == ERR_OK)
		(void)testloop_run_until_count(loop, &calls, 1);
	return err;
}

static const struct {
	enum err (*act)(void);
	const char *name;
} acts[] = {
	{ fold_ascii, "folding ASCII" },
	{ fold_unicode, "folding other text" },
	{ parse_json, "parsing JSON" },
	{ merge_json, "merging JSON" },
	{ parse_origins, "parsing origins" },
	{ use_token, "issuing and judging a token" },
	{ read_keys, "reading a set of keys" },
	{ report_token, "reporting on a token" },
	{ make_wait, "making a queue for keys" },
	{ check_bcrypt, "checking a bcrypt hash" },
	{ make_pool, "starting hash threads" },
	{ use_pool, "having a password checked" },
};

static void test_act(enum err (*act)(void), const char *name)
{
	int count = 0;
	enum err err;

	tap_prefix(name);
	for (;;) {
		left = count;
		err = act();
		left = -1;
		if (err != ERR_NO_MEMORY || count == ALLOCATIONS_MAX)
			break;
		count++;
	}
	is_err(err, ERR_OK, "succeeds when none fails");
	ok(count > 0, "says ERR_NO_MEMORY whichever of its own fails");
	tap_prefix(NULL);
}

int main(void)
{
	loop = testloop_new();
	for (size_t i = 0; i < LENGTH(acts); i++)
		test_act(acts[i].act, acts[i].name);
	hashpool_free(&pool);
	testloop_free(&loop);
	return tap_done();
}
