/* Printing requests. */
#include "config.h"

#include "tests/support/httpwriter.h"

#include <stdarg.h>
#include <stdio.h>

static void print(struct buffer *out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void print(struct buffer *out, const char *format, ...)
{
	char text[256];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buffer_append(out, text, (size_t)len);
}

/* Fields that say how long the body is, or that its sender waits. */
static bool is_framing(struct text name)
{
	return text_is_equal_nocase(name, TEXT("Content-Length")) ||
	       text_is_equal_nocase(name, TEXT("Transfer-Encoding")) ||
	       text_is_equal_nocase(name, TEXT("Expect"));
}

static void write_fields(const struct http_request *request,
			 enum httpwriter_framing framing, struct buffer *out)
{
	for (size_t i = 0; i < request->header_count; i++) {
		const struct http_header *header = &request->headers[i];

		if (framing == HTTPWRITER_UNFRAMED && is_framing(header->name))
			continue;
		buffer_append_text(out, header->name);
		buffer_append_text(out, TEXT(":"));
		buffer_append_text(out, header->value);
		buffer_append_text(out, TEXT("\r\n"));
	}
}

void httpwriter_describe(const struct httpparser *parser,
			 const struct buffer *bytes,
			 enum httpwriter_framing framing, struct buffer *out)
{
	struct http_header headers[HTTPPARSER_FIELDS_MAX];
	struct http_request request;

	if (parser->state != HTTPPARSER_END)
		return;
	httpparser_request(parser, bytes, headers, &request);
	print(out, "%d %d 1.%d %s %d ", parser->refusal, parser->persists,
	      parser->minor, http_method_name(request.method),
	      request.is_body_too_large);
	buffer_append_text(out, request.target);
	buffer_append_text(out, TEXT("\r\n"));
	write_fields(&request, framing, out);
	print(out, "%zu ", request.body.len);
	buffer_append_text(out, request.body);
}

void httpwriter_request(const struct httpparser *parser,
			const struct buffer *bytes, struct buffer *out)
{
	struct http_header headers[HTTPPARSER_FIELDS_MAX];
	struct http_request request;
	const char *method;

	httpparser_request(parser, bytes, headers, &request);
	method = http_method_name(request.method);
	if (request.method == HTTP_OTHER)
		method = parser->is_connect ? "CONNECT" : "X";
	print(out, "%s ", method);
	buffer_append_text(out, request.target);
	print(out, " HTTP/1.%d\r\n", parser->minor);
	write_fields(&request, HTTPWRITER_UNFRAMED, out);
	if (parser->lengths + parser->encodings > 0)
		print(out, "Content-Length:%zu\r\n", request.body.len);
	buffer_append_text(out, TEXT("\r\n"));
	buffer_append_text(out, request.body);
}
