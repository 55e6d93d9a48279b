/* Reading a list of networks, and looking addresses up in it. */
#include "config.h"

#include "core/cidr.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_BYTES 64 /* of an entry, in a sentence */

static const struct {
	const char *word;
	const char *networks;
} words[] = {
	{ "none", "" },
	{ "loopback", "127.0.0.0/8,::1" },
	{ "private", "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,"
		     "100.64.0.0/10,169.254.0.0/16,fc00::/7,fe80::/10" },
};

static enum err fail(struct text entry, const char *what, char *problem,
		     size_t size)
{
	entry = text_slice(entry, 0, SHOWN_BYTES);
	(void)snprintf(problem, size, "\"%.*s\" %s", (int)entry.len,
		       entry.len > 0 ? entry.ptr : "", what);
	return ERR_INVALID;
}

/* The bits behind the slash; IPv4 that was written as IPv6 has 96 more. */
static bool read_bits(struct text text, bool is_mapped, struct cidr *cidr)
{
	int64_t bits, most = ip_bits(&cidr->base);

	if (text.len == 0 || text.len > 3 ||
	    text_to_int64(text, &bits) != ERR_OK)
		return false;
	if (is_mapped)
		bits -= 96;
	if (bits < 0 || bits > most)
		return false;
	cidr->bits = (unsigned)bits;
	return true;
}

static enum err parse_one(struct text entry, struct cidr *cidr, char *problem,
			  size_t size)
{
	size_t slash = text_find_byte(entry, '/');
	struct text address = text_slice(entry, 0, slash);
	bool is_mapped = text_find_byte(address, ':') < address.len;
	struct ip network;

	if (ip_parse(address, &cidr->base) != ERR_OK)
		return fail(entry,
			    "is no network: write 10.0.0.0/8, 2001:db8::/32, "
			    "an address, unix, loopback, private or none",
			    problem, size);
	is_mapped = is_mapped && cidr->base.family == IP_V4;
	cidr->bits = ip_bits(&cidr->base);
	if (slash == entry.len)
		return ERR_OK;
	if (cidr->base.family == IP_UNIX ||
	    !read_bits(text_slice(entry, slash + 1, entry.len), is_mapped,
		       cidr))
		return fail(entry, "has no valid length behind the slash",
			    problem, size);
	/* 10.0.0.1/8 may mean the one or the many. */
	network = ip_network(&cidr->base, cidr->bits);
	if (!ip_is_equal(&network, &cidr->base))
		return fail(entry,
			    "is an address inside of a network: write the "
			    "network's first address, or no slash",
			    problem, size);
	return ERR_OK;
}

/* The networks that a word stands for; ptr NULL: it is none. */
static struct text networks_of(struct text word)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (text_is_equal(word, text_of(words[i].word)))
			return text_of(words[i].networks);
	}
	return (struct text){ NULL, 0 };
}

static struct text next_entry(struct text *rest)
{
	size_t comma = text_find_byte(*rest, ',');
	struct text entry = text_trim_blank(text_slice(*rest, 0, comma));

	*rest = text_slice(*rest, comma + 1, rest->len);
	return entry;
}

static enum err add(struct text entry, struct cidr_list *list, char *problem,
		    size_t size)
{
	if (list->count == CIDR_LIST_MAX)
		return fail(entry, "is one entry too many", problem, size);
	return parse_one(entry, &list->items[list->count++], problem, size);
}

enum err cidr_list_parse(struct text text, struct cidr_list *out, char *problem,
			 size_t problem_size)
{
	struct cidr_list list = { .count = 0 };
	enum err err = ERR_OK;

	while (err == ERR_OK && text.len > 0) {
		struct text entry = next_entry(&text);
		struct text rest = networks_of(entry);

		if (!rest.ptr)
			rest = entry;
		while (err == ERR_OK && rest.len > 0)
			err = add(next_entry(&rest), &list, problem,
				  problem_size);
	}
	if (err == ERR_OK)
		*out = list;
	return err;
}

bool cidr_list_contains(const struct cidr_list *list, const struct ip *ip)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct cidr *cidr = &list->items[i];

		if (ip->family != IP_NONE &&
		    ip_has_prefix(ip, &cidr->base, cidr->bits))
			return true;
	}
	return false;
}
