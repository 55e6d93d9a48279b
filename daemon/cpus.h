/* How many CPUs this process may use: its affinity and its cgroup's quota. */
#ifndef TODOD_DAEMON_CPUS_H
#define TODOD_DAEMON_CPUS_H

#include <stddef.h>

/* At least 1. */
unsigned cpus_available(void);

/*
 * The CPUs that a cgroup grants, rounded up; 0: no limit, or nothing that can
 * be read.  max is the content of cpu.max (version 2: "200000 100000").
 */
unsigned cpus_of_quota(const char *max);

#endif
