/* SPDX-License-Identifier: MIT */
#include "audit/cache.h"

#include "base/file.h"
#include "base/json.h"
#include "base/ranks.h"
#include "base/tool.h"

#include <math.h>

#define SCHEMA "assay-cache/1"
#define LIMIT  ((uint64_t)1 << 30)

static bool
same(const struct uap_cell *a, const struct uap_cell *b)
{
	return a->geometry == b->geometry && a->source == b->source &&
	       a->target == b->target && a->seed == b->seed &&
	       a->longer == b->longer;
}

const struct uap_found *
cache_find(const struct cache *c, const struct uap_cell *cell)
{
	for (size_t i = 0; i < c->n; i++)
		if (same(&c->cell[i], cell))
			return &c->found[i];
	return NULL;
}

static void *
room(struct cache *c, size_t n, size_t size)
{
	void *p = arena_alloc(&c->arena, n, size);

	if (p == NULL)
		BUG("cache does not fit in memory");
	return p;
}

static void
grow(struct cache *c)
{
	size_t more = MAX(2 * c->room, 256);
	struct uap_cell *cell = room(c, more, sizeof(*cell));
	struct uap_found *found = room(c, more, sizeof(*found));

	if (c->n != 0) {
		memcpy(cell, c->cell, c->n * sizeof(*cell));
		memcpy(found, c->found, c->n * sizeof(*found));
	}
	c->cell = cell;
	c->found = found;
	c->room = more;
}

void
cache_add(
    struct cache *c, const struct uap_cell *cell, const struct uap_found *found)
{
	if (c->n == c->room)
		grow(c);
	c->cell[c->n] = *cell;
	c->found[c->n] = *found;
	c->found[c->n++].trigger = (struct trigger){0};
	c->changed = true;
}

bool
cache_landing(const struct cache *c, struct concentrate_counts *out)
{
	if (!c->landing)
		return false;
	memcpy(out->count, c->land.count,
	    c->classes * c->classes * sizeof(*out->count));
	memcpy(out->n, c->land.n, c->classes * sizeof(*out->n));
	return true;
}

void
cache_add_landing(struct cache *c, const struct concentrate_counts *in)
{
	size_t k = c->classes;

	if (c->land.count == NULL) {
		c->land.count = room(c, k * k, sizeof(*c->land.count));
		c->land.n = room(c, k, sizeof(*c->land.n));
	}
	memcpy(c->land.count, in->count, k * k * sizeof(*in->count));
	memcpy(c->land.n, in->n, k * sizeof(*in->n));
	c->landing = true;
	c->changed = true;
}

bool
cache_shares(
    const struct cache *c, enum profile_shares which, size_t n, double *out)
{
	if (c->share[which] == NULL || c->nshare[which] != n)
		return false;
	memcpy(out, c->share[which], n * sizeof(*out));
	return true;
}

void
cache_add_shares(
    struct cache *c, enum profile_shares which, size_t n, const double *in)
{
	c->share[which] = room(c, n, sizeof(*in));
	memcpy(c->share[which], in, n * sizeof(*in));
	c->nshare[which] = n;
	c->changed = true;
}

/* --- reading ------------------------------------------------------------- */

static int
read_real(const json_t *j, const char *path, double *out, struct err *e)
{
	const json_t *v = json_at(j, path);

	if (v != NULL && json_is_null(v)) {
		*out = INFINITY;
		return 0;
	}
	return json_get_real(j, path, out, e);
}

static int
read_cell(struct cache *c, const json_t *j, struct err *e)
{
	static const char *const radius[UAP_SHARES] = {
	    "radius.0", "radius.1", "radius.2"};
	struct uap_found f = {0};
	struct uap_cell cell = {0};
	int64_t source, target, seed, flipped, n, top = (int64_t)c->classes - 1;
	const char *name;
	int rc;

	if ((rc = json_get_str(j, "geometry", &name, e)) != 0 ||
	    (rc = json_get_int(j, "source", -1, top, &source, e)) != 0 ||
	    (rc = json_get_int(j, "class", 0, top, &target, e)) != 0 ||
	    (rc = json_get_int(j, "seed", 0, INT64_MAX, &seed, e)) != 0 ||
	    (rc = json_get_int(j, "n", 1, INT32_MAX, &n, e)) != 0 ||
	    (rc = json_get_int(j, "flipped", 0, n, &flipped, e)) != 0 ||
	    (rc = json_get_real(j, "lo", &f.lo, e)) != 0 ||
	    (rc = read_real(j, "hi", &f.hi, e)) != 0)
		return rc;
	for (size_t k = 0; k < UAP_SHARES; k++) {
		if ((rc = json_get_real(j, radius[k], &f.radius[k], e)) != 0)
			return rc;
		if (!(f.radius[k] > 0.0))
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "a radius of %g", f.radius[k]);
	}
	if ((cell.geometry = geometry_find(name)) == NULL)
		return err_set(
		    e, ERR_FORMAT, ERR_NOWHERE, "no geometry '%.32s'", name);
	cell.source = (int32_t)source;
	cell.target = (int32_t)target;
	cell.seed = (uint64_t)seed;
	cell.longer = json_is_true(json_at(j, "longer"));
	f.reached = json_is_true(json_at(j, "reached"));
	f.blind = json_is_true(json_at(j, "blind"));
	f.flipped = (uint64_t)flipped;
	f.n = (uint64_t)n;
	cache_add(c, &cell, &f);
	return 0;
}

static int
read_counts(const json_t *list, size_t n, uint64_t *out, struct err *e)
{
	if (json_array_size(list) != n)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "landings of another number of classes");
	for (size_t i = 0; i < n; i++) {
		int64_t v;
		int rc = json_get_int(
		    json_array_get(list, i), "", 0, INT32_MAX, &v, e);

		if (rc != 0)
			return rc;
		out[i] = (uint64_t)v;
	}
	return 0;
}

static int
read_shares(struct cache *c, enum profile_shares which, const json_t *list,
    struct err *e)
{
	size_t n = json_array_size(list);
	double *v = room(c, n + 1, sizeof(*v));

	for (size_t i = 0; i < n; i++) {
		int rc = json_get_real(json_array_get(list, i), "", &v[i], e);

		if (rc != 0)
			return rc;
		if (!(v[i] >= 0.0 && v[i] <= 1.0))
			return err_set(
			    e, ERR_FORMAT, ERR_NOWHERE, "a share of %g", v[i]);
	}
	cache_add_shares(c, which, n, v);
	return 0;
}

static int
read_all_shares(struct cache *c, const json_t *j, struct err *e)
{
	int rc = 0;

	for (enum profile_shares i = 0; i < PROFILE_SHARES && rc == 0; i++) {
		const json_t *list = json_at(j, profile_shares_name(i));

		if (json_is_array(list))
			rc = read_shares(c, i, list, e);
	}
	return rc;
}

static int
read_all(struct cache *c, const json_t *j, struct err *e)
{
	size_t k = c->classes;
	struct concentrate_counts land;
	const json_t *list;
	int rc;

	if ((rc = json_get_array(j, "cells", &list, e)) != 0)
		return rc;
	for (size_t i = 0; i < json_array_size(list); i++)
		if ((rc = read_cell(c, json_array_get(list, i), e)) != 0)
			return rc;
	if ((rc = read_all_shares(c, j, e)) != 0)
		return rc;
	if (json_at(j, "landing") == NULL)
		return 0;
	land.count = room(c, k * k, sizeof(*land.count));
	land.n = room(c, k, sizeof(*land.n));
	if ((rc = json_get_array(j, "landing.count", &list, e)) != 0 ||
	    (rc = read_counts(list, k * k, land.count, e)) != 0 ||
	    (rc = json_get_array(j, "landing.n", &list, e)) != 0 ||
	    (rc = read_counts(list, k, land.n, e)) != 0)
		return rc;
	cache_add_landing(c, &land);
	return 0;
}

/* Rank 0 alone looks and reads: what is found decides what is measured. */
static int
look(const struct cache *c, const char *dir, bool *there, struct err *e)
{
	int rc = ranks_first() ? file_mkdir(dir, e) : 0;

	*there = ranks_first() && file_exists(c->path);
	rc = ranks_result(rc, e);
	if (rc == 0)
		ranks_broadcast(there, sizeof(*there));
	return rc;
}

static int
read_document(struct cache *c, struct err *e)
{
	struct file_map m;
	json_t *doc;
	int rc;

	if ((rc = ranks_map_file(c->path, LIMIT, &m, e)) != 0)
		return rc;
	if ((rc = json_read(m.ptr, m.len, &doc, e)) == 0) {
		rc = strcmp(json_text_at(doc, "schema"), SCHEMA) == 0
			 ? read_all(c, doc, e)
			 : err_set(e, ERR_FORMAT, ERR_NOWHERE,
			       "the schema is not " SCHEMA);
		json_decref(doc);
	}
	file_unmap(&m);
	return rc;
}

int
cache_open(struct cache *c, const char *dir, const struct digest *key,
    size_t classes, struct err *e)
{
	char name[DIGEST_HEX + 8], hex[DIGEST_HEX];
	struct err why = {0};
	bool there;
	int rc;

	*c = (struct cache){.classes = classes};
	arena_init(&c->arena, (size_t)2 << 30);
	if (dir == NULL)
		return 0;
	digest_hex(key, hex);
	snprintf(name, sizeof(name), "%s.json", hex);
	if ((rc = file_join(c->path, sizeof(c->path), dir, name, e)) != 0 ||
	    (rc = look(c, dir, &there, e)) != 0)
		return rc;
	if (!there)
		return 0;
	if ((rc = read_document(c, &why)) != 0) {
		char text[800];

		err_in(&why, c->path);
		err_text(&why, text, sizeof(text));
		tool_warn("%s: measured again", text);
		c->n = 0;
		c->landing = false;
		memset(c->share, 0, sizeof(c->share));
	}
	c->changed = false;
	return 0;
}

/* --- writing ------------------------------------------------------------- */

static json_t *
cell_json(const struct uap_cell *cell, const struct uap_found *f)
{
	json_t *j = json_object(), *radius = json_array();

	json_put(j, "geometry", json_text(cell->geometry->name));
	json_put(j, "source", json_integer(cell->source));
	json_put(j, "class", json_integer(cell->target));
	json_put(j, "seed", json_integer((json_int_t)cell->seed));
	if (cell->longer)
		json_put(j, "longer", json_true());
	for (size_t k = 0; k < UAP_SHARES; k++)
		json_add(radius, json_number(f->radius[k]));
	json_put(j, "radius", radius);
	json_put(j, "reached", json_boolean(f->reached));
	if (f->blind)
		json_put(j, "blind", json_true());
	json_put(j, "lo", json_number(f->lo));
	json_put(j, "hi", json_number(f->hi));
	json_put(j, "flipped", json_integer((json_int_t)f->flipped));
	json_put(j, "n", json_integer((json_int_t)f->n));
	return j;
}

static json_t *
counts_json(const uint64_t *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_add(list, json_integer((json_int_t)v[i]));
	return list;
}

static json_t *
shares_json(const double *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_add(list, json_number(v[i]));
	return list;
}

static int
write_all(const struct cache *c, struct err *e)
{
	json_t *doc = json_object(), *list = json_array(), *land;
	size_t k = c->classes;
	struct file_out out;
	char *text;
	int rc;

	json_put(doc, "schema", json_text(SCHEMA));
	json_put(doc, "cells", list);
	for (size_t i = 0; i < c->n; i++)
		json_add(list, cell_json(&c->cell[i], &c->found[i]));
	if (c->landing) {
		land = json_object();
		json_put(land, "count", counts_json(c->land.count, k * k));
		json_put(land, "n", counts_json(c->land.n, k));
		json_put(doc, "landing", land);
	}
	for (enum profile_shares i = 0; i < PROFILE_SHARES; i++)
		if (c->share[i] != NULL)
			json_put(doc, profile_shares_name(i),
			    shares_json(c->share[i], c->nshare[i]));
	/* reals as they are: nine digits would not be the same numbers */
	text = json_dumps(doc, JSON_COMPACT | JSON_REAL_PRECISION(17));
	json_decref(doc);
	if (text == NULL)
		BUG("json_dumps");
	rc = file_out_open(&out, c->path, e);
	if (rc == 0) {
		rc = file_out_write(&out, text, strlen(text), e);
		if (rc == 0)
			rc = file_out_commit(&out, e);
		file_out_abort(&out);
	}
	free(text);
	return rc;
}

int
cache_close(struct cache *c, struct err *e)
{
	int rc = 0;

	if (c->path[0] != '\0' && c->changed)
		rc = write_all(c, e);
	cache_release(c);
	return rc;
}

void
cache_release(struct cache *c)
{
	arena_release(&c->arena);
	*c = (struct cache){0};
}
