/* SPDX-License-Identifier: MIT */
#include "audit/inspect_list.h"

#include "base/file.h"
#include "base/snapshot.h"
#include "base/tree.h"

#include <unistd.h>

struct walk {
	struct inspect_list *list;
	const char *prefix;
	int root, blobs;
};

void
inspect_list_init(struct inspect_list *l)
{
	*l = (struct inspect_list){.n = 0};
	arena_init(&l->arena, (size_t)4 << 30);
}

void
inspect_list_release(struct inspect_list *l)
{
	for (size_t i = 0; i < l->nroot; i++) {
		close(l->root[i]);
		if (l->blobs[i] >= 0)
			close(l->blobs[i]);
	}
	arena_release(&l->arena);
}

static int
full(struct err *e)
{
	return err_set(
	    e, ERR_LIMIT, ERR_NOWHERE, "too many files for the memory allowed");
}

static int
add(struct inspect_list *l, const struct inspect_entry *one, struct err *e)
{
	if (l->n == l->room) {
		size_t room = MAX(l->room * 2, 256);
		struct inspect_entry *more =
		    arena_alloc(&l->arena, room, sizeof(*more));

		if (more == NULL)
			return full(e);
		if (l->n != 0)
			memcpy(more, l->entry, l->n * sizeof(*more));
		l->entry = more;
		l->room = room;
	}
	l->entry[l->n++] = *one;
	return 0;
}

int
inspect_list_file(struct inspect_list *l, const char *path, struct err *e)
{
	struct inspect_entry one = {.kind = INSPECT_FILE,
	    .root = -1,
	    .blobs = -1,
	    .path = path,
	    .inside = path};

	return add(l, &one, e);
}

/* The length of the folder's name, with its slash; SIZE_MAX: above the root. */
static size_t
folder_above(const char *inside, unsigned up)
{
	const char *end = strrchr(inside, '/');
	size_t n = end != NULL ? (size_t)(end - inside) + 1 : 0;

	for (; up > 0; up--) {
		if (n == 0)
			return SIZE_MAX;
		for (n--; n > 0 && inside[n - 1] != '/';)
			n--;
	}
	return n;
}

/* --- links --------------------------------------------------------------- */

/* huggingface_hub keeps a snapshot as links to blobs beside it: where these are
 * not there, that is no way out but a part that is missing. */
static bool
is_blob(const char *to)
{
	while (strncmp(to, "../", 3) == 0)
		to += 3;
	return strncmp(to, "blobs/", 6) == 0 && snapshot_is_blob(to + 6);
}

/* What a link beside `from` leads to, by its words alone, from the root on;
 * false: out of it. */
static bool
resolve(const char *from, const char *to, char *out, size_t size)
{
	size_t n = folder_above(from, 0);

	if (to[0] == '/' || n >= size)
		return false;
	memcpy(out, from, n);
	while (*to != '\0') {
		size_t part = strcspn(to, "/");

		if (part == 2 && to[0] == '.' && to[1] == '.') {
			if (n == 0)
				return false;
			for (n--; n > 0 && out[n - 1] != '/';)
				n--;
		} else if (part != 0 && !(part == 1 && to[0] == '.')) {
			if (n + part + 1 >= size)
				return false;
			memcpy(out + n, to, part);
			n += part;
			out[n++] = '/';
		}
		to += part + (to[part] == '/');
	}
	out[n > 0 ? n - 1 : 0] = '\0';
	return true;
}

static bool
is_regular(int root, const char *path)
{
	struct err ignored;
	struct stat st;

	return tree_stat(root, path, false, &st, &ignored) == 0 &&
	       S_ISREG(st.st_mode);
}

/* Of a file within the folder it is one more name, and of a snapshot's blob the
 * only one; all else is not followed. */
static int
link_entry(struct walk *w, struct inspect_entry *one, struct err *e)
{
	struct arena *a = &w->list->arena;
	char to[4096], at[4096];
	struct err ignored;
	const char *blob;

	one->kind = INSPECT_NOT;
	one->why = "a link, not followed";
	if (tree_link(w->root, one->inside, to, sizeof(to), &ignored) != 0)
		return add(w->list, one, e);
	if (resolve(one->inside, to, at, sizeof(at))) {
		if (at[0] != '\0' && is_regular(w->root, at)) {
			one->kind = INSPECT_FILE;
			one->again = true;
		}
		return add(w->list, one, e);
	}
	if (w->blobs >= 0 && (blob = snapshot_blob(one->inside, to)) != NULL &&
	    is_regular(w->blobs, blob)) {
		one->kind = INSPECT_FILE;
		return add(w->list, one, e);
	}
	one->kind = is_blob(to) ? INSPECT_NOT : INSPECT_AWAY;
	one->why = arena_printf(a, "a link to '%.300s'", to);
	return one->why != NULL ? add(w->list, one, e) : full(e);
}

static int
each(void *ctx, const struct tree_entry *entry, struct err *e)
{
	struct walk *w = ctx;
	struct inspect_entry one = {.root = w->root, .blobs = w->blobs};
	struct arena *a = &w->list->arena;

	one.inside = arena_strdup(a, entry->path, strlen(entry->path));
	one.path = w->prefix[0] != '\0'
		       ? arena_printf(a, "%s/%s", w->prefix, entry->path)
		       : one.inside;
	if (one.inside == NULL || one.path == NULL)
		return full(e);
	if (S_ISREG(entry->st.st_mode)) {
		one.kind = INSPECT_FILE;
	} else if (S_ISDIR(entry->st.st_mode)) {
		one.kind = INSPECT_FOLDER;
	} else if (S_ISLNK(entry->st.st_mode)) {
		return link_entry(w, &one, e);
	} else {
		one.kind = INSPECT_NOT;
		one.why = "not a regular file";
	}
	return add(w->list, &one, e);
}

/* --- walking ------------------------------------------------------------- */

/* A walk that stopped at a limit is said where it stopped; the rest is looked
 * at. */
static int
stopped(struct inspect_list *l, int root, const struct err *why, struct err *e)
{
	struct inspect_entry one = {.kind = INSPECT_STOP, .root = root};

	one.path = arena_printf(&l->arena, "%s", why->path);
	one.why = arena_printf(&l->arena, "%s", why->msg);
	if (one.path == NULL || one.why == NULL)
		return full(e);
	return add(l, &one, e);
}

int
inspect_list_tree(struct inspect_list *l, const char *path, const char *blobs,
    const char *prefix, struct err *e)
{
	struct inspect_entry top = {
	    .kind = INSPECT_FOLDER, .blobs = -1, .path = prefix};
	struct walk w = {.list = l, .prefix = prefix, .blobs = -1};
	struct err why = {0};
	int rc;

	if (l->nroot == ARRAY_LEN(l->root))
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many folders");
	if ((w.root = tree_root(path, e)) < 0)
		return w.root;
	if (blobs != NULL && (w.blobs = tree_root(blobs, e)) < 0) {
		close(w.root);
		return w.blobs;
	}
	l->root_path[l->nroot] = path;
	l->blobs[l->nroot] = w.blobs;
	l->root[l->nroot++] = w.root;
	top.root = w.root;
	if ((rc = add(l, &top, e)) != 0)
		return rc;
	rc = tree_walk(w.root, &l->arena, each, &w, &why);
	if (rc == ERR_LIMIT)
		return stopped(l, w.root, &why, e);
	if (rc != 0)
		*e = why;
	return rc;
}

int
inspect_list_blobs(struct inspect_list *l, const char *const *path, size_t n,
    const char **out, size_t *nout, struct err *e)
{
	char blobs[4096];

	for (size_t i = 0; i < n; i++) {
		if (!snapshot_blobs(path[i], blobs, sizeof(blobs)))
			continue;
		out[*nout] = arena_strdup(&l->arena, blobs, strlen(blobs));
		if (out[(*nout)++] == NULL)
			return full(e);
	}
	return 0;
}

/* A file, or what a link that is followed (link_entry()) leads to. */
static int
open_in(const struct inspect_entry *one, const char *path, struct err *e)
{
	char to[4096], at[4096];
	struct err ignored;
	const char *blob;

	if (tree_link(one->root, path, to, sizeof(to), &ignored) != 0)
		return tree_open(one->root, path, e);
	if (resolve(path, to, at, sizeof(at)))
		return tree_open(one->root, at, e);
	if (one->blobs >= 0 && (blob = snapshot_blob(path, to)) != NULL)
		return tree_open(one->blobs, blob, e);
	return tree_open(one->root, path, e); /* which says what it is */
}

int
inspect_list_open(const struct inspect_entry *one, struct err *e)
{
	if (one->root < 0)
		return file_open(one->inside, e);
	if (one->inside == NULL)
		return dup(one->root);
	return open_in(one, one->inside, e);
}

int
inspect_list_near(const struct inspect_entry *one, unsigned up,
    const char *path, struct err *e)
{
	char at[4096];
	size_t folder;
	int n;

	if (one->root < 0 || one->inside == NULL ||
	    (folder = folder_above(one->inside, up)) >= sizeof(at))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE, "no such folder");
	n = snprintf(at, sizeof(at), "%.*s%s", (int)folder, one->inside, path);
	if (n < 0 || (size_t)n >= sizeof(at))
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "a path too long");
	return open_in(one, at, e);
}

bool
inspect_list_beside(const struct inspect_entry *one, const char *path)
{
	struct err e;
	int fd = inspect_list_near(one, 0, path, &e);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}
