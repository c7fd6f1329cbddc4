/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem */
#include "audit/check_keras_h5.h"

#include "audit/check_keras_h5_part.h"
#include "audit/check_keras_walk.h"
#include "audit/check_path.h"
#include "base/limits.h"
#include "base/text.h"
#include "formats/hdf5_attr.h"
#include "formats/hdf5_group.h"
#include "formats/hdf5_object.h"
#include "formats/hdf5_virtual.h"

/* keras/src/legacy/saving/legacy_h5_format.py */
static const char *const attributes[] = {"model_config", "training_config"};

/* Objects that are looked for in a file that cannot be read: a model has one
 * or two, and parts of it are looked at as parts of these. */
#define SALVAGED 16

/* What our reader does not read may hide anything. */
void
check_keras_h5_unread(const struct check_file *f, const struct err *e)
{
	check_short(f,
	    e->code == ERR_UNSUPPORTED || e->code == ERR_LIMIT
		? FINDING_MODEL_UNSUPPORTED
		: FINDING_HDF5_BROKEN,
	    e->off, "%s", e->msg);
}

/* The next object of a configuration in bytes of any kind. */
static const uint8_t *
next_object(const uint8_t *at, const uint8_t *end)
{
	static const char *const begin[] = {
	    "{\"class_name\": ", "{\"module\": "};
	const uint8_t *first = NULL;

	for (size_t i = 0; i < ARRAY_LEN(begin); i++) {
		const uint8_t *found =
		    memmem(at, (size_t)(end - at), begin[i], strlen(begin[i]));

		if (found != NULL && (first == NULL || found < first))
			first = found;
	}
	return first;
}

/*
 * What our reader cannot find the HDF5 library may: text of an attribute
 * stands in one piece wherever it is stored.
 */
static void
salvage(const struct check_file *f)
{
	const uint8_t *at = f->bytes.base, *end = at + f->bytes.len;

	for (unsigned i = 0; i < SALVAGED; i++) {
		json_error_t e;
		json_t *j;

		if ((at = next_object(at, end)) == NULL)
			return;
		j = json_loadb((const char *)at,
		    MIN((size_t)(end - at), LIMIT_KERAS_TEXT),
		    JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL |
			JSON_DECODE_INT_AS_REAL,
		    &e);
		if (j != NULL)
			check_keras_walk(f, "somewhere", j);
		at += j != NULL && e.position > 0 ? (size_t)e.position : 1;
		json_decref(j);
	}
}

static bool
configurations(const struct check_file *f, struct hdf5 *h)
{
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
		struct slice s;
		struct err e = {.off = ERR_NOWHERE};

		if (hdf5_attr_text(h, h->root, attributes[i], &s, &e) != 0) {
			check_keras_h5_unread(f, &e);
			return false;
		}
		if (s.ptr != NULL)
			check_keras_walk_text(f, attributes[i], s);
	}
	return true;
}

/* --- objects ------------------------------------------------------------- */

struct tree {
	const struct check_file *f;
	struct hdf5 *h;
	struct map seen;
	unsigned depth;
	bool asked, keras; /* whether it is Keras's, once it was asked */
};

static int object(struct tree *, const char *name, uint64_t at, struct err *);

/* A file that stands beside this one and is looked at too, or this one. */
static bool
is_beside(const struct check_file *f, const char *name)
{
	return strcmp(name, ".") == 0 ||
	       (f->depth == 0 && f->sink->beside != NULL &&
		   check_path_escape((struct slice){
		       (const uint8_t *)name, strlen(name)}) == NULL &&
		   f->sink->beside(f->sink->beside_ctx, name));
}

/* Weights of Keras have no links, and since 3.13 it refuses them
 * (CVE-2026-1669), wherever they lead; collections of data have. */
static bool
is_of_keras(struct tree *t)
{
	static const char *const marks[] = {
	    "keras_version", "layer_names", "_layer_checkpoint_dependencies"};
	const struct rd *r = &t->f->bytes;

	if (!t->asked)
		t->keras = text_ends_with(check_name_of(t->f), ".weights.h5");
	for (size_t i = 0; i < ARRAY_LEN(marks) && !t->asked; i++)
		t->keras = t->keras || memmem(r->base, r->len, marks[i],
					   strlen(marks[i])) != NULL;
	t->asked = true;
	return t->keras;
}

/* The same of all files of a virtual dataset. */
struct sources {
	const struct check_file *f;
	bool beside;
};

static bool
each_source(void *ctx, const char *name)
{
	struct sources *s = ctx;

	return s->beside = is_beside(s->f, name);
}

static bool
is_away(const struct tree *t, const struct hdf5_message *layout)
{
	struct sources s = {.f = t->f, .beside = true};
	struct err ignored;

	return hdf5_virtual(layout) && (hdf5_virtual_files(t->h, layout,
					    each_source, &s, &ignored) != 0 ||
					   !s.beside);
}

static int
group(struct tree *t, uint64_t at, struct err *e)
{
	const struct hdf5_group *g;
	int rc = hdf5_group_read(t->h, at, &g, e);

	for (size_t i = 0; rc == 0 && i < g->n; i++) {
		const struct hdf5_link *l = &g->link[i];

		if (l->external &&
		    (l->file == NULL || !is_beside(t->f, l->file) ||
			is_of_keras(t)))
			check_find(t->f, FINDING_HDF5_OUTSIDE, ERR_NOWHERE,
			    "'%.200s' is a link to another file", l->name);
		else if (l->at != HDF5_NOWHERE)
			rc = object(t, l->name, l->at, e);
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
	if (is_away(t, hdf5_object_find(m, HDF5_LAYOUT)))
		check_find(t->f, FINDING_HDF5_OUTSIDE, at,
		    "'%.200s' is virtual: its values are in other files", name);
	check_keras_h5_object(t->f, t->h, m, name);
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
		check_keras_h5_unread(f, &e);
		salvage(f);
	} else {
		if (!configurations(f, &h))
			salvage(f);
		if (object(&t, "/", h.root, &e) != 0)
			check_keras_h5_unread(f, &e);
		check_keras_h5_heaps(f, &h);
		if (h.wrong != 0)
			check_short(f, FINDING_HDF5_BROKEN, h.wrong,
			    "hdf5: the library refuses what is there");
	}
	arena_release(&a);
}
