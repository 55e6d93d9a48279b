/* Helpers on requests and responses. */
#include "config.h"

#include "core/http.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/tap.h"

static void test_find(void)
{
	static const struct http_header headers[] = {
		{ { "Host", 4 }, { "a", 1 } },
		{ { "X-One", 5 }, { "first", 5 } },
		{ { "x-one", 5 }, { "second", 6 } },
		{ { "X-Empty", 7 }, { "", 0 } },
	};
	const struct http_request request = { .headers = headers,
					      .header_count = 4 };
	size_t count = 99;

	is_text(http_header_find(&request, TEXT("HOST"), NULL), TEXT("a"),
		"a header is found whatever its case");
	is_text(http_header_find(&request, TEXT("X-ONE"), &count),
		TEXT("first"), "the first of several counts");
	is_int(count, 2, "how many there are is told");
	is_text(http_header_find(&request, TEXT("X-Empty"), &count), TEXT(""),
		"a header may be empty");
	is_int(count, 1, "an empty header is there");
	is_text(http_header_find(&request, TEXT("X-On"), &count), TEXT(""),
		"a part of a name is not the name");
	is_int(count, 0, "an absent header is not there");
}

static void test_names(void)
{
	static const enum http_method methods[] = {
		HTTP_GET,   HTTP_HEAD,	 HTTP_POST,    HTTP_PUT,
		HTTP_PATCH, HTTP_DELETE, HTTP_OPTIONS, HTTP_OTHER,
	};
	static const char *const names[] = { "GET",	"HEAD",	 "POST",
					     "PUT",	"PATCH", "DELETE",
					     "OPTIONS", "?" };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		is_string(http_method_name(methods[i]), names[i], names[i]);
	is_string(http_reason(200), "OK", "200 has a phrase");
	is_string(http_reason(422), "Unprocessable Content",
		  "422 has RFC 9110's phrase");
	is_string(http_reason(505), "HTTP Version Not Supported",
		  "505 has a phrase");
	is_string(http_reason(299), "Unknown", "a status never sent has none");
}

static void test_response(void)
{
	struct http_response response = { .status = 200 };

	for (int i = 0; i < HTTP_RESPONSE_HEADERS_MAX; i++)
		http_response_header(&response, TEXT("X"), TEXT("y"));
	is_int(response.header_count, HTTP_RESPONSE_HEADERS_MAX,
	       "a response takes as many headers as promised");
	is_text(response.headers[HTTP_RESPONSE_HEADERS_MAX - 1].value,
		TEXT("y"), "the last one is there");
}

int main(void)
{
	test_find();
	test_names();
	test_response();
	return tap_done();
}
