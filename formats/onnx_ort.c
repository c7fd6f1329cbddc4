/* SPDX-License-Identifier: MIT */
#include "formats/onnx_ort.h"

#include "formats/onnx_attention.h"

/* --- layers with an activation ------------------------------------------- */

/* Parameter i of the activation. */
static double
parameter(const struct onnx_node *from, size_t i, double absent)
{
	static const char *const single[] = {
	    "activation_alpha", "activation_beta"};
	const struct onnx_attr *list =
	    onnx_file_attr(from, "activation_params");
	const struct onnx_attr *one = onnx_file_attr(from, single[i]);

	if (list != NULL && list->type == ONNX_FLOATS && i < list->n)
		return list->reals[i];
	return one != NULL && one->type == ONNX_FLOAT ? one->f : absent;
}

/* x through the activation that the node names, as its output. */
static int
activate(struct onnx_lower *l, const struct onnx_node *from, const char *x)
{
	static const struct {
		const char *op;
		const char *name[2]; /* of the parameters */
		double usual[2];
	} known[] = {
	    {"Relu", {NULL, NULL}, {0, 0}},
	    {"Tanh", {NULL, NULL}, {0, 0}},
	    {"Sigmoid", {NULL, NULL}, {0, 0}},
	    {"LeakyRelu", {"alpha", NULL}, {.01, 0}},
	    {"Clip", {"min", "max"}, {-3.4e38, 3.4e38}},
	    {"HardSigmoid", {"alpha", "beta"}, {.2, .5}},
	};
	const char *act = onnx_lower_get_text(l, from, "activation", "");
	struct node *n;

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(known[i].op, act) != 0)
			continue;
		n = onnx_lower_insert(l, from, known[i].op, x, from->out[0]);
		for (size_t k = 0; n != NULL && k < 2; k++)
			if (known[i].name[k] != NULL)
				onnx_lower_put_real(n, known[i].name[k],
				    parameter(from, k, known[i].usual[k]));
		return 0;
	}
	if (*act != '\0')
		return onnx_lower_fail(
		    l, from, ERR_UNSUPPORTED, "activation '%.40s'", act);
	onnx_lower_alias(l, from->out[0], x);
	return 0;
}

/* The layer alone, as ONNX has it; its output in *x. */
static int
layer(struct onnx_lower *l, const struct onnx_node *from, const char *op,
    const char **x)
{
	static const char prefix[] = "activation";
	struct onnx_node one = *from;
	struct onnx_attr *attr;
	size_t n = 0;
	int rc;

	if ((rc = onnx_lower_need(l, from, 2)) != 0)
		return rc;
	attr = arena_alloc(&l->m->arena, from->nattr + 1, sizeof(*attr));
	one.out = arena_alloc(&l->m->arena, 1, sizeof(*one.out));
	if (attr == NULL || one.out == NULL)
		return onnx_lower_fail(l, from, ERR_LIMIT, "model too large");
	for (size_t i = 0; i < from->nattr; i++)
		if (strncmp(from->attr[i].name, prefix, strlen(prefix)) != 0)
			attr[n++] = from->attr[i];
	one.op = op;
	one.domain = "";
	one.attr = attr;
	one.nattr = n;
	one.nin = MIN(from->nin, 3);
	one.nout = 1;
	one.out[0] = *x = onnx_lower_fresh(l, from->out[0], "layer");
	return onnx_lower_find(op)(l, &one);
}

/* X, W, B, and what is added before the activation. */
static int
fused_conv(struct onnx_lower *l, const struct onnx_node *from)
{
	const char *x = NULL, *sum;
	struct node *n;
	int rc = layer(l, from, "Conv", &x);

	if (rc != 0)
		return rc;
	if (from->nin > 3 && *from->in[3] != '\0') {
		sum = onnx_lower_fresh(l, from->out[0], "sum");
		n = onnx_lower_insert(l, from, "Add", x, sum);
		if (n != NULL)
			n->in[n->nin++] = onnx_lower_name(l, from->in[3]);
		x = sum;
	}
	return activate(l, from, x);
}

static int
fused_gemm(struct onnx_lower *l, const struct onnx_node *from)
{
	const char *x = NULL;
	int rc = layer(l, from, "Gemm", &x);

	return rc != 0 ? rc : activate(l, from, x);
}

/* --- Gelu ---------------------------------------------------------------- */

/* Of x, or of x and a bias; FastGelu is the one with tanh. */
static int
gelu(struct onnx_lower *l, const struct onnx_node *from)
{
	bool fast = strcmp(from->op, "FastGelu") == 0;
	bool bias = strcmp(from->op, "Gelu") != 0 && from->nin > 1 &&
		    *from->in[1] != '\0';
	const char *x;
	struct node *n;
	int rc;

	rc =
	    onnx_lower_need(l, from, strcmp(from->op, "BiasGelu") == 0 ? 2 : 1);
	if (rc != 0)
		return rc;
	x = onnx_lower_name(l, from->in[0]);
	if (bias) {
		const char *sum = onnx_lower_fresh(l, from->out[0], "sum");

		n = onnx_lower_insert(l, from, "Add", x, sum);
		if (n != NULL)
			n->in[n->nin++] = onnx_lower_name(l, from->in[1]);
		x = sum;
	}
	n = onnx_lower_insert(l, from, "Gelu", x, from->out[0]);
	if (n != NULL)
		onnx_lower_put_text(n, "approximate", fast ? "tanh" : "none");
	return 0;
}

onnx_lower_fn *
onnx_ort_find(const char *domain, const char *op)
{
	static const struct {
		const char *op;
		onnx_lower_fn *fn;
	} table[] = {
	    {"BiasGelu", gelu},
	    {"FastGelu", gelu},
	    {"FusedConv", fused_conv},
	    {"FusedGemm", fused_gemm},
	    {"Gelu", gelu},
	};

	/* of no operator set of ONNX's own, but without a domain */
	if (*domain == '\0' && strcmp(op, "SimplifiedLayerNormalization") == 0)
		return onnx_attention_find(op);
	if (strcmp(domain, "com.microsoft") != 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(table[i].op, op) == 0)
			return table[i].fn;
	return onnx_attention_find(op);
}
