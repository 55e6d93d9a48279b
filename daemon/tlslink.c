/*
 * bufferevent_setfd() gives the session the library's own BIO; ours takes its
 * place when the handshake begins.
 */
#include "config.h"

#include "daemon/tlslink.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "core/clock.h"
#include "daemon/tls.h"
#include "daemon/tlsbio.h"

#define RECORD_MAX_BYTES 16384

struct tlslink {
	struct tls *tls;
	SSL *ssl; /* the bufferevent's */
	struct bufferevent *bev;
	struct preface *preface; /* NULL: the client speaks first */
	bool has_bio;
	int64_t opened_us; /* 0: the handshake is not done */
};

/* Only for reading: by the library's own BIO for writing libevent knows which
 * descriptor it is to close. */
static void take_bio(struct tlslink *link)
{
	BIO *bio = tlsbio_new(tls_bio_method(link->tls), SSL_get_fd(link->ssl),
			      link->preface);

	/* Without memory the library's own goes on reading. */
	if (bio)
		SSL_set0_rbio(link->ssl, bio);
	link->has_bio = true;
}

/* Called at every step of OpenSSL's. */
static void on_info(const SSL *ssl, int where, int result)
{
	struct tlslink *link = SSL_get_app_data(ssl);

	(void)result;
	if (where & SSL_CB_HANDSHAKE_START && !link->has_bio)
		take_bio(link);
	if (where & SSL_CB_HANDSHAKE_DONE && link->opened_us == 0)
		link->opened_us = clock_monotonic_us();
}

enum err tlslink_new(struct tls *tls, struct event_base *base,
		     struct bufferevent **bev, struct tlslink **out)
{
	struct tlslink *link = calloc(1, sizeof(*link));

	if (link)
		link->ssl = tls_session_new(tls);
	if (!link || !link->ssl) {
		free(link);
		return ERR_NO_MEMORY;
	}
	link->tls = tls;
	(void)SSL_set_app_data(link->ssl, link);
	SSL_set_info_callback(link->ssl, on_info);
	/* Frees the session on failure, too. */
	*bev = bufferevent_openssl_socket_new(base, -1, link->ssl,
					      BUFFEREVENT_SSL_ACCEPTING,
					      BEV_OPT_CLOSE_ON_FREE);
	if (!*bev) {
		free(link);
		return ERR_NO_MEMORY;
	}
	link->bev = *bev;
	*out = link;
	return ERR_OK;
}

void tlslink_free(struct tlslink **link)
{
	if (!*link)
		return;
	/* libevent frees the session later, from the loop. */
	SSL_set_info_callback((*link)->ssl, NULL);
	free(*link);
	*link = NULL;
}

void tlslink_expect(struct tlslink *link, struct preface *preface)
{
	link->preface = preface;
}

bool tlslink_is_open(const struct tlslink *link)
{
	return link->opened_us != 0;
}

int64_t tlslink_opened_us(const struct tlslink *link)
{
	return link->opened_us;
}

void tlslink_gather(struct tlslink *link)
{
	struct evbuffer *output = bufferevent_get_output(link->bev);

	if (evbuffer_get_length(output) <= RECORD_MAX_BYTES)
		(void)evbuffer_pullup(output, -1);
}

void tlslink_close_notify(struct tlslink *link)
{
	if (!tlslink_is_open(link) ||
	    SSL_get_shutdown(link->ssl) & SSL_SENT_SHUTDOWN)
		return;
	ERR_clear_error();
	(void)SSL_shutdown(link->ssl);
	ERR_clear_error();
}
