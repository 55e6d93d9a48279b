/*
 * What a client sends to a proxy, which adds the client's address behind it:
 * whatever it is, the client is who the proxy says.
 */
#include "config.h"

#include <string.h>

#include "core/forwarded.h"
#include "tests/fuzz/fuzz.h"

#define CLIENT "203.0.113.1"

static void judge(struct http_header *headers, size_t count,
		  struct forwarded *out)
{
	static const struct cidr_list trusted = {
		.items = { { { IP_V4, { 10 } }, 8 } },
		.count = 1,
	};
	struct http_request request = {
		.headers = headers,
		.header_count = count,
		.peer = { IP_V4, { 10, 0, 0, 1 } },
	};

	forwarded_judge(&request, &trusted, out);
	MUST(out->host.len == 0 || forwarded_is_host(out->host));
}

static void check(const char *name, struct text sent, const char *added)
{
	static const struct ip client = { IP_V4, { 203, 0, 113, 1 } };
	struct http_header headers[] = {
		{ text_of(name), sent },
		{ text_of(name), text_of(added) },
	};
	struct forwarded found;

	judge(headers, 1, &found);
	judge(headers, 2, &found);
	MUST(!found.is_contradictory && ip_is_equal(&found.client, &client));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text sent = { (const char *)data, size };
	struct http_header headers[] = {
		{ TEXT("X-Forwarded-Host"), sent },
		{ TEXT("X-Forwarded-Proto"), sent },
		{ TEXT("X-Real-IP"), sent },
		{ TEXT("Forwarded"), sent },
	};
	struct forwarded found;

	check("X-Forwarded-For", sent, CLIENT);
	check("Forwarded", sent, "for=" CLIENT ";proto=https");
	judge(headers, sizeof(headers) / sizeof(headers[0]), &found);
	if (forwarded_is_host(sent))
		MUST(!memchr(sent.ptr, '\n', sent.len) &&
		     !memchr(sent.ptr, '@', sent.len) &&
		     !memchr(sent.ptr, '/', sent.len));
	return 0;
}
