/* A build without TLS: nothing can be made, and no connection has a link. */
#include "config.h"

#include <stddef.h>

#include "daemon/tls.h"
#include "daemon/tlslink.h"

bool tls_is_built_in(void)
{
	return false;
}

const char *tls_library(void)
{
	return NULL;
}

enum err tls_new(const char *certificate_file, const char *key_file,
		 struct tls **tls, struct fault *fault)
{
	(void)certificate_file;
	(void)key_file;
	(void)tls;
	(void)fault;
	return ERR_UNAVAILABLE;
}

void tls_free(struct tls **tls)
{
	*tls = NULL;
}

void tls_log(const struct tls *tls)
{
	(void)tls;
}

void tls_advance(struct tls *tls, int64_t now_us)
{
	(void)tls;
	(void)now_us;
}

enum err tlslink_new(struct tls *tls, struct event_base *base,
		     struct bufferevent **bev, struct tlslink **link)
{
	(void)tls;
	(void)base;
	(void)bev;
	(void)link;
	return ERR_UNAVAILABLE;
}

void tlslink_free(struct tlslink **link)
{
	*link = NULL;
}

void tlslink_expect(struct tlslink *link, struct preface *preface)
{
	(void)link;
	(void)preface;
}

bool tlslink_is_open(const struct tlslink *link)
{
	(void)link;
	return false;
}

int64_t tlslink_opened_us(const struct tlslink *link)
{
	(void)link;
	return 0;
}

void tlslink_gather(struct tlslink *link)
{
	(void)link;
}

void tlslink_close_notify(struct tlslink *link)
{
	(void)link;
}
