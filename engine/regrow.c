/* SPDX-License-Identifier: MIT */
#include "engine/regrow.h"

#include "engine/fuse.h"
#include "engine/op.h"
#include "engine/role.h"

#include <ctype.h>

/* A value that is the image's or depends on it, or a constant. */
struct value {
	bool data;   /* depends on the image */
	bool pooled; /* one number a channel: behind global pooling */
	bool late;   /* nothing but the logits comes of it, without a layer */
	bool hot;    /* constant; a layer's weights are computed from it */
	size_t uses, user, norms; /* nodes that read it, batch-norms of them */
	const char *name;         /* in the new model, or NULL */
};

struct maker {
	const struct model *m;
	struct model *out;
	struct regrow *note;
	struct arena *a;
	struct map id;       /* name -> value; the tensors are the first */
	struct value *value; /* nvalue of them */
	size_t nvalue;
	bool *weight;  /* per tensor: training sets it */
	bool *insert;  /* per node: a batch-norm takes the place of its bias */
	bool any_norm; /* batch-norm */
	bool other_norm;
	size_t max_node, max_tensor;
	const uint8_t *zeros;
	struct err *e;
};

static int
full(struct maker *k)
{
	return err_set(k->e, ERR_LIMIT, ERR_NOWHERE, "model too large");
}

/* --- the graph ----------------------------------------------------------- */

static struct value *
value_of(struct maker *k, const char *name)
{
	size_t i = *name != '\0' ? map_get(&k->id, name) : SIZE_MAX;

	return i != SIZE_MAX ? &k->value[i] : NULL;
}

static const struct tensor *
tensor_of(struct maker *k, const char *name)
{
	size_t i = *name != '\0' ? map_get(&k->id, name) : SIZE_MAX;

	return i < k->m->ntensor ? &k->m->tensor[i] : NULL;
}

static bool
is_op(const struct node *n, const char *op)
{
	return strcmp(n->op, op) == 0;
}

static bool
is_one_of(const struct node *n, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_op(n, list[i]))
			return true;
	return false;
}

/* Mul: x times a sigmoid of x */
static bool
is_activation(const struct node *n)
{
	static const char *const list[] = {"Celu", "Clip", "Elu", "Gelu",
	    "HardSigmoid", "HardSwish", "LeakyRelu", "Mish", "Mul", "PRelu",
	    "Relu", "Selu", "Sigmoid", "Softplus", "Softsign", "Swish", "Tanh",
	    "ThresholdedRelu"};

	return is_one_of(n, list, ARRAY_LEN(list));
}

static int
number(struct maker *k)
{
	const struct model *m = k->m;
	size_t most = m->ntensor + 2;
	bool ok = true;

	for (size_t i = 0; i < m->nnode; i++)
		most += m->node[i].nout;
	map_init(&k->id, k->a);
	k->value = arena_alloc(k->a, most, sizeof(*k->value));
	k->weight = arena_alloc(k->a, m->ntensor + 1, sizeof(*k->weight));
	k->insert = arena_alloc(k->a, m->nnode + 1, sizeof(*k->insert));
	if (k->value == NULL || k->weight == NULL || k->insert == NULL)
		return full(k);
	for (size_t i = 0; ok && i < m->ntensor; i++)
		ok = map_put(&k->id, m->tensor[i].name, k->nvalue++) >= 0;
	ok = ok && map_put(&k->id, m->input, k->nvalue++) >= 0;
	for (size_t i = 0; ok && i < m->nnode; i++)
		for (size_t j = 0; ok && j < m->node[i].nout; j++)
			if (*m->node[i].out[j] != '\0')
				ok = map_put(&k->id, m->node[i].out[j],
					 k->nvalue++) >= 0;
	return ok ? 0 : full(k);
}

/* One number a channel is left: of a mean, when it goes over the pixels. */
static bool
pools_all(const struct node *n)
{
	static const char *const list[] = {
	    "GlobalAveragePool", "GlobalMaxPool"};
	const struct attr *axes = node_attr(n, "axes");

	if (is_op(n, "ReduceMean") && axes != NULL && axes->kind == ATTR_INTS)
		return axes->n == 2;
	return is_one_of(n, list, ARRAY_LEN(list));
}

/* What flows forward. */
static void
mark_forward(struct maker *k, size_t at)
{
	const struct node *n = &k->m->node[at];
	bool data = false, pooled = true;
	struct value *v;

	for (size_t i = 0; i < n->nin; i++) {
		if ((v = value_of(k, n->in[i])) == NULL)
			continue;
		v->uses++;
		v->user = at;
		v->norms += is_op(n, "BatchNormalization") && i == 0;
		data = data || v->data;
		pooled = pooled && (!v->data || v->pooled);
	}
	/* a shape is known before any image is seen */
	if (is_op(n, "Shape") || is_op(n, "Size"))
		data = false;
	for (size_t i = 0; i < n->nout; i++)
		if ((v = value_of(k, n->out[i])) != NULL) {
			v->data = data;
			v->pooled = data && (pooled || pools_all(n));
		}
}

/* Whether a node has weights, for this purpose: a product or convolution. */
static bool
is_layer(struct maker *k, const struct node *n)
{
	static const char *const list[] = {
	    "Conv", "ConvTranspose", "Einsum", "Gemm", "MatMul"};

	if (!is_one_of(n, list, ARRAY_LEN(list)))
		return false;
	for (size_t i = 0; i < n->nin; i++) {
		const struct value *v = value_of(k, n->in[i]);

		if (v != NULL && !v->data)
			return true;
	}
	return false;
}

/* What flows backward: the way from the last layer to the logits, and what a
 * layer's weights are computed from. */
static void
mark_backward(struct maker *k, const struct node *n)
{
	const struct op *op = op_find(n->op);
	const struct value *out = NULL;
	bool late = false, hot = false;

	for (size_t i = 0; i < n->nout; i++)
		if ((out = value_of(k, n->out[i])) != NULL) {
			late = late || out->late;
			hot = hot || out->hot;
		}
	late = late && !is_layer(k, n);
	for (size_t i = 0; i < n->nin; i++) {
		struct value *v = value_of(k, n->in[i]);
		bool layer = (op->flags & OP_OPERAND) == 0;

		if (v == NULL)
			continue;
		v->late = v->late || late;
		if (!v->data)
			v->hot = v->hot || hot ||
				 (out != NULL && out->data && layer &&
				     op_bit(op->weights, i));
	}
}

static int
read_graph(struct maker *k)
{
	const struct model *m = k->m;
	struct value *v;
	int rc;

	if ((rc = number(k)) != 0)
		return rc;
	k->value[m->ntensor].data = true;
	for (size_t i = 0; i < m->nnode; i++) {
		if (op_find(m->node[i].op) == NULL)
			return err_set(k->e, ERR_UNSUPPORTED, ERR_NOWHERE,
			    "node '%s': operator %s is not supported",
			    m->node[i].name, m->node[i].op);
		mark_forward(k, i);
	}
	if ((v = value_of(k, m->output)) != NULL)
		v->late = true;
	for (size_t i = m->nnode; i-- > 0;)
		mark_backward(k, &m->node[i]);
	return 0;
}

/* --- what training sets -------------------------------------------------- */

/* As the net will see it: chains fused. */
static int
find_weights(struct maker *k)
{
	static const char *const other[] = {"GroupNormalization",
	    "InstanceNormalization", "LayerNormalization"};
	struct model fused;
	int rc;

	if ((rc = fuse_model(k->m, false, k->a, &fused, k->e)) != 0 ||
	    (rc = role_weights(&fused, k->weight, k->e)) != 0)
		return rc;
	for (size_t i = 0; i < fused.nnode; i++) {
		const struct node *n = &fused.node[i];
		bool norm = is_op(n, "BatchNormalization");

		k->any_norm = k->any_norm || norm;
		k->other_norm =
		    k->other_norm || is_one_of(n, other, ARRAY_LEN(other));
		k->note->layer_norm =
		    k->note->layer_norm || is_op(n, "LayerNormalization");
		for (size_t j = 3; norm && j < MIN(n->nin, 5); j++) {
			const struct tensor *t = tensor_of(k, n->in[j]);

			if (t != NULL)
				k->weight[t - k->m->tensor] = true;
		}
	}
	return 0;
}

/* Numbers of the suspect's that would decide what a layer does. */
static int
check_weights(struct maker *k)
{
	bool any = false;

	for (size_t i = 0; i < k->m->ntensor; i++) {
		const struct tensor *t = &k->m->tensor[i];
		uint64_t n;

		any = any || k->weight[i];
		if (k->value[i].hot && !k->weight[i] &&
		    tensor_elements(t, &n) && n > 1)
			return err_set(k->e, ERR_UNSUPPORTED, ERR_NOWHERE,
			    "tensor '%s' is a layer's weight that training "
			    "cannot change",
			    t->name);
	}
	return any ? 0
		   : err_set(k->e, ERR_UNSUPPORTED, ERR_NOWHERE,
			 "the model has no weights");
}

/* --- where batch-norms go ------------------------------------------------ */

static bool
has_bias(struct maker *k, const struct node *n, const struct value *out)
{
	const struct node *user = &k->m->node[out->user];

	if (n->nin > 2 && *n->in[2] != '\0')
		return true;
	if (out->uses != 1 || !is_op(user, "Add") || user->nin != 2)
		return false;
	return tensor_of(k, user->in[0]) != NULL ||
	       tensor_of(k, user->in[1]) != NULL;
}

static bool
wants_norm(struct maker *k, const struct node *n, bool gemm)
{
	const struct value *in = n->nin > 1 ? value_of(k, n->in[0]) : NULL;
	const struct value *out = n->nout > 0 ? value_of(k, n->out[0]) : NULL;
	const struct node *user;

	if (in == NULL || out == NULL || !in->data || !is_layer(k, n) ||
	    out->late || out->uses == 0 || out->norms != 0)
		return false;
	user = &k->m->node[out->user];
	if (gemm)
		return is_activation(user);
	if (in->pooled || (k->other_norm && !is_activation(user)))
		return false;
	return has_bias(k, n, out) || (!k->any_norm && !k->other_norm);
}

static void
choose_norms(struct maker *k)
{
	const struct model *m = k->m;
	size_t convs = 0;

	for (size_t i = 0; i < m->nnode; i++) {
		k->insert[i] = is_op(&m->node[i], "Conv") &&
			       wants_norm(k, &m->node[i], false);
		convs += k->insert[i];
	}
	/* batch-norms that nobody has folded, or another design */
	if ((k->any_norm && convs == 0) || k->other_norm) {
		k->note->norms = convs;
		return;
	}
	for (size_t i = 0; i < m->nnode; i++) {
		if (is_op(&m->node[i], "Gemm"))
			k->insert[i] = wants_norm(k, &m->node[i], true);
		k->note->norms += k->insert[i];
	}
}

/* --- the new model ------------------------------------------------------- */

/* A tensor's numbers as f32, little-endian. */
static const uint8_t *
as_floats(struct maker *k, const struct tensor *t, uint64_t n)
{
	uint8_t *data = arena_alloc(k->a, (size_t)n + 1, 4);

	for (uint64_t i = 0; data != NULL && i < n; i++) {
		float v = (float)tensor_real(t, i);
		uint32_t bits;

		memcpy(&bits, &v, sizeof(bits));
		for (size_t b = 0; b < 4; b++)
			data[4 * i + b] = (uint8_t)(bits >> 8 * b);
	}
	return data;
}

static struct tensor *
new_tensor(struct maker *k, const char *name)
{
	struct tensor *t = &k->out->tensor[k->out->ntensor++];

	if (k->out->ntensor > k->max_tensor)
		BUG("tensors");
	*t = (struct tensor){.name = name, .dtype = DTYPE_F32};
	return t;
}

static int
copy_tensor(struct maker *k, const struct tensor *from, const char *name)
{
	struct tensor *t = new_tensor(k, name);
	bool real = from->dtype == DTYPE_F16 || from->dtype == DTYPE_BF16;
	uint64_t n;

	if (!tensor_elements(from, &n))
		return full(k);
	*t = *from;
	t->name = name;
	if (real) {
		t->dtype = DTYPE_F32;
		t->size = (size_t)n * sizeof(float);
	}
	if (k->weight[from - k->m->tensor]) {
		t->data = k->zeros;
		k->note->weights += n;
		return 0;
	}
	k->note->kept += n;
	if (real)
		t->data = as_floats(k, from, n);
	return t->data != NULL || t->size == 0 ? 0 : full(k);
}

/* The new name of a node's input; a tensor is copied when it is met first. */
static int
rename_input(struct maker *k, const char *node, size_t i, const char *name,
    const char **to)
{
	struct value *v = value_of(k, name);
	const struct tensor *t = tensor_of(k, name);

	*to = "";
	if (*name == '\0')
		return 0;
	if (v == NULL)
		BUG("a name that model_check accepted");
	if (v->name == NULL && t != NULL) {
		v->name = arena_printf(k->a, "%s.in%zu", node, i);
		if (copy_tensor(k, t, v->name) != 0)
			return ERR_LIMIT;
	}
	*to = v->name;
	return 0;
}

/* "conv12" */
static const char *
node_name(struct maker *k, const struct node *n, size_t at)
{
	char *s = arena_printf(k->a, "%s%zu", n->op, at);

	for (char *p = s; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return s;
}

/* conv12 -> conv12.norm, which stands for conv12's output from here on. */
static int
add_norm(struct maker *k, const struct node *layer, struct value *v)
{
	static const char *const part[] = {"scale", "shift", "mean", "var"};
	struct node *n = &k->out->node[k->out->nnode++];
	const struct tensor *w = tensor_of(k, layer->in[1]);
	bool turned = is_op(layer, "Gemm") && node_int(layer, "transB", 0) == 0;
	const char **out = arena_alloc(k->a, 1, sizeof(*out));

	*n = (struct node){.op = "BatchNormalization", .nin = 5, .nout = 1};
	n->name = arena_printf(k->a, "%s.norm", v->name);
	n->in = arena_alloc(k->a, 5, sizeof(*n->in));
	n->attr = arena_alloc(k->a, 1, sizeof(*n->attr));
	if (n->in == NULL || n->attr == NULL || out == NULL)
		return full(k);
	*n->attr =
	    (struct attr){.name = "epsilon", .kind = ATTR_REAL, .f = 1e-5};
	n->nattr = 1;
	n->out = out;
	n->in[0] = v->name;
	n->out[0] = v->name = n->name;
	for (size_t i = 0; i < 4; i++) {
		struct tensor *t = new_tensor(
		    k, arena_printf(k->a, "%s.%s", n->name, part[i]));

		t->rank = 1;
		t->dim[0] = w->dim[turned ? 1 : 0];
		t->size = (size_t)t->dim[0] * sizeof(float);
		t->data = k->zeros;
		n->in[i + 1] = t->name;
		k->note->weights += t->dim[0];
	}
	return 0;
}

static int
add_node(struct maker *k, size_t at)
{
	const struct node *from = &k->m->node[at];
	struct node *n = &k->out->node[k->out->nnode++];
	int rc;

	*n = *from;
	n->name = node_name(k, from, at);
	/* its shift is the bias */
	n->nin = k->insert[at] ? 2 : from->nin;
	n->in = arena_alloc(k->a, n->nin + 1, sizeof(*n->in));
	n->out = arena_alloc(k->a, n->nout + 1, sizeof(*n->out));
	if (n->in == NULL || n->out == NULL)
		return full(k);
	for (size_t i = 0; i < n->nin; i++) {
		rc = rename_input(k, n->name, i, from->in[i], &n->in[i]);
		if (rc != 0)
			return rc;
	}
	for (size_t i = 0; i < n->nout; i++) {
		struct value *v = value_of(k, from->out[i]);

		n->out[i] = "";
		if (v == NULL)
			continue;
		v->name =
		    i == 0 ? n->name : arena_printf(k->a, "%s.%zu", n->name, i);
		n->out[i] = v->name;
	}
	return k->insert[at] ? add_norm(k, from, value_of(k, from->out[0])) : 0;
}

/* A batch-norm needs the width of its layer, which the weight says. */
static void
drop_impossible(struct maker *k)
{
	for (size_t i = 0; i < k->m->nnode; i++) {
		const struct node *n = &k->m->node[i];
		const struct tensor *w =
		    k->insert[i] ? tensor_of(k, n->in[1]) : NULL;

		if (!k->insert[i] || (w != NULL && w->rank >= 2))
			continue;
		k->insert[i] = false;
		k->note->norms--;
	}
}

static int
make_model(struct maker *k)
{
	const struct model *m = k->m;
	struct model *out = k->out;
	const struct value *last;
	size_t largest = 64;
	int rc = 0;

	*out = *m;
	out->arena = (struct arena){0};
	out->nnode = out->ntensor = 0;
	k->max_node = m->nnode + k->note->norms;
	k->max_tensor = m->ntensor + 4 * k->note->norms;
	for (size_t i = 0; i < m->ntensor; i++)
		largest = MAX(largest, m->tensor[i].size);
	out->node = arena_alloc(k->a, k->max_node + 1, sizeof(*out->node));
	out->tensor =
	    arena_alloc(k->a, k->max_tensor + 1, sizeof(*out->tensor));
	/* also for what is narrower than f32 */
	k->zeros = arena_alloc(k->a, 4, largest);
	if (out->node == NULL || out->tensor == NULL || k->zeros == NULL)
		return full(k);
	k->value[m->ntensor].name = out->input = "image";
	for (size_t i = 0; i < m->nnode && rc == 0; i++)
		rc = add_node(k, i);
	if (rc != 0)
		return rc;
	last = value_of(k, m->output);
	out->output = last != NULL ? last->name : NULL;
	if (out->output == NULL)
		return err_set(k->e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "the output is a constant");
	out->format = "neutral";
	out->producer = "assay-grow";
	out->note = "";
	return model_check(out, k->e);
}

int
regrow_model(const struct model *m, struct arena *a, struct model *out,
    struct regrow *note, struct err *e)
{
	struct maker k = {.m = m, .out = out, .note = note, .a = a, .e = e};
	int rc;

	*note = (struct regrow){0};
	if ((rc = model_dense(m, e)) != 0 || (rc = read_graph(&k)) != 0 ||
	    (rc = find_weights(&k)) != 0 || (rc = check_weights(&k)) != 0)
		return rc;
	choose_norms(&k);
	drop_impossible(&k);
	if ((rc = make_model(&k)) != 0)
		return rc;
	regrow_key(out, &note->key);
	return 0;
}
