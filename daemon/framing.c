/* Judging the headers that frame a message. */
#include "config.h"

#include "daemon/framing.h"

#include <stddef.h>

#include "core/http.h"

/* What frames the body. */
struct framing {
	size_t lengths;
	struct text length;
	size_t encodings;
	struct text encoding;
};

static bool is_token(struct text text)
{
	static const struct text others = TEXT("!#$%&'*+-.^_`|~");

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool is_word = (c >= 'a' && c <= 'z') ||
			       (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!is_word && text_find_byte(others, c) == others.len)
			return false;
	}
	return text.len > 0;
}

int framing_problem(const struct http_request *request, int minor)
{
	struct framing found = { .lengths = 0 };

	for (size_t i = 0; i < request->header_count; i++) {
		const struct http_header *header = &request->headers[i];

		if (!is_token(header->name))
			return 400;
		if (text_is_equal_nocase(header->name,
					 TEXT("Content-Length"))) {
			found.lengths++;
			found.length = header->value;
		}
		if (text_is_equal_nocase(header->name,
					 TEXT("Transfer-Encoding"))) {
			found.encodings++;
			found.encoding = header->value;
		}
	}
	if (found.lengths + found.encodings > 1)
		return 400;
	/* evhttp reads no body there and would take it for a request. */
	if (request->method == HTTP_HEAD || request->method == HTTP_OTHER) {
		bool is_empty = found.encodings == 0 &&
				(found.lengths == 0 ||
				 text_is_equal(found.length, TEXT("0")));

		return is_empty ? 0 : 400;
	}
	if (found.encodings > 0 && minor == 0)
		return 400;
	if (found.encodings > 0 &&
	    !text_is_equal_nocase(found.encoding, TEXT("chunked")))
		return 501;
	return 0;
}

/* A list of words between commas has this one. */
static bool has_word(struct text list, struct text word)
{
	bool is_last = false;

	while (!is_last) {
		size_t comma = text_find_byte(list, ',');

		is_last = comma == list.len;
		if (text_is_equal_nocase(
			    text_trim_blank(text_slice(list, 0, comma)), word))
			return true;
		list = text_slice(list, comma + 1, list.len);
	}
	return false;
}

bool framing_wants_close(const struct http_request *request)
{
	for (size_t i = 0; i < request->header_count; i++) {
		const struct http_header *header = &request->headers[i];

		if (text_is_equal_nocase(header->name, TEXT("Connection")) &&
		    has_word(header->value, TEXT("close")))
			return true;
	}
	return false;
}
