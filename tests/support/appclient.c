/* An application and its clients in one process. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/backends.h"
#include "core/app.h"
#include "core/clock.h"
#include "core/cors.h"
#include "core/embedded.h"
#include "core/hashpool.h"
#include "core/health.h"
#include "core/ip.h"
#include "core/storage.h"
#include "core/token.h"
#include "tests/support/appclient.h"
#include "tests/support/tap.h"
#include "tests/support/testloop.h"

#define HEADERS_MAX 16
#define TIMEOUT_MS  10000
/* No test goes on for so long. */
#define HEALTH_MAX_AGE_MS 86400000

struct appclient {
	struct testloop *loop;
	struct storage *storage;
	struct hashpool *hashes;
	struct cors *cors;
	struct health health;
	struct app *app;
};

#define BEARER_BYTES 9000

struct fake_exchange {
	struct http_exchange base;
	struct appclient *client;
	struct appclient_answer *answer;
	struct http_header headers[HEADERS_MAX];
	char bearer[BEARER_BYTES];
	bool is_gone;
	bool is_surplus;
	size_t gone_after_chunks;
	size_t crowded_at_chunk;
	struct loop_job drained_job;
	http_drained_fn *on_drained;
	void *drained_arg;
};

static struct fake_exchange *fake(struct http_exchange *exchange)
{
	return (struct fake_exchange *)exchange;
}

static void take_head(struct fake_exchange *exchange,
		      const struct http_response *response)
{
	struct buffer *out = &exchange->answer->headers;

	exchange->answer->status = response->status;
	for (size_t i = 0; i < response->header_count; i++) {
		buffer_append_text(out, response->headers[i].name);
		buffer_append_text(out, TEXT(": "));
		buffer_append_text(out, response->headers[i].value);
		buffer_append_text(out, TEXT("\n"));
	}
	buffer_append(out, "", 1);
}

static void end(struct fake_exchange *exchange)
{
	ok(!exchange->answer->is_answered, "an exchange ends once");
	buffer_append(&exchange->answer->body, "", 1);
	exchange->answer->body.len--;
	exchange->answer->is_answered = true;
	arena_release(&exchange->base.arena);
	free(exchange);
}

static void fake_send(struct http_exchange *base,
		      struct http_response *response)
{
	struct fake_exchange *exchange = fake(base);

	take_head(exchange, response);
	if (response->body.len > 0)
		buffer_move(&exchange->answer->body, &response->body);
	else
		buffer_append_text(&exchange->answer->body,
				   response->constant_body);
	end(exchange);
}

static void fake_start(struct http_exchange *base,
		       struct http_response *response)
{
	take_head(fake(base), response);
}

static void run_drained(struct loop_job *job)
{
	struct fake_exchange *exchange =
		(void *)((char *)job -
			 offsetof(struct fake_exchange, drained_job));

	exchange->on_drained(exchange->drained_arg);
}

static void fake_write(struct http_exchange *base, struct buffer *chunk,
		       http_drained_fn *on_drained, void *arg)
{
	struct fake_exchange *exchange = fake(base);

	exchange->answer->chunks++;
	buffer_append_text(&exchange->answer->body, buffer_text(chunk));
	buffer_release(chunk);
	exchange->on_drained = on_drained;
	exchange->drained_arg = arg;
	exchange->drained_job.run = run_drained;
	loop_post(testloop_port(exchange->client->loop),
		  &exchange->drained_job);
}

static void fake_finish(struct http_exchange *base)
{
	end(fake(base));
}

static void fake_abort(struct http_exchange *base)
{
	fake(base)->answer->is_aborted = true;
	end(fake(base));
}

static bool fake_is_gone(const struct http_exchange *base)
{
	const struct fake_exchange *exchange = (const void *)base;

	return exchange->is_gone ||
	       (exchange->gone_after_chunks > 0 &&
		exchange->answer->chunks >= exchange->gone_after_chunks);
}

static bool fake_admit_client(struct http_exchange *base,
			      const struct ip *client)
{
	(void)client;
	return !fake(base)->is_surplus;
}

static bool fake_is_crowded(const struct http_exchange *base)
{
	const struct fake_exchange *exchange = (const void *)base;

	return exchange->crowded_at_chunk > 0 &&
	       exchange->answer->chunks + 1 >= exchange->crowded_at_chunk;
}

static const struct http_exchange_ops fake_ops = {
	.send = fake_send,
	.start = fake_start,
	.write = fake_write,
	.finish = fake_finish,
	.abort = fake_abort,
	.is_gone = fake_is_gone,
	.admit_client = fake_admit_client,
	.is_crowded = fake_is_crowded,
};

static struct storage_backend *open_memory(struct loop *loop)
{
	struct storage_backend *backend = NULL;
	struct backend_location location;
	char problem[256];

	if (backend_locate("memory:", &location, problem, sizeof(problem)) !=
	    ERR_OK)
		bail_out("memory: %s", problem);
	if (location.backend->open(&location, loop, &backend) != ERR_OK)
		bail_out("the memory backend does not open");
	backend_location_release(&location);
	return backend;
}

struct app_options appclient_options(void)
{
	return (struct app_options){
		.version = "9.9.9",
		.tasks_dialect = DIALECT_MULTIUSER,
		.accounts = true,
		.jwt_secret = TEXT(APPCLIENT_SECRET),
		.api_files = embedded_api,
		.api_file_count = embedded_api_count,
		.docs_files = embedded_docs,
		.docs_file_count = embedded_docs_count,
		.health_max_age_ms = HEALTH_MAX_AGE_MS,
	};
}

struct appclient *appclient_new_with(struct storage_backend *backend,
				     const struct app_options *given)
{
	struct appclient *client = calloc(1, sizeof(*client));
	struct hashpool_options pool = {
		.threads = 2,
		.queue_max = 4,
		.cost = { PASSWORD_MEMORY_KIB_MIN, PASSWORD_PASSES_MIN },
	};
	struct app_options options = *given;
	struct loop *port;
	char problem[256];

	if (!client)
		bail_out("no memory");
	client->loop = testloop_new();
	port = testloop_port(client->loop);
	if (!backend)
		backend = open_memory(port);
	if (storage_new(port, backend, TIMEOUT_MS, &client->storage) !=
		    ERR_OK ||
	    hashpool_new(port, &pool, &client->hashes) != ERR_OK ||
	    cors_new(TEXT(APPCLIENT_ORIGIN), &client->cors, problem,
		     sizeof(problem)) != ERR_OK)
		bail_out("the application's services do not start");
	storage_report_to(client->storage, &client->health);
	options.cors = client->cors;
	options.health = &client->health;
	if (app_new(&options, port, client->storage, client->hashes,
		    &client->app) != ERR_OK)
		bail_out("the application does not start");
	return client;
}

struct appclient *appclient_new(struct storage_backend *backend)
{
	const struct app_options options = appclient_options();

	return appclient_new_with(backend, &options);
}

void appclient_free(struct appclient **client)
{
	app_free(&(*client)->app);
	hashpool_free(&(*client)->hashes);
	storage_close(&(*client)->storage);
	cors_free(&(*client)->cors);
	testloop_free(&(*client)->loop);
	free(*client);
	*client = NULL;
}

struct testloop *appclient_loop(struct appclient *client)
{
	return client->loop;
}

struct app *appclient_app(struct appclient *client)
{
	return client->app;
}

static void add_header(struct fake_exchange *exchange, const char *name,
		       const char *value)
{
	struct http_request *request = &exchange->base.request;

	if (!value)
		return;
	exchange->headers[request->header_count].name = text_of(name);
	exchange->headers[request->header_count].value = text_of(value);
	request->header_count++;
}

void appclient_start(struct appclient *client,
		     const struct appclient_request *request,
		     struct appclient_answer *answer)
{
	struct fake_exchange *exchange = calloc(1, sizeof(*exchange));

	if (!exchange)
		bail_out("no memory");
	memset(answer, 0, sizeof(*answer));
	exchange->base.ops = &fake_ops;
	exchange->base.request.headers = exchange->headers;
	exchange->base.request.method = request->method;
	exchange->base.request.target = text_of(request->target);
	exchange->base.request.body = text_of(request->body);
	exchange->base.request.is_body_too_large = request->is_body_too_large;
	exchange->client = client;
	exchange->answer = answer;
	exchange->is_gone = request->is_gone;
	exchange->is_surplus = request->is_surplus;
	exchange->gone_after_chunks = request->gone_after_chunks;
	exchange->crowded_at_chunk = request->crowded_at_chunk;
	arena_init(&exchange->base.arena);
	if (request->token) {
		snprintf(exchange->bearer, sizeof(exchange->bearer),
			 "Bearer %s", request->token);
		add_header(exchange, "Authorization", exchange->bearer);
	}
	add_header(exchange, "Origin", request->origin);
	add_header(exchange, "Accept", request->accept);
	add_header(exchange, "Content-Type", request->content_type);
	add_header(exchange, "X-Request-Id", request->request_id);
	add_header(exchange, "Access-Control-Request-Method",
		   request->preflight_method);
	for (const struct appclient_header *more = request->more;
	     more && more->name; more++)
		add_header(exchange, more->name, more->value);
	exchange->base.request.is_tls = request->is_tls;
	if (request->peer && ip_parse(text_of(request->peer),
				      &exchange->base.request.peer) != ERR_OK)
		bail_out("%s is no peer", request->peer);
	app_handle(client->app, &exchange->base);
}

void appclient_send(struct appclient *client,
		    const struct appclient_request *request,
		    struct appclient_answer *answer)
{
	appclient_start(client, request, answer);
	if (!testloop_run_until_set(client->loop, &answer->is_answered))
		bail_out("%s is not answered", request->target);
}

void appclient_answer_release(struct appclient_answer *answer)
{
	buffer_release(&answer->headers);
	buffer_release(&answer->body);
}

char *appclient_header(const struct appclient_answer *answer, const char *name)
{
	const char *line = answer->headers.ptr;
	size_t len = strlen(name);

	while (line && *line) {
		if (strncmp(line, name, len) == 0 && line[len] == ':')
			return strndup(line + len + 2,
				       strcspn(line + len + 2, "\n"));
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return NULL;
}

char *appclient_token(const char *user_id)
{
	char *token = NULL;

	if (token_issue(TEXT(APPCLIENT_SECRET), text_of(user_id),
			TEXT("a@b.example"), clock_wall_us() / 1000000,
			&token) != ERR_OK)
		bail_out("no token for %s", user_id);
	return token;
}

/* The value of a string member, found by its name; the caller frees. */
static char *member(const struct appclient_answer *answer, const char *name)
{
	char key[64];
	const char *found;

	snprintf(key, sizeof(key), "\"%s\":\"", name);
	found = strstr(answer->body.ptr, key);
	if (!found)
		bail_out("no %s in %s", name, answer->body.ptr);
	found += strlen(key);
	return strndup(found, strcspn(found, "\""));
}

void appclient_signin(struct appclient *client, const char *email, char **id,
		      char **token)
{
	struct appclient_request request = {
		.method = HTTP_POST,
		.target = "/api/auth/signup",
	};
	struct appclient_answer answer;
	char body[512];

	snprintf(body, sizeof(body),
		 "{\"name\":\"Test\",\"email\":\"%s\","
		 "\"password\":\"Passw0rd!\"}",
		 email);
	request.body = body;
	appclient_send(client, &request, &answer);
	if (answer.status != 201)
		bail_out("sign-up: %s", answer.body.ptr);
	appclient_answer_release(&answer);
	request.target = "/api/auth/signin";
	appclient_send(client, &request, &answer);
	if (answer.status != 200)
		bail_out("sign-in: %s", answer.body.ptr);
	*token = member(&answer, "access_token");
	*id = member(&answer, "id");
	appclient_answer_release(&answer);
}
