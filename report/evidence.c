/* SPDX-License-Identifier: MIT */
#include "report/evidence.h"

#include "base/limits.h"
#include "base/stat.h"

#include <math.h>

#define EVIDENCE_ARENA ((size_t)1 << 30)
/* References in one scan; a median is taken over them on the stack. */
#define EVIDENCE_REFERENCES 256
/* Names of classes, in bytes: those of ImageNet have at most 120. */
#define EVIDENCE_NAME 200

static int
no_room(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "scan.json is too large");
}

/* A name for people, which came from the bundle: cut at a whole character. */
static const char *
short_name(struct evidence *v, const char *s)
{
	size_t n = strlen(s), cut = EVIDENCE_NAME;

	if (n <= EVIDENCE_NAME)
		return s;
	while (cut != 0 && ((uint8_t)s[cut] & 0xc0) == 0x80)
		cut--;
	return arena_printf(
	    &v->arena, "%.*s\xe2\x80\xa6 (%zu bytes)", (int)cut, s, n);
}

/* A number, or NaN for null and for what is absent. */
static int
real(const json_t *j, const char *path, double *out, struct err *e)
{
	const json_t *v = json_at(j, path);

	*out = (double)NAN;
	if (v == NULL || json_is_null(v))
		return 0;
	return json_get_real(j, path, out, e);
}

/* The same, and a probability. */
static int
probability(const json_t *j, const char *path, double *out, struct err *e)
{
	int rc = real(j, path, out, e);

	if (rc == 0 && (*out < 0 || *out > 1))
		rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'%s' is %g, which is no probability", path, *out);
	return rc;
}

/* Members of one count object; absent ones are 0. */
static int
flips(const json_t *j, struct evidence_flips *f, struct err *e)
{
	struct {
		const char *key;
		int64_t *to;
	} part[] = {{"flipped", &f->flipped}, {"shared", &f->shared},
	    {"different", &f->different}, {"unshared", &f->unshared}};
	int rc;

	*f = (struct evidence_flips){.source = -1};
	if (j == NULL || json_is_null(j))
		return 0;
	if ((rc = json_get_int(j, "n", 0, LIMIT_IMAGES, &f->n, e)) != 0)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(part); i++)
		if (json_at(j, part[i].key) != NULL &&
		    (rc = json_get_int(
			 j, part[i].key, 0, f->n, part[i].to, e)) != 0)
			return rc;
	if (f->shared + f->different + f->unshared > f->flipped)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'flipped' is %" PRId64 ", less than its parts",
		    f->flipped);
	return 0;
}

static int
read_sources(struct evidence *v, const json_t *list, struct evidence_class *c,
    struct err *e)
{
	size_t n = json_array_size(list);
	int rc;

	c->by_source = arena_alloc(&v->arena, n + 1, sizeof(*c->by_source));
	if (c->by_source == NULL)
		return no_room(e);
	for (size_t i = 0; i < n; i++) {
		const json_t *j = json_array_get(list, i);
		int64_t s;

		if ((rc = flips(j, &c->by_source[i], e)) != 0 ||
		    (rc = json_get_int(
			 j, "source", 0, (int64_t)v->classes - 1, &s, e)) != 0)
			return rc;
		c->by_source[i].source = s;
	}
	c->nsource = n;
	return 0;
}

static int
read_radii(struct evidence *v, const json_t *j, struct evidence_class *c,
    struct err *e)
{
	const json_t *refs = json_at(j, "radius.references");
	size_t n = json_array_size(refs);
	int rc;

	if (n > EVIDENCE_REFERENCES)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "more than %d references", EVIDENCE_REFERENCES);
	c->reference = arena_alloc(&v->arena, n + 1, sizeof(double));
	if (c->reference == NULL)
		return no_room(e);
	for (size_t i = 0; i < n; i++) {
		const json_t *r = json_array_get(refs, i);

		c->reference[i] = (double)NAN;
		if (!json_is_null(r) &&
		    (rc = json_get_real(r, "", &c->reference[i], e)) != 0)
			return err_wrap(e, "radius.references");
	}
	c->nref = n;
	if ((rc = real(j, "radius.suspect", &c->radius, e)) != 0 ||
	    (rc = real(j, "residual", &c->residual, e)) != 0 ||
	    (rc = real(j, "z", &c->z, e)) != 0 ||
	    (rc = probability(j, "p", &c->p, e)) != 0)
		return rc;
	return probability(j, "p_adjusted", &c->p_adjusted, e);
}

static int
read_file(
    const json_t *j, const char **path, const char **sha256, struct err *e)
{
	const json_t *file = json_at(j, "perturbation");
	int rc;

	if (!json_is_object(file))
		return 0;
	if ((rc = json_get_str(file, "path", path, e)) != 0)
		return rc;
	return json_get_str(file, "sha256", sha256, e);
}

static int
read_class(struct evidence *v, const json_t *j, struct evidence_class *c,
    struct err *e)
{
	int64_t t;
	int rc;

	if ((rc = json_get_int(
		 j, "class", 0, (int64_t)v->classes - 1, &t, e)) != 0 ||
	    (rc = read_radii(v, j, c, e)) != 0 ||
	    (rc = flips(json_at(j, "flips"), &c->flips, e)) != 0 ||
	    (rc = read_sources(v, json_at(j, "by_source"), c, e)) != 0)
		return rc;
	c->target = (size_t)t;
	return read_file(j, &c->path, &c->sha256, e);
}

static int
read_geometry(struct evidence *v, const json_t *j, struct evidence_geometry *g,
    struct err *e)
{
	const json_t *list;
	int rc;

	if ((rc = json_get_str(j, "name", &g->name, e)) != 0 ||
	    (rc = json_get_array(j, "per_class", &list, e)) != 0)
		return rc;
	g->unit = "";
	if (json_at(j, "unit") != NULL &&
	    (rc = json_get_str(j, "unit", &g->unit, e)) != 0)
		return rc;
	g->n = json_array_size(list);
	g->row = arena_alloc(&v->arena, g->n + 1, sizeof(*g->row));
	if (g->row == NULL)
		return no_room(e);
	for (size_t i = 0; i < g->n; i++) {
		rc = read_class(v, json_array_get(list, i), &g->row[i], e);
		/* rows are in the order of the classes */
		if (rc == 0 && i != 0 &&
		    g->row[i].target <= g->row[i - 1].target)
			rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "class %zu is twice or out of order",
			    g->row[i].target);
		if (rc != 0)
			return err_wrap(e, "%.60s, entry %zu", g->name, i);
	}
	return 0;
}

static int
read_geometries(struct evidence *v, const json_t *scan, struct err *e)
{
	const json_t *list;
	int rc;

	if ((rc = json_get_array(scan, "geometries", &list, e)) != 0)
		return rc;
	v->ngeometry = json_array_size(list);
	v->geometry =
	    arena_alloc(&v->arena, v->ngeometry + 1, sizeof(*v->geometry));
	if (v->geometry == NULL)
		return no_room(e);
	for (size_t i = 0; i < v->ngeometry && rc == 0; i++) {
		rc = read_geometry(
		    v, json_array_get(list, i), &v->geometry[i], e);
		for (size_t k = 0; k < i && rc == 0; k++)
			if (strcmp(v->geometry[k].name, v->geometry[i].name) ==
			    0)
				rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
				    "geometries: '%.60s' is there twice",
				    v->geometry[i].name);
	}
	return rc;
}

static const struct evidence_class *
find_row(const struct evidence *v, const char *geometry, size_t t)
{
	for (size_t i = 0; i < v->ngeometry; i++) {
		const struct evidence_geometry *g = &v->geometry[i];

		for (size_t k = 0; k < g->n; k++)
			if (g->row[k].target == t &&
			    strcmp(g->name, geometry) == 0)
				return &g->row[k];
	}
	return NULL;
}

/* A target of one source class: what the scan says of the pair. */
static int
read_pair(struct evidence_target *t, const json_t *pairs, struct err *e)
{
	const json_t *one;
	size_t i;
	int rc = 0;

	json_array_foreach((json_t *)(uintptr_t)pairs, i, one)
	{
		if (json_integer_value(json_at(one, "source")) != t->source ||
		    json_integer_value(json_at(one, "class")) !=
			(json_int_t)t->target)
			continue;
		if ((rc = flips(json_at(one, "flips"), &t->flips, e)) == 0)
			rc = read_file(one, &t->path, &t->sha256, e);
		break;
	}
	t->flips.source = t->source;
	return rc;
}

static int
read_target(struct evidence *v, const json_t *scan, const json_t *j,
    struct evidence_target *t, struct err *e)
{
	int64_t most = (int64_t)v->classes - 1, c;
	int rc;

	t->source = -1;
	if ((rc = json_get_int(j, "class", 0, most, &c, e)) != 0 ||
	    (rc = json_get_str(j, "geometry", &t->geometry, e)) != 0 ||
	    (rc = probability(j, "p", &t->p, e)) != 0 ||
	    (json_at(j, "source") != NULL &&
		(rc = json_get_int(j, "source", 0, most, &t->source, e)) != 0))
		return rc;
	t->target = (size_t)c;
	if (t->source >= 0)
		return read_pair(t, json_at(scan, "pairs"), e);
	if ((t->row = find_row(v, t->geometry, t->target)) != NULL) {
		t->path = t->row->path;
		t->sha256 = t->row->sha256;
	}
	return 0;
}

static int
read_targets(struct evidence *v, const json_t *scan, struct err *e)
{
	const json_t *list;
	int rc;

	if ((rc = json_get_array(scan, "targets", &list, e)) != 0)
		return rc;
	v->ntarget = json_array_size(list);
	v->target = arena_alloc(&v->arena, v->ntarget + 1, sizeof(*v->target));
	if (v->target == NULL)
		return no_room(e);
	for (size_t i = 0; i < v->ntarget; i++)
		if ((rc = read_target(v, scan, json_array_get(list, i),
			 &v->target[i], e)) != 0)
			return err_wrap(e, "targets, entry %zu", i);
	if (v->ntarget != 0 && strcmp(v->verdict, "no-evidence") == 0)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "targets, but the verdict is no-evidence");
	return 0;
}

static int
read_names(struct evidence *v, const json_t *scan, struct err *e)
{
	const json_t *list = json_at(scan, "class_names");
	int64_t k;
	int rc;

	if ((rc = json_get_int(scan, "classes", 2, LIMIT_CLASSES, &k, e)) != 0)
		return rc;
	v->classes = (size_t)k;
	if (list != NULL && json_array_size(list) != v->classes)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'class_names' has %zu names for %zu classes",
		    json_array_size(list), v->classes);
	v->name = arena_alloc(&v->arena, v->classes, sizeof(*v->name));
	if (v->name == NULL)
		return no_room(e);
	for (size_t i = 0; i < v->classes; i++) {
		const char *s = json_string_value(json_array_get(list, i));

		if (s == NULL || *s == '\0')
			s = arena_printf(&v->arena, "class %zu", i);
		v->name[i] = short_name(v, s);
		if (v->name[i] == NULL)
			return no_room(e);
	}
	return 0;
}

/* One K x K matrix of counts. */
static int
read_counts(
    struct evidence *v, const json_t *rows, int64_t **out, struct err *e)
{
	size_t k = v->classes;
	int64_t *m = arena_alloc(&v->arena, k * k, sizeof(*m));

	if (m == NULL)
		return no_room(e);
	for (size_t s = 0; s < k; s++) {
		const json_t *row = json_array_get(rows, s);

		for (size_t t = 0; t < k; t++) {
			const json_t *n = json_array_get(row, t);

			m[s * k + t] = json_integer_value(n);
			if (!json_is_integer(n) || m[s * k + t] < 0 ||
			    m[s * k + t] > LIMIT_IMAGES)
				return err_set(e, ERR_FORMAT, ERR_NOWHERE,
				    "flip_matrix: row %zu, column %zu is not "
				    "a count",
				    s, t);
		}
	}
	*out = m;
	return 0;
}

static int
read_matrix(struct evidence *v, const json_t *scan, struct err *e)
{
	const json_t *m = json_at(scan, "flip_matrix");
	int rc;

	if (!json_is_object(m))
		return 0;
	v->matrix_n = arena_alloc(&v->arena, v->classes, sizeof(int64_t));
	if (v->matrix_n == NULL)
		return no_room(e);
	for (size_t s = 0; s < v->classes; s++) {
		const json_t *n = json_array_get(json_at(m, "n"), s);

		v->matrix_n[s] = json_integer_value(n);
		if (!json_is_integer(n) || v->matrix_n[s] < 0 ||
		    v->matrix_n[s] > LIMIT_IMAGES)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "flip_matrix: n of class %zu is not a count", s);
	}
	if ((rc = read_counts(v, json_at(m, "suspect"), &v->matrix, e)) != 0)
		return rc;
	return read_counts(v, json_at(m, "shared"), &v->matrix_shared, e);
}

static int
read_verdict(struct evidence *v, const json_t *scan, struct err *e)
{
	int rc;

	if ((rc = json_get_str(scan, "verdict", &v->verdict, e)) != 0 ||
	    (rc = real(scan, "score", &v->score, e)) != 0)
		return rc;
	if (strcmp(v->verdict, "evidence") != 0 &&
	    strcmp(v->verdict, "inconclusive") != 0 &&
	    strcmp(v->verdict, "no-evidence") != 0)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'verdict' is '%.40s', which is none", v->verdict);
	return 0;
}

int
evidence_read(struct evidence *v, const json_t *scan, struct err *e)
{
	int rc;

	*v = (struct evidence){0};
	arena_init(&v->arena, EVIDENCE_ARENA);
	if ((rc = read_verdict(v, scan, e)) != 0 ||
	    (rc = read_names(v, scan, e)) != 0 ||
	    (rc = read_geometries(v, scan, e)) != 0 ||
	    (rc = read_targets(v, scan, e)) != 0 ||
	    (rc = read_matrix(v, scan, e)) != 0)
		evidence_release(v);
	return rc;
}

int
evidence_success(struct evidence *v, const json_t *eval,
    struct evidence_success **out, struct err *e)
{
	const json_t *list = json_at(eval, "success_by_class"), *one;
	struct evidence_success *by_class;
	int64_t class, hit, n;
	size_t i;
	int rc;

	*out = NULL;
	if (!json_is_array(list))
		return 0;
	by_class = arena_alloc(&v->arena, v->classes, sizeof(*by_class));
	if (by_class == NULL)
		return no_room(e);
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		if ((rc = json_get_int(one, "class", 0, (int64_t)v->classes - 1,
			 &class, e)) != 0 ||
		    (rc = json_get_int(one, "n", 0, LIMIT_IMAGES, &n, e)) !=
			0 ||
		    (rc = json_get_int(one, "correct", 0, n, &hit, e)) != 0)
			return err_wrap(e, "success_by_class, entry %zu", i);
		by_class[class] = (struct evidence_success){hit, n};
	}
	*out = by_class;
	return 0;
}

void
evidence_release(struct evidence *v)
{
	arena_release(&v->arena);
	*v = (struct evidence){0};
}

bool
evidence_named(const struct evidence *v, size_t t)
{
	char number[32];

	snprintf(number, sizeof(number), "class %zu", t);
	return strcmp(v->name[t], number) != 0 &&
	       strcmp(v->name[t], number + strlen("class ")) != 0;
}

const char *
evidence_label(const struct evidence *v, size_t t, char room[EVIDENCE_WORDS])
{
	bool named = evidence_named(v, t);

	snprintf(room, EVIDENCE_WORDS, "%zu%s%s", t, named ? " " : "",
	    named ? v->name[t] : "");
	return room;
}

const char *
evidence_words(const struct evidence *v, size_t t, char room[EVIDENCE_WORDS])
{
	if (evidence_named(v, t))
		snprintf(room, EVIDENCE_WORDS, "%s (class %zu)", v->name[t], t);
	else
		snprintf(room, EVIDENCE_WORDS, "class %zu", t);
	return room;
}

bool
evidence_is_target(const struct evidence *v, size_t t)
{
	for (size_t i = 0; i < v->ntarget; i++)
		if (v->target[i].target == t)
			return true;
	return false;
}

double
evidence_reference(const struct evidence_class *c)
{
	double r[EVIDENCE_REFERENCES];
	size_t n = 0;

	for (size_t i = 0; i < c->nref; i++)
		if (isfinite(c->reference[i]))
			r[n++] = c->reference[i];
	return n != 0 ? stat_median(r, n) : (double)NAN;
}
