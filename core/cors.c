/*
 * CORS.  A listed origin is kept in lower case and in two halves around its
 * '*', so that matching one is two comparisons and nothing from a request is
 * ever parsed.
 */
#include "config.h"

#include "core/cors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_MAX_BYTES		  63
#define PORT_DIGITS_MAX		  5
#define REQUEST_HEADERS_MAX_BYTES 1024

struct entry {
	struct text before; /* scheme, host and port up to the '*' */
	struct text after;  /* what follows it */
	bool has_star;	    /* false: before is the whole origin */
};

struct cors {
	char *bytes; /* the list in lower case, which the entries borrow */
	struct entry *entries;
	size_t count;
};

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_scheme(struct text scheme)
{
	if (scheme.len == 0 || !is_lower(scheme.ptr[0]))
		return false;
	for (size_t i = 1; i < scheme.len; i++) {
		char c = scheme.ptr[i];

		if (!is_lower(c) && !is_digit(c) && c != '+' && c != '-' &&
		    c != '.')
			return false;
	}
	return true;
}

/* [::1]: what is between the brackets is compared, not understood. */
static bool is_address(struct text host)
{
	if (host.len < 4 || host.ptr[0] != '[' || host.ptr[host.len - 1] != ']')
		return false;
	for (size_t i = 1; i < host.len - 1; i++) {
		if (text_hex_value(host.ptr[i]) < 0 && host.ptr[i] != ':' &&
		    host.ptr[i] != '.')
			return false;
	}
	return true;
}

static bool is_label(struct text label)
{
	if (label.len == 0 || label.len > LABEL_MAX_BYTES)
		return false;
	for (size_t i = 0; i < label.len; i++) {
		char c = label.ptr[i];

		if (!is_lower(c) && !is_digit(c) && c != '-' && c != '_' &&
		    c != '*')
			return false;
	}
	return label.ptr[0] != '-' && label.ptr[label.len - 1] != '-';
}

static bool is_host_name(struct text host)
{
	for (;;) {
		size_t dot = text_find_byte(host, '.');

		if (!is_label(text_slice(host, 0, dot)))
			return false;
		if (dot == host.len)
			return true;
		host = text_slice(host, dot + 1, host.len);
	}
}

static bool is_port(struct text port)
{
	int64_t number;

	return port.len > 0 && port.len <= PORT_DIGITS_MAX &&
	       is_digit(port.ptr[0]) && port.ptr[0] != '0' &&
	       text_to_int64(port, &number) == ERR_OK && number <= 65535;
}

/* Browsers leave the port out that the scheme implies. */
static bool is_default_port(struct text scheme, struct text port)
{
	return (text_is_equal(scheme, TEXT("http")) &&
		text_is_equal(port, TEXT("80"))) ||
	       (text_is_equal(scheme, TEXT("https")) &&
		text_is_equal(port, TEXT("443")));
}

/* Where the colon before the port is, or host.len. */
static size_t find_port(struct text host)
{
	size_t bracket = text_find_byte(host, ']');
	struct text rest;

	if (bracket == host.len)
		return text_find_byte(host, ':');
	rest = text_slice(host, bracket + 1, host.len);
	return bracket + 1 + text_find_byte(rest, ':');
}

/* What is wrong with the star's place in a host name, NULL when nothing is. */
static const char *star_problem(struct text host)
{
	size_t star = text_find_byte(host, '*');
	struct text after = text_slice(host, star + 1, host.len);

	if (star == host.len)
		return NULL;
	if (text_find_byte(after, '*') < after.len)
		return "has more than one '*'";
	/* A star alone would be every host of one label. */
	if (text_find_byte(after, '.') == after.len)
		return "needs a domain after the '*'";
	return NULL;
}

/* Reads an entry in lower case; gives what is wrong with it, or NULL. */
static const char *parse_entry(struct text text, struct entry *entry)
{
	struct text scheme, host, port;
	size_t colon = text_find_byte(text, ':'), star, end;

	if (text_is_equal(text, TEXT("*")))
		return "is impossible with credentials: list the origins";
	if (text_is_equal(text, TEXT("null")))
		return "is no origin: any sandboxed page has it";
	scheme = text_slice(text, 0, colon);
	host = text_slice(text, colon, text.len);
	if (!is_scheme(scheme) || !text_has_prefix(host, TEXT("://")))
		return "must begin with a scheme, as in https://example.com";
	host = text_slice(host, strlen("://"), host.len);
	if (text_find_byte(host, '/') < host.len)
		return "must end after the host or port, without a '/'";
	end = find_port(host);
	if (end < host.len) {
		port = text_slice(host, end + 1, host.len);
		if (!is_port(port))
			return "has a malformed port";
		if (is_default_port(scheme, port))
			text = text_slice(text, 0, text.len - port.len - 1);
		host = text_slice(host, 0, end);
	}
	if (!is_address(host) && !is_host_name(host))
		return "has a malformed host (beyond ASCII: write xn--…)";
	if (star_problem(host) != NULL)
		return star_problem(host);
	star = text_find_byte(text, '*');
	entry->has_star = star < text.len;
	entry->before = text_slice(text, 0, star);
	entry->after = text_slice(text, star + 1, text.len);
	return NULL;
}

static size_t count_entries(struct text list)
{
	size_t count = 1;

	for (size_t i = 0; i < list.len; i++)
		count += list.ptr[i] == ',';
	return count;
}

static enum err parse_list(struct cors *cors, struct text list, char *problem,
			   size_t problem_size)
{
	while (list.len > 0) {
		size_t comma = text_find_byte(list, ',');
		struct text text = text_trim_blank(text_slice(list, 0, comma));
		const char *wrong;

		list = text_slice(list, comma + 1, list.len);
		if (text.len == 0)
			continue;
		wrong = parse_entry(text, &cors->entries[cors->count]);
		if (wrong != NULL) {
			(void)snprintf(problem, problem_size,
				       "the origin \"%.*s\" %s",
				       (int)(text.len < 200 ? text.len : 200),
				       text.ptr, wrong);
			return ERR_INVALID;
		}
		cors->count++;
	}
	return ERR_OK;
}

enum err cors_new(struct text list, struct cors **cors, char *problem,
		  size_t problem_size)
{
	struct cors *made = calloc(1, sizeof(*made));
	enum err err = ERR_NO_MEMORY;

	if (made == NULL)
		return ERR_NO_MEMORY;
	made->bytes = malloc(list.len + 1);
	made->entries = calloc(count_entries(list), sizeof(*made->entries));
	if (made->bytes == NULL || made->entries == NULL)
		goto out;
	if (list.len > 0)
		memcpy(made->bytes, list.ptr, list.len);
	text_lower_ascii(made->bytes, list.len);
	list.ptr = made->bytes;
	err = parse_list(made, list, problem, problem_size);
	if (err == ERR_OK) {
		*cors = made;
		made = NULL;
	}
out:
	cors_free(&made);
	return err;
}

void cors_free(struct cors **cors)
{
	if (*cors == NULL)
		return;
	free((*cors)->entries);
	free((*cors)->bytes);
	free(*cors);
	*cors = NULL;
}

struct text cors_origin_of(struct text url)
{
	size_t end = text_find_byte(url, ':');

	if (!text_has_prefix(text_slice(url, end, url.len), TEXT("://")))
		return url;
	end += strlen("://");
	while (end < url.len &&
	       text_find_byte(TEXT("/?#"), url.ptr[end]) == strlen("/?#"))
		end++;
	return text_slice(url, 0, end);
}

/* What a '*' may stand for: letters and digits, and a dash not at an end of
 * the label.  This is also all that is echoed of an unlisted name. */
static bool is_star_text(struct text text, const struct entry *entry)
{
	char before = entry->before.ptr[entry->before.len - 1];

	if (text.len == 0 || text.len > LABEL_MAX_BYTES)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!is_digit(c) && !(c >= 'a' && c <= 'z') &&
		    !(c >= 'A' && c <= 'Z') && c != '-')
			return false;
	}
	if (text.ptr[0] == '-' && (before == '/' || before == '.'))
		return false;
	return text.ptr[text.len - 1] != '-' || entry->after.ptr[0] != '.';
}

static bool is_match(const struct entry *entry, struct text origin)
{
	size_t fixed = entry->before.len + entry->after.len;
	struct text before, star, after;

	if (!entry->has_star)
		return text_is_equal_nocase(entry->before, origin);
	if (origin.len <= fixed)
		return false;
	before = text_slice(origin, 0, entry->before.len);
	star = text_slice(origin, entry->before.len, origin.len - fixed);
	after = text_slice(origin, before.len + star.len, entry->after.len);
	return text_is_equal_nocase(before, entry->before) &&
	       text_is_equal_nocase(after, entry->after) &&
	       is_star_text(star, entry);
}

bool cors_is_listed(const struct cors *cors, struct text origin)
{
	for (size_t i = 0; i < cors->count; i++) {
		if (is_match(&cors->entries[i], origin))
			return true;
	}
	return false;
}

void cors_add_headers(const struct cors *cors, struct text origin,
		      struct http_response *response)
{
	http_response_header(response, TEXT("Vary"), TEXT("Origin"));
	if (!cors_is_listed(cors, origin))
		return;
	http_response_header(response, TEXT("Access-Control-Allow-Origin"),
			     origin);
	http_response_header(response, TEXT("Access-Control-Allow-Credentials"),
			     TEXT("true"));
	http_response_header(response, TEXT("Access-Control-Expose-Headers"),
			     TEXT("WWW-Authenticate, Retry-After, Location, "
				  "X-Request-Id, ETag, Link, X-Total-Count, "
				  "RateLimit, RateLimit-Policy"));
}

static bool is_allowed_method(struct text method)
{
	static const char *const allowed[] = { "DELETE",  "GET",   "HEAD",
					       "OPTIONS", "PATCH", "POST",
					       "PUT" };

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		if (text_is_equal(method, text_of(allowed[i])))
			return true;
	}
	return false;
}

/* A token of RFC 9110. */
static bool is_header_name(struct text name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!is_digit(c) && !(c >= 'a' && c <= 'z') &&
		    !(c >= 'A' && c <= 'Z') &&
		    text_find_byte(TEXT("!#$%&'*+-.^_`|~"), c) ==
			    strlen("!#$%&'*+-.^_`|~"))
			return false;
	}
	return name.len > 0;
}

/* Counts the names; false: it is no list of them.  Empty elements are ignored
 * (RFC 9110 §5.6.1.2). */
static bool is_header_list(struct text list, size_t *count)
{
	*count = 0;
	if (list.len > REQUEST_HEADERS_MAX_BYTES)
		return false;
	while (list.len > 0) {
		size_t comma = text_find_byte(list, ',');
		struct text name = text_trim_blank(text_slice(list, 0, comma));

		if (name.len > 0 && !is_header_name(name))
			return false;
		*count += name.len > 0;
		list = text_slice(list, comma + 1, list.len);
	}
	return true;
}

int cors_preflight(const struct cors *cors, const struct http_request *request,
		   struct http_response *response, const char **detail)
{
	size_t origins, methods, lists, names = 0;
	struct text origin, method, list;

	origin = http_header_find(request, TEXT("Origin"), &origins);
	method = http_header_find(
		request, TEXT("Access-Control-Request-Method"), &methods);
	list = text_trim_blank(http_header_find(
		request, TEXT("Access-Control-Request-Headers"), &lists));
	if (origins != 1 || !cors_is_listed(cors, origin))
		*detail = "Disallowed CORS origin";
	else if (methods != 1 || !is_allowed_method(method))
		*detail = "Disallowed CORS method";
	else if (lists > 1 || !is_header_list(list, &names))
		*detail = "Disallowed CORS headers";
	else
		*detail = NULL;
	if (*detail != NULL)
		return 400;

	http_response_header(response, TEXT("Access-Control-Allow-Methods"),
			     TEXT("DELETE, GET, HEAD, OPTIONS, PATCH, POST, "
				  "PUT"));
	if (names > 0)
		http_response_header(
			response, TEXT("Access-Control-Allow-Headers"), list);
	http_response_header(response, TEXT("Access-Control-Max-Age"),
			     TEXT("600"));
	return 204;
}
