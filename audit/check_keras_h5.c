/* SPDX-License-Identifier: MIT */
#include "audit/check_keras_h5.h"

#include "audit/check_keras_walk.h"
#include "base/limits.h"
#include "formats/hdf5_attr.h"
#include "formats/hdf5_group.h"
#include "formats/hdf5_object.h"

/* keras/src/legacy/saving/legacy_h5_format.py */
static const char *const attributes[] = {"model_config", "training_config"};

/* What our reader does not read may hide anything. */
static void
unread(const struct check_file *f, const struct err *e)
{
	check_short(f,
	    e->code == ERR_UNSUPPORTED || e->code == ERR_LIMIT
		? FINDING_MODEL_UNSUPPORTED
		: FINDING_HDF5_BROKEN,
	    e->off, "%s", e->msg);
}

static void
configurations(const struct check_file *f, struct hdf5 *h)
{
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
		struct slice s;
		struct err e = {.off = ERR_NOWHERE};

		if (hdf5_attr_text(h, h->root, attributes[i], &s, &e) != 0)
			unread(f, &e);
		else if (s.ptr != NULL)
			check_keras_walk_text(f, attributes[i], s);
	}
}

struct tree {
	const struct check_file *f;
	struct hdf5 *h;
	struct map seen;
	unsigned depth;
};

static int object(struct tree *, const char *name, uint64_t at, struct err *);

static int
group(struct tree *t, uint64_t at, struct err *e)
{
	const struct hdf5_group *g;
	int rc = hdf5_group_read(t->h, at, &g, e);

	for (size_t i = 0; rc == 0 && i < g->n; i++) {
		if (g->link[i].at == HDF5_NOWHERE)
			check_find(t->f, FINDING_HDF5_OUTSIDE, ERR_NOWHERE,
			    "'%.200s' is a link to somewhere else",
			    g->link[i].name);
		else
			rc = object(t, g->link[i].name, g->link[i].at, e);
	}
	return rc;
}

/* A group has a symbol table, links or where they are; all else is data. */
static int
object(struct tree *t, const char *name, uint64_t at, struct err *e)
{
	struct hdf5_message *m;
	char *key = arena_alloc(t->h->arena, 20, 1);
	int rc;

	if (key == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many objects");
	snprintf(key, 20, "%" PRIx64, at);
	if ((rc = map_put(&t->seen, key, 1)) <= 0)
		return rc;
	if ((rc = hdf5_object_read(t->h, at, &m, e)) != 0)
		return rc;
	if (hdf5_object_find(m, HDF5_EXTERNAL) != NULL)
		check_find(t->f, FINDING_HDF5_OUTSIDE, at,
		    "the values of '%.200s' are in another file", name);
	if (hdf5_object_find(m, HDF5_SYMBOLS) == NULL &&
	    hdf5_object_find(m, HDF5_LINK) == NULL &&
	    hdf5_object_find(m, HDF5_LINKS) == NULL)
		return 0;
	if (t->depth >= LIMIT_KERAS_GROUPS)
		return err_set(
		    e, ERR_LIMIT, at, "groups %d deep", LIMIT_KERAS_GROUPS);
	t->depth++;
	rc = group(t, at, e);
	t->depth--;
	return rc;
}

void
check_keras_h5(const struct check_file *f)
{
	struct arena a;
	struct hdf5 h;
	struct err e = {.off = ERR_NOWHERE};
	struct tree t = {.f = f, .h = &h};

	arena_init(&a, LIMIT_KERAS_ARENA);
	map_init(&t.seen, &a);
	check_knows(f);
	if (hdf5_open(&h, f->bytes, &a, &e) != 0) {
		unread(f, &e);
	} else {
		configurations(f, &h);
		if (object(&t, "/", h.root, &e) != 0)
			unread(f, &e);
	}
	arena_release(&a);
}
