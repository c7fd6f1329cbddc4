/* SPDX-License-Identifier: MIT */
#include "base/limits.h"
#include "base/text.h"
#include "formats/onnx_known_part.h"

/* Unsqueeze: axes as an attribute until operator set 12. */
static bool
unsqueeze(struct onnx_known *b, const struct onnx_node *n, struct known *k,
    unsigned depth)
{
	const struct onnx_attr *attr = onnx_file_attr(n, "axes");
	struct known axes = {0}, out = {0};
	bool one[ONNX_KNOWN_VALUES] = {false};
	size_t from = 0;

	if (attr != NULL && attr->type == ONNX_INTS &&
	    attr->n <= ONNX_KNOWN_VALUES) {
		axes.n = attr->n;
		memcpy(axes.v, attr->ints, attr->n * sizeof(*axes.v));
	} else if (n->nin < 2 ||
		   !onnx_known_find(b, n->in[1], &axes, depth + 1)) {
		return false;
	}
	out.n = k->n + axes.n;
	if (out.n > ONNX_KNOWN_VALUES)
		return false;
	for (size_t i = 0; i < axes.n; i++) {
		int64_t at = axes.v[i];

		if (at != ONNX_KNOWN_OPEN && at < 0)
			at += (int64_t)out.n;
		if (at == ONNX_KNOWN_OPEN || at < 0 || (uint64_t)at >= out.n ||
		    one[at])
			return false;
		one[at] = true;
	}
	for (size_t i = 0; i < out.n; i++)
		out.v[i] = one[i] ? 1 : k->v[from++];
	*k = out;
	return true;
}

static bool
pad(struct onnx_known *b, const struct onnx_node *n, struct known *k,
    unsigned depth)
{
	struct known pads;

	if (n->nin < 2 || (n->nin > 3 && *n->in[3] != '\0') ||
	    !onnx_known_find(b, n->in[1], &pads, depth + 1) ||
	    pads.n != 2 * k->n)
		return false;
	for (size_t i = 0; i < k->n; i++)
		if (k->v[i] == ONNX_KNOWN_OPEN ||
		    pads.v[i] == ONNX_KNOWN_OPEN ||
		    pads.v[i + k->n] == ONNX_KNOWN_OPEN ||
		    ckd_add(&k->v[i], k->v[i], pads.v[i]) ||
		    ckd_add(&k->v[i], k->v[i], pads.v[i + k->n]))
			k->v[i] = ONNX_KNOWN_OPEN;
	return true;
}

/* -1 is what is left, which is not worked out; 0 keeps. */
static bool
reshape(struct onnx_known *b, const struct onnx_node *n, struct known *k,
    unsigned depth)
{
	struct known to;

	if (n->nin != 2 || n->nattr != 0 ||
	    !onnx_known_find(b, n->in[1], &to, depth + 1))
		return false;
	for (size_t i = 0; i < to.n; i++) {
		if (to.v[i] == 0 && i >= k->n)
			return false;
		if (to.v[i] == 0)
			to.v[i] = k->v[i];
		else if (to.v[i] < 0)
			to.v[i] = ONNX_KNOWN_OPEN;
	}
	*k = to;
	return true;
}

/* All but the first two axes are others. */
static bool
window(struct known *k, bool global)
{
	for (size_t i = 2; i < k->n; i++)
		k->v[i] = global ? 1 : ONNX_KNOWN_OPEN;
	return true;
}

/* Sizes that follow from those of input 0. */
static bool
derived(struct onnx_known *b, const struct onnx_node *n, struct known *k,
    unsigned depth)
{
	static const char *const same[] = {"Relu", "Identity", "Cast",
	    "Sigmoid", "Clip", "LeakyRelu", "BatchNormalization", "Dropout",
	    "Tanh", "HardSwish"};
	size_t at;

	if (strcmp(n->op, "Conv") == 0 && n->nin > 1 &&
	    (at = map_get(&b->tensor, n->in[1])) != SIZE_MAX) {
		const struct tensor *w = &b->x->tensor[at].t;

		k->n = w->rank;
		for (size_t i = 0; i < k->n; i++)
			k->v[i] = i == 1 ? (int64_t)w->dim[0] : ONNX_KNOWN_OPEN;
		return w->rank > 2;
	}
	if (text_is_one_of(n->op, same, ARRAY_LEN(same)) ||
	    (strcmp(n->op, "Mul") == 0 && n->nin == 2 &&
		strcmp(n->in[0], n->in[1]) == 0))
		return true;
	if (strcmp(n->op, "GlobalAveragePool") == 0)
		return window(k, true);
	if (strcmp(n->op, "AveragePool") == 0 || strcmp(n->op, "MaxPool") == 0)
		return window(k, false);
	if (strcmp(n->op, "Unsqueeze") == 0)
		return unsqueeze(b, n, k, depth);
	if (strcmp(n->op, "Pad") == 0)
		return pad(b, n, k, depth);
	return strcmp(n->op, "Reshape") == 0 && reshape(b, n, k, depth);
}

bool
onnx_known_size(
    struct onnx_known *b, const char *name, struct known *k, unsigned depth)
{
	size_t at = map_get(&b->value, name);
	const struct onnx_node *n = onnx_known_maker(b, name);
	const struct onnx_value *v = NULL;

	if (at != SIZE_MAX)
		v = at < b->x->ninput ? &b->x->input[at]
				      : &b->x->info[at - b->x->ninput];
	k->cols = 0;
	if (v != NULL && v->shaped && v->rank <= MODEL_MAX_RANK) {
		k->n = v->rank;
		for (size_t i = 0; i < v->rank; i++)
			k->v[i] = v->dim[i] < 0 || i == 0 ? ONNX_KNOWN_OPEN
							  : v->dim[i];
		return true;
	}
	if (n == NULL || depth > ONNX_KNOWN_DEPTH || n->nin == 0 ||
	    ++b->visits > ONNX_KNOWN_VISITS ||
	    (*n->domain != '\0' && strcmp(n->domain, "ai.onnx") != 0))
		return false;
	/* of a convolution they are the weight's */
	if (strcmp(n->op, "Conv") != 0 &&
	    !onnx_known_size(b, n->in[0], k, depth + 1))
		return false;
	return derived(b, n, k, depth);
}
