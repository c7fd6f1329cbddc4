/* SPDX-License-Identifier: MIT */
#include "formats/torch_kind.h"

static const struct torch_kind *const table[] = {
#define TORCH_KIND(stem) torch_kind_##stem,
#include "formats/torch_kind.def"
#undef TORCH_KIND
};

bool
torch_kind_from(const struct torch_layer *l, const char *package)
{
	return l->package.len >= strlen(package) &&
	       memcmp(l->package.ptr, package, strlen(package)) == 0;
}

const struct torch_kind *
torch_kind_of(const struct torch_layer *l)
{
	if (!torch_kind_from(l, "torch.nn.modules."))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		for (const struct torch_kind *k = table[i]; k->type != NULL;
		     k++)
			if (l->type.len == strlen(k->type) &&
			    memcmp(l->type.ptr, k->type, l->type.len) == 0)
				return k;
	return NULL;
}

const char *
torch_kind_module(const struct draw *a, const struct torch_layer *l)
{
	size_t n = strlen(l->path);

	if (n > a->w->prefix)
		return l->path + a->w->prefix;
	/* the only layer with weights: its path is all of the prefix */
	return n + 1 == a->w->prefix ? "" : l->path;
}

double
torch_kind_real(const struct torch_layer *l, const char *name, double absent)
{
	double v[MODEL_MAX_RANK];
	size_t n;

	return torch_found_numbers(pickle_get(l->state, name), v, &n) && n == 1
		   ? v[0]
		   : absent;
}

bool
torch_kind_flag(const struct torch_layer *l, const char *name, bool absent)
{
	return torch_kind_real(l, name, absent) != 0;
}

void
torch_kind_pair(struct draw *a, const struct torch_layer *l, const char *name,
    int64_t absent, int64_t out[2])
{
	const struct pickle_node *node = pickle_get(l->state, name);
	double v[MODEL_MAX_RANK];
	size_t n;

	out[0] = out[1] = absent;
	if (node == NULL || pickle_is(node, PICKLE_NONE))
		return;
	if (!torch_found_numbers(node, v, &n) || n > 2 || !(v[0] >= 0) ||
	    !(v[0] < 65536) || !(v[n - 1] >= 0) || !(v[n - 1] < 65536)) {
		draw_fail(a, "layer '%.100s' has an odd %s", l->path, name);
		return;
	}
	out[0] = (int64_t)v[0];
	out[1] = (int64_t)v[n - 1];
}

void
torch_kind_refuse(struct draw *a, const struct torch_layer *l, const char *what)
{
	draw_fail(a, "layer '%.100s' %s", l->path, what);
}
