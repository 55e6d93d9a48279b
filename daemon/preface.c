/* Reading a proxy's header from an evbuffer. */
#include "config.h"

#include "daemon/preface.h"

#include <event2/buffer.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/cidr.h"
#include "core/log.h"
#include "daemon/peername.h"

struct preface {
	struct proxyheader header;
	void (*on_read)(void *arg);
	void *arg;
	char proxy[IP_TEXT_BYTES];
};

enum err preface_expect(const struct cidr_list *proxies, int fd,
			void (*on_read)(void *arg), void *arg,
			struct preface **out)
{
	struct sockaddr_storage address;
	struct preface *preface;
	struct ip ip;

	peername_get(fd, &address);
	ip = peername_ip(&address);
	if (!cidr_list_contains(proxies, &ip))
		return ERR_OK;
	preface = malloc(sizeof(*preface));
	if (!preface)
		return ERR_NO_MEMORY;
	proxyheader_init(&preface->header);
	preface->on_read = on_read;
	preface->arg = arg;
	ip_format(&ip, preface->proxy);
	*out = preface;
	return ERR_OK;
}

void preface_free(struct preface **preface)
{
	free(*preface);
	*preface = NULL;
}

size_t preface_take(struct preface *preface, const void *bytes, size_t len)
{
	size_t taken;

	if (preface->header.state != PROXYHEADER_READING)
		return 0;
	taken = proxyheader_take(&preface->header, bytes, len);
	if (preface->header.state == PROXYHEADER_INVALID)
		log_event(LOG_WARN,
			  "a trusted proxy does not begin with a PROXY header",
			  LOG_STRING("peer", preface->proxy));
	if (preface->header.state != PROXYHEADER_READING)
		preface->on_read(preface->arg);
	return taken;
}

static void on_input(struct evbuffer *input,
		     const struct evbuffer_cb_info *info, void *arg)
{
	struct preface *preface = arg;
	unsigned char bytes[PROXYHEADER_MAX_BYTES];
	ev_ssize_t got;

	if (info->n_added == 0)
		return;
	while (preface->header.state == PROXYHEADER_READING) {
		got = evbuffer_copyout(input, bytes, sizeof(bytes));
		if (got <= 0)
			return;
		(void)evbuffer_drain(input,
				     preface_take(preface, bytes, (size_t)got));
	}
	if (preface->header.state == PROXYHEADER_INVALID)
		(void)evbuffer_drain(input, evbuffer_get_length(input));
}

void preface_attach(struct preface *preface, struct evbuffer *input)
{
	/* The latest callback is the first to be called. */
	(void)evbuffer_add_cb(input, on_input, preface);
}

enum proxyheader_state preface_state(const struct preface *preface)
{
	return preface->header.state;
}

bool preface_client(const struct preface *preface,
		    struct sockaddr_storage *address)
{
	const struct proxyheader *header = &preface->header;
	struct sockaddr_in *in = (struct sockaddr_in *)address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;

	memset(address, 0, sizeof(*address));
	switch (header->source) {
	case PROXYHEADER_ITSELF:
		return false;
	case PROXYHEADER_IPV4:
		in->sin_family = AF_INET;
		in->sin_port = htons(header->port);
		memcpy(&in->sin_addr, header->address, sizeof(in->sin_addr));
		return true;
	case PROXYHEADER_IPV6:
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(header->port);
		memcpy(&in6->sin6_addr, header->address,
		       sizeof(in6->sin6_addr));
		return true;
	case PROXYHEADER_UNIX:
		address->ss_family = AF_UNIX;
		return true;
	}
	return false;
}
