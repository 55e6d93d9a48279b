/* From the system's addresses to those of core/ip.h. */
#include "config.h"

#include "daemon/peername.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

void peername_get(int fd, struct sockaddr_storage *address)
{
	socklen_t len = sizeof(*address);

	memset(address, 0, sizeof(*address));
	(void)getpeername(fd, (struct sockaddr *)address, &len);
}

struct ip peername_ip(const struct sockaddr_storage *address)
{
	const struct in_addr *ip4 =
		&((const struct sockaddr_in *)address)->sin_addr;
	const struct in6_addr *ip6 =
		&((const struct sockaddr_in6 *)address)->sin6_addr;
	struct ip ip = { .family = IP_NONE };

	if (address->ss_family == AF_UNIX) {
		ip.family = IP_UNIX;
	} else if (address->ss_family == AF_INET) {
		ip.family = IP_V4;
		memcpy(ip.bytes, ip4, sizeof(*ip4));
	} else if (address->ss_family == AF_INET6 &&
		   IN6_IS_ADDR_V4MAPPED(ip6)) {
		ip.family = IP_V4;
		memcpy(ip.bytes, ip6->s6_addr + 12, sizeof(*ip4));
	} else if (address->ss_family == AF_INET6) {
		ip.family = IP_V6;
		memcpy(ip.bytes, ip6->s6_addr, sizeof(ip.bytes));
	}
	return ip;
}
