/* SPDX-License-Identifier: MIT
 * cgroups(7): version 2 has one tree, version 1 one for memory alone; a limit
 * of any ancestor counts.
 */
#include "base/room.h"

#include <sys/resource.h>
#include <unistd.h>

/* The number behind `key` at the start of a line, or alone in the file (key
 * ""); false where there is none ("max"). */
static bool
number(const char *path, const char *key, uint64_t *out)
{
	FILE *f = fopen(path, "re");
	char line[256];
	bool found = false;

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL) {
		char *end, *at = line + strlen(key);

		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		*out = strtoull(at, &end, 10);
		found = end != at;
	}
	if (f != NULL)
		fclose(f);
	return found;
}

/* A group's limit less what it uses; files that were read make room. */
static uint64_t
group_left(const char *dir, const char *most, const char *used)
{
	uint64_t limit, use = 0, cached, cache = 0;
	char path[1280];

	snprintf(path, sizeof(path), "%s/%s", dir, most);
	if (!number(path, "", &limit))
		return UINT64_MAX;
	snprintf(path, sizeof(path), "%s/%s", dir, used);
	if (!number(path, "", &use))
		return UINT64_MAX;
	snprintf(path, sizeof(path), "%s/memory.stat", dir);
	if (number(path, "inactive_file ", &cached))
		cache += cached;
	if (number(path, "active_file ", &cached))
		cache += cached;
	use -= MIN(use, cache);
	return limit - MIN(limit, use);
}

/* The least of a group and its ancestors up to the mount's root. */
static uint64_t
groups_left(
    const char *mount, const char *group, const char *most, const char *used)
{
	uint64_t left = UINT64_MAX;
	size_t root = strlen(mount);
	char dir[1024];

	snprintf(dir, sizeof(dir), "%s%s", mount, group);
	for (;;) {
		uint64_t here = group_left(dir, most, used);
		char *slash;

		left = MIN(left, here);
		slash = strrchr(dir, '/');
		if (strlen(dir) <= root || slash == NULL)
			return left;
		*slash = '\0';
	}
}

/* A line of /proc/self/cgroup: number, controllers, group. */
static uint64_t
line_left(const char *root, char *line)
{
	char *which = strchr(line, ':'), *group, mount[512];

	line[strcspn(line, "\n")] = '\0';
	if (which == NULL || (group = strchr(which + 1, ':')) == NULL)
		return UINT64_MAX;
	*group++ = '\0';
	if (strcmp(which + 1, "") == 0) {
		snprintf(mount, sizeof(mount), "%s/sys/fs/cgroup", root);
		return groups_left(
		    mount, group, "memory.max", "memory.current");
	}
	if (strcmp(which + 1, "memory") != 0)
		return UINT64_MAX;
	snprintf(mount, sizeof(mount), "%s/sys/fs/cgroup/memory", root);
	return groups_left(
	    mount, group, "memory.limit_in_bytes", "memory.usage_in_bytes");
}

uint64_t
room_under(const char *root)
{
	uint64_t left = UINT64_MAX, kib;
	char path[512], line[1024];
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/meminfo", root);
	if (number(path, "MemAvailable:", &kib))
		left = kib << 10;
	snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		uint64_t here = line_left(root, line);

		left = MIN(left, here);
	}
	if (f != NULL)
		fclose(f);
	return left;
}

uint64_t
room_left(void)
{
	uint64_t left = room_under(""), pages = 0, used;
	struct rlimit r;

	if (getrlimit(RLIMIT_AS, &r) != 0 || r.rlim_cur == RLIM_INFINITY)
		return left;
	number("/proc/self/statm", "", &pages);
	used = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	return MIN(left, r.rlim_cur - MIN(r.rlim_cur, used));
}

uint64_t
room_peak(void)
{
	uint64_t kib = 0;

	number("/proc/self/status", "VmHWM:", &kib);
	return kib << 10;
}
