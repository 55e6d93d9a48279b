/*
 * A connection that speaks TLS: libevent's bufferevent over OpenSSL, and what
 * that leaves to us: when the handshake was done, records that are not smaller
 * than need be, and the close_notify that evhttp never sends.
 */
#ifndef TODOD_DAEMON_TLSLINK_H
#define TODOD_DAEMON_TLSLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

struct bufferevent;
struct event_base;
struct preface;
struct tls;
struct tlslink;

/*
 * A server's bufferevent without a descriptor yet; it closes that when it is
 * freed.  The link beside it is the caller's, who must keep a reference to the
 * bufferevent as long.  tls is borrowed.  ERR_NO_MEMORY.
 */
enum err tlslink_new(struct tls *tls, struct event_base *base,
		     struct bufferevent **bev, struct tlslink **link)
	__attribute__((warn_unused_result));

/* The bufferevent may outlive it; *link may be NULL. */
void tlslink_free(struct tlslink **link);

/* A proxy is going to speak before the handshake, which has not begun yet;
 * borrowed as long as the connection reads. */
void tlslink_expect(struct tlslink *link, struct preface *preface);

/* Whether the handshake is done, and since when (monotonic clock). */
bool tlslink_is_open(const struct tlslink *link);
int64_t tlslink_opened_us(const struct tlslink *link);

/* Makes one record, and one write, of what is to be sent if it is short:
 * libevent makes one of each piece, the head of an answer and its body. */
void tlslink_gather(struct tlslink *link);

/* Tells the client that no more will come (RFC 8446, 6.1), once and if the
 * socket takes it at once; before the socket is shut down. */
void tlslink_close_notify(struct tlslink *link);

#endif
