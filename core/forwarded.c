/* Reading what proxies say, with none of it believed before it is checked. */
#include "config.h"

#include "core/forwarded.h"

#include <stddef.h>

#define HOST_MAX_BYTES 255
#define PORT_MAX_BYTES 5

enum name {
	NAME_FORWARDED,
	NAME_FOR,
	NAME_REAL_IP,
	NAME_PROTO,
	NAME_HOST,
};

static const struct text names[] = {
	[NAME_FORWARDED] = TEXT("Forwarded"),
	[NAME_FOR] = TEXT("X-Forwarded-For"),
	[NAME_REAL_IP] = TEXT("X-Real-IP"),
	[NAME_PROTO] = TEXT("X-Forwarded-Proto"),
	[NAME_HOST] = TEXT("X-Forwarded-Host"),
};

/* What the entries of one chain have come to, read from the left. */
enum chain_state {
	CHAIN_EMPTY,   /* no entry yet */
	CHAIN_PROXIES, /* trusted proxies only: the first of them */
	CHAIN_CLIENT,  /* the last one that is no proxy's */
	CHAIN_BROKEN,  /* the last one that is no proxy's names no address */
};

/* One entry; texts that are not there are empty. */
struct entry {
	struct text node;
	struct text proto;
	struct text host;
};

struct chain {
	const struct cidr_list *trusted;
	enum chain_state state;
	struct ip ip;	     /* IP_NONE: the peer's */
	struct entry chosen; /* that made the state what it is */
	size_t chosen_index;
	size_t count;
};

static bool is_digits(struct text text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
	}
	return text.len > 0;
}

static bool is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

static bool is_word(struct text text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!is_word_byte(text.ptr[i]))
			return false;
	}
	return text.len > 0;
}

/* ":80", or what RFC 7239 has in place of a number. */
static bool is_port(struct text text)
{
	if (text.len < 2 || text.ptr[0] != ':')
		return false;
	text = text_slice(text, 1, text.len);
	return text.ptr[0] == '_' ?
		       is_word(text) :
		       text.len <= PORT_MAX_BYTES && is_digits(text);
}

/* 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1], [2001:db8::1]:80. */
static bool read_node(struct text node, struct ip *ip)
{
	size_t end = text_find_byte(node, ':');
	bool is_bracketed = text_has_prefix(node, TEXT("["));
	struct text port = TEXT("");
	struct ip found;

	if (is_bracketed) {
		end = text_find_byte(node, ']');
		if (end == node.len)
			return false;
		port = text_slice(node, end + 1, node.len);
		node = text_slice(node, 1, end - 1);
		if (text_find_byte(node, ':') == node.len)
			return false;
	} else if (text_find_byte(text_slice(node, end + 1, node.len), ':') ==
		   text_slice(node, end + 1, node.len).len) {
		port = text_slice(node, end, node.len);
		node = text_slice(node, 0, end);
	}
	if (port.len > 0 && !is_port(port))
		return false;
	if (ip_parse(node, &found) != ERR_OK || found.family == IP_UNIX)
		return false;
	*ip = found;
	return true;
}

static void chain_add(struct chain *chain, const struct entry *entry)
{
	struct ip ip = { .family = IP_NONE };
	bool is_address = read_node(entry->node, &ip);

	chain->count++;
	if (!is_address) {
		chain->state = CHAIN_BROKEN;
		chain->ip = ip;
	} else if (!cidr_list_contains(chain->trusted, &ip)) {
		chain->state = CHAIN_CLIENT;
		chain->ip = ip;
	} else if (chain->state == CHAIN_EMPTY) {
		chain->state = CHAIN_PROXIES;
		chain->ip = ip;
	} else {
		/* It is the proxy that wrote the broken one. */
		if (chain->state == CHAIN_BROKEN && chain->ip.family == IP_NONE)
			chain->ip = ip;
		return;
	}
	chain->chosen = *entry;
	chain->chosen_index = chain->count - 1;
}

/* Cuts the next element off a list without quotes; empty ones are skipped. */
static bool next_word(struct text *rest, struct text *word)
{
	while (rest->len > 0) {
		size_t comma = text_find_byte(*rest, ',');

		*word = text_trim_blank(text_slice(*rest, 0, comma));
		*rest = text_slice(*rest, comma + 1, rest->len);
		if (word->len > 0)
			return true;
	}
	return false;
}

static void read_list(struct text value, struct chain *chain)
{
	struct entry entry = { .node = TEXT("") };

	while (next_word(&value, &entry.node))
		chain_add(chain, &entry);
}

/* --- Forwarded ----------------------------------------------------------- */

static void skip_blanks(struct text *rest)
{
	while (rest->len > 0 && (rest->ptr[0] == ' ' || rest->ptr[0] == '\t'))
		*rest = text_slice(*rest, 1, rest->len);
}

/* A token, or what stands unquoted against the rules (addresses with a
 * port); up to the next separator. */
static struct text cut_plain(struct text *rest)
{
	size_t len = 0;
	struct text value;

	while (len < rest->len &&
	       text_find_byte(TEXT(",;=\" \t"), rest->ptr[len]) == 6)
		len++;
	value = text_slice(*rest, 0, len);
	*rest = text_slice(*rest, len, rest->len);
	return value;
}

/* The content of a quoted string.  One with a backslash is read to its end and
 * is as good as empty: nothing that counts here needs one. */
static bool cut_quoted(struct text *rest, struct text *value)
{
	bool is_escaped = false;

	for (size_t i = 1; i < rest->len; i++) {
		if (rest->ptr[i] == '\\') {
			is_escaped = true;
			i++;
		} else if (rest->ptr[i] == '"') {
			*value = is_escaped ? TEXT("") :
					      text_slice(*rest, 1, i - 1);
			*rest = text_slice(*rest, i + 1, rest->len);
			return true;
		}
	}
	return false;
}

/* One name=value; false when it is malformed. */
static bool cut_pair(struct text *rest, struct entry *entry)
{
	struct text name = cut_plain(rest), value, *member = NULL;

	if (name.len == 0 || rest->len == 0 || rest->ptr[0] != '=')
		return false;
	*rest = text_slice(*rest, 1, rest->len);
	if (rest->len > 0 && rest->ptr[0] == '"') {
		if (!cut_quoted(rest, &value))
			return false;
	} else {
		value = cut_plain(rest);
	}
	if (text_is_equal_nocase(name, TEXT("for")))
		member = &entry->node;
	else if (text_is_equal_nocase(name, TEXT("proto")))
		member = &entry->proto;
	else if (text_is_equal_nocase(name, TEXT("host")))
		member = &entry->host;
	if (member && member->ptr)
		return false; /* twice */
	if (member)
		*member = value;
	return true;
}

/* Pairs between semicolons, up to the comma. */
static bool cut_entry(struct text *rest, struct entry *entry)
{
	for (;;) {
		skip_blanks(rest);
		if (rest->len > 0 && rest->ptr[0] != ',' &&
		    rest->ptr[0] != ';' && !cut_pair(rest, entry))
			return false;
		skip_blanks(rest);
		if (rest->len == 0)
			return true;
		if (rest->ptr[0] != ',' && rest->ptr[0] != ';')
			return false;
		*rest = text_slice(*rest, 1, rest->len);
		if (rest->ptr[-1] == ',')
			return true;
	}
}

static void read_forwarded(struct text value, struct chain *chain)
{
	static const struct entry nothing = { .node = { NULL, 0 } };

	while (value.len > 0) {
		struct entry entry = nothing;

		if (!cut_entry(&value, &entry)) {
			/* Where the next one begins is not known. */
			chain_add(chain, &nothing);
			return;
		}
		if (entry.node.ptr || entry.proto.ptr || entry.host.ptr)
			chain_add(chain, &entry);
	}
}

/* --- the verdict --------------------------------------------------------- */

static void read_chain(const struct http_request *request, enum name name,
		       struct chain *chain)
{
	for (size_t i = 0; i < request->header_count; i++) {
		const struct http_header *header = &request->headers[i];

		if (!text_is_equal_nocase(header->name, names[name]))
			continue;
		if (name == NAME_FORWARDED)
			read_forwarded(header->value, chain);
		else
			read_list(header->value, chain);
	}
}

/* The element of that number of all headers of a name, else the last. */
static struct text list_element(const struct http_request *request,
				enum name name, size_t index, size_t count)
{
	struct text chosen = TEXT(""), last = TEXT("");
	size_t found = 0;

	for (size_t i = 0; i < request->header_count; i++) {
		struct text value = request->headers[i].value;

		if (!text_is_equal_nocase(request->headers[i].name,
					  names[name]))
			continue;
		while (next_word(&value, &last)) {
			if (found++ == index)
				chosen = last;
		}
	}
	return found == count ? chosen : last;
}

static enum forwarded_scheme scheme_of(struct text proto)
{
	if (text_is_equal_nocase(proto, TEXT("https")))
		return FORWARDED_HTTPS;
	if (text_is_equal_nocase(proto, TEXT("http")))
		return FORWARDED_HTTP;
	return FORWARDED_UNSAID;
}

/*
 * The address that the chains agree on.  One that knows proxies only has
 * nothing against another; of two that name different clients, or none that
 * can be read, one was left alone by the proxies, and it is not known which.
 */
static bool merge(const struct chain *chains, size_t count, struct ip *ip)
{
	const struct chain *best = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct chain *chain = &chains[i];

		if (chain->state == CHAIN_EMPTY)
			continue;
		if (best && best->state != CHAIN_PROXIES &&
		    chain->state != CHAIN_PROXIES &&
		    (best->state != CHAIN_CLIENT ||
		     chain->state != CHAIN_CLIENT ||
		     !ip_is_equal(&best->ip, &chain->ip)))
			return false;
		if (!best || best->state == CHAIN_PROXIES)
			best = chain;
	}
	if (best && best->ip.family != IP_NONE)
		*ip = best->ip;
	return true;
}

/* https only if nobody who is believed says http. */
static enum forwarded_scheme judge_scheme(const struct http_request *request,
					  const struct chain *chains)
{
	const struct chain *list = &chains[NAME_FOR];
	enum forwarded_scheme a =
		scheme_of(chains[NAME_FORWARDED].chosen.proto);
	enum forwarded_scheme b = scheme_of(list_element(
		request, NAME_PROTO, list->chosen_index, list->count));

	if (a == FORWARDED_HTTP || b == FORWARDED_HTTP)
		return FORWARDED_HTTP;
	return a == FORWARDED_HTTPS ? a : b;
}

static struct text judge_host(const struct http_request *request,
			      const struct chain *chains)
{
	struct text host = list_element(request, NAME_HOST,
					chains[NAME_FOR].chosen_index,
					chains[NAME_FOR].count);

	if (host.len == 0)
		host = chains[NAME_FORWARDED].chosen.host;
	return forwarded_is_host(host) ? host : TEXT("");
}

void forwarded_judge(const struct http_request *request,
		     const struct cidr_list *trusted, struct forwarded *out)
{
	struct chain chains[NAME_REAL_IP + 1];

	*out = (struct forwarded){ .client = request->peer };
	if (!trusted || !cidr_list_contains(trusted, &request->peer))
		return;
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		chains[i] = (struct chain){ .trusted = trusted };
		read_chain(request, (enum name)i, &chains[i]);
	}
	out->is_contradictory = !merge(
		chains, sizeof(chains) / sizeof(chains[0]), &out->client);
	out->scheme = judge_scheme(request, chains);
	out->host = judge_host(request, chains);
}

bool forwarded_is_sent(const struct http_request *request)
{
	for (size_t i = 0; i < request->header_count; i++) {
		for (size_t name = 0; name <= NAME_REAL_IP; name++) {
			if (text_is_equal_nocase(request->headers[i].name,
						 names[name]))
				return true;
		}
	}
	return false;
}

struct text forwarded_host_name(struct text host)
{
	size_t end = text_find_byte(host, ':');

	if (host.len > 0 && host.ptr[0] == '[')
		end = text_find_byte(host, ']') + 1;
	return text_slice(host, 0, end);
}

bool forwarded_is_host(struct text text)
{
	struct text name = forwarded_host_name(text);
	struct text port = text_slice(text, name.len, text.len);
	struct ip ip;

	if (text.len > HOST_MAX_BYTES)
		return false;
	if (port.len > 0 && (!is_port(port) || port.ptr[1] == '_'))
		return false;
	if (name.len > 2 && name.ptr[0] == '[' &&
	    name.ptr[name.len - 1] == ']') {
		name = text_slice(name, 1, name.len - 2);
		return text_find_byte(name, ':') < name.len &&
		       ip_parse(name, &ip) == ERR_OK;
	}
	return is_word(name);
}
