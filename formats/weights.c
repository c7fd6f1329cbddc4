/* SPDX-License-Identifier: MIT */
#include "formats/weights.h"

#include "base/limits.h"

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many tensors");
}

/* What wrappers put in front of every name: DataParallel, Lightning,
 * torch.compile, BackdoorBench's Sequential of a resize and the model,
 * transformers around timm. */
static const char *const wrappers[] = {"module.", "model.", "net.", "netC.",
    "backbone.", "_orig_mod.", "1.", "timm_model."};

static bool
all_begin(const struct weights *w, const char *prefix)
{
	size_t n = strlen(prefix);

	for (size_t i = 0; i < w->n; i++)
		if (strncmp(w->tensor[i].name + w->prefix, prefix, n) != 0)
			return false;
	return w->n != 0;
}

static void
strip(struct weights *w)
{
	size_t i = 0;

	while (i < ARRAY_LEN(wrappers)) {
		if (all_begin(w, wrappers[i])) {
			w->prefix += strlen(wrappers[i]);
			i = 0;
		} else {
			i++;
		}
	}
}

int
weights_init(struct weights *w, struct arena *a, struct tensor *t, size_t n,
    struct weights_attr *attr, size_t nattr, struct err *e)
{
	int rc;

	*w =
	    (struct weights){.tensor = t, .n = n, .attr = attr, .nattr = nattr};
	map_init(&w->by_name, a);
	map_init(&w->by_attr, a);
	w->used = arena_alloc(a, n + 1, sizeof(*w->used));
	w->turned = arena_alloc(a, n + 1, sizeof(*w->turned));
	w->ignored = arena_alloc(a, n + 1, sizeof(*w->ignored));
	if (w->used == NULL || w->turned == NULL || w->ignored == NULL)
		return full(e);
	strip(w);
	for (size_t i = 0; i < n; i++) {
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
	char buf[LIMIT_NAME + 1];

	return weights_last(w, module, buf) != NULL ||
	       (w->row != NULL && numbered(w, module, buf) != 0);
}

const struct weights_attr *
weights_attr(const struct weights *w, const char *module, const char *name)
{
	char key[LIMIT_NAME + 1];
	size_t at;
	int n = snprintf(key, sizeof(key), "%s.%s", module, name);

	if (n < 0 || (size_t)n >= sizeof(key))
		return NULL;
	at = map_get(&w->by_attr, key);
	return at != SIZE_MAX ? &w->attr[at] : NULL;
}
