/* Requests whose end is not certain. */
#include "config.h"

#include "daemon/framing.h"

#include "core/http.h"
#include "tests/support/tap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define HEADERS_MAX   3

static const struct {
	const char *name;
	enum http_method method;
	int minor;
	const char *headers[HEADERS_MAX][2];
	int problem;
} cases[] = {
	{ "no body at all", HTTP_GET, 1, { { "Host", "x" } }, 0 },
	{ "a length", HTTP_POST, 1, { { "Content-Length", "3" } }, 0 },
	{ "chunks", HTTP_POST, 1, { { "transfer-encoding", "Chunked" } }, 0 },
	{ "two lengths",
	  HTTP_POST,
	  1,
	  { { "Content-Length", "3" }, { "content-length", "3" } },
	  400 },
	{ "a length and chunks",
	  HTTP_POST,
	  1,
	  { { "Content-Length", "3" }, { "Transfer-Encoding", "chunked" } },
	  400 },
	{ "two encodings",
	  HTTP_POST,
	  1,
	  { { "Transfer-Encoding", "gzip" },
	    { "Transfer-Encoding", "chunked" } },
	  400 },
	{ "an unknown encoding",
	  HTTP_POST,
	  1,
	  { { "Transfer-Encoding", "gzip" } },
	  501 },
	{ "encodings in one line",
	  HTTP_POST,
	  1,
	  { { "Transfer-Encoding", "gzip, chunked" } },
	  501 },
	{ "chunks in HTTP/1.0",
	  HTTP_POST,
	  0,
	  { { "Transfer-Encoding", "chunked" } },
	  400 },
	{ "a body of HEAD", HTTP_HEAD, 1, { { "Content-Length", "3" } }, 400 },
	{ "an empty body of HEAD",
	  HTTP_HEAD,
	  1,
	  { { "Content-Length", "0" } },
	  0 },
	{ "a body of TRACE",
	  HTTP_OTHER,
	  1,
	  { { "Transfer-Encoding", "chunked" } },
	  400 },
	{ "a blank before the colon", HTTP_GET, 1, { { "Host ", "x" } }, 400 },
	{ "a header without a name", HTTP_GET, 1, { { "", "x" } }, 400 },
	{ "a name with a control", HTTP_GET, 1, { { "a\tb", "x" } }, 400 },
	{ "a name with odd but legal characters",
	  HTTP_GET,
	  1,
	  { { "x!#$%&'*+-.^_`|~9", "x" } },
	  0 },
};

static const struct {
	const char *value;
	bool wants_close;
} connections[] = {
	{ "close", true },
	{ "Close", true },
	{ "keep-alive, close", true },
	{ "te , CLOSE\t", true },
	{ "keep-alive", false },
	{ "closed", false },
	{ "not close", false },
	{ "", false },
};

static void fill(const char *const headers[HEADERS_MAX][2],
		 struct http_header *out, struct http_request *request)
{
	request->headers = out;
	request->header_count = 0;
	for (size_t i = 0; i < HEADERS_MAX && headers[i][0]; i++) {
		out[i].name = text_of(headers[i][0]);
		out[i].value = text_of(headers[i][1]);
		request->header_count++;
	}
}

int main(void)
{
	struct http_header headers[HEADERS_MAX];
	struct http_request request = { .method = HTTP_GET };

	for (size_t i = 0; i < LENGTH(cases); i++) {
		fill(cases[i].headers, headers, &request);
		request.method = cases[i].method;
		is_int(framing_problem(&request, cases[i].minor),
		       cases[i].problem, cases[i].name);
	}
	for (size_t i = 0; i < LENGTH(connections); i++) {
		const char *const one[HEADERS_MAX][2] = {
			{ "connection", connections[i].value }
		};

		fill(one, headers, &request);
		is_int(framing_wants_close(&request),
		       connections[i].wants_close, connections[i].value);
	}
	return tap_done();
}
