/* The application as a whole, without a socket. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/storage_backend.h"
#include "tests/support/appclient.h"
#include "tests/support/tap.h"
#include "tests/support/testloop.h"

#define MANY	   1500 /* tasks with long titles: more than 256 KiB of JSON */
#define OTHER_USER "00000000-0000-4000-8000-000000000000"

static struct appclient *client;
static char *id, *token;

static const char *tasks_path(const char *rest)
{
	static char path[256];

	snprintf(path, sizeof(path), "/api/%s/tasks%s", id, rest);
	return path;
}

/* Sends, checks the status, leaves the answer. */
static void expect(const struct appclient_request *request, int status,
		   struct appclient_answer *answer, const char *name)
{
	appclient_send(client, request, answer);
	if (!is_int(answer->status, status, name))
		diag("%s", answer->body.ptr);
}

static void expect_body(const struct appclient_request *request, int status,
			const char *body, const char *name)
{
	struct appclient_answer answer;

	expect(request, status, &answer, name);
	is_string(answer.body.ptr, body, name);
	appclient_answer_release(&answer);
}

static void test_order_before_token(void)
{
	struct appclient_request request = {
		.method = HTTP_POST,
		.target = "/nowhere",
		.body = "{",
		.is_body_too_large = true,
	};

	expect_body(&request, 404, "{\"detail\":\"Not Found\"}",
		    "an unknown path comes before all else");
	request.target = tasks_path("");
	request.method = HTTP_DELETE;
	expect_body(&request, 405, "{\"detail\":\"Method Not Allowed\"}",
		    "then the method");
	request.method = HTTP_POST;
	expect_body(&request, 413, "{\"detail\":\"Request body too large\"}",
		    "then the body's size");
	request.is_body_too_large = false;
	request.content_type = "text/plain";
	expect_body(&request, 415,
		    "{\"detail\":\"Content-Type must be application/json\"}",
		    "then its type");
	request.content_type = NULL;
	expect_body(&request, 401, "{\"detail\":\"Invalid or expired token\"}",
		    "then the token");
}

static void test_order_after_token(void)
{
	struct appclient_request request = {
		.method = HTTP_POST,
		.target = tasks_path(""),
		.token = token,
		.body = "{",
	};

	expect_body(&request, 400,
		    "{\"detail\":\"Validation error\",\"errors\":[{\"type\":"
		    "\"json_invalid\",\"loc\":[\"body\",1],\"msg\":"
		    "\"JSON decode error\",\"input\":null}]}",
		    "after the token malformed JSON is seen");
	request.target = "/api/someone/tasks";
	request.body = "{\"title\":\" \"}";
	expect_body(&request, 400,
		    "{\"detail\":\"Title cannot be empty\",\"errors\":[{"
		    "\"type\":\"value_error\",\"loc\":[\"body\",\"title\"],"
		    "\"msg\":\"Value error, Title cannot be empty\","
		    "\"input\":\" \"}]}",
		    "then what the body says");
	request.body = "{\"title\":\"x\"}";
	expect_body(&request, 403, "{\"detail\":\"Access denied\"}",
		    "then whose path it is");
	request.method = HTTP_GET;
	request.target = tasks_path("/99");
	expect_body(&request, 404, "{\"detail\":\"Task not found\"}",
		    "and last whether the task is there");
}

static void test_common_headers(void)
{
	static const char *const names[] = {
		"X-Request-Id",	 "X-Content-Type-Options",
		"Cache-Control", "Referrer-Policy",
		"Vary",		 "Access-Control-Allow-Origin"
	};
	struct appclient_request requests[] = {
		{ .method = HTTP_GET, .target = "/health" },
		{ .method = HTTP_GET, .target = "/nowhere" },
		{ .method = HTTP_OTHER, .target = "/" },
		{ .method = HTTP_GET, .target = "/%zz" },
		{ .method = HTTP_GET, .target = "/health/" },
		{ .method = HTTP_OPTIONS, .target = "/health" },
		{ .method = HTTP_GET, .target = "/docs" },
	};
	struct appclient_answer answer;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		requests[i].origin = APPCLIENT_ORIGIN;
		appclient_send(client, &requests[i], &answer);
		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
			char *value = appclient_header(&answer, names[j]);

			if (!ok(value != NULL, "each answer has the headers"))
				diag("%s has no %s", requests[i].target,
				     names[j]);
			free(value);
		}
		appclient_answer_release(&answer);
	}
}

static void test_request_id(void)
{
	struct appclient_request request = {
		.method = HTTP_GET,
		.target = "/health",
		.request_id = "abc-1.2_3",
	};
	struct appclient_answer answer;
	char *value;

	appclient_send(client, &request, &answer);
	value = appclient_header(&answer, "X-Request-Id");
	is_string(value, "abc-1.2_3", "a well-formed request id is kept");
	free(value);
	appclient_answer_release(&answer);

	request.request_id = "no spaces";
	appclient_send(client, &request, &answer);
	value = appclient_header(&answer, "X-Request-Id");
	ok(value && strcmp(value, "no spaces") != 0 && strlen(value) > 16,
	   "another one is replaced");
	free(value);
	appclient_answer_release(&answer);
}

static void test_redirect(void)
{
	struct appclient_request request = {
		.method = HTTP_GET,
		.target = "/health/?a=%2F&b",
	};
	struct appclient_answer answer;
	char *value;

	expect(&request, 307, &answer, "a slash too many is a redirect");
	value = appclient_header(&answer, "Location");
	is_string(value, "/health?a=%2F&b", "to the path without it");
	free(value);
	appclient_answer_release(&answer);
	request.target = "/health/?a=\xc3\xa9";
	expect(&request, 307, &answer, "a query beyond ASCII is redirected");
	value = appclient_header(&answer, "Location");
	is_string(value, "/health?a=%C3%A9", "percent-encoded");
	free(value);
	appclient_answer_release(&answer);
	request.target = "/health/?a=\tb";
	expect_body(&request, 400, "{\"detail\":\"Invalid request path\"}",
		    "a control character in a target is refused");
	request.target = "//health/";
	expect_body(&request, 404, "{\"detail\":\"Not Found\"}",
		    "but never to another host");
}

static void test_problem_json(void)
{
	struct appclient_request request = {
		.method = HTTP_GET,
		.target = "/nowhere",
		.accept = "application/json, application/problem+json;q=0.9",
	};

	expect_body(&request, 404,
		    "{\"type\":\"about:blank\",\"title\":\"Not Found\","
		    "\"status\":404,\"detail\":\"Not Found\"}",
		    "an error can be had as RFC 9457 has it");
	request.accept = "text/html, application/problem+json; q=0.00";
	expect_body(&request, 404, "{\"detail\":\"Not Found\"}",
		    "a weight of zero refuses it");
	request.accept = "application/problem+json;q=0";
	expect_body(&request, 404, "{\"detail\":\"Not Found\"}",
		    "unless the client refuses that");
}

static void create_many(void)
{
	char title[201], body[256];
	struct appclient_request request = {
		.method = HTTP_POST,
		.target = tasks_path(""),
		.token = token,
		.body = body,
	};
	struct appclient_answer answer;
	int made = 0;

	memset(title, 't', 200);
	title[200] = '\0';
	snprintf(body, sizeof(body), "{\"title\":\"%s\"}", title);
	for (int i = 0; i < MANY; i++) {
		appclient_send(client, &request, &answer);
		made += answer.status == 201;
		appclient_answer_release(&answer);
	}
	is_int(made, MANY, "many tasks are made");
}

static size_t count_of(const char *haystack, const char *needle)
{
	size_t count = 0;

	while ((haystack = strstr(haystack, needle)) != NULL) {
		haystack += strlen(needle);
		count++;
	}
	return count;
}

static void test_long_list(void)
{
	struct appclient_request request = {
		.method = HTTP_GET,
		.token = token,
	};
	struct appclient_answer answer;

	create_many();
	request.target = tasks_path("");
	expect(&request, 200, &answer, "a long list is answered");
	ok(answer.chunks > 1, "in more than one chunk");
	is_int(count_of(answer.body.ptr, "\"id\":"), MANY,
	       "with every task once");
	ok(answer.body.ptr[0] == '[' &&
		   answer.body.ptr[answer.body.len - 1] == ']',
	   "as one array");
	appclient_answer_release(&answer);

	request.gone_after_chunks = 1;
	expect(&request, 200, &answer, "a client leaves within the list");
	ok(answer.is_aborted, "and the rest is not sent");
	is_int(answer.chunks, 1, "nor read");
	appclient_answer_release(&answer);
	request.gone_after_chunks = 0;

	request.crowded_at_chunk = 1;
	expect(&request, 503, &answer, "with too much unsent no list begins");
	is_string(answer.body.ptr,
		  "{\"detail\":\"Too many requests at once, try again\"}",
		  "and the client is told");
	appclient_answer_release(&answer);

	request.crowded_at_chunk = 2;
	expect(&request, 200, &answer, "one that has begun");
	ok(answer.is_aborted, "ends there");
	is_int(answer.chunks, 1, "and adds nothing");
	appclient_answer_release(&answer);
}

static void test_unknown_user(void)
{
	char *foreign = appclient_token(OTHER_USER);
	struct appclient_request request = {
		.method = HTTP_GET,
		.target = "/api/" OTHER_USER "/tasks",
		.token = foreign,
	};

	expect_body(&request, 401, "{\"detail\":\"Invalid or expired token\"}",
		    "a token whose user does not exist does not count");
	free(foreign);
}

static void test_health(void)
{
	const struct appclient_request request = {
		.method = HTTP_GET,
		.target = "/api/health",
	};

	expect_body(&request, 200, "{\"status\":\"healthy\"}",
		    "a database that works is healthy");
}

static void test_openapi(void)
{
	struct appclient_request request = {
		.method = HTTP_GET,
		.target = "/openapi.json",
	};
	struct appclient_answer answer;

	expect(&request, 200, &answer, "the API description is there");
	ok(strstr(answer.body.ptr, "\"version\":\"9.9.9\"") != NULL,
	   "with the program's version");
	ok(strstr(answer.body.ptr, "/api/auth/signin") != NULL,
	   "and the account routes while accounts are on");
	appclient_answer_release(&answer);
}

/* ---- a backend that fails as it is told ---- */

struct failing {
	struct storage_backend base;
	struct loop *loop;
	struct loop_job job;
	struct storage_call *call;
	enum err err;
};

static void failing_run(struct loop_job *job)
{
	struct failing *failing =
		(void *)((char *)job - offsetof(struct failing, job));
	struct user user = { .email = TEXT("x"), .name = TEXT("x") };
	struct storage_result found = { .user = &user };
	struct storage_call *call = failing->call;

	storage_call_begin(call);
	if (call->verb == STORAGE_USER_BY_ID)
		storage_call_finish(call, ERR_OK, &found);
	else
		storage_call_finish(call, failing->err, NULL);
}

static enum err failing_submit(struct storage_backend *backend,
			       struct storage_call *call)
{
	struct failing *failing = (struct failing *)backend;

	failing->call = call;
	failing->job.run = failing_run;
	loop_post(failing->loop, &failing->job);
	return ERR_OK;
}

static void failing_close(struct storage_backend *backend)
{
	free(backend);
}

static const struct storage_backend_ops failing_ops = {
	.name = "failing",
	.submit = failing_submit,
	.close = failing_close,
};

static void expect_failure(struct failing *failing, enum err err, int status,
			   const char *body)
{
	char *user_token = appclient_token(OTHER_USER);
	struct appclient_request request = {
		.method = HTTP_PATCH,
		.target = "/api/" OTHER_USER "/tasks/1/complete",
		.token = user_token,
	};
	struct appclient_answer answer;
	char *retry;

	failing->err = err;
	expect(&request, status, &answer,
	       "each error of storage has its status");
	is_string(answer.body.ptr, body, "and its detail");
	retry = appclient_header(&answer, "Retry-After");
	ok((retry != NULL) == (status == 503), "Retry-After goes with 503");
	free(retry);
	free(user_token);
	appclient_answer_release(&answer);
}

static void test_unhealthy(struct failing *failing)
{
	struct appclient_request request = {
		.method = HTTP_GET,
		.target = "/api/health",
		.origin = APPCLIENT_ORIGIN,
	};
	struct appclient_answer answer;
	char *header;

	failing->err = ERR_UNAVAILABLE;
	expect(&request, 503, &answer, "a database that is away is told");
	is_string(answer.body.ptr,
		  "{\"status\":\"unhealthy\","
		  "\"detail\":\"database unreachable\"}",
		  "in the words of its dialect");
	ok(strstr(answer.headers.ptr, "Vary: Accept\n") != NULL,
	   "or in those of RFC 9457, as is asked");
	header = appclient_header(&answer, "Retry-After");
	ok(header != NULL, "with a time to come back");
	free(header);
	header = appclient_header(&answer, "Access-Control-Allow-Origin");
	is_string(header, APPCLIENT_ORIGIN, "to any page that is listed");
	free(header);
	appclient_answer_release(&answer);
	request.accept = "application/problem+json";
	expect_body(&request, 503,
		    "{\"type\":\"about:blank\","
		    "\"title\":\"Service Unavailable\",\"status\":503,"
		    "\"detail\":\"database unreachable\"}",
		    "who asks for a problem gets one");
}

static void test_failures(void)
{
	static const struct {
		enum err err;
		int status;
		const char *body;
	} cases[] = {
		{ ERR_UNAVAILABLE, 503,
		  "{\"detail\":\"Service unavailable\"}" },
		{ ERR_UNCERTAIN, 503,
		  "{\"detail\":\"The outcome of the write is not known\"}" },
		{ ERR_BUSY, 503,
		  "{\"detail\":\"Too many requests at once, try again\"}" },
		{ ERR_NO_MEMORY, 503, "{\"detail\":\"Service unavailable\"}" },
		{ ERR_CORRUPT, 503, "{\"detail\":\"Service unavailable\"}" },
		{ ERR_SYSTEM, 500, "{\"detail\":\"Internal server error\"}" },
		{ ERR_NOT_FOUND, 404, "{\"detail\":\"Task not found\"}" },
	};
	struct failing *failing = calloc(1, sizeof(*failing));

	if (!failing)
		bail_out("no memory");
	failing->base.ops = &failing_ops;
	client = appclient_new(&failing->base);
	failing->loop = testloop_port(appclient_loop(client));
	test_unhealthy(failing);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_failure(failing, cases[i].err, cases[i].status,
			       cases[i].body);
	appclient_free(&client);
}

int main(void)
{
	client = appclient_new(NULL);
	appclient_signin(client, "one@example.com", &id, &token);
	test_order_before_token();
	test_order_after_token();
	test_common_headers();
	test_request_id();
	test_redirect();
	test_problem_json();
	test_long_list();
	test_unknown_user();
	test_health();
	test_openapi();
	appclient_free(&client);
	test_failures();
	free(id);
	free(token);
	return tap_done();
}
