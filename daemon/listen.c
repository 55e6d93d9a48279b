/*
 * Binding.  Without SO_REUSEPORT: a second todod must fail instead of taking
 * half of the connections.
 */
#include "config.h"

#include "daemon/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/log.h"
#include "daemon/fault.h"
#include "daemon/handover.h"
#include "daemon/listen_unix.h"
#include "daemon/notify.h"
#include "daemon/settings.h"

#define BACKLOG		   1024 /* the kernel cuts it to somaxconn */
#define FREE_PORT_TRIES	   16
#define FREE_PORT_IS_TAKEN ERR_CONFLICT

/* What binding works on. */
struct binder {
	const struct settings *settings;
	const struct identity *identity;
	struct listeners *listeners;
	struct fault *fault;
	uint16_t port; /* 0: the next socket picks one for all */
};

/* Whether this machine just has no such address family or address. */
static bool is_absent(int error)
{
	return error == EAFNOSUPPORT || error == EADDRNOTAVAIL ||
	       error == EPROTONOSUPPORT;
}

static enum err explain(struct binder *binder, const char *host, uint16_t port)
{
	int error = errno;

	if (error == EADDRINUSE)
		return fault_set(binder->fault, EX_UNAVAILABLE,
				 "%s port %u is in use by another program; "
				 "find it with: ss -ltnp 'sport = :%u', or "
				 "choose another with --port (PORT)",
				 host, port, port);
	if (error == EACCES)
		return fault_set(binder->fault, EX_NOPERM,
				 "not allowed to listen on %s port %u; ports "
				 "below 1024 are root's: choose another with "
				 "--port (PORT)",
				 host, port);
	errno = error;
	return fault_set(binder->fault, EX_UNAVAILABLE,
			 "cannot listen on %s port %u: %m; choose an address "
			 "of this machine with --host (HOST)",
			 host, port);
}

/* A dual-stack socket takes IPv4 too, unless that has a socket of its own. */
static int is_ipv6_only(const struct settings *settings,
			const struct sockaddr *address)
{
	static const struct in6_addr any = IN6ADDR_ANY_INIT;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

	if (memcmp(&in6->sin6_addr, &any, sizeof(any)) != 0)
		return 1;
	for (size_t i = 0; i < settings->addresses.count; i++)
		if (address_is_any_ipv4(&settings->addresses.items[i]))
			return 1;
	return 0;
}

/* A bound and listening socket, -1 with errno. */
static int open_socket(const struct settings *settings,
		       const struct sockaddr *address, socklen_t len)
{
	const int on = 1;
	int ipv6_only;
	int fd = socket(address->sa_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int saved;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* The accepted sockets have it from here. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (address->sa_family == AF_INET6) {
		ipv6_only = is_ipv6_only(settings, address);
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &ipv6_only,
				 sizeof(ipv6_only));
	}
	if (bind(fd, address, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* Fills the text of an address and its port. */
static void describe(const struct sockaddr *address, char *text, size_t size,
		     uint16_t *port)
{
	const void *ip = &((const struct sockaddr_in *)address)->sin_addr;

	*port = ntohs(((const struct sockaddr_in *)address)->sin_port);
	if (address->sa_family == AF_INET6) {
		ip = &((const struct sockaddr_in6 *)address)->sin6_addr;
		*port = ntohs(
			((const struct sockaddr_in6 *)address)->sin6_port);
	}
	if (!inet_ntop(address->sa_family, ip, text, (socklen_t)size))
		(void)snprintf(text, size, "?");
}

static struct listener *add(struct listeners *listeners, int fd)
{
	struct listener *listener = &listeners->items[listeners->count++];

	memset(listener, 0, sizeof(*listener));
	listener->fd = fd;
	return listener;
}

/* Finds out what address a socket has. */
static void add_inet(struct listeners *listeners, int fd)
{
	struct listener *listener = add(listeners, fd);
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	uint16_t port = 0;

	memset(&address, 0, sizeof(address));
	(void)getsockname(fd, (struct sockaddr *)&address, &len);
	describe((struct sockaddr *)&address, listener->address,
		 sizeof(listener->address), &port);
	listener->port = port;
}

/* A default address that is not there is left out with a warning. */
static bool may_be_left_out(const struct binder *binder, const char *host)
{
	bool is_left_out = binder->settings->addresses_are_default &&
			   is_absent(errno);

	if (is_left_out)
		log_event(LOG_WARN, "no IPv6 on this machine",
			  LOG_STRING("address", host));
	return is_left_out;
}

static enum err bind_sockaddr(struct binder *binder, struct sockaddr *address,
			      socklen_t len)
{
	char host[INET6_ADDRSTRLEN];
	uint16_t port;
	int fd;

	if (binder->listeners->count == LISTENERS_MAX)
		return fault_set(binder->fault, EX_CONFIG,
				 "HOST: at most %d sockets", LISTENERS_MAX);
	if (address->sa_family == AF_INET6)
		((struct sockaddr_in6 *)address)->sin6_port =
			htons(binder->port);
	else
		((struct sockaddr_in *)address)->sin_port = htons(binder->port);
	fd = open_socket(binder->settings, address, len);
	if (fd >= 0) {
		add_inet(binder->listeners, fd);
		binder->port = (uint16_t)binder->listeners
				       ->items[binder->listeners->count - 1]
				       .port;
		return ERR_OK;
	}
	describe(address, host, sizeof(host), &port);
	if (errno == EADDRINUSE && binder->settings->port == 0 &&
	    binder->port != 0)
		return FREE_PORT_IS_TAKEN;
	if (may_be_left_out(binder, host))
		return ERR_OK;
	return explain(binder, host, port);
}

static enum err bind_host(struct binder *binder, const struct address *address)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = address->kind == ADDRESS_NAME ?
				    AI_PASSIVE :
				    AI_PASSIVE | AI_NUMERICHOST,
	};
	struct addrinfo *found = NULL;
	enum err err = ERR_OK;
	int failure = getaddrinfo(address->text, NULL, &hints, &found);

	if (failure != 0)
		return fault_set(binder->fault, EX_UNAVAILABLE,
				 "HOST: cannot find \"%s\": %s", address->text,
				 gai_strerror(failure));
	for (const struct addrinfo *each = found; each && err == ERR_OK;
	     each = each->ai_next)
		err = bind_sockaddr(binder, each->ai_addr, each->ai_addrlen);
	freeaddrinfo(found);
	return err;
}

static enum err bind_unix(struct binder *binder, const struct address *address)
{
	struct listener *listener;
	enum err err;
	int fd;

	if (binder->listeners->count == LISTENERS_MAX)
		return fault_set(binder->fault, EX_CONFIG,
				 "HOST: at most %d sockets", LISTENERS_MAX);
	err = listen_unix_open(address->text, BACKLOG, binder->identity, &fd,
			       binder->fault);
	if (err != ERR_OK)
		return err;
	listener = add(binder->listeners, fd);
	(void)snprintf(listener->address, sizeof(listener->address), "unix:%s",
		       address->text);
	listener->file = listen_unix_file_at(address->text);
	listener->unlink_path = strdup(address->text);
	return listener->unlink_path ? ERR_OK : ERR_NO_MEMORY;
}

static enum err bind_all(struct binder *binder)
{
	const struct address_list *list = &binder->settings->addresses;
	enum err err = ERR_OK;

	for (size_t i = 0; i < list->count && err == ERR_OK; i++)
		err = list->items[i].kind == ADDRESS_UNIX ?
			      bind_unix(binder, &list->items[i]) :
			      bind_host(binder, &list->items[i]);
	return err;
}

/* "::" is the default in production, also where there is no IPv6. */
static enum err bind_any_ipv4(struct binder *binder)
{
	const struct address any = { ADDRESS_IPV4, "0.0.0.0" };

	if (binder->listeners->count > 0)
		return ERR_OK;
	if (binder->settings->environment != SETTINGS_PRODUCTION)
		return fault_set(binder->fault, EX_UNAVAILABLE,
				 "this machine has no loopback address; "
				 "choose an address with --host (HOST)");
	return bind_host(binder, &any);
}

static enum err bind_settings(struct binder *binder)
{
	enum err err = FREE_PORT_IS_TAKEN;

	for (int i = 0; i < FREE_PORT_TRIES && err == FREE_PORT_IS_TAKEN; i++) {
		listen_close(binder->listeners);
		binder->port = binder->settings->port;
		err = bind_all(binder);
		if (err == ERR_OK)
			err = bind_any_ipv4(binder);
	}
	if (err == FREE_PORT_IS_TAKEN)
		return fault_set(binder->fault, EX_UNAVAILABLE,
				 "found no port that is free on all addresses "
				 "of HOST; choose one with --port (PORT)");
	return err;
}

/* A socket that was not made here must be one we can serve. */
static bool is_listening(int fd)
{
	socklen_t size = sizeof(int);
	int listens = 0;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 ||
	    !listens)
		return false;
	(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return true;
}

/* Adds a socket of any kind; its path, NULL unless it is a unix socket. */
static const char *take_over(struct listeners *listeners, int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	struct listener *listener;

	memset(&address, 0, sizeof(address));
	(void)getsockname(fd, (struct sockaddr *)&address, &len);
	if (address.ss_family != AF_UNIX) {
		add_inet(listeners, fd);
		return NULL;
	}
	listener = add(listeners, fd);
	(void)snprintf(listener->address, sizeof(listener->address), "unix:%s",
		       ((const struct sockaddr_un *)&address)->sun_path);
	return listener->address + sizeof("unix:") - 1;
}

static enum err take_from_systemd(struct binder *binder, int first, int count)
{
	log_event(LOG_INFO, "using the sockets of systemd, not HOST and PORT",
		  LOG_INT("sockets", count));
	for (int fd = first; fd < first + count && fd < first + LISTENERS_MAX;
	     fd++) {
		if (!is_listening(fd))
			return fault_set(binder->fault, EX_CONFIG,
					 "descriptor %d from systemd is no "
					 "listening stream socket; use "
					 "ListenStream= and Accept=no in the "
					 "socket unit",
					 fd);
		(void)take_over(binder->listeners, fd);
	}
	return ERR_OK;
}

static enum err take_from_todod(struct binder *binder,
				const struct handover *handover)
{
	struct listeners *listeners = binder->listeners;

	log_event(LOG_INFO,
		  "using the sockets of the todod before, not HOST and PORT",
		  LOG_INT("sockets", (int64_t)handover->count));
	listeners->are_lent = true;
	for (size_t i = 0; i < handover->count; i++) {
		const struct handover_socket *each = &handover->sockets[i];
		const char *path;

		if (!is_listening(each->fd))
			return fault_set(binder->fault, EX_SOFTWARE,
					 "descriptor %d from the todod before "
					 "is no listening socket",
					 each->fd);
		path = take_over(listeners, each->fd);
		if (!path || !each->is_unlinked)
			continue;
		listeners->items[i].file = listen_unix_file_at(path);
		listeners->items[i].unlink_path = strdup(path);
		if (!listeners->items[i].unlink_path)
			return ERR_NO_MEMORY;
	}
	return ERR_OK;
}

enum err listen_open(const struct settings *settings,
		     const struct identity *identity,
		     const struct handover *handover,
		     struct listeners *listeners, struct fault *fault)
{
	struct binder binder = {
		.settings = settings,
		.identity = identity,
		.listeners = listeners,
		.fault = fault,
	};
	int first = 0;
	int inherited = notify_inherited_sockets(&first);
	enum err err;

	listeners->count = 0;
	listeners->are_lent = false;
	if (handover->count > 0)
		err = take_from_todod(&binder, handover);
	else if (inherited > 0)
		err = take_from_systemd(&binder, first, inherited);
	else
		err = bind_settings(&binder);
	if (err != ERR_OK)
		listen_close(listeners);
	return err;
}

void listen_close(struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++) {
		struct listener *listener = &listeners->items[i];

		close(listener->fd);
		if (listener->unlink_path && !listeners->are_lent)
			listen_unix_remove(listener->unlink_path,
					   &listener->file);
		free(listener->unlink_path);
		listener->unlink_path = NULL;
	}
	listeners->count = 0;
}

void listen_log(const struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++) {
		const struct listener *listener = &listeners->items[i];

		if (listener->port > 0)
			log_event(LOG_INFO, "listening",
				  LOG_STRING("address", listener->address),
				  LOG_INT("port", listener->port));
		else
			log_event(LOG_INFO, "listening",
				  LOG_STRING("address", listener->address));
	}
}
