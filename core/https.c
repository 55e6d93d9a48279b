/* Sending clients to https://. */
#include "config.h"

#include "core/https.h"

#include "core/call.h"
#include "core/forwarded.h"
#include "core/http.h"
#include "core/reply.h"

bool https_is_used(const struct call *call)
{
	switch (call->forwarded.scheme) {
	case FORWARDED_UNSAID:
		break;
	case FORWARDED_HTTP:
		return false;
	case FORWARDED_HTTPS:
		return true;
	}
	return call->exchange->request.is_tls;
}

bool https_is_missing(const struct call *call)
{
	return call->services->options->https_required && !https_is_used(call);
}

/* What the client called this server; empty when it cannot be shown. */
static struct text host_of(const struct call *call)
{
	struct text host = call->forwarded.host;
	size_t count;

	if (host.len == 0)
		host = call->exchange->request.authority;
	if (host.len == 0) {
		host = http_header_find(&call->exchange->request, TEXT("Host"),
					&count);
		if (count != 1)
			return TEXT("");
	}
	if (!forwarded_is_host(host))
		return TEXT("");
	/* Its port is that of http. */
	return forwarded_host_name(host);
}

void https_refuse(struct call *call)
{
	const struct http_request *request = &call->exchange->request;
	struct http_response response = { 0 };
	struct text host = host_of(call), location;
	struct buffer url;

	if ((request->method != HTTP_GET && request->method != HTTP_HEAD) ||
	    host.len == 0 || !text_has_prefix(request->target, TEXT("/"))) {
		reply_detail(call, 403, "HTTPS is required");
		return;
	}
	buffer_init(&url);
	buffer_append_text(&url, TEXT("https://"));
	buffer_append_text(&url, host);
	http_append_target(&url, request->target);
	location = arena_copy(&call->exchange->arena, buffer_text(&url));
	if (buffer_is_failed(&url) || !location.ptr) {
		reply_err(call, ERR_NO_MEMORY);
	} else {
		http_response_header(&response, TEXT("Location"), location);
		reply_detail_with(call, &response, 308, "Permanent Redirect");
	}
	buffer_release(&url);
}

void https_add_header(const struct call *call, struct http_response *response)
{
	if (call->services->options->https_required && https_is_used(call))
		http_response_header(response,
				     TEXT("Strict-Transport-Security"),
				     TEXT("max-age=31536000"));
}
