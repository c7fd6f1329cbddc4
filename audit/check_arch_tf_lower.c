/* SPDX-License-Identifier: MIT */
#include "audit/check_arch_tf_part.h"

#include "audit/check_arch_tf_op.h"
#include "base/text.h"

#include <math.h>

#define DEPTH   64   /* of functions that call functions */
#define UNKNOWN 4096 /* numbers of a variable whose shape is not said */
#define ARGS    65536
#define FLOATS  1 /* Cast: ONNX's TensorProto.DataType */
#define WHOLE   7
#define TRUTH   9

/* One body while it is followed. */
struct at {
	struct check_arch_tf_lower *l;
	struct check_arch_tf_body *b;
	const struct check_arch_tf_node *n;
	struct check_arch_tf_out *out; /* by node of the body */
	const size_t *arg;
	size_t narg;
	unsigned depth;
	size_t *in, nin; /* values that go into the node */
};

/* --- values and nodes ---------------------------------------------------- */

/* The node makes these. */
static void
makes(struct at *x, const size_t *value, size_t n)
{
	struct check_arch_tf_out *o = &x->out[x->n - x->b->node];

	o->value = arena_alloc(x->l->arena, n + 1, sizeof(*o->value));
	if (o->value == NULL) {
		x->l->full = true;
		return;
	}
	if (n != 0)
		memcpy(o->value, value, n * sizeof(*value));
	o->n = n;
}

static void
makes_one(struct at *x, const char *op, const size_t *in, size_t n)
{
	size_t v = check_arch_tf_node(x->l, op, x->n->name, in, n);

	makes(x, &v, 1);
}

/* --- constants and inputs ------------------------------------------------ */

/* TensorShapeProto: dim = 2 (size = 1), unknown_rank = 3; rank -1: unknown */
static uint64_t
elements(struct rd shape, int *rank, bool *narrow)
{
	uint64_t n = 1;
	struct onnx_wire w;
	struct err ignored;

	*rank = 0;
	*narrow = false;
	while (onnx_wire_next(&shape, &w, &ignored) > 0) {
		uint64_t d;

		if (w.number == 3 && w.type == ONNX_WIRE_VARINT &&
		    w.value != 0) {
			*rank = -1;
			return UNKNOWN;
		}
		if (w.number != 2 || w.type != ONNX_WIRE_BYTES)
			continue;
		d = check_arch_tf_number(w.body, 1);
		*narrow = *narrow || d == 1;
		/* -1 is not known; so large a product is no tensor */
		if (d != 0 && d < UINT32_MAX && n < UINT32_MAX)
			n *= d;
		*rank += *rank < UINT8_MAX;
	}
	*narrow = *narrow && *rank == 2 && n > 1;
	return n;
}

/* TensorProto: dtype = 1, tensor_content = 4, float_val = 5 */
static double
scalar(struct rd t)
{
	struct rd raw = onnx_wire_last(t, 4);
	uint8_t b[sizeof(float)];
	struct err ignored;
	size_t n = 0;
	float v;

	if (check_arch_tf_number(t, 1) != CHECK_ARCH_TF_FLOAT)
		return 0;
	if (raw.len == sizeof(v))
		memcpy(b, raw.base, sizeof(v));
	else if (onnx_wire_repeated(
		     t, 5, ONNX_WIRE_FIXED32, NULL, 4, &n, &ignored) != 0 ||
		 n != 1 ||
		 onnx_wire_repeated(
		     t, 5, ONNX_WIRE_FIXED32, b, 4, &n, &ignored) != 0)
		return 0;
	memcpy(&v, b, sizeof(v));
	return isfinite(v) ? (double)v : 0;
}

/* Const: "value" is a tensor (8) with its shape (2); a variable: "shape" (7) */
static void
constant(struct at *x, bool variable)
{
	struct rd t = onnx_wire_last(check_arch_tf_attr(x->n, "value"), 8);
	struct rd shape = onnx_wire_last(t, 2);
	struct check_arch_value *v;
	uint64_t n;
	size_t at;
	int rank;
	bool narrow;

	if (variable)
		shape = onnx_wire_last(check_arch_tf_attr(x->n, "shape"), 7);
	n = variable && shape.base == NULL ? UNKNOWN
					   : elements(shape, &rank, &narrow);
	at = check_arch_tf_value(x->l, x->n->name, MAX(n, (uint64_t)1));
	if (x->l->full)
		return;
	v = &x->l->g.value[at];
	if (variable && shape.base == NULL)
		narrow = false;
	v->narrow = narrow;
	v->scalar = !variable && n == 1 ? scalar(t) : 0;
	makes(x, &at, 1);
}

/* Floats that are no number by itself (a rate of dropout) are an image, and so
 * is what comes out of a decoder; others are token numbers, masks, phases. */
static void
input(struct at *x)
{
	struct check_arch_tf_lower *l = x->l;
	struct check_arch_graph *g = &l->g;
	struct rd shape = onnx_wire_last(check_arch_tf_attr(x->n, "shape"), 7);
	uint64_t type =
	    check_arch_tf_number(check_arch_tf_attr(x->n, "dtype"), 6);
	size_t v = check_arch_tf_value(l, x->n->name, 0);
	int rank = -1;
	bool narrow, decoder = strncmp(x->n->op, "Placeholder", 11) != 0;

	if (shape.base != NULL)
		(void)elements(shape, &rank, &narrow);
	if (decoder || (rank != 0 && (type == 0 || rank == 4 ||
					 check_arch_tf_is_float(type))))
		check_arch_tf_append(
		    l, &g->input, &g->ninput, &l->input_room, v);
	else if (type == CHECK_ARCH_TF_STRING)
		check_arch_tf_append(l, &l->text, &l->ntext, &l->text_room, v);
	else
		check_arch_tf_append(
		    l, &g->other, &g->nother, &l->other_room, v);
	if (rank > 0)
		g->image = MAX(g->image, (size_t)rank);
	if (!l->full)
		makes(x, &v, 1);
}

/* --- functions and conditions -------------------------------------------- */

/* AttrValue: func = 10; NameAttrList: name = 1 */
static struct check_arch_tf_body *
function(struct at *x, const char *attr)
{
	struct rd name = onnx_wire_last(
	    onnx_wire_last(check_arch_tf_attr(x->n, attr), 10), 1);
	size_t at = check_arch_tf_find(x->l->by_name, name);

	return at != SIZE_MAX ? &x->l->function[at] : NULL;
}

/* What a function makes of its arguments; false: it cannot be followed. */
static bool
call(struct at *x, struct check_arch_tf_body *b, const size_t *arg, size_t n,
    struct check_arch_tf_out *made)
{
	struct check_arch_tf_out *out;

	if (b == NULL || b->open || x->depth >= DEPTH)
		return false;
	out = check_arch_tf_expand(x->l, b, arg, n, x->depth + 1);
	made->value =
	    arena_alloc(x->l->arena, b->nret + 1, sizeof(*made->value));
	if (out == NULL || made->value == NULL) {
		x->l->full = true;
		return false;
	}
	for (made->n = 0; made->n < b->nret; made->n++) {
		size_t v =
		    check_arch_tf_resolve(b, out, arg, n, b->ret[made->n]);

		made->value[made->n] =
		    v != SIZE_MAX ? v
				  : check_arch_tf_value(x->l, "no value", 1);
	}
	return !x->l->full;
}

/* If: of the first value; While: of what a function makes of all of them. */
static void
choose(struct at *x, const char *op, size_t cond,
    const struct check_arch_tf_out *a, const struct check_arch_tf_out *b)
{
	size_t n = MIN(a->n, b->n), *v;

	v = arena_alloc(x->l->arena, n + 1, sizeof(*v));
	if (v == NULL)
		x->l->full = true;
	for (size_t i = 0; i < n && !x->l->full; i++) {
		size_t in[] = {cond, a->value[i], b->value[i]};

		v[i] =
		    check_arch_tf_node(x->l, op, x->n->name, in, ARRAY_LEN(in));
	}
	if (!x->l->full)
		makes(x, v, n);
}

static bool
condition(struct at *x)
{
	struct check_arch_tf_out a, b;

	if (x->nin == 0 ||
	    !call(x, function(x, "then_branch"), x->in + 1, x->nin - 1, &a) ||
	    !call(x, function(x, "else_branch"), x->in + 1, x->nin - 1, &b))
		return false;
	choose(x, "If", x->in[0], &a, &b);
	return true;
}

static bool
loop(struct at *x)
{
	struct check_arch_tf_out c, a, before = {x->in, x->nin};

	if (!call(x, function(x, "cond"), x->in, x->nin, &c) || c.n == 0 ||
	    !call(x, function(x, "body"), x->in, x->nin, &a))
		return false;
	choose(x, "While", c.value[0], &a, &before);
	return true;
}

/* Both outputs of a Switch are its data, behind what decides. */
static void
branch(struct at *x)
{
	struct check_arch_tf_lower *l = x->l;
	size_t v = check_arch_tf_node(l, "Identity", x->n->name, x->in, 1);

	l->frames = check_arch_tf_grown(
	    l, l->frames, l->nframe, &l->frame_room, sizeof(*l->frames));
	if (l->full)
		return;
	l->frames[l->nframe] =
	    (struct check_arch_tf_frame){x->in[1], l->frame[x->in[0]]};
	l->frame[v] = l->nframe++;
	makes(x, &v, 1);
}

/* Of the ways that a Switch parted, one. */
static void
merge(struct at *x)
{
	struct check_arch_tf_lower *l = x->l;
	size_t f = check_arch_tf_frame(l, x->in, x->nin), *in, v;

	in = arena_alloc(l->arena, x->nin + 1, sizeof(*in));
	if (in == NULL) {
		l->full = true;
		return;
	}
	in[0] = l->frames[f].decides;
	memcpy(in + 1, x->in, x->nin * sizeof(*in));
	v = f != 0 ? check_arch_tf_node(l, "If", x->n->name, in, x->nin + 1)
		   : check_arch_tf_node(l, "Other", x->n->name, x->in, x->nin);
	if (l->full)
		return;
	l->frame[v] = l->frames[f].around;
	makes(x, &v, 1);
}

/* --- one node ------------------------------------------------------------ */

static bool
is_input(const char *op)
{
	return strncmp(op, "Placeholder", 11) == 0 ||
	       strncmp(op, "Decode", 6) == 0 || strcmp(op, "_Arg") == 0 ||
	       strncmp(op, "ParseExample", 12) == 0 ||
	       strncmp(op, "ParseSingleExample", 18) == 0;
}

static bool
is_variable(const char *op)
{
	static const char *const ops[] = {"VarHandleOp", "VariableV2",
	    "Variable", "AutoReloadVariable", "_VarHandlesOp"};

	return text_is_one_of(op, ops, ARRAY_LEN(ops));
}

/* Changes or writes something, and makes nothing that goes on. */
static bool
is_effect(const char *op)
{
	static const char *const begins[] = {"AssignVariableOp",
	    "AssignAddVariableOp", "AssignSubVariableOp", "ResourceApply",
	    "ResourceScatter", "Save", "NoOp", "Assert", "PrintV2",
	    "InitializeTable", "LookupTableImport", "MergeV2Checkpoints",
	    "NextIteration"};

	for (size_t i = 0; i < ARRAY_LEN(begins); i++)
		if (strncmp(op, begins[i], strlen(begins[i])) == 0)
			return true;
	return text_ends_with(op, "Summary");
}

/* What graphs have that are no classifiers, or more than one. */
static bool
is_open(const char *op)
{
	return strncmp(op, "Resize", 6) == 0 || strstr(op, "NonMax") != NULL ||
	       strcmp(op, "Enter") == 0 ||
	       strncmp(op, "TensorArray", 11) == 0 ||
	       strcmp(op, "Conv2DBackpropInput") == 0;
}

static int64_t
cast_to(const struct check_arch_tf_node *n)
{
	uint64_t to = check_arch_tf_number(check_arch_tf_attr(n, "DstT"), 6);

	if (to == CHECK_ARCH_TF_BOOL)
		return TRUTH;
	return to == CHECK_ARCH_TF_UINT8 || !check_arch_tf_is_float(to)
		   ? WHOLE
		   : FLOATS;
}

static void
plain(struct at *x)
{
	struct check_arch_tf_lower *l = x->l;
	const char *op = check_arch_tf_op(x->n->op);
	size_t nin = x->nin;

	l->pixels = l->pixels || strcmp(op, "Conv") == 0;
	makes_one(x, op, x->in, nin);
	if (!l->full && is_open(x->n->op))
		check_arch_tf_append(l, &l->open, &l->nopen, &l->open_room,
		    x->out[x->n - x->b->node].value[0]);
	if (!l->full && strcmp(op, "Cast") == 0)
		l->g.node[l->g.nnode - 1].to = cast_to(x->n);
	/* the second output of these are places */
	if (!l->full && strcmp(op, "TopK") == 0) {
		struct check_arch_tf_out *o = &x->out[x->n - x->b->node];
		size_t v[2] = {o->value[0],
		    check_arch_tf_node(l, "ArgMax", x->n->name, x->in, nin)};

		makes(x, v, 2);
	}
}

/* A call, a condition or a loop that could be followed. */
static bool
followed(struct at *x)
{
	struct check_arch_tf_out a;
	const char *op = x->n->op;
	size_t at = map_get(x->l->by_name, op);

	if (text_ends_with(op, "PartitionedCall") ||
	    strcmp(op, "SymbolicGradient") == 0 || at != SIZE_MAX) {
		struct check_arch_tf_body *b =
		    at != SIZE_MAX ? &x->l->function[at] : function(x, "f");

		if (!call(x, b, x->in, x->nin, &a))
			return false;
		makes(x, a.value, a.n);
		return true;
	}
	if (strcmp(op, "If") == 0 || strcmp(op, "StatelessIf") == 0)
		return condition(x);
	if (strcmp(op, "While") == 0 || strcmp(op, "StatelessWhile") == 0)
		return loop(x);
	return false;
}

static void
take(struct at *x)
{
	const char *op = x->n->op;

	x->l->trained = x->l->trained || strstr(op, "Apply") != NULL;
	if (strcmp(op, "Const") == 0)
		constant(x, false);
	else if (is_variable(op))
		constant(x, true);
	else if (is_input(op))
		input(x);
	else if (is_effect(op) || followed(x) || x->l->full)
		return;
	else if (strcmp(op, "IdentityN") == 0)
		makes(x, x->in, x->nin);
	else if ((strcmp(op, "Switch") == 0 || strcmp(op, "RefSwitch") == 0) &&
		 x->nin == 2)
		branch(x);
	else if ((strcmp(op, "Merge") == 0 || strcmp(op, "RefMerge") == 0) &&
		 x->nin != 0)
		merge(x);
	else if (strcmp(op, "Case") == 0 || strcmp(op, "StatelessCase") == 0)
		makes_one(x, "If", x->in, x->nin);
	else
		plain(x);
}

struct check_arch_tf_out *
check_arch_tf_expand(struct check_arch_tf_lower *l,
    struct check_arch_tf_body *b, const size_t *arg, size_t narg,
    unsigned depth)
{
	struct at x = {.l = l, .b = b, .arg = arg, .narg = narg};

	x.depth = depth;
	x.out = arena_alloc(l->arena, b->n + 1, sizeof(*x.out));
	if (x.out == NULL || b->cost > l->left) {
		l->full = true;
		return NULL;
	}
	l->left -= b->cost;
	b->open = true;
	for (size_t i = 0; i < b->norder && !l->full; i++) {
		x.n = &b->node[b->order[i]];
		x.in = arena_alloc(l->arena, x.n->nin + 1, sizeof(*x.in));
		l->full = l->full || x.in == NULL || x.n->nin > ARGS;
		x.nin = 0;
		for (size_t k = 0; k < x.n->nin && !l->full; k++) {
			size_t v = check_arch_tf_resolve(
			    b, x.out, arg, narg, x.n->in[k]);

			/* a loop's Merge has no second one yet */
			if (v == SIZE_MAX && strcmp(x.n->op, "Merge") != 0)
				v = check_arch_tf_value(l, "no value", 1);
			if (v != SIZE_MAX)
				x.in[x.nin++] = v;
		}
		if (!l->full)
			take(&x);
	}
	b->open = false;
	return l->full ? NULL : x.out;
}
