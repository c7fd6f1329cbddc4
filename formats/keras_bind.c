/* SPDX-License-Identifier: MIT
 * Keras goes by the order of the file, not by names, and so do we; names that
 * contradict the order are an error, so that there is one model in a file and
 * not two.
 */
#include "formats/keras_bind.h"

#include "base/limits.h"
#include "formats/hdf5_attr.h"
#include "formats/hdf5_data.h"
#include "formats/hdf5_group.h"
#include "formats/keras_class.h"

struct binder {
	struct hdf5 *h;
	struct arena *a;
	struct err *e;
};

static int
full(struct binder *b)
{
	return err_set(b->e, ERR_LIMIT, ERR_NOWHERE, "keras: model too large");
}

/* The file is sound, but its weights are not those of the layers. */
static int PRINTF_LIKE(3, 4)
    misfit(struct binder *b, const struct keras_layer *l, const char *fmt, ...)
{
	char msg[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	(void)keras_config_bad(l, b->e, "%s", msg);
	return b->e->code = ERR_MISMATCH;
}

static bool
has_var(const struct keras_layer *l, size_t i)
{
	const struct keras_var *v = &l->kind->var[i];

	if (v->name == NULL || (v->unless && keras_config_has(l, v->unless)))
		return false;
	return v->only_if == NULL || keras_config_bool(l, v->only_if, true);
}

static size_t
count_vars(const struct keras_layer *l)
{
	size_t n = 0;

	for (size_t i = 0; !l->model && i < KERAS_CONFIG_VARS; i++)
		n += has_var(l, i);
	for (size_t i = 0; l->model && i < l->nchild; i++)
		n += count_vars(&l->child[i]);
	return n;
}

static int
read_var(struct binder *b, struct keras_layer *l, size_t i, uint64_t at)
{
	struct tensor *t = &l->var[i];
	int rc;

	if ((rc = hdf5_data_read(b->h, at, t, b->e)) != 0)
		return err_wrap(b->e, "keras: layer '%.60s': %s", l->path,
		    l->kind->var[i].name);
	if (t->dtype != DTYPE_F32 && t->dtype != DTYPE_F16 &&
	    t->dtype != DTYPE_BF16 && t->dtype != DTYPE_F64 &&
	    strcmp(l->kind->var[i].name, "count") != 0)
		return err_set(b->e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "keras: layer '%.60s': '%s' is of %s, not of floats",
		    l->path, l->kind->var[i].name, dtype_name(t->dtype));
	return 0;
}

/* --- .keras -------------------------------------------------------------- */

static bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

/*
 * "SeparableConv2D" is "separable_conv2d": a "_" before a capital that a small
 * letter follows or precedes (keras/src/utils/naming.py, to_snake_case).
 */
static void
snake(const char *class, char *out, size_t size)
{
	size_t n = 0, len = strlen(class);

	for (size_t i = 0; i < len && n + 2 < size; i++) {
		char c = class[i];
		bool word = i > 0 && is_upper(c) && is_lower(class[i + 1]);
		bool joint = i > 0 && is_upper(c) && is_lower(class[i - 1]);

		if (word || joint)
			out[n++] = '_';
		out[n++] = (char)(is_upper(c) ? c - 'A' + 'a' : c);
	}
	out[n] = '\0';
}

static bool
is_within(const struct keras_layer *l, size_t i, const char *within)
{
	const char *own = l->kind->var[i].within;

	return has_var(l, i) &&
	       (own == within ||
		   (own != NULL && within != NULL && strcmp(own, within) == 0));
}

/* "layers/dense" has "vars", which has "0", "1", ... */
static int
bind_group(struct binder *b, struct keras_layer *l, const char *base,
    const char *within)
{
	size_t want = 0, k = 0;
	const struct hdf5_group *g;
	char path[LIMIT_NAME + 400], name[24];
	uint64_t at;
	int rc;

	for (size_t i = 0; i < KERAS_CONFIG_VARS; i++)
		want += is_within(l, i, within);
	snprintf(path, sizeof(path), "%s%s%s/vars", base,
	    within != NULL ? "/" : "", within != NULL ? within : "");
	if ((rc = hdf5_group_find(b->h, b->h->root, path, &at, b->e)) < 0)
		return rc;
	if (rc == 0)
		return misfit(b, l, "there is no group '%.80s'", path);
	if ((rc = hdf5_group_read(b->h, at, &g, b->e)) != 0)
		return rc;
	if (g->n != want)
		return misfit(
		    b, l, "%zu weights, '%.60s' has %zu", want, path, g->n);
	for (size_t i = 0; i < KERAS_CONFIG_VARS; i++) {
		uint64_t var;

		if (!is_within(l, i, within))
			continue;
		snprintf(name, sizeof(name), "%zu", k++);
		if ((rc = hdf5_group_find(b->h, at, name, &var, b->e)) < 0)
			return rc;
		if (rc == 0)
			return misfit(b, l, "'%.80s' has no '%s'", path, name);
		if ((rc = read_var(b, l, i, var)) != 0)
			return rc;
	}
	return 0;
}

/* Each group once. */
static int
bind_vars(struct binder *b, struct keras_layer *l, const char *base)
{
	int rc = 0;

	for (size_t i = 0; i < KERAS_CONFIG_VARS && rc == 0; i++) {
		const char *within = l->kind->var[i].within;
		bool first = has_var(l, i);

		for (size_t j = 0; j < i; j++)
			first = first && !is_within(l, j, within);
		if (first)
			rc = bind_group(b, l, base, within);
	}
	return rc;
}

/* Until TensorFlow 2.12 the group of a model's layers was named so. */
static int
layers_of(struct binder *b, const char *path, char *out, size_t size)
{
	static const char *const name[] = {
	    "layers", "_layer_checkpoint_dependencies"};
	uint64_t at;
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(name) && rc == 0; i++) {
		int n = snprintf(out, size, "%s%s%s", path,
		    *path != '\0' ? "/" : "", name[i]);

		if (n < 0 || (size_t)n >= size)
			return full(b);
		rc = hdf5_group_find(b->h, b->h->root, out, &at, b->e);
	}
	return MIN(rc, 0);
}

/* "conv2d", then "conv2d_1", "conv2d_2", ... of the layers of one model. */
struct counter {
	struct map seen;
	size_t *times;
};

static int
name_child(struct binder *b, struct counter *c, const char *class, size_t i,
    const char *base, char *out, size_t size)
{
	char name[128];
	size_t first;
	char *key;

	snake(class, name, sizeof(name));
	key = arena_strdup(b->a, name, strlen(name));
	if (key == NULL || map_put(&c->seen, key, i) < 0)
		return full(b);
	first = map_get(&c->seen, name);
	if (c->times[first]++ == 0)
		snprintf(out, size, "%s/%s", base, name);
	else
		snprintf(
		    out, size, "%s/%s_%zu", base, name, c->times[first] - 1);
	return 0;
}

static int
bind_model(struct binder *b, struct keras_layer *m, const char *path)
{
	char base[LIMIT_NAME], one[LIMIT_NAME + 256];
	struct counter c;
	int rc;

	if ((rc = layers_of(b, path, base, sizeof(base))) != 0)
		return rc;
	map_init(&c.seen, b->a);
	c.times = arena_alloc(b->a, m->nchild + 1, sizeof(*c.times));
	if (c.times == NULL)
		return full(b);
	for (size_t i = 0; i < m->nchild && rc == 0; i++) {
		struct keras_layer *l = &m->child[i];

		if (strncmp(l->class, "ops/", 4) == 0)
			continue; /* no layer */
		rc = name_child(b, &c, l->class, i, base, one, sizeof(one));
		if (rc == 0)
			rc = l->model ? bind_model(b, l, one)
				      : bind_vars(b, l, one);
	}
	return rc;
}

int
keras_bind_tree(
    struct hdf5 *h, struct keras_layer *root, struct arena *a, struct err *e)
{
	struct binder b = {h, a, e};

	return bind_model(&b, root, "");
}

/* --- legacy -------------------------------------------------------------- */

struct names {
	const struct slice *name;
	size_t n;
};

static int
append(struct binder *b, struct names *to, const struct slice *more, size_t n)
{
	struct slice *all = arena_alloc(b->a, to->n + n + 1, sizeof(*all));

	if (all == NULL)
		return full(b);
	if (to->n != 0)
		memcpy(all, to->name, to->n * sizeof(*all));
	if (n != 0)
		memcpy(all + to->n, more, n * sizeof(*all));
	*to = (struct names){all, to->n + n};
	return 0;
}

/* "layer_names", or "layer_names0", "layer_names1", ... when it is long. */
static int
names_of(struct binder *b, uint64_t at, const char *attr, struct names *out)
{
	const struct slice *part;
	char name[64];
	size_t n;
	int rc;

	*out = (struct names){0};
	if ((rc = hdf5_attr_list(b->h, at, attr, &part, &n, b->e)) != 0)
		return rc;
	if (n != SIZE_MAX)
		return append(b, out, part, n);
	for (size_t i = 0;; i++) {
		snprintf(name, sizeof(name), "%s%zu", attr, i);
		if ((rc = hdf5_attr_list(b->h, at, name, &part, &n, b->e)) != 0)
			return rc;
		if (n == SIZE_MAX && i == 0)
			return err_set(b->e, ERR_MISMATCH, ERR_NOWHERE,
			    "keras: there is no attribute '%s'", attr);
		if (n == SIZE_MAX)
			return 0;
		if ((rc = append(b, out, part, n)) != 0)
			return rc;
	}
}

/* An object by a name of the file. */
static int
object(struct binder *b, uint64_t group, struct slice name, uint64_t *at)
{
	char path[LIMIT_NAME + 1];
	int rc;

	if (name.len > LIMIT_NAME)
		return err_set(b->e, ERR_LIMIT, ERR_NOWHERE,
		    "keras: a name of %zu bytes", name.len);
	if (name.len != 0)
		memcpy(path, name.ptr, name.len);
	path[name.len] = '\0';
	if (strlen(path) != name.len)
		return err_set(
		    b->e, ERR_FORMAT, ERR_NOWHERE, "keras: a broken name");
	if ((rc = hdf5_group_find(b->h, group, path, at, b->e)) < 0)
		return rc;
	return rc > 0 ? 0
		      : err_set(b->e, ERR_MISMATCH, ERR_NOWHERE,
			    "keras: there is no '%.100s'", path);
}

/* What is left of the weights of one layer at the top. */
struct queue {
	uint64_t group;
	struct names names;
	size_t at;
};

static int
take(struct binder *b, struct queue *q, struct keras_layer *l, size_t i)
{
	uint64_t at;
	int rc;

	if (q->at == q->names.n)
		return misfit(b, l, "there are too few weights");
	if ((rc = object(b, q->group, q->names.name[q->at++], &at)) != 0)
		return rc;
	return read_var(b, l, i, at);
}

enum pass {
	TRAINED, /* weights that are trained */
	FIXED,   /* the others */
	ALL,     /* of a layer: first the former, then the latter */
};

/*
 * The order of a nested model: its trained weights, then the others
 * (legacy_h5_format.py, _legacy_weights); a layer that is not trainable has
 * only the latter kind.
 */
static int
take_all(struct binder *b, struct queue *q, struct keras_layer *l, enum pass p)
{
	int rc = 0;

	if (l->model && p == ALL) {
		if ((rc = take_all(b, q, l, TRAINED)) != 0)
			return rc;
		return take_all(b, q, l, FIXED);
	}
	if (p == TRAINED && !l->trainable)
		return 0;
	if (l->model && p == FIXED && !l->trainable) {
		for (size_t i = 0; i < l->nchild && rc == 0; i++)
			rc = take_all(b, q, &l->child[i], TRAINED);
		for (size_t i = 0; i < l->nchild && rc == 0; i++)
			rc = take_all(b, q, &l->child[i], FIXED);
		return rc;
	}
	for (size_t i = 0; l->model && i < l->nchild && rc == 0; i++)
		rc = take_all(b, q, &l->child[i], p);
	for (size_t i = 0; !l->model && i < KERAS_CONFIG_VARS && rc == 0; i++) {
		bool fixed = l->kind->var[i].fixed || !l->trainable;

		if (has_var(l, i) && (p == ALL || fixed == (p == FIXED)))
			rc = take(b, q, l, i);
	}
	return rc;
}

static int
bind_layer(struct binder *b, uint64_t group, struct keras_layer *l,
    struct slice name, bool *used)
{
	struct queue q = {0};
	int rc;

	*used = false;
	if ((rc = object(b, group, name, &q.group)) != 0 ||
	    (rc = names_of(b, q.group, "weight_names", &q.names)) != 0)
		return rc;
	if (q.names.n == 0)
		return 0;
	*used = true;
	if (count_vars(l) == 0)
		return 0; /* the state of what does nothing here */
	if ((rc = take_all(b, &q, l, ALL)) != 0)
		return rc;
	if (q.at != q.names.n)
		return misfit(
		    b, l, "%zu weights, the file has %zu", q.at, q.names.n);
	return 0;
}

static size_t
find_child(const struct keras_layer *m, struct slice name, size_t from)
{
	for (size_t i = from; i < m->nchild; i++)
		if (strlen(m->child[i].name) == name.len &&
		    memcmp(m->child[i].name, name.ptr, name.len) == 0)
			return i;
	return SIZE_MAX;
}

/* Layers that want weights between two that got them. */
static int
none_left(struct binder *b, struct keras_layer *m, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (count_vars(&m->child[i]) != 0)
			return misfit(b, &m->child[i],
			    "its weights are not there, or not in the order "
			    "of the layers");
	return 0;
}

int
keras_bind_legacy(struct hdf5 *h, uint64_t group, struct keras_layer *root,
    struct arena *a, struct err *e)
{
	struct binder b = {h, a, e};
	struct names names;
	size_t next = 0;
	int rc;

	if ((rc = names_of(&b, group, "layer_names", &names)) != 0)
		return rc;
	for (size_t i = 0; i < names.n; i++) {
		size_t at = find_child(root, names.name[i], next);
		bool used;

		if (at == SIZE_MAX)
			return err_set(e, ERR_MISMATCH, ERR_NOWHERE,
			    "keras: layer_names has '%.*s', which is no layer, "
			    "or not in their order",
			    (int)MIN(names.name[i].len, 60),
			    (const char *)names.name[i].ptr);
		if ((rc = bind_layer(&b, group, &root->child[at], names.name[i],
			 &used)) != 0)
			return rc;
		if ((rc = none_left(&b, root, next, used ? at : at + 1)) != 0)
			return rc;
		next = at + 1;
	}
	return none_left(&b, root, next, root->nchild);
}
