/* Affinity and the quotas of both versions of cgroups. */
#include "config.h"

#include "daemon/cpus.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 1024

static unsigned cpus_of_affinity(void)
{
	cpu_set_t set;
	long online;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (unsigned)CPU_COUNT(&set);
	/* More CPUs than cpu_set_t has room for. */
	online = sysconf(_SC_NPROCESSORS_ONLN);
	return online > 0 ? (unsigned)online : 1;
}

unsigned cpus_of_quota(const char *max)
{
	char *end;
	long quota = strtol(max, &end, 10);
	long period;

	if (end == max || quota <= 0 || *end != ' ')
		return 0;
	period = strtol(end, NULL, 10);
	if (period <= 0)
		return 0;
	return (unsigned)((quota + period - 1) / period);
}

/* The beginning of a small file as a string. */
static bool read_small(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return false;
	got = read(fd, out, size - 1);
	close(fd);
	if (got < 0)
		return false;
	out[got] = '\0';
	return true;
}

static unsigned smaller_limit(unsigned a, unsigned b)
{
	if (a == 0 || (b > 0 && b < a))
		return b;
	return a;
}

/* The limit of one group of version 2. */
static unsigned read_v2(const char *folder)
{
	char path[PATH_BYTES + 16], max[64];

	(void)snprintf(path, sizeof(path), "%s/cpu.max", folder);
	return read_small(path, max, sizeof(max)) ? cpus_of_quota(max) : 0;
}

/* The limit of one group of version 1, put as version 2 would. */
static unsigned read_v1(const char *folder)
{
	char path[PATH_BYTES + 32], quota[32], period[32], max[80];

	(void)snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", folder);
	if (!read_small(path, quota, sizeof(quota)))
		return 0;
	(void)snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", folder);
	if (!read_small(path, period, sizeof(period)))
		return 0;
	(void)snprintf(max, sizeof(max), "%ld %ld", strtol(quota, NULL, 10),
		       strtol(period, NULL, 10));
	return cpus_of_quota(max);
}

/* The least limit from the group up to the root of the mount. */
static unsigned limit_of(const char *mount, const char *group,
			 unsigned (*read_limit)(const char *folder))
{
	char folder[PATH_BYTES];
	unsigned limit = 0;
	int len = snprintf(folder, sizeof(folder), "%s%s", mount, group);

	if (len < 0 || (size_t)len >= sizeof(folder))
		return 0;
	while (strlen(folder) >= strlen(mount)) {
		char *slash = strrchr(folder, '/');

		limit = smaller_limit(limit, read_limit(folder));
		if (!slash || slash == folder)
			break;
		*slash = '\0';
	}
	return limit;
}

/* Whether a list of controllers ("cpu,cpuacct") names cpu. */
static bool has_cpu(const char *list, size_t len)
{
	while (len > 0) {
		size_t word = 0;

		while (word < len && list[word] != ',')
			word++;
		if (word == 3 && memcmp(list, "cpu", 3) == 0)
			return true;
		list += word < len ? word + 1 : word;
		len -= word < len ? word + 1 : word;
	}
	return false;
}

/* Lines of /proc/self/cgroup: "0::/group" or "4:cpu,cpuacct:/group". */
static unsigned cpus_of_cgroups(void)
{
	char groups[8192];
	unsigned limit = 0;
	char *rest = groups;
	const char *line;

	if (!read_small("/proc/self/cgroup", groups, sizeof(groups)))
		return 0;
	while ((line = strsep(&rest, "\n"))) {
		const char *list = strchr(line, ':');
		const char *group = list ? strchr(list + 1, ':') : NULL;

		if (!group)
			continue;
		list++;
		group++;
		if (group - list == 1)
			limit = smaller_limit(limit, limit_of("/sys/fs/cgroup",
							      group, read_v2));
		else if (has_cpu(list, (size_t)(group - list) - 1))
			limit = smaller_limit(limit,
					      limit_of("/sys/fs/cgroup/cpu",
						       group, read_v1));
	}
	return limit;
}

unsigned cpus_available(void)
{
	unsigned cpus = smaller_limit(cpus_of_affinity(), cpus_of_cgroups());

	return cpus > 0 ? cpus : 1;
}
