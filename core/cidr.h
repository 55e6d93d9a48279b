/*
 * A list of networks in CIDR notation (RFC 4632), as TRUSTED_PROXIES has it.
 */
#ifndef TODOD_CORE_CIDR_H
#define TODOD_CORE_CIDR_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/ip.h"
#include "core/text.h"

#define CIDR_LIST_MAX 64

struct cidr {
	struct ip base; /* IP_UNIX: every unix socket */
	unsigned bits;
};

struct cidr_list {
	struct cidr items[CIDR_LIST_MAX];
	size_t count;
};

/*
 * Reads networks (10.0.0.0/8, 2001:db8::/32), single addresses and words
 * between commas: "unix" for unix sockets, "loopback", "private" for all that
 * ip_is_private() is true of, and "none", which adds nothing.  Empty entries
 * are skipped.  ERR_INVALID with a sentence in problem that names the entry.
 */
enum err cidr_list_parse(struct text text, struct cidr_list *list,
			 char *problem, size_t problem_size)
	__attribute__((warn_unused_result));

bool cidr_list_contains(const struct cidr_list *list, const struct ip *ip);

#endif
