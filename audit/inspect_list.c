/* SPDX-License-Identifier: MIT */
#include "audit/inspect_list.h"

#include "base/file.h"
#include "base/tree.h"

#include <unistd.h>

struct walk {
	struct inspect_list *list;
	const char *prefix;
	int root;
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
	for (size_t i = 0; i < l->nroot; i++)
		close(l->root[i]);
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
	struct inspect_entry one = {
	    .kind = INSPECT_FILE, .root = -1, .path = path, .inside = path};

	return add(l, &one, e);
}

static int
each(void *ctx, const struct tree_entry *entry, struct err *e)
{
	struct walk *w = ctx;
	struct inspect_entry one = {.root = w->root};
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
	} else {
		one.kind = INSPECT_NOT;
		one.why = S_ISLNK(entry->st.st_mode) ? "a link, not followed"
						     : "not a regular file";
	}
	return add(w->list, &one, e);
}

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
inspect_list_tree(
    struct inspect_list *l, const char *path, const char *prefix, struct err *e)
{
	struct inspect_entry top = {.kind = INSPECT_FOLDER, .path = prefix};
	struct walk w = {.list = l, .prefix = prefix};
	struct err why = {0};
	int rc;

	if (l->nroot == ARRAY_LEN(l->root))
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many folders");
	if ((w.root = tree_root(path, e)) < 0)
		return w.root;
	l->root_path[l->nroot] = path;
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
inspect_list_open(const struct inspect_entry *one, struct err *e)
{
	if (one->root < 0)
		return file_open(one->inside, e);
	if (one->inside == NULL)
		return dup(one->root);
	return tree_open(one->root, one->inside, e);
}

bool
inspect_list_beside(const struct inspect_entry *one, const char *path)
{
	const char *end;
	char at[4096];
	struct err e;
	int fd, n;

	if (one->root < 0 || one->inside == NULL)
		return false;
	end = strrchr(one->inside, '/');
	n = snprintf(at, sizeof(at), "%.*s%s",
	    end != NULL ? (int)(end - one->inside + 1) : 0, one->inside, path);
	if (n < 0 || (size_t)n >= sizeof(at) ||
	    (fd = tree_open(one->root, at, &e)) < 0)
		return false;
	close(fd);
	return true;
}
