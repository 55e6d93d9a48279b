/* CORS: which lists are understood, which origins are listed, what follows. */
#include "config.h"

#include "core/cors.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const char list[] =
	"http://localhost:3000, https://App.Example.com ,,"
	"https://*.vercel.app,https://todo-*.pages.example:8443,"
	"http://[::1]:5173,capacitor://localhost,https://standard.example:443,"
	"http://10.0.0.1";

static const char *const listed[] = {
	"http://localhost:3000",
	"HTTP://LocalHost:3000",
	"https://app.example.com",
	"https://APP.EXAMPLE.COM",
	"https://a.vercel.app",
	"https://my-app-git-main.vercel.app",
	"https://MY-APP.Vercel.App",
	"https://0.vercel.app",
	"https://todo-1.pages.example:8443",
	"https://todo-a-b.pages.example:8443",
	"http://[::1]:5173",
	"capacitor://localhost",
	"https://standard.example",
	"http://10.0.0.1",
};

static const char *const unlisted[] = {
	"",
	"null",
	"*",
	"http://localhost",
	"http://localhost:3001",
	"https://localhost:3000",
	"http://localhost:30000",
	"http://localhost:3000/",
	"http://localhost:3000 ",
	" http://localhost:3000",
	"http://localhost:3000,http://localhost:3000",
	"http://localhost:3000.evil.example",
	"http://evil.example#http://localhost:3000",
	"https://app.example.com.",
	"https://app.example.com:443",
	"https://app.example.com.evil.example",
	"https://evil-app.example.com",
	"https://vercel.app",
	"https://.vercel.app",
	"https://a.b.vercel.app",
	"https://a..vercel.app",
	"https://-a.vercel.app",
	"https://a-.vercel.app",
	"https://a_b.vercel.app",
	"https://a.vercel.app:443",
	"https://a.vercel.app.evil.example",
	"https://avercel.app",
	"http://a.vercel.app",
	"https://evil.example/.vercel.app",
	"https://evil.example?.vercel.app",
	"https://evil.example#.vercel.app",
	"https://user@.vercel.app",
	"https://a\n.vercel.app",
	"https://a\r\nX-Evil: 1.vercel.app",
	"https://a b.vercel.app",
	"https://a\xc3\xa9.vercel.app",
	"https://a\xff.vercel.app",
	"https://*.vercel.app",
	"https://%2e.vercel.app",
	"https://todo-.pages.example:8443",
	"https://todo-a-.pages.example:8443",
	"https://todo-a.b.pages.example:8443",
	"https://todo-1.pages.example",
	"https://todo-1.pages.example:84430",
	"https://"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	".vercel.app",
};

static const char *const malformed[] = {
	"*",
	"null",
	"localhost",
	"localhost:3000",
	"//localhost",
	"http:/localhost",
	"http//localhost",
	"://localhost",
	"1http://localhost",
	"http://",
	"http:///",
	"http://localhost/",
	"http://localhost:3000/app",
	"http://localhost?x",
	"http://localhost#x",
	"http://user@localhost",
	"http://localhost:",
	"http://localhost:0",
	"http://localhost:080",
	"http://localhost:65536",
	"http://localhost:999999",
	"http://localhost:*",
	"http://localhost:80x",
	"http://a..b",
	"http://.a",
	"http://a.",
	"http://-a",
	"http://a-",
	"http://a b",
	"http://m\xc3\xbcnchen.example",
	"http://[::1",
	"http://[]",
	"http://[::g]",
	"http://[::1]x",
	"http://::1",
	"*://a.b",
	"https://*",
	"https://*:3000",
	"https://a.*",
	"https://*.*.example",
	"https://**.example",
	"https://a.example https://b.example",
	"https://a.example;https://b.example",
	"https://good.example,bad",
};

static struct cors *parse(struct text text)
{
	struct cors *cors = NULL;
	char problem[256] = "";

	if (cors_new(text, &cors, problem, sizeof(problem)) != ERR_OK)
		bail_out("%s", problem);
	return cors;
}

static void test_lists(void)
{
	struct cors *cors = parse(text_of(list));
	char name[160];

	for (size_t i = 0; i < LENGTH(listed); i++)
		ok(cors_is_listed(cors, text_of(listed[i])), listed[i]);
	for (size_t i = 0; i < LENGTH(unlisted); i++) {
		(void)snprintf(name, sizeof(name), "origin %zu is not listed",
			       i);
		if (!ok(!cors_is_listed(cors, text_of(unlisted[i])), name))
			diag("%s", unlisted[i]);
	}
	ok(!cors_is_listed(cors, TEXT("http://localhost:3000\0")),
	   "a NUL does not end an origin");
	cors_free(&cors);
	ok(cors == NULL, "a freed list is gone");
	cors_free(&cors);

	cors = parse((struct text){ NULL, 0 });
	ok(!cors_is_listed(cors, TEXT("")) &&
		   !cors_is_listed(cors, TEXT("http://localhost:3000")),
	   "an empty list lists nothing");
	cors_free(&cors);
	cors = parse(TEXT(" , ,"));
	ok(!cors_is_listed(cors, TEXT("")), "empty entries list nothing");
	cors_free(&cors);
}

static void test_malformed(void)
{
	for (size_t i = 0; i < LENGTH(malformed); i++) {
		struct cors *cors = NULL;
		char problem[256] = "";
		enum err err = cors_new(text_of(malformed[i]), &cors, problem,
					sizeof(problem));
		char name[64];

		(void)snprintf(name, sizeof(name), "list %zu is refused", i);
		if (!ok(err == ERR_INVALID && cors == NULL, name))
			diag("%s", malformed[i]);
		ok(strncmp(problem, "the origin \"", 12) == 0 &&
			   strlen(problem) > 20,
		   "and the problem is named");
		cors_free(&cors);
	}
}

/* "name: value\n" of each header. */
static const char *headers_of(const struct http_response *response)
{
	static char text[2048];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < response->header_count; i++) {
		const struct http_header *header = &response->headers[i];

		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"%.*s: %.*s\n", (int)header->name.len,
					header->name.ptr,
					(int)header->value.len,
					header->value.ptr);
	}
	return text;
}

static void test_headers(void)
{
	struct cors *cors = parse(text_of(list));
	struct http_response response = { .status = 200 };

	cors_add_headers(cors, TEXT("HTTP://localhost:3000"), &response);
	is_string(headers_of(&response),
		  "Vary: Origin\n"
		  "Access-Control-Allow-Origin: HTTP://localhost:3000\n"
		  "Access-Control-Allow-Credentials: true\n"
		  "Access-Control-Expose-Headers: WWW-Authenticate, "
		  "Retry-After, Location, X-Request-Id, ETag, Link, "
		  "X-Total-Count, RateLimit, RateLimit-Policy\n",
		  "a listed origin may read the response");
	response.header_count = 0;
	cors_add_headers(cors, TEXT("https://evil.example"), &response);
	is_string(headers_of(&response), "Vary: Origin\n",
		  "an unlisted origin gets only Vary");
	response.header_count = 0;
	cors_add_headers(cors, (struct text){ NULL, 0 }, &response);
	is_string(headers_of(&response), "Vary: Origin\n",
		  "an absent origin gets only Vary");
	cors_free(&cors);
}

/* What a preflight with these headers gets; NULL leaves one out. */
static void preflight(const char *origin, const char *method,
		      const char *headers, int status, const char *answer,
		      const char *name)
{
	struct cors *cors = parse(text_of(list));
	struct http_header sent[3];
	struct http_request request = { .method = HTTP_OPTIONS,
					.headers = sent };
	struct http_response response = { .status = 0 };
	const char *detail = "unset";

	if (origin != NULL)
		sent[request.header_count++] =
			(struct http_header){ TEXT("origin"), text_of(origin) };
	if (method != NULL)
		sent[request.header_count++] = (struct http_header){
			TEXT("access-control-request-method"), text_of(method)
		};
	if (headers != NULL)
		sent[request.header_count++] = (struct http_header){
			TEXT("access-control-request-headers"), text_of(headers)
		};
	is_int(cors_preflight(cors, &request, &response, &detail), status,
	       name);
	is_string(status == 204 ? headers_of(&response) : detail, answer, name);
	ok(status == 204 ? detail == NULL : response.header_count == 0, name);
	cors_free(&cors);
}

#define METHODS                                                             \
	"Access-Control-Allow-Methods: DELETE, GET, HEAD, OPTIONS, PATCH, " \
	"POST, PUT\n"
#define MAX_AGE "Access-Control-Max-Age: 600\n"

static void test_preflight(void)
{
	static const char origin[] = "http://localhost:3000";
	static const char *const bad_lists[] = {
		"a b",	"a,b c", "a,\n,b",   "a\nb",
		"a: b", "(a)",	 "\xc3\xa9", "a\x7f",
	};
	static char long_list[1100];

	preflight(origin, "POST", "authorization,content-type", 204,
		  METHODS "Access-Control-Allow-Headers: "
			  "authorization,content-type\n" MAX_AGE,
		  "a preflight echoes the headers");
	preflight(origin, "DELETE", NULL, 204, METHODS MAX_AGE,
		  "a preflight may ask for no headers");
	preflight("https://x.vercel.app", "PATCH", " X-A , x-b ", 204,
		  METHODS "Access-Control-Allow-Headers: X-A , x-b\n" MAX_AGE,
		  "a pattern's origin may ask");
	preflight(origin, "GET", "", 204, METHODS MAX_AGE,
		  "an empty list of headers is none");
	preflight(origin, "GET", "a,,b", 204,
		  METHODS "Access-Control-Allow-Headers: a,,b\n" MAX_AGE,
		  "an empty element of the list is ignored");
	preflight(origin, "GET", ",a, ", 204,
		  METHODS "Access-Control-Allow-Headers: ,a,\n" MAX_AGE,
		  "so is one at an end");
	preflight(origin, "GET", ", ,", 204, METHODS MAX_AGE,
		  "a list of empty elements is none");
	preflight("https://evil.example", "POST", NULL, 400,
		  "Disallowed CORS origin", "an unlisted origin is refused");
	preflight(NULL, "POST", NULL, 400, "Disallowed CORS origin",
		  "no origin is refused");
	preflight("null", "POST", NULL, 400, "Disallowed CORS origin",
		  "null is refused");
	preflight(origin, "TRACE", NULL, 400, "Disallowed CORS method",
		  "an unlisted method is refused");
	preflight(origin, "get", NULL, 400, "Disallowed CORS method",
		  "methods are case-sensitive");
	preflight(origin, "", NULL, 400, "Disallowed CORS method",
		  "an empty method is refused");
	preflight(origin, NULL, NULL, 400, "Disallowed CORS method",
		  "no method is refused");
	for (size_t i = 0; i < LENGTH(bad_lists); i++)
		preflight(origin, "GET", bad_lists[i], 400,
			  "Disallowed CORS headers",
			  "a malformed list of headers is refused");
	memset(long_list, 'x', 1024);
	long_list[1024] = 'x';
	preflight(origin, "GET", long_list, 400, "Disallowed CORS headers",
		  "a long list of headers is refused");
}

static void test_origin_of(void)
{
	static const struct {
		const char *url, *origin;
	} cases[] = {
		{ "https://a.example", "https://a.example" },
		{ "https://a.example/", "https://a.example" },
		{ "https://a.example:8443/app/?x#y", "https://a.example:8443" },
		{ "https://a.example?x", "https://a.example" },
		{ "https://a.example#x", "https://a.example" },
		{ "a.example/app", "a.example/app" },
		{ "", "" },
	};

	for (size_t i = 0; i < LENGTH(cases); i++)
		is_text(cors_origin_of(text_of(cases[i].url)),
			text_of(cases[i].origin), cases[i].url);
}

int main(void)
{
	test_lists();
	test_malformed();
	test_headers();
	test_preflight();
	test_origin_of();
	return tap_done();
}
