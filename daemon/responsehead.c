/*
 * Headers for evhttp.  It writes an entry of its list as name, colon, value:
 * the value of the only large one is the rest of the section, which is made
 * here.  libevent frees what is in the list, so that it comes from where
 * libevent has its memory.  Those that evhttp looks for itself (Date,
 * Content-Length, Connection) must be the names of entries.
 */
#include "config.h"

#include "daemon/responsehead.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/keyvalq_struct.h>

#include "core/http.h"
#include "daemon/reserve.h"

/* Around a header: CR LF, colon, blank. */
#define BETWEEN_BYTES 4

static char *copy(const char *string)
{
	size_t size = strlen(string) + 1;

	return memcpy(reserve_take(size), string, size);
}

/* Takes value over. */
static void add(struct evkeyvalq *headers, const char *name, char *value)
{
	struct evkeyval *entry = reserve_take(sizeof(*entry));

	entry->key = copy(name);
	entry->value = value;
	TAILQ_INSERT_TAIL(headers, entry, next);
}

static bool is_sound(struct text text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static char *put(char *to, struct text text)
{
	if (text.len > 0)
		memcpy(to, text.ptr, text.len);
	return to + text.len;
}

void responsehead_put(struct evkeyvalq *headers,
		      const struct http_response *response, const char *date)
{
	size_t size = strlen(date) + 1;
	char *section, *end;

	for (size_t i = 0; i < response->header_count; i++)
		size += response->headers[i].name.len +
			response->headers[i].value.len + BETWEEN_BYTES;
	section = reserve_take(size);
	end = put(section, text_of(date));
	for (size_t i = 0; i < response->header_count; i++) {
		const struct http_header *header = &response->headers[i];

		if (!is_sound(header->value))
			continue;
		end = put(end, TEXT("\r\n"));
		end = put(end, header->name);
		end = put(end, TEXT(": "));
		end = put(end, header->value);
	}
	*end = '\0';
	add(headers, "Date", section);
}

void responsehead_put_length(struct evkeyvalq *headers, size_t len)
{
	char length[24];

	(void)snprintf(length, sizeof(length), "%zu", len);
	add(headers, "Content-Length", copy(length));
}
