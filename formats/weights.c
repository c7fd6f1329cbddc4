/* SPDX-License-Identifier: MIT */
#include "formats/weights.h"

#include "base/limits.h"
#include "formats/weights_norm.h"

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many tensors");
}

/*
 * What a training loop keeps beside its model: the count of AveragedModel, and
 * in a LightningModule the weights of a loss, or the state of a metric.
 */
static bool
is_beside(const char *name)
{
	static const char *const part[] = {"criterion", "loss", "metric",
	    "accuracy", "_acc", "auroc", "precision", "recall", "confmat"};
	const char *dot = strchr(name, '.');
	char first[64];

	if (dot == NULL || (size_t)(dot - name) >= sizeof(first))
		return strcmp(name, "n_averaged") == 0;
	memcpy(first, name, (size_t)(dot - name));
	first[dot - name] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(part); i++)
		if (strstr(first, part[i]) != NULL)
			return true;
	return false;
}

static bool
begins(const struct weights *w, size_t i, const char *prefix, size_t n)
{
	return strncmp(w->tensor[i].name + w->prefix, prefix, n) == 0;
}

/* All, but those that were left aside. */
static bool
all_begin(const struct weights *w, const char *prefix, size_t n)
{
	bool any = false;

	for (size_t i = 0; i < w->n; i++) {
		if (w->ignored[i])
			continue;
		if (!begins(w, i, prefix, n))
			return false;
		any = true;
	}
	return any;
}

/* What lies beside a model that one wrapper is around does not count. */
static void
put_aside(struct weights *w)
{
	const char *first = NULL, *dot;
	bool beside = false;

	for (size_t i = 0; i < w->n; i++) {
		const char *name = w->tensor[i].name;

		if (is_beside(name))
			beside = true;
		else if (first == NULL)
			first = name;
	}
	if (!beside || first == NULL || (dot = strchr(first, '.')) == NULL)
		return;
	for (size_t i = 0; i < w->n; i++)
		if (!is_beside(w->tensor[i].name) &&
		    !begins(w, i, first, (size_t)(dot - first) + 1))
			return;
	for (size_t i = w->n; i-- > 0;)
		if (is_beside(w->tensor[i].name)) {
			w->ignored[i] = true;
			w->aside = i;
		}
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * What wrappers put in front of every name: one that all share (DataParallel's
 * "module.", "model.", "backbone.", ...), and the place of the model in
 * BackdoorBench's Sequential of a resize and it.  Bytes of it; 0: nothing.
 */
static size_t
wrapper(const struct weights *w)
{
	static const char second[] = "1.";
	const char *name = NULL, *dot;
	size_t n;

	for (size_t i = 0; i < w->n && name == NULL; i++)
		if (!w->ignored[i])
			name = w->tensor[i].name + w->prefix;
	if (name == NULL || (dot = strchr(name, '.')) == NULL)
		return 0;
	n = (size_t)(dot - name) + 1;
	/* other numbers are places in a row, but for one with a name of more
	 * parts behind it: a model there is all that has weights */
	if (is_digit(name[0]) &&
	    strncmp(name, second, sizeof(second) - 1) != 0 &&
	    (is_digit(dot[1]) || strchr(dot + 1, '.') == NULL))
		return 0;
	return all_begin(w, name, n) ? n : 0;
}

/* "head.fc.weight": 1, "head.fc.bias": 2, of a last layer; else 0. */
static int
of_head(const char *name)
{
	static const char *const layer[] = {"head.fc", "head", "fc",
	    "classifier", "cls_head.fc", "linear", "classifier.fc"};

	for (size_t i = 0; i < ARRAY_LEN(layer); i++) {
		size_t n = strlen(layer[i]);

		if (strncmp(name, layer[i], n) != 0)
			continue;
		if (strcmp(name + n, ".weight") == 0)
			return 1;
		if (strcmp(name + n, ".bias") == 0)
			return 2;
	}
	return 0;
}

/*
 * A ResNet as a backbone and the layer that somebody put behind it, each in a
 * module of its own, as OpenMMLab keeps them: the layer takes the place of the
 * backbone's last one, which is called "fc".
 */
static int
join_head(struct weights *w, struct arena *a, struct err *e)
{
	static const char body[] = "backbone.", resnet[] = "backbone.layer1.";
	size_t at[3] = {SIZE_MAX, SIZE_MAX, SIZE_MAX}, n = sizeof(body) - 1;
	const struct tensor *weight;
	bool layers = false;

	for (size_t i = 0; i < w->n; i++) {
		const char *name = w->tensor[i].name + w->prefix;
		int part = of_head(name);

		layers = layers || begins(w, i, resnet, sizeof(resnet) - 1);

		if (w->ignored[i])
			continue;
		if (begins(w, i, body, n)) {
			if (of_head(name + n) != 0)
				return 0;
		} else if (part == 0 || at[part] != SIZE_MAX) {
			return 0;
		} else {
			at[part] = i;
		}
	}
	if (at[1] == SIZE_MAX || !layers)
		return 0;
	weight = &w->tensor[at[1]];
	if (weight->rank != 2)
		return 0;
	w->head = weight->name + w->prefix;
	for (int part = 1; part <= 2; part++) {
		struct tensor *t;

		if (at[part] == SIZE_MAX)
			continue;
		t = &w->tensor[at[part]];
		t->name = arena_printf(a, "%.*s%sfc.%s", (int)w->prefix,
		    t->name, body, part == 1 ? "weight" : "bias");
		if (t->name == NULL)
			return full(e);
	}
	return 0;
}

int
weights_init(struct weights *w, struct arena *a, struct tensor *t, size_t n,
    struct weights_attr *attr, size_t nattr, struct err *e)
{
	size_t len;
	int rc;

	*w = (struct weights){.tensor = t,
	    .n = n,
	    .attr = attr,
	    .nattr = nattr,
	    .aside = SIZE_MAX};
	map_init(&w->by_name, a);
	map_init(&w->by_attr, a);
	w->used = arena_alloc(a, n + 1, sizeof(*w->used));
	w->turned = arena_alloc(a, n + 1, sizeof(*w->turned));
	w->ignored = arena_alloc(a, n + 1, sizeof(*w->ignored));
	if (w->used == NULL || w->turned == NULL || w->ignored == NULL)
		return full(e);
	put_aside(w);
	weights_norm_find(w);
	while ((len = wrapper(w)) != 0)
		w->prefix += len;
	if ((rc = join_head(w, a, e)) != 0)
		return rc;
	while ((len = wrapper(w)) != 0)
		w->prefix += len;
	for (size_t i = 0; i < n; i++) {
		if (w->ignored[i])
			continue;
		rc = map_put(&w->by_name, t[i].name + w->prefix, i);
		if (rc < 0)
			return full(e);
		if (rc == 0)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "tensor '%s' is there twice", t[i].name);
	}
	for (size_t i = 0; i < nattr; i++)
		if (strlen(attr[i].name) >= w->prefix &&
		    map_put(&w->by_attr, attr[i].name + w->prefix, i) < 0)
			return full(e);
	return 0;
}

const struct tensor *
weights_peek(const struct weights *w, const char *name)
{
	size_t at = map_get(&w->by_name, name);

	return at != SIZE_MAX ? &w->tensor[at] : NULL;
}

bool
weights_has(const struct weights *w, const char *name)
{
	return weights_peek(w, name) != NULL;
}

const struct tensor *
weights_get(struct weights *w, const char *name)
{
	size_t at = map_get(&w->by_name, name);

	if (at == SIZE_MAX)
		return NULL;
	w->used[at] = true;
	return &w->tensor[at];
}

static bool
has_matrix(const struct weights *w, const char *module)
{
	char name[LIMIT_NAME + 1];
	const struct tensor *t;
	int n = snprintf(name, sizeof(name), "%s.weight", module);

	t = n > 0 && (size_t)n < sizeof(name) ? weights_peek(w, name) : NULL;
	return t != NULL && t->rank == 2;
}

/* "module.0" to "module.9" with a matrix; the last of them in buf. */
static size_t
numbered(const struct weights *w, const char *module, char buf[LIMIT_NAME + 1])
{
	size_t len = strlen(module), n = 0;
	char name[LIMIT_NAME + 1];

	if (len > LIMIT_NAME - 2)
		return 0;
	memcpy(name, module, len);
	name[len] = '.';
	name[len + 2] = '\0';
	for (char c = '0'; c <= '9'; c++) {
		name[len + 1] = c;
		if (!has_matrix(w, name))
			continue;
		memcpy(buf, name, len + 3);
		n++;
	}
	return n;
}

const char *
weights_last(
    const struct weights *w, const char *module, char buf[LIMIT_NAME + 1])
{
	size_t n = strlen(module);

	if (has_matrix(w, module))
		return module;
	if (numbered(w, module, buf) == 1)
		return buf;
	if (n < 3 || n > LIMIT_NAME || module[n - 2] != '.')
		return NULL;
	memcpy(buf, module, n - 2);
	buf[n - 2] = '\0';
	return has_matrix(w, buf) ? buf : NULL;
}

bool
weights_has_last(const struct weights *w, const char *module)
{
	char buf[LIMIT_NAME + 1], base[LIMIT_NAME + 1];
	size_t n = strlen(module);

	if (weights_last(w, module, buf) != NULL)
		return true;
	if (w->row == NULL)
		return false;
	/* "classifier" of several layers in the place of "classifier.1" */
	n -= n > 2 && module[n - 2] == '.' ? 2 : 0;
	if (n > LIMIT_NAME)
		return false;
	memcpy(base, module, n);
	base[n] = '\0';
	return numbered(w, base, buf) != 0;
}

const struct weights_attr *
weights_attr(const struct weights *w, const char *module, const char *name)
{
	char key[LIMIT_NAME + 1];
	size_t at;
	int n = snprintf(key, sizeof(key), "%s%s%s", module,
	    *module != '\0' ? "." : "", name);

	if (n < 0 || (size_t)n >= sizeof(key))
		return NULL;
	at = map_get(&w->by_attr, key);
	return at != SIZE_MAX ? &w->attr[at] : NULL;
}
