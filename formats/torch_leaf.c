/* SPDX-License-Identifier: MIT */
#include "formats/torch_leaf.h"

#include "base/limits.h"
#include "formats/torch_sequential.h"

/* Layers without weights and an operator that each is drawn with; "": none. */
static const struct leaf {
	const char *type, *op;
} leaves[] = {
    {"AdaptiveMaxPool2d", "GlobalMaxPool"},
    {"AvgPool2d", "AveragePool"},
    {"CELU", "Celu"},
    {"ELU", "Elu"},
    {"GELU", "Gelu"},
    {"Hardsigmoid", "HardSigmoid"},
    {"Hardswish", "HardSwish"},
    {"Identity", ""},
    {"LeakyReLU", "LeakyRelu"},
    {"MaxPool2d", "MaxPool"},
    {"Mish", "Mish"},
    {"ReLU", "Relu"},
    {"ReLU6", "Clip"},
    {"SELU", "Selu"},
    {"Sigmoid", "Sigmoid"},
    {"SiLU", "Sigmoid"},
    {"Softplus", "Softplus"},
    {"Softsign", "Softsign"},
    {"Tanh", "Tanh"},
};

/* What was drawn where. */
struct drawn {
	struct map place; /* "avgpool" */
	struct map op_at; /* "avgpool.GlobalAveragePool" */
	struct map op;    /* "GlobalAveragePool" */
	struct arena *arena;
};

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "torch: model too large");
}

/* By what draw_node() calls a value: "place.Op:number". */
static int
index_nodes(struct drawn *d, const struct model *m, struct err *e)
{
	for (size_t i = 0; i < m->nnode; i++) {
		const struct node *n = &m->node[i];
		const char *name = n->out[0], *end = strrchr(name, ':');
		size_t len = end != NULL ? (size_t)(end - name) : 0;
		size_t op = strlen(n->op);
		char *key;

		if (map_put(&d->op, n->op, i) < 0)
			return full(e);
		/* flattening is part of a pool in front of the last layer */
		if (len <= op + 1 || strcmp(n->op, "Flatten") == 0)
			continue;
		if ((key = arena_strdup(d->arena, name, len)) == NULL ||
		    map_put(&d->op_at, key, i) < 0 ||
		    (key = arena_strdup(d->arena, name, len - op - 1)) ==
			NULL ||
		    map_put(&d->place, key, i) < 0)
			return full(e);
	}
	return 0;
}

static bool
of_package(const struct torch_layer *l, const char *package)
{
	return l->package.len >= strlen(package) &&
	       memcmp(l->package.ptr, package, strlen(package)) == 0;
}

static const struct leaf *
leaf_of(const struct torch_layer *l)
{
	for (size_t i = 0; i < ARRAY_LEN(leaves); i++)
		if (l->type.len == strlen(leaves[i].type) &&
		    memcmp(l->type.ptr, leaves[i].type, l->type.len) == 0)
			return of_package(l, "torch.nn.modules.") ? &leaves[i]
								  : NULL;
	return NULL;
}

static bool
agrees(const struct drawn *d, const struct leaf *leaf, const char *place)
{
	char key[LIMIT_NAME + 64];

	if (map_get(&d->place, place) == SIZE_MAX)
		return *leaf->op == '\0' ||
		       map_get(&d->op, leaf->op) != SIZE_MAX;
	snprintf(key, sizeof(key), "%s.%s", place, leaf->op);
	return *leaf->op != '\0' && map_get(&d->op_at, key) != SIZE_MAX;
}

/* nn.AvgPool2d(kernel_size=1, stride=1), as pytorch-cifar's VGG has it. */
static bool
does_nothing(const struct torch_layer *l)
{
	static const char *const one[] = {"kernel_size", "stride"};
	double v[MODEL_MAX_RANK];
	size_t n;

	if (l->type.len < 6 ||
	    memcmp(l->type.ptr + l->type.len - 6, "Pool2d", 6) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(one); i++)
		if (!torch_found_numbers(pickle_get(l->state, one[i]), v, &n) ||
		    v[0] != 1 || v[n - 1] != 1)
			return false;
	return torch_found_numbers(pickle_get(l->state, "padding"), v, &n) &&
	       v[0] == 0 && v[n - 1] == 0;
}

/* Convolutions that mirror or wrap at the edges would be drawn as others. */
static int
check_pads(const struct torch_layer *l, struct err *e)
{
	const struct pickle_node *mode = pickle_get(l->state, "padding_mode");

	if (mode == NULL || pickle_is_text(mode, "zeros"))
		return 0;
	return err_set(e, ERR_UNSUPPORTED, mode->at,
	    "torch: module '%.100s' has a padding mode other than zeros",
	    l->path);
}

int
torch_leaf_check(const struct torch_found *f, const struct weights *w,
    const struct model *m, struct err *e)
{
	struct drawn d;
	struct arena a;
	int rc;

	arena_init(&a, LIMIT_MODEL_ARENA);
	d.arena = &a;
	map_init(&d.place, &a);
	map_init(&d.op_at, &a);
	map_init(&d.op, &a);
	rc = index_nodes(&d, m, e);
	for (size_t i = 0; rc == 0 && i < f->nlayer; i++) {
		const struct torch_layer *l = &f->layer[i];
		const struct leaf *leaf = leaf_of(l);
		size_t skip = MIN(w->prefix, strlen(l->path));
		bool other = leaf != NULL && !does_nothing(l) &&
			     !agrees(&d, leaf, l->path + skip);

		if ((rc = check_pads(l, e)) != 0)
			break;
		if (!other && (!of_package(l, "torchvision.transforms.") ||
				  torch_sequential_in_front(f, i)))
			continue;
		rc = err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "torch: module '%.100s' is a %.*s, which the architecture "
		    "of these weights has not there: export the model as ONNX",
		    l->path, (int)MIN(l->type.len, 60),
		    (const char *)l->type.ptr);
	}
	arena_release(&a);
	return rc;
}
