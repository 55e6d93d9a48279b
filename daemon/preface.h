/*
 * What a trusted proxy says of its client before the client's first byte
 * (core/proxyheader.h), on one connection: read from a bufferevent's input, or
 * before a handshake by daemon/tlsbio.h.
 */
#ifndef TODOD_DAEMON_PREFACE_H
#define TODOD_DAEMON_PREFACE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/proxyheader.h"

struct cidr_list;
struct evbuffer;
struct preface;
struct sockaddr_storage;

/*
 * Makes one if the other end of the socket is in the list; else *preface stays
 * as it is.  on_read(arg) runs once, when the header is complete or wrong, in
 * the midst of reading: it may note that.  ERR_NO_MEMORY.
 */
enum err preface_expect(const struct cidr_list *proxies, int fd,
			void (*on_read)(void *arg), void *arg,
			struct preface **preface)
	__attribute__((warn_unused_result));

/* *preface may be NULL. */
void preface_free(struct preface **preface);

/* Takes it out of what is read into the buffer, before other callbacks of it
 * see that.  Nothing that follows a wrong one is left there. */
void preface_attach(struct preface *preface, struct evbuffer *input);

/* As proxyheader_take(); warns of a wrong one. */
size_t preface_take(struct preface *preface, const void *bytes, size_t len);

enum proxyheader_state preface_state(const struct preface *preface);

/* Who the client is; false: the proxy itself. */
bool preface_client(const struct preface *preface,
		    struct sockaddr_storage *address);

#endif
