/*
 * The list of places to listen at, as HOST has it: addresses, names and
 * unix:/path.  Only the writing is read here; daemon/listen.h binds.
 */
#ifndef TODOD_DAEMON_ADDRESS_H
#define TODOD_DAEMON_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/text.h"

struct fault;

#define ADDRESS_MAX_COUNT  16
#define ADDRESS_TEXT_BYTES 256

enum address_kind {
	ADDRESS_IPV4,
	ADDRESS_IPV6,
	ADDRESS_NAME, /* to be resolved */
	ADDRESS_UNIX,
};

struct address {
	enum address_kind kind;
	/* Without the brackets of IPv6 and without "unix:". */
	char text[ADDRESS_TEXT_BYTES];
};

struct address_list {
	struct address items[ADDRESS_MAX_COUNT];
	size_t count;
};

/* '*' stands for every address.  ERR_INVALID with a fault that names the
 * entry and shows how it could be written. */
enum err address_list_parse(struct text text, struct address_list *list,
			    struct fault *fault)
	__attribute__((warn_unused_result));

/* Whether only this machine can reach it. */
bool address_is_local(const struct address *address);

/* Whether it is 0.0.0.0. */
bool address_is_any_ipv4(const struct address *address);

#endif
