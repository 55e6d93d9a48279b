/* Common headers, the error forms, and the end of a call. */
#include "config.h"

#include <string.h>

#include "core/call.h"
#include "core/cors.h"
#include "core/https.h"
#include "core/jsonwriter.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/reply.h"

#define RETRY_AFTER_S "1"

static const struct text json_type = TEXT("application/json");
static const struct text problem_type = TEXT("application/problem+json");

/* Whether the parameters of a media range begin with a weight of zero. */
static bool is_weight_zero(struct text params)
{
	params = text_trim_blank(params);
	if (!text_is_equal_nocase(text_slice(params, 0, 3), TEXT("q=0")))
		return false;
	for (size_t i = 3; i < params.len; i++) {
		if (params.ptr[i] != '.' && params.ptr[i] != '0')
			return false;
	}
	return true;
}

/* Whether one Accept value names the type and does not refuse it. */
static bool accepts(struct text accept, struct text type)
{
	while (accept.len > 0) {
		size_t comma = text_find_byte(accept, ',');
		struct text item = text_slice(accept, 0, comma);
		size_t semicolon = text_find_byte(item, ';');
		struct text range = text_slice(item, 0, semicolon);
		struct text params = text_slice(item, semicolon + 1, item.len);

		if (text_is_equal_nocase(text_trim_blank(range), type))
			return !is_weight_zero(params);
		accept = text_slice(accept, comma + 1, accept.len);
	}
	return false;
}

static bool wants_problem_json(const struct call *call)
{
	const struct http_request *request = &call->exchange->request;

	for (size_t i = 0; i < request->header_count; i++) {
		const struct http_header *header = &request->headers[i];

		if (text_is_equal_nocase(header->name, TEXT("Accept")) &&
		    accepts(header->value, problem_type))
			return true;
	}
	return false;
}

void reply_common_headers(struct call *call, struct http_response *response)
{
	http_response_header(response, TEXT("X-Request-Id"),
			     call->exchange->request_id);
	http_response_header(response, TEXT("X-Content-Type-Options"),
			     TEXT("nosniff"));
	http_response_header(response, TEXT("Cache-Control"), TEXT("no-store"));
	http_response_header(response, TEXT("Referrer-Policy"),
			     TEXT("no-referrer"));
	https_add_header(call, response);
	limits_add_headers(call, response);
	cors_add_headers(call->services->options->cors, call->origin, response);
}

void reply_send(struct call *call, struct http_response *response)
{
	struct http_exchange *exchange = call->exchange;

	reply_common_headers(call, response);
	jsonreader_free(&call->body);
	exchange->ops->send(exchange, response);
}

void reply_json(struct call *call, int status, struct buffer *body)
{
	struct http_response response = { .status = status };

	if (buffer_is_failed(body)) {
		buffer_release(body);
		reply_err(call, ERR_NO_MEMORY);
		return;
	}
	buffer_move(&response.body, body);
	http_response_header(&response, TEXT("Content-Type"), json_type);
	reply_send(call, &response);
}

void reply_constant(struct call *call, int status, struct text json)
{
	struct http_response response = {
		.status = status,
		.constant_body = json,
	};

	http_response_header(&response, TEXT("Content-Type"), json_type);
	reply_send(call, &response);
}

void reply_empty(struct call *call)
{
	struct http_response response = { .status = 204 };

	reply_send(call, &response);
}

/* The members that an RFC 9457 object has before the error's own. */
static void write_problem_head(struct jsonwriter *writer, int status)
{
	jsonwriter_key(writer, TEXT("type"));
	jsonwriter_string(writer, TEXT("about:blank"));
	jsonwriter_key(writer, TEXT("title"));
	jsonwriter_string(writer, text_of(http_reason(status)));
	jsonwriter_key(writer, TEXT("status"));
	jsonwriter_int(writer, status);
}

/*
 * Writes and sends one error.  The list goes into "errors", or into "detail"
 * where the dialect has it there; an RFC 9457 detail is always a sentence.
 */
static void send_error(struct call *call, struct http_response *response,
		       int status, const char *detail,
		       const struct problems *problems)
{
	bool is_problem = wants_problem_json(call);
	bool is_list = problems && !is_problem &&
		       call->dialect->error_form == DIALECT_ERRORS_LIST;
	struct jsonwriter writer;
	struct buffer body;

	buffer_init(&body);
	jsonwriter_init(&writer, &body);
	jsonwriter_object_begin(&writer);
	if (is_problem)
		write_problem_head(&writer, status);
	jsonwriter_key(&writer, TEXT("detail"));
	if (is_list)
		problems_write(problems, &writer);
	else
		jsonwriter_string(&writer, text_of(detail));
	if (problems && !is_list) {
		jsonwriter_key(&writer, TEXT("errors"));
		problems_write(problems, &writer);
	}
	jsonwriter_object_end(&writer);

	response->status = status;
	http_response_header(response, TEXT("Vary"), TEXT("Accept"));
	if (buffer_is_failed(&body)) {
		/* Without memory for a body of its own. */
		buffer_release(&body);
		if (status != 503)
			http_response_header(response, TEXT("Retry-After"),
					     TEXT(RETRY_AFTER_S));
		response->status = 503;
		response->constant_body =
			TEXT("{\"detail\":\"Service unavailable\"}");
		is_problem = false;
	} else {
		buffer_move(&response->body, &body);
	}
	http_response_header(response, TEXT("Content-Type"),
			     is_problem ? problem_type : json_type);
	reply_send(call, response);
}

void reply_detail_with(struct call *call, struct http_response *response,
		       int status, const char *detail)
{
	send_error(call, response, status, detail, NULL);
}

void reply_detail(struct call *call, int status, const char *detail)
{
	struct http_response response = { 0 };

	reply_detail_with(call, &response, status, detail);
}

void reply_problems(struct call *call)
{
	struct http_response response = { 0 };
	int status = call->dialect->error_form == DIALECT_ERRORS_LIST ? 422 :
									400;

	send_error(call, &response, status, problems_sentence(&call->problems),
		   &call->problems);
}

static void reply_retry(struct call *call, const char *detail)
{
	struct http_response response = { 0 };

	http_response_header(&response, TEXT("Retry-After"),
			     TEXT(RETRY_AFTER_S));
	reply_detail_with(call, &response, 503, detail);
}

void reply_unavailable(struct call *call, struct text json, const char *detail)
{
	struct http_response response = {
		.status = 503,
		.constant_body = json,
	};

	if (wants_problem_json(call)) {
		reply_retry(call, detail);
		return;
	}
	http_response_header(&response, TEXT("Vary"), TEXT("Accept"));
	http_response_header(&response, TEXT("Retry-After"),
			     TEXT(RETRY_AFTER_S));
	http_response_header(&response, TEXT("Content-Type"), json_type);
	reply_send(call, &response);
}

void reply_err(struct call *call, enum err err)
{
	switch (err) {
	case ERR_BUSY:
		reply_retry(call, "Too many requests at once, try again");
		return;
	case ERR_UNCERTAIN:
		log_event(LOG_ERROR, "write with unknown outcome",
			  LOG_TEXT("request_id", call->exchange->request_id),
			  LOG_TEXT("user_id", call->principal.user_id));
		reply_retry(call, "The outcome of the write is not known");
		return;
	case ERR_UNAVAILABLE:
	case ERR_NO_MEMORY:
	case ERR_OUTDATED:
	case ERR_TOO_NEW:
	case ERR_CORRUPT:
		reply_retry(call, "Service unavailable");
		return;
	case ERR_OK:
	case ERR_INVALID:
	case ERR_NOT_FOUND:
	case ERR_CONFLICT:
	case ERR_DENIED:
	case ERR_EXPIRED:
	case ERR_SYSTEM:
		break;
	}
	log_event(LOG_ERROR, "request failed",
		  LOG_TEXT("request_id", call->exchange->request_id),
		  LOG_STRING("error", err_text(err)));
	reply_detail(call, 500, "Internal server error");
}
