/* The address of the other end of a socket. */
#ifndef TODOD_DAEMON_PEERNAME_H
#define TODOD_DAEMON_PEERNAME_H

#include "core/ip.h"

struct sockaddr_storage;

/* The other end of a socket; of no family when there is none. */
void peername_get(int fd, struct sockaddr_storage *address);

/* The address without its port; IP_NONE when it is not known. */
struct ip peername_ip(const struct sockaddr_storage *address);

#endif
