/* The routes about the service itself: root, health, API description, docs. */
#include "config.h"

#include "core/api.h"
#include "core/apidoc.h"
#include "core/call.h"
#include "core/healthcheck.h"
#include "core/jsonwriter.h"
#include "core/reply.h"

/* Everything the page needs comes from here; 'unsafe-inline' nowhere. */
#define DOCS_POLICY                                                   \
	"default-src 'none'; script-src 'self'; style-src 'self'; "   \
	"img-src 'self' data:; connect-src 'self'; base-uri 'none'; " \
	"form-action 'none'; frame-ancestors 'none'"

void api_health(struct call *call)
{
	reply_constant(call, 200, call->dialect->health);
}

static void on_health(void *arg, enum health_state state)
{
	struct call *call = arg;

	if (state == HEALTH_REACHABLE)
		reply_constant(call, 200, TEXT("{\"status\":\"healthy\"}"));
	else
		/* As long as nobody knows, nobody should count on it. */
		reply_unavailable(call,
				  TEXT("{\"status\":\"unhealthy\","
				       "\"detail\":\"database unreachable\"}"),
				  "database unreachable");
}

void api_health_database(struct call *call)
{
	healthcheck_ask(call->services->healthcheck, on_health, call);
}

void api_root(struct call *call)
{
	struct text version = text_of(call->services->options->version);
	struct jsonwriter writer;
	struct buffer body;
	struct text message = arena_format(&call->exchange->arena,
					   "Todo API v%s",
					   call->services->options->version);

	buffer_init(&body);
	jsonwriter_init(&writer, &body);
	jsonwriter_object_begin(&writer);
	jsonwriter_key(&writer, TEXT("message"));
	jsonwriter_string(&writer, message);
	jsonwriter_key(&writer, TEXT("version"));
	jsonwriter_string(&writer, version);
	jsonwriter_key(&writer, TEXT("docs"));
	jsonwriter_string(&writer, TEXT("/docs"));
	jsonwriter_key(&writer, TEXT("health"));
	jsonwriter_string(&writer, TEXT("/health"));
	jsonwriter_object_end(&writer);
	reply_json(call, 200, &body);
}

void api_openapi(struct call *call)
{
	reply_constant(call, 200, apidoc_openapi(call->services->apidoc));
}

static void send_page(struct call *call, struct text name)
{
	struct http_response response = { .status = 200 };
	struct apidoc_file file;

	if (apidoc_page(call->services->apidoc, name, &file) != ERR_OK) {
		reply_detail(call, 404, "Not Found");
		return;
	}
	response.constant_body = file.content;
	http_response_header(&response, TEXT("Content-Type"), file.type);
	http_response_header(&response, TEXT("Content-Security-Policy"),
			     TEXT(DOCS_POLICY));
	reply_send(call, &response);
}

void api_docs(struct call *call)
{
	send_page(call, TEXT("index.html"));
}

void api_docs_file(struct call *call)
{
	send_page(call, call_param(call, "file"));
}
