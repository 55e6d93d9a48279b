/* The head of an answer, in one piece. */
#include "config.h"

#include "daemon/responsehead.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <string.h>

#include "core/http.h"
#include "daemon/reserve.h"
#include "tests/support/tap.h"

#define DATE "Wed, 25 Nov 2026 13:25:22 GMT"

static struct evhttp_request *request_new(void)
{
	struct evhttp_request *request = evhttp_request_new(NULL, NULL);

	if (!request)
		bail_out("no memory");
	return request;
}

static void test_section(void)
{
	struct evhttp_request *request = request_new();
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct http_response response = { .status = 200 };

	http_response_header(&response, TEXT("Vary"), TEXT("Origin"));
	http_response_header(&response, TEXT("X-Request-Id"), TEXT("a-1"));
	http_response_header(&response, TEXT("Vary"), TEXT("Accept"));
	responsehead_put(headers, &response, DATE);
	is_string(evhttp_find_header(headers, "Date"),
		  DATE "\r\nVary: Origin\r\nX-Request-Id: a-1\r\nVary: Accept",
		  "Date comes first, the others in their order");
	responsehead_put_length(headers, 12345);
	is_string(evhttp_find_header(headers, "content-length"), "12345",
		  "which evhttp finds");
	evhttp_request_free(request);
}

static void test_none(void)
{
	struct evhttp_request *request = request_new();
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct http_response response = { .status = 204 };

	responsehead_put(headers, &response, DATE);
	is_string(evhttp_find_header(headers, "Date"), DATE, "as the date");
	evhttp_request_free(request);
}

static void test_splitting(void)
{
	static const struct text bad[] = {
		TEXT("/x\r\nSet-Cookie: a=b"),
		TEXT("/x\nb"),
		TEXT("/x\rb"),
		TEXT("/x\0b"),
		TEXT("/x\x7f"),
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct evhttp_request *request = request_new();
		struct evkeyvalq *headers =
			evhttp_request_get_output_headers(request);
		struct http_response response = { .status = 307 };

		http_response_header(&response, TEXT("Location"), bad[i]);
		http_response_header(&response, TEXT("Vary"), TEXT("a\tb"));
		responsehead_put(headers, &response, DATE);
		is_string(evhttp_find_header(headers, "Date"),
			  DATE "\r\nVary: a\tb",
			  "a header that would split the head is left out");
		evhttp_request_free(request);
	}
}

int main(void)
{
	/* As in a worker: libevent frees what it is given. */
	reserve_init();
	test_section();
	test_none();
	test_splitting();
	return tap_done();
}
