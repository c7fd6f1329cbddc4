/* SPDX-License-Identifier: MIT */
#define _XOPEN_SOURCE 700 /* S_IFMT */
#include "audit/check_names.h"

#include "audit/check_layer.h"
#include "base/text.h"
#include "formats/member.h"

#include <sys/stat.h>

void
check_names_init(
    struct check_names *n, struct check_tell *tell, struct arena *a)
{
	*n = (struct check_names){.tell = tell, .arena = a};
	map_init(&n->exact, a);
	map_init(&n->folded, a);
	map_init(&n->links, a);
}

/* A name that is not kept is compared with nothing: the result is incomplete. */
static void
full(struct check_names *n, const struct check_names_entry *e)
{
	if (!n->full)
		check_tell_short(n->tell, FINDING_FILE_LIMIT, e->at,
		    "names too many to compare, from '%.200s' on", e->name);
	n->full = true;
}

static bool
keep(struct check_names *n, struct map *in, const char *name, size_t value,
    const struct check_names_entry *e)
{
	const char *key = arena_strdup(n->arena, name, strlen(name));

	if (key != NULL && map_put(in, key, value) >= 0)
		return true;
	full(n, e);
	return false;
}

/* --- the name by itself -------------------------------------------------- */

void
check_names_judge(
    struct check_tell *t, struct arena *a, const struct check_names_entry *e)
{
	size_t len = strlen(e->name);
	const char *name = e->name;
	struct member m;

	/* names of old archives are in some code page: only ASCII counts */
	if (e->coded && !text_utf8_valid(name, len)) {
		char *copy = arena_strdup(a, name, len);

		for (size_t i = 0; copy != NULL && i < len; i++)
			if ((unsigned char)copy[i] >= 0x80)
				copy[i] = '_';
		name = copy != NULL ? copy : name;
	}
	if (member_check(name, &m) == MEMBER_REFUSED)
		check_tell_find(
		    t, m.finding, e->at, "'%.200s': %s", e->name, m.reason);
}

/* --- links --------------------------------------------------------------- */

/* The folders that a path is below: "a/b/c" has 2. */
static size_t
folders(const char *path)
{
	size_t n = 0;

	for (; *path != '\0'; path++)
		n += *path == '/';
	return n;
}

/*
 * A target that stays within the archive whatever other links there are: only
 * leading "..", not more than the link has folders above it.
 */
static bool
stays(const char *name, const char *target)
{
	size_t up = 0, most = folders(name);

	if (target[0] == '/' || strchr(target, '\\') != NULL ||
	    (target[0] != '\0' && target[1] == ':'))
		return false;
	while (strncmp(target, "../", 3) == 0) {
		target += 3;
		up++;
	}
	if (strcmp(target, "..") == 0)
		return up + 1 <= most;
	if (strstr(target, "/../") != NULL || text_ends_with(target, "/.."))
		return false;
	return up <= most;
}

/* The first link that the name leads through, or NULL. */
static bool
through_link(struct check_names *n, const char *name)
{
	char path[LIMIT_MEMBER_NAME + 1];
	size_t len = strlen(name);

	if (n->links.used == 0 || len >= sizeof(path))
		return false;
	memcpy(path, name, len + 1);
	for (size_t i = 0; i < len; i++) {
		if (path[i] != '/')
			continue;
		path[i] = '\0';
		if (map_get(&n->links, path) != SIZE_MAX)
			return true;
		path[i] = '/';
	}
	return false;
}

static void
judge_link(struct check_names *n, const struct check_names_entry *e)
{
	bool hard = !S_ISLNK(e->mode);
	/* a hard link names another member, not a path from here */
	bool inside = stays(hard ? "" : e->name, e->link);

	/* from the root of the system that the layer is */
	bool rooted = !hard && e->link[0] == '/' && stays("", e->link + 1) &&
		      check_layer_has(n->tell->f, e->name);

	if (!hard)
		(void)keep(n, &n->links, e->name, 0, e);
	check_tell_find(n->tell,
	    rooted   ? FINDING_ARCHIVE_IMAGE_LINK
	    : inside ? FINDING_ARCHIVE_LINK_INSIDE
		     : FINDING_ARCHIVE_LINK,
	    e->at, "'%.200s' to '%.200s'", e->name, e->link);
}

/* --- beside the others --------------------------------------------------- */

/* A name that is new: one that only looks so is reported. */
static void
fold(struct check_names *n, const char *name, const struct check_names_entry *e)
{
	char text[MEMBER_FOLD];

	member_fold(name, text);
	if (map_get(&n->folded, text) != SIZE_MAX)
		check_tell_find(
		    n->tell, FINDING_ARCHIVE_CASE, e->at, "'%.200s'", e->name);
	else
		(void)keep(n, &n->folded, text, 0, e);
}

enum {
	IS_FILE,
	IS_FOLDER,
	IS_IMPLIED
};

static void
place(struct check_names *n, const char *name, size_t what,
    const struct check_names_entry *e)
{
	size_t old = map_get(&n->exact, name);

	if (old == SIZE_MAX) {
		if (keep(n, &n->exact, name, what, e))
			fold(n, name, e);
	} else if (old == IS_FILE || what == IS_FILE) {
		check_tell_find(n->tell, FINDING_ARCHIVE_DUPLICATE, e->at,
		    "'%.200s'%s", e->name,
		    old == what ? "" : ", as a file and as a folder");
	}
}

/* The name, and the folders that it is in. */
static void
twice(struct check_names *n, const struct check_names_entry *e)
{
	char path[LIMIT_MEMBER_NAME + 1];
	size_t len = strlen(e->name);
	bool folder = S_ISDIR(e->mode);

	/* "a/" and "a" are one to whoever unpacks */
	while (len > 0 && e->name[len - 1] == '/') {
		folder = true;
		len--;
	}
	if (len == 0 || len > LIMIT_MEMBER_NAME)
		return;
	memcpy(path, e->name, len);
	path[len] = '\0';
	for (size_t i = 1; i < len; i++) {
		if (path[i] != '/')
			continue;
		path[i] = '\0';
		if (map_get(&n->links, path) == SIZE_MAX)
			place(n, path, IS_IMPLIED, e);
		path[i] = '/';
	}
	place(n, path, folder ? IS_FOLDER : IS_FILE, e);
}

/* What every Debian, Fedora or Alpine has so: it comes with layers of images. */
static bool
is_system_program(const char *name)
{
	static const char *const programs[] = {"at", "bbsuid", "chage", "chfn",
	    "chsh", "crontab", "dbus-daemon-launch-helper", "dotlockfile",
	    "expiry", "fusermount", "fusermount3", "gpasswd",
	    "grub2-set-bootflag", "mount", "mount.nfs", "newgidmap", "newgrp",
	    "newuidmap", "pam_extrausers_chkpwd", "pam_timestamp_check",
	    "passwd", "ping", "pkexec", "polkit-agent-helper-1", "pt_chown",
	    "snap-confine", "ssh-agent", "ssh-keysign", "su", "sudo", "umount",
	    "unix_chkpwd", "userhelper", "utempter", "wall", "write",
	    "Xorg.wrap"};
	static const char *const folders[] = {"bin/", "sbin/", "usr/bin/",
	    "usr/sbin/", "usr/lib/", "usr/libexec/", "lib/"};
	const char *base = strrchr(name, '/');

	if (strncmp(name, "./", 2) == 0)
		name += 2;
	for (size_t i = 0; base != NULL && i < ARRAY_LEN(folders); i++)
		if (text_begins_with(name, strlen(name), folders[i]))
			return text_is_one_of(
			    base + 1, programs, ARRAY_LEN(programs));
	return false;
}

void
check_names_add(struct check_names *n, const struct check_names_entry *e)
{
	check_names_judge(n->tell, n->arena, e);
	if (S_ISCHR(e->mode) || S_ISBLK(e->mode) || S_ISFIFO(e->mode) ||
	    S_ISSOCK(e->mode))
		check_tell_find(n->tell, FINDING_ARCHIVE_DEVICE, e->at,
		    "'%.200s'", e->name);
	else if (S_ISREG(e->mode) && (e->mode & (S_ISUID | S_ISGID)) != 0)
		check_tell_find(n->tell,
		    is_system_program(e->name) ? FINDING_ARCHIVE_MODE_USUAL
					       : FINDING_ARCHIVE_MODE,
		    e->at, "'%.200s' asks for set-user-id or set-group-id",
		    e->name);
	if (through_link(n, e->name))
		check_tell_find(n->tell, FINDING_ARCHIVE_LINK, e->at,
		    "'%.200s' would be written through a link", e->name);
	twice(n, e);
	if (e->link != NULL)
		judge_link(n, e);
}
