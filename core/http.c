/* Small helpers on requests and responses. */
#include "config.h"

#include "core/http.h"

#include "core/err.h"

struct text http_header_find(const struct http_request *request,
			     struct text name, size_t *count)
{
	struct text value = { NULL, 0 };
	size_t found = 0;

	for (size_t i = 0; i < request->header_count; i++) {
		const struct http_header *header = &request->headers[i];

		if (!text_is_equal_nocase(header->name, name))
			continue;
		if (found++ == 0)
			value = header->value;
	}
	if (count != NULL)
		*count = found;
	return value;
}

void http_response_header(struct http_response *response, struct text name,
			  struct text value)
{
	if (response->header_count >= HTTP_RESPONSE_HEADERS_MAX)
		BUG("too many response headers");
	response->headers[response->header_count++] =
		(struct http_header){ name, value };
}

void http_append_target(struct buffer *out, struct text target)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < target.len; i++) {
		unsigned char byte = (unsigned char)target.ptr[i];
		const char escaped[] = { '%', digits[byte >> 4],
					 digits[byte & 15] };

		if (byte > ' ' && byte < 0x7f)
			buffer_append(out, &target.ptr[i], 1);
		else
			buffer_append(out, escaped, sizeof(escaped));
	}
}

const char *http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 204, "No Content" },
		{ 304, "Not Modified" },
		{ 307, "Temporary Redirect" },
		{ 308, "Permanent Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 411, "Length Required" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "Unknown";
}

const char *http_method_name(enum http_method method)
{
	switch (method) {
	case HTTP_GET:
		return "GET";
	case HTTP_HEAD:
		return "HEAD";
	case HTTP_POST:
		return "POST";
	case HTTP_PUT:
		return "PUT";
	case HTTP_PATCH:
		return "PATCH";
	case HTTP_DELETE:
		return "DELETE";
	case HTTP_OPTIONS:
		return "OPTIONS";
	case HTTP_OTHER:
		break;
	}
	return "?";
}
