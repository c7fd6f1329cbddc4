/* SPDX-License-Identifier: MIT */
#include "formats/onnx.h"

#include "base/limits.h"
#include "base/text.h"
#include "formats/binary.h"
#include "formats/format.h"
#include "formats/onnx_ends.h"
#include "formats/onnx_fact.h"
#include "formats/onnx_graph.h"
#include "formats/onnx_patch.h"
#include "formats/onnx_probe.h"

/* --- the logits ---------------------------------------------------------- */

/* The softmax that ends the graph, or NULL. */
static const struct onnx_node *
find_tail(struct onnx_lower *l, const struct onnx_order *o, const char *output)
{
	static const char *const through[] = {"Identity", "Reshape", "Flatten",
	    "Squeeze", "Dropout", "QuantizeLinear", "DequantizeLinear"};
	const struct onnx_file *f = l->f;
	static const char *const ends[] = {"Softmax", "LogSoftmax", "Sigmoid"};
	const struct onnx_node *n = onnx_order_maker(f, o, output);

	while (n != NULL &&
	       text_is_one_of(n->op, through, ARRAY_LEN(through)) &&
	       n->nin > 0) {
		if (map_put(&l->behind, n->out[0], 0) < 0)
			l->full = true;
		n = onnx_order_maker(f, o, n->in[0]);
	}
	if (n == NULL || !text_is_one_of(n->op, ends, ARRAY_LEN(ends)))
		map_init(&l->behind, &l->m->arena);
	return n != NULL && text_is_one_of(n->op, ends, ARRAY_LEN(ends)) ? n
									 : NULL;
}

/* Outputs that the weights say: back from the logits to the last layer. */
static uint64_t
classes_of(const struct model *m, const struct onnx_lower *l, bool *certain)
{
	static const char *const through[] = {"Add", "Flatten", "Reshape",
	    "Squeeze", "Relu", "GlobalAveragePool", "ReduceMean", "AveragePool",
	    "Mul", "Sub", "Div", "Clip", "StraightRound"};
	const char *name = m->output;

	*certain = true;
	for (size_t i = m->nnode; i-- > 0;) {
		const struct node *n = &m->node[i];
		const struct tensor *w;

		if (strcmp(n->out[0], name) != 0)
			continue;
		w = n->nin > 1 ? onnx_lower_const(l, n->in[1]) : NULL;
		if (strcmp(n->op, "Gemm") == 0 && w != NULL && w->rank == 2)
			return w->dim[node_int(n, "transB", 0) != 0 ? 0 : 1];
		if (strcmp(n->op, "MatMul") == 0 && w != NULL && w->rank == 2)
			return w->dim[1];
		if (strcmp(n->op, "Conv") == 0 && w != NULL && w->rank > 0)
			return w->dim[0];
		if (n->nin == 0 ||
		    !text_is_one_of(n->op, through, ARRAY_LEN(through)))
			return 0;
		*certain = *certain && strcmp(n->op, "Add") == 0;
		/* the bias may come first */
		name = onnx_lower_const(l, n->in[0]) != NULL && n->nin > 1
			   ? n->in[1]
			   : n->in[0];
	}
	return 0;
}

static int
find_classes(struct model *m, const struct onnx_lower *l,
    const struct onnx_value *v, struct err *e)
{
	bool certain;
	uint64_t weights = classes_of(m, l, &certain), declared = 0;

	for (size_t i = 1; v->shaped && i < MIN(v->rank, MODEL_MAX_RANK); i++)
		if (v->dim[i] > 1 || (i == 1 && v->dim[i] == 1))
			declared = (uint64_t)v->dim[i];
	if (certain && weights != 0 && declared != 0 && weights != declared)
		return err_set(e, ERR_FORMAT, v->at,
		    "onnx: output '%s' declares %" PRIu64
		    " classes, the last layer has %" PRIu64,
		    v->name, declared, weights);
	if (m->classes == 0)
		m->classes = declared != 0 ? declared : weights;
	if (m->classes > LIMIT_CLASSES)
		return err_set(e, ERR_LIMIT, v->at,
		    "onnx: %" PRIu64 " classes, the limit is %d", m->classes,
		    LIMIT_CLASSES);
	return 0;
}

/* --- putting it together ------------------------------------------------- */

/*
 * Logits with more dimensions than (N, classes) are flattened; those with one,
 * that of the batch, are one class.
 */
static int
flatten_output(struct onnx_lower *l)
{
	static const struct onnx_node none = {.op = "Flatten", .name = ""};
	static const int64_t last[] = {1};
	struct model *m = l->m;
	struct onnx_fact x = onnx_fact_of(l, m->output);
	struct node *n;

	if (!x.ranked || x.rank == 2)
		return 0;
	if (x.rank < 1 || (x.rank == 1 && !x.batch))
		return err_set(l->e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "onnx: the output '%s' has rank %zu", m->output, x.rank);
	if ((n = onnx_lower_node(l, &none,
		 x.rank == 1 ? "Unsqueeze" : "Flatten", 0, 0)) == NULL ||
	    (n->out[0] = onnx_lower_fresh(l, m->output, "logits"), l->full))
		return err_set(
		    l->e, ERR_LIMIT, ERR_NOWHERE, "onnx: model too large");
	n->in[n->nin++] = m->output;
	n->nout = 1;
	if (x.rank == 1) { /* one number for each image */
		onnx_lower_put_ints(n, "axes", last, 1);
		m->classes = 1;
	} else {
		onnx_lower_put_int(n, "axis", 1);
	}
	m->output = n->out[0];
	return 0;
}

/* What the loader decided, as notes that a "; " parts. */
static const char *
notes(const struct onnx_file *f, const struct onnx_lower *l, struct arena *a)
{
	const char *s = "";

	if (l->tail != NULL)
		s = arena_printf(
		    a, "; logits are the input of the final %s", l->tail->op);
	if (f->ncall > 0)
		s = arena_printf(a,
		    "%s; %zu calls of the model's own functions inlined", s,
		    f->ncall);
	if (l->dequantised > 0)
		s = arena_printf(
		    a, "%s; %zu tensors dequantised", s, l->dequantised);
	if (l->rounded > 0)
		s = arena_printf(a,
		    "%s; activations are rounded in %zu places as the file "
		    "says, gradients go straight through%s",
		    s, l->rounded,
		    l->alone ? ", some in a range of each image's own" : "");
	if (l->trained)
		s = arena_printf(a,
		    "%s; batch normalisation in training mode read as "
		    "inference",
		    s);
	return s;
}

static void
describe(struct model *m, const struct onnx_file *f, const struct onnx_lower *l,
    const char *ends)
{
	struct arena *a = &m->arena;

	m->format = "onnx";
	m->producer = arena_printf(a, "%s%s%s", f->producer,
	    *f->producer != '\0' && *f->version != '\0' ? " " : "", f->version);
	m->note = arena_printf(a, "opset %" PRId64 "%s%s%s%s", f->opset,
	    notes(f, l, a), ends, onnx_external_note(f, a),
	    f->size > INT32_MAX ? "; a file beyond the 2 GiB that protobuf's "
				  "own readers take"
				: "");
}

int
onnx_make(struct model *m, const struct onnx_file *f, struct err *e)
{
	struct onnx_logits out;
	struct onnx_image image;
	struct onnx_order o;
	struct onnx_lower l;
	const char *name;
	int rc;

	if ((rc = onnx_graph_known(f, 6, e)) != 0 ||
	    (rc = onnx_order_init(f, &m->arena, &o, e)) != 0 ||
	    (rc = onnx_ends_output(f, &o, &out, e)) != 0)
		return rc;
	name = out.value.name;
	onnx_order_live(f, &o, name);
	if ((rc = onnx_ends_image(f, &o, m, &image, e)) != 0 ||
	    (rc = onnx_graph_begin(&l, m, f, 4, e)) != 0)
		return rc;
	l.tail = find_tail(&l, &o, name);
	onnx_graph_names(&l, &o, name);
	if ((rc = onnx_ends_begin(&l, &image)) != 0 ||
	    (rc = onnx_graph_nodes(&l, &o, name)) != 0 ||
	    (rc = flatten_output(&l)) != 0 ||
	    (rc = find_classes(m, &l, &out.value, e)) != 0 ||
	    (rc = onnx_graph_sweep(m, e)) != 0)
		return rc;
	describe(m, f, &l, onnx_ends_note(&image, &out, &m->arena));
	if (l.dequantised > 0)
		m->fixed = arena_printf(&m->arena,
		    "%zu tensors are kept as integers, which stand for the "
		    "weights by a scale",
		    l.dequantised);
	return binary_classes(m, l.tail != NULL ? l.tail->op : NULL, e);
}

static int
finish(const struct onnx_file *f, struct model *m, int rc, struct err *e)
{
	if (rc != 0 || (rc = onnx_make(m, f, e)) != 0 ||
	    (rc = model_check(m, e)) != 0)
		model_release(m);
	return rc;
}

int
onnx_parse(struct rd *r, struct model *m, struct err *e)
{
	struct onnx_file f;
	int rc;

	model_init(m, LIMIT_MODEL_ARENA);
	rc = finish(&f, m, onnx_file_parse(*r, &m->arena, &f, e), e);
	return rc != 0 ? rc : rd_skip(r, rd_left(r));
}

int
onnx_load(struct source *s, struct model *m, struct err *e)
{
	struct onnx_file f;

	model_init(m, LIMIT_MODEL_ARENA);
	return finish(&f, m, onnx_file_load(s, &m->arena, &f, e), e);
}

const struct format format_onnx = {
    .name = "onnx",
    .summary = "ONNX model (IR 3 to 10, operator sets 6 to 21)",
    .probe = onnx_probe,
    .load = onnx_load,
    .patch = onnx_patch,
};
