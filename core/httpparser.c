/*
 * The parser is a loop over steps, one for each state.  A step reads what it
 * can and says whether the next state's may go on.
 */
#include "config.h"

#include "core/httpparser.h"

#include <string.h>

#include "core/httpchars.h"

#define VERSION_CHARS (sizeof("HTTP/1.1\r\n") - 1)

_Static_assert(2 * HTTPPARSER_FIELDS_MAX_BYTES + 64 < UINT16_MAX,
	       "offsets into a head must fit, a line too long included");

void httpparser_init(struct httpparser *parser)
{
	/* The fields, which are large, stay as they are. */
	memset(parser, 0, offsetof(struct httpparser, fields));
	parser->method = HTTP_OTHER;
	parser->minor = 1;
}

/* No further byte is read. */
static bool refuse(struct httpparser *parser, int status)
{
	if (parser->refusal == 0)
		parser->refusal = status;
	parser->persists = false;
	parser->next_at = parser->at;
	parser->state = HTTPPARSER_END;
	return false;
}

static struct text text_at(const struct buffer *bytes, size_t at, size_t len)
{
	if (len == 0)
		return (struct text){ NULL, 0 };
	return (struct text){ bytes->ptr + at, len };
}

static bool enter(struct httpparser *parser, enum httpparser_state state)
{
	parser->state = state;
	return true;
}

/* The byte at parser->at, which is there, must be c. */
static bool take(struct httpparser *parser, const struct buffer *bytes, char c,
		 enum httpparser_state state)
{
	if (bytes->ptr[parser->at] != c)
		return refuse(parser, 400);
	parser->at++;
	return enter(parser, state);
}

/* --- the request line ---------------------------------------------------- */

/* Where the line must have ended.  When it has not, the rest of the head is
 * looked through all the same, for an Origin. */
static size_t line_limit(const struct httpparser *parser)
{
	return parser->begin + (parser->refusal == 0 ?
					HTTPPARSER_LINE_MAX_BYTES :
					HTTPPARSER_FIELDS_MAX_BYTES);
}

/* Skips bytes of a class up to limit; false: there is no byte after them. */
static bool skip(struct httpparser *parser, const struct buffer *bytes,
		 enum httpchars_class class, size_t limit)
{
	size_t end = bytes->len < limit ? bytes->len : limit;

	parser->at = class == HTTPCHARS_VALUE ?
			     httpchars_skip_value(bytes->ptr, parser->at, end) :
			     httpchars_skip(class, bytes->ptr, parser->at, end);
	return parser->at < end;
}

static bool read_blank(struct httpparser *parser, const struct buffer *bytes)
{
	if (!parser->has_blank && bytes->ptr[parser->at] == '\r') {
		parser->has_blank = true;
		parser->at++;
		return enter(parser, HTTPPARSER_BLANK_LF);
	}
	parser->begin = parser->at;
	return enter(parser, HTTPPARSER_METHOD);
}

static bool read_blank_lf(struct httpparser *parser, const struct buffer *bytes)
{
	return take(parser, bytes, '\n', HTTPPARSER_BLANK);
}

static void note_method(struct httpparser *parser, struct text name)
{
	static const enum http_method methods[] = { HTTP_GET,	 HTTP_POST,
						    HTTP_PATCH,	 HTTP_PUT,
						    HTTP_DELETE, HTTP_OPTIONS,
						    HTTP_HEAD };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (text_is_equal(name,
				  text_of(http_method_name(methods[i])))) {
			parser->method = methods[i];
			return;
		}
	}
	parser->is_connect = text_is_equal(name, TEXT("CONNECT"));
}

static bool read_method(struct httpparser *parser, const struct buffer *bytes)
{
	size_t limit = line_limit(parser);

	if (!skip(parser, bytes, HTTPCHARS_TOKEN, limit))
		return parser->at == limit ? refuse(parser, 501) : false;
	if (parser->at == parser->begin || bytes->ptr[parser->at] != ' ')
		return refuse(parser, 400);
	note_method(parser,
		    text_at(bytes, parser->begin, parser->at - parser->begin));
	parser->target_at = ++parser->at;
	return enter(parser, HTTPPARSER_TARGET);
}

static bool read_target(struct httpparser *parser, const struct buffer *bytes)
{
	size_t limit = line_limit(parser);

	if (!skip(parser, bytes, HTTPCHARS_TARGET, limit)) {
		if (parser->at < limit)
			return false;
		if (parser->refusal != 0)
			return refuse(parser, 414);
		parser->refusal = 414;
		return true;
	}
	parser->target_len = parser->at - parser->target_at;
	if (parser->target_len == 0)
		return refuse(parser, 400);
	return take(parser, bytes, ' ', HTTPPARSER_VERSION);
}

static bool end_line(struct httpparser *parser, const struct buffer *bytes)
{
	const char *version = bytes->ptr + parser->at - VERSION_CHARS;

	if (parser->at - 2 > line_limit(parser))
		parser->refusal = 414;
	/* It looks like ours, and may have an Origin. */
	if (version[5] != '1' && parser->refusal == 0)
		parser->refusal = 505;
	parser->minor = version[7] != '0';
	parser->begin = parser->at;
	return enter(parser, HTTPPARSER_FIELD);
}

static bool read_version(struct httpparser *parser, const struct buffer *bytes)
{
	static const char expected[] = "HTTP/0.0\r\n"; /* 0: any digit */
	size_t i = parser->at - (parser->target_at + parser->target_len + 1);

	while (parser->at < bytes->len && i < VERSION_CHARS) {
		char c = bytes->ptr[parser->at];

		if (expected[i] == '0' ? c < '0' || c > '9' : c != expected[i])
			return refuse(parser, 400);
		parser->at++;
		i++;
	}
	return i == VERSION_CHARS ? end_line(parser, bytes) : false;
}

/* --- the fields ---------------------------------------------------------- */

static struct text value_of(const struct httpparser *parser,
			    const struct buffer *bytes, size_t field)
{
	return text_at(bytes, parser->fields[field].value_at,
		       parser->fields[field].value_len);
}

static void note_connection(struct httpparser *parser, struct text list)
{
	bool is_last = false;

	while (!is_last) {
		size_t comma = text_find_byte(list, ',');
		struct text word = text_trim_blank(text_slice(list, 0, comma));

		is_last = comma == list.len;
		if (text_is_equal_nocase(word, TEXT("close")))
			parser->wants_close = true;
		if (text_is_equal_nocase(word, TEXT("keep-alive")))
			parser->wants_keep = true;
		list = text_slice(list, comma + 1, list.len);
	}
}

static void note_expect(struct httpparser *parser, struct text value)
{
	if (text_is_equal_nocase(value, TEXT("100-continue")))
		parser->is_continuable = true;
	else
		parser->expects_other = true;
}

/* What the framing and the life of the connection depend on.  Their lengths
 * tell them apart. */
static void note_field(struct httpparser *parser, const struct buffer *bytes,
		       size_t field)
{
	struct text name = text_at(bytes, parser->fields[field].name_at,
				   parser->fields[field].name_len);
	struct text value = value_of(parser, bytes, field);

	if (name.len == 4 && text_is_equal_nocase(name, TEXT("Host"))) {
		parser->hosts++;
		parser->host = field;
	} else if (name.len == 6 &&
		   text_is_equal_nocase(name, TEXT("Expect"))) {
		note_expect(parser, value);
	} else if (name.len == 10 &&
		   text_is_equal_nocase(name, TEXT("Connection"))) {
		note_connection(parser, value);
	} else if (name.len == 14 &&
		   text_is_equal_nocase(name, TEXT("Content-Length"))) {
		parser->lengths++;
		parser->length_field = field;
	} else if (name.len == 17 &&
		   text_is_equal_nocase(name, TEXT("Transfer-Encoding"))) {
		parser->encodings++;
		parser->encoding = field;
	}
}

static size_t fields_limit(const struct httpparser *parser)
{
	return parser->begin + HTTPPARSER_FIELDS_MAX_BYTES;
}

/* After a skip that met no other byte: waits for more, if there may be. */
static bool wait_for_field(struct httpparser *parser)
{
	if (parser->at == fields_limit(parser))
		return refuse(parser, 431);
	return false;
}

static bool read_field(struct httpparser *parser, const struct buffer *bytes)
{
	char c = bytes->ptr[parser->at];

	if (parser->at == fields_limit(parser))
		return refuse(parser, 431);
	if (c == '\r') {
		parser->at++;
		return enter(parser, HTTPPARSER_HEAD_LF);
	}
	if (parser->field_count == HTTPPARSER_FIELDS_MAX)
		return refuse(parser, 431);
	parser->fields[parser->field_count].name_at = (uint16_t)parser->at;
	return enter(parser, HTTPPARSER_NAME);
}

static bool read_name(struct httpparser *parser, const struct buffer *bytes)
{
	struct httpparser_field *field = &parser->fields[parser->field_count];

	if (!skip(parser, bytes, HTTPCHARS_TOKEN, fields_limit(parser)))
		return wait_for_field(parser);
	field->name_len = (uint16_t)(parser->at - field->name_at);
	if (field->name_len == 0)
		return refuse(parser, 400);
	return take(parser, bytes, ':', HTTPPARSER_VALUE_BLANK);
}

static bool read_value_blank(struct httpparser *parser,
			     const struct buffer *bytes)
{
	size_t limit = fields_limit(parser);
	size_t end = bytes->len < limit ? bytes->len : limit;
	size_t at = parser->at;

	while (at < end && (bytes->ptr[at] == ' ' || bytes->ptr[at] == '\t'))
		at++;
	parser->at = at;
	if (at == end)
		return wait_for_field(parser);
	parser->fields[parser->field_count].value_at = (uint16_t)at;
	return enter(parser, HTTPPARSER_VALUE);
}

static bool read_value(struct httpparser *parser, const struct buffer *bytes)
{
	struct httpparser_field *field = &parser->fields[parser->field_count];
	struct text value;

	if (!skip(parser, bytes, HTTPCHARS_VALUE, fields_limit(parser)))
		return wait_for_field(parser);
	value = text_trim_blank(
		text_at(bytes, field->value_at, parser->at - field->value_at));
	field->value_len = (uint16_t)value.len;
	return take(parser, bytes, '\r', HTTPPARSER_VALUE_LF);
}

static bool read_value_lf(struct httpparser *parser, const struct buffer *bytes)
{
	if (parser->at == fields_limit(parser))
		return refuse(parser, 431);
	if (!take(parser, bytes, '\n', HTTPPARSER_FIELD))
		return false;
	note_field(parser, bytes, parser->field_count++);
	return true;
}

/* --- the end of the head ------------------------------------------------- */

/* "http://host/path?query" (RFC 9112, 3.2.2) reduced to path and query; the
 * host is kept apart. */
static bool reduce_absolute(struct httpparser *parser, struct buffer *bytes)
{
	struct text target =
		text_at(bytes, parser->target_at, parser->target_len);
	size_t colon = text_find_byte(target, ':');
	struct text scheme = text_slice(target, 0, colon);
	struct text host;
	size_t end = colon + 3;

	if (!target.ptr || (!text_is_equal_nocase(scheme, TEXT("http")) &&
			    !text_is_equal_nocase(scheme, TEXT("https"))))
		return false;
	if (!text_has_prefix(text_slice(target, colon, 3), TEXT("://")))
		return false;
	while (end < target.len && target.ptr[end] != '/' &&
	       target.ptr[end] != '?')
		end++;
	host = text_slice(target, colon + 3, end - (colon + 3));
	if (host.len == 0 || host.ptr[0] == ':' || !httpchars_is_host(host))
		return false;
	parser->authority_at = parser->target_at + colon + 3;
	parser->authority_len = host.len;
	/* Without a path it is "/", for which the host makes room. */
	if (end == target.len || target.ptr[end] == '?') {
		memmove(bytes->ptr + parser->authority_at - 1,
			bytes->ptr + parser->authority_at, host.len);
		parser->authority_at--;
		end--;
		bytes->ptr[parser->target_at + end] =
			end + 1 == target.len &&
					parser->method == HTTP_OPTIONS ?
				'*' :
				'/';
	}
	parser->target_at += end;
	parser->target_len -= end;
	return true;
}

static bool settle_target(struct httpparser *parser, struct buffer *bytes)
{
	struct text target =
		text_at(bytes, parser->target_at, parser->target_len);

	/* Its own form: the host and port to connect to (3.2.3). */
	if (parser->is_connect)
		return httpchars_is_destination(target);
	if (target.ptr[0] == '/')
		return true;
	if (text_is_equal(target, TEXT("*")))
		return parser->method == HTTP_OPTIONS;
	return reduce_absolute(parser, bytes);
}

static bool has_good_host(const struct httpparser *parser,
			  const struct buffer *bytes)
{
	if (parser->hosts == 0)
		return parser->minor == 0;
	return parser->hosts == 1 &&
	       httpchars_is_host(value_of(parser, bytes, parser->host));
}

static bool ends_in_chunked(struct text list)
{
	struct text last = list;

	while (text_find_byte(last, ',') < last.len)
		last = text_slice(last, text_find_byte(last, ',') + 1,
				  last.len);
	return text_is_equal_nocase(text_trim_blank(last), TEXT("chunked"));
}

/* 0, or why the body's end is not certain (RFC 9112, 6.1 and 6.3). */
static int encoding_problem(const struct httpparser *parser,
			    const struct buffer *bytes)
{
	struct text list = value_of(parser, bytes, parser->encoding);
	size_t first = text_find_byte(list, ',');

	if (parser->encodings > 1 || parser->lengths > 0 || parser->minor == 0)
		return 400;
	if (text_is_equal_nocase(list, TEXT("chunked")))
		return 0;
	/* Chunked twice, or not at the end: nobody knows where that is. */
	if (!ends_in_chunked(list) || first == list.len ||
	    text_is_equal_nocase(text_trim_blank(text_slice(list, 0, first)),
				 TEXT("chunked")))
		return 400;
	return 501;
}

/* False: there is something else than digits.  What does not fit is the
 * greatest. */
static bool read_number(struct text text, size_t *number)
{
	size_t value = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c < '0' || c > '9')
			return false;
		value = value > (SIZE_MAX - 9) / 10 ?
				SIZE_MAX :
				value * 10 + (size_t)(c - '0');
	}
	*number = value;
	return text.len > 0;
}

static bool finish(struct httpparser *parser, size_t next_at)
{
	parser->at = next_at;
	parser->next_at = next_at;
	parser->state = HTTPPARSER_END;
	return false;
}

static bool finish_too_large(struct httpparser *parser, size_t next_at)
{
	parser->is_body_too_large = true;
	parser->is_continuable = false;
	parser->persists = false;
	parser->body_len = 0;
	return finish(parser, next_at);
}

static bool begin_body(struct httpparser *parser)
{
	parser->body_at = parser->at;
	if (parser->encodings > 0) {
		httpchunks_init(&parser->chunks);
		return enter(parser, HTTPPARSER_CHUNKS);
	}
	if (parser->length > HTTP_BODY_MAX_BYTES)
		return finish_too_large(parser, parser->at);
	if (parser->length == 0)
		parser->is_continuable = false;
	return enter(parser, HTTPPARSER_LENGTH);
}

static bool judge_head(struct httpparser *parser, struct buffer *bytes)
{
	int problem = 0;

	parser->persists = !parser->is_connect && !parser->wants_close &&
			   (parser->minor == 1 || parser->wants_keep);
	/* An older client does not wait (RFC 9110, 10.1.1). */
	if (parser->minor == 0)
		parser->is_continuable = false;
	if (parser->refusal != 0)
		return refuse(parser, parser->refusal);
	if (!has_good_host(parser, bytes) || !settle_target(parser, bytes))
		return refuse(parser, 400);
	if (parser->encodings > 0)
		problem = encoding_problem(parser, bytes);
	else if (parser->lengths > 1 ||
		 (parser->lengths == 1 &&
		  !read_number(value_of(parser, bytes, parser->length_field),
			       &parser->length)))
		problem = 400;
	if (problem == 0 && parser->expects_other && parser->minor == 1)
		problem = 417;
	if (problem != 0)
		return refuse(parser, problem);
	return begin_body(parser);
}

static bool read_head_lf(struct httpparser *parser, struct buffer *bytes)
{
	if (parser->at == fields_limit(parser))
		return refuse(parser, 431);
	if (bytes->ptr[parser->at] != '\n')
		return refuse(parser, 400);
	parser->at++;
	return judge_head(parser, bytes);
}

/* --- the body ------------------------------------------------------------ */

static bool read_length(struct httpparser *parser, const struct buffer *bytes)
{
	size_t here = bytes->len - parser->body_at;

	if (here < parser->length) {
		parser->at = bytes->len;
		return false;
	}
	parser->body_len = parser->length;
	return finish(parser, parser->body_at + parser->length);
}

static bool read_chunks(struct httpparser *parser, struct buffer *bytes)
{
	struct httpchunks_span span = {
		.write = parser->body_at + parser->body_len,
		.read = parser->at,
		.end = bytes->len,
		.data_max_bytes = HTTP_BODY_MAX_BYTES - parser->body_len,
	};

	httpchunks_run(&parser->chunks, bytes->ptr, &span);
	parser->body_len = span.write - parser->body_at;
	parser->at = span.read;
	if (parser->chunks.state == HTTPCHUNKS_DONE)
		return finish(parser, span.read);
	if (parser->chunks.state == HTTPCHUNKS_TOO_LARGE)
		return finish_too_large(parser, span.read);
	if (parser->chunks.state == HTTPCHUNKS_REFUSED)
		return refuse(parser, parser->chunks.status);
	/* All was read: what was wrapping is forgotten. */
	bytes->len = span.write;
	parser->at = span.write;
	return false;
}

/* --- all of it ----------------------------------------------------------- */

static bool step(struct httpparser *parser, struct buffer *bytes)
{
	switch (parser->state) {
	case HTTPPARSER_BLANK:
		return read_blank(parser, bytes);
	case HTTPPARSER_BLANK_LF:
		return read_blank_lf(parser, bytes);
	case HTTPPARSER_METHOD:
		return read_method(parser, bytes);
	case HTTPPARSER_TARGET:
		return read_target(parser, bytes);
	case HTTPPARSER_VERSION:
		return read_version(parser, bytes);
	case HTTPPARSER_FIELD:
		return read_field(parser, bytes);
	case HTTPPARSER_NAME:
		return read_name(parser, bytes);
	case HTTPPARSER_VALUE_BLANK:
		return read_value_blank(parser, bytes);
	case HTTPPARSER_VALUE:
		return read_value(parser, bytes);
	case HTTPPARSER_VALUE_LF:
		return read_value_lf(parser, bytes);
	case HTTPPARSER_HEAD_LF:
		return read_head_lf(parser, bytes);
	case HTTPPARSER_LENGTH:
		return read_length(parser, bytes);
	case HTTPPARSER_CHUNKS:
		return read_chunks(parser, bytes);
	case HTTPPARSER_END:
		break;
	}
	return false;
}

static enum httpparser_stage stage_of(const struct httpparser *parser)
{
	if (parser->state <= HTTPPARSER_BLANK_LF)
		return HTTPPARSER_NOTHING;
	if (parser->state == HTTPPARSER_END)
		return HTTPPARSER_DONE;
	return parser->state < HTTPPARSER_LENGTH ? HTTPPARSER_HEAD :
						   HTTPPARSER_BODY;
}

enum httpparser_stage httpparser_run(struct httpparser *parser,
				     struct buffer *bytes)
{
	/* An empty body is there before its first byte. */
	while (parser->at < bytes->len || parser->state == HTTPPARSER_LENGTH)
		if (!step(parser, bytes))
			break;
	return stage_of(parser);
}

void httpparser_refuse(struct httpparser *parser, int status)
{
	(void)refuse(parser, status);
}

void httpparser_request(const struct httpparser *parser,
			const struct buffer *bytes, struct http_header *headers,
			struct http_request *request)
{
	for (size_t i = 0; i < parser->field_count; i++) {
		const struct httpparser_field *field = &parser->fields[i];

		headers[i].name =
			text_at(bytes, field->name_at, field->name_len);
		headers[i].value = value_of(parser, bytes, i);
	}
	request->method = parser->method;
	request->target = text_at(bytes, parser->target_at, parser->target_len);
	if (parser->refusal != 0)
		request->target = TEXT("/");
	request->authority =
		text_at(bytes, parser->authority_at, parser->authority_len);
	request->headers = headers;
	request->header_count = parser->field_count;
	request->body = text_at(bytes, parser->body_at, parser->body_len);
	request->is_body_too_large = parser->is_body_too_large;
}
