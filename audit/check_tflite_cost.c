/* SPDX-License-Identifier: MIT
 * Each tensor has so many elements at least: what comes from outside one.
 * Field numbers and codes are those of tensorflow/lite/schema/schema.fbs (3c).
 */
#include "audit/check_tflite_cost.h"

#include "audit/check_cost.h"
#include "base/limits.h"

#include <math.h>

#define LOOPS 64    /* of a model whose condition is looked for */
#define MANY  65536 /* tensors of a subgraph; with more it is passed over */

/* TensorType, BuiltinOperator */
enum {
	INT32 = 2,
	INT64 = 4,
	BOOL = 6,
	LOGICAL_OR = 84,
	WHILE = 119
};

struct model {
	const struct check_file *f;
	struct flatbuf fb; /* its failures are nobody's */
	struct err ignored;
	struct flatbuf_vector code, subgraph, buffer;
	size_t loops, work;
};

/* Values of a subgraph's tensors by their number. */
struct values {
	struct arena arena;
	struct check_cost_value *value;
	size_t n;
};

struct op {
	int64_t code;
	const struct check_cost_value *in[CHECK_COST_INPUTS];
};

/* --- constants ----------------------------------------------------------- */

static void
numbers(struct slice s, int64_t type, struct check_cost_value *v)
{
	struct rd r = rd_mem(s.ptr, s.len);
	uint64_t wide = 0;
	uint32_t narrow = 0;
	uint8_t byte = 0;

	while (rd_left(&r) != 0 && v->n < CHECK_COST_NUMBERS) {
		if (type == INT64 && rd_u64le(&r, &wide) == 0)
			v->number[v->n++] = (double)(int64_t)wide;
		else if (type == INT32 && rd_u32le(&r, &narrow) == 0)
			v->number[v->n++] = (double)(int32_t)narrow;
		else if (type == BOOL && rd_u8(&r, &byte) == 0)
			v->number[v->n++] = byte;
		else
			break;
	}
	if (rd_left(&r) != 0)
		v->n = 0;
}

/* Tensor: shape 0, type 1, buffer 2; Buffer: data 0.  A shape alone promises
 * nothing, for the runtime computes them anew. */
static struct check_cost_value
constant(struct model *m, const struct flatbuf_table *t)
{
	struct check_cost_value v = check_cost_unknown;
	uint64_t i = flatbuf_u32(&m->fb, t, 2, 0);
	struct flatbuf_table buffer;
	struct flatbuf_vector data;

	if (i == 0 || i >= m->buffer.n)
		return v;
	buffer = flatbuf_item(&m->fb, &m->buffer, (size_t)i);
	data = flatbuf_vector(&m->fb, &buffer, 0, 1, SIZE_MAX);
	if (data.n == 0 || data.n > 8 * CHECK_COST_NUMBERS)
		return v;
	numbers(flatbuf_bytes(&m->fb, &data), flatbuf_i8(&m->fb, t, 1, 0), &v);
	v.elements = MAX(1.0, (double)v.n);
	v.yes = flatbuf_i8(&m->fb, t, 1, 0) == BOOL && v.n == 1 &&
		v.number[0] != 0.0;
	return v;
}

/* SubGraph: tensors 0 */
static bool
open(struct model *m, const struct flatbuf_table *sub, struct values *v)
{
	struct flatbuf_vector t = flatbuf_vector(&m->fb, sub, 0, 4, MANY);

	*v = (struct values){.n = t.n};
	arena_init(&v->arena, LIMIT_TF_ARENA);
	/* the same subgraph may be there any number of times */
	if (t.n > m->work)
		return false;
	m->work -= t.n;
	v->value = arena_alloc(&v->arena, t.n + 1, sizeof(*v->value));
	for (size_t i = 0; i < t.n && v->value != NULL; i++) {
		struct flatbuf_table one = flatbuf_item(&m->fb, &t, i);

		v->value[i] = constant(m, &one);
	}
	return v->value != NULL && m->fb.rc == 0;
}

/* --- operators ----------------------------------------------------------- */

static const struct {
	int64_t code;
	const char *name;
	check_cost_maker *elements;
} makers[] = {
    {0, "ADD", check_cost_largest},
    {14, "LOGISTIC", check_cost_largest},
    {18, "MUL", check_cost_largest},
    {19, "RELU", check_cost_largest},
    {22, "RESHAPE", check_cost_largest},
    {23, "RESIZE_BILINEAR", check_cost_second},
    {34, "PAD", check_cost_padded},
    {39, "TRANSPOSE", check_cost_largest},
    {41, "SUB", check_cost_largest},
    {43, "SQUEEZE", check_cost_largest},
    {53, "CAST", check_cost_largest},
    {60, "PADV2", check_cost_padded},
    {68, "SPARSE_TO_DENSE", check_cost_second},
    {69, "TILE", check_cost_tiled},
    {85, "ONE_HOT", check_cost_hot},
    {94, "FILL", check_cost_first},
    {96, "RANGE", check_cost_ranged},
    {97, "RESIZE_NEAREST_NEIGHBOR", check_cost_second},
    {100, "MIRROR_PAD", check_cost_padded},
    {WHILE, "WHILE", NULL},
    {122, "SCATTER_ND", check_cost_third},
    {130, "BROADCAST_TO", check_cost_expanded},
    {146, "RANDOM_STANDARD_NORMAL", check_cost_first},
    {148, "RANDOM_UNIFORM", check_cost_first},
};

static const char *
name_of(int64_t code)
{
	for (size_t i = 0; i < ARRAY_LEN(makers); i++)
		if (makers[i].code == code)
			return makers[i].name;
	return "";
}

static struct check_cost_value
made(const struct op *o)
{
	struct check_cost_value v = check_cost_unknown;

	if (o->code == LOGICAL_OR)
		v.yes = o->in[0]->yes || o->in[1]->yes;
	for (size_t i = 0; i < ARRAY_LEN(makers); i++)
		if (makers[i].code == o->code && makers[i].elements != NULL)
			v.elements = MAX(makers[i].elements(o->in), 0.0);
	return v;
}

/* Operator: opcode_index 0, inputs 1; OperatorCode: deprecated_builtin_code 0,
 * builtin_code 3 */
static struct op
read_op(struct model *m, const struct flatbuf_table *t, const struct values *v)
{
	struct flatbuf_vector in = flatbuf_vector(&m->fb, t, 1, 4, MANY);
	uint64_t i = flatbuf_u32(&m->fb, t, 0, 0);
	struct op o = {.code = -1};
	struct flatbuf_table code;

	for (size_t k = 0; k < CHECK_COST_INPUTS; k++) {
		int64_t at = k < in.n ? flatbuf_int_at(&m->fb, &in, k) : -1;

		o.in[k] = at >= 0 && (size_t)at < v->n ? &v->value[at]
						       : &check_cost_unknown;
	}
	if (i >= m->code.n)
		return o;
	code = flatbuf_item(&m->fb, &m->code, (size_t)i);
	o.code = MAX(
	    flatbuf_i8(&m->fb, &code, 0, 0), flatbuf_i32(&m->fb, &code, 3, 0));
	return o;
}

/* --- inputs -------------------------------------------------------------- */

/* Tensor: shape 0; what is not known (-1) is 1 until somebody says. */
static double
elements_of(struct model *m, const struct flatbuf_table *t)
{
	struct flatbuf_vector shape = flatbuf_vector(&m->fb, t, 0, 4, MANY);
	double n = 1.0;

	for (size_t i = 0; i < shape.n && i < CHECK_COST_NUMBERS; i++)
		n *= fabs((double)flatbuf_int_at(&m->fb, &shape, i));
	return n;
}

/* SubGraph: tensors 0, inputs 1.  The shapes of these nothing computes anew: the
 * runtime makes room for them as they are. */
static bool
large_input(struct model *m, const struct flatbuf_table *sub)
{
	struct flatbuf_vector t = flatbuf_vector(&m->fb, sub, 0, 4, MANY);
	struct flatbuf_vector in = flatbuf_vector(&m->fb, sub, 1, 4, MANY);

	for (size_t i = 0; i < in.n && m->fb.rc == 0 && m->work != 0; i++) {
		int64_t at = flatbuf_int_at(&m->fb, &in, i);
		struct flatbuf_table one;
		double n;

		m->work--;
		if (at < 0 || (size_t)at >= t.n)
			continue;
		one = flatbuf_item(&m->fb, &t, (size_t)at);
		n = elements_of(m, &one);
		if (m->fb.rc != 0 || !(n > CHECK_COST_ELEMENTS))
			continue;
		check_find(m->f, FINDING_TFLITE_COST, one.at,
		    "an input of %.1e elements", n);
		return true;
	}
	return false;
}

/* --- subgraphs ----------------------------------------------------------- */

typedef bool judge(struct model *, const struct flatbuf_table *,
    const struct op *, const struct check_cost_value *);

/* SubGraph: operators 3; Operator: outputs 2.  True when it was judged. */
static bool
run(struct model *m, const struct flatbuf_table *sub, struct values *v,
    judge *by)
{
	struct flatbuf_vector ops = flatbuf_vector(&m->fb, sub, 3, 4, SIZE_MAX);

	for (size_t i = 0; i < ops.n && m->fb.rc == 0 && m->work != 0; i++) {
		struct flatbuf_table t = flatbuf_item(&m->fb, &ops, i);
		struct op o = read_op(m, &t, v);
		struct check_cost_value now = made(&o);
		struct flatbuf_vector out =
		    flatbuf_vector(&m->fb, &t, 2, 4, MANY);
		int64_t at = out.n != 0 ? flatbuf_int_at(&m->fb, &out, 0) : -1;

		m->work--;
		if (m->fb.rc == 0 && by != NULL && by(m, &t, &o, &now))
			return true;
		if (at >= 0 && (size_t)at < v->n)
			v->value[at] = now;
	}
	return false;
}

/* Whether a subgraph says yes, whatever it is asked: outputs 2. */
static bool
always(struct model *m, const struct flatbuf_table *sub)
{
	struct flatbuf_vector out = flatbuf_vector(&m->fb, sub, 2, 4, MANY);
	int64_t at = out.n == 1 ? flatbuf_int_at(&m->fb, &out, 0) : -1;
	struct values v;
	bool yes = false;

	if (open(m, sub, &v)) {
		run(m, sub, &v, NULL);
		yes = at >= 0 && (size_t)at < v.n && v.value[at].yes;
	}
	arena_release(&v.arena);
	return yes;
}

/* Operator: builtin_options 4; WhileOptions: cond_subgraph_index 0 */
static bool
endless(struct model *m, const struct flatbuf_table *t, const struct op *o)
{
	struct flatbuf_table options, cond;
	int64_t i;

	if (o->code != WHILE || m->loops++ >= LOOPS)
		return false;
	options = flatbuf_table(&m->fb, t, 4);
	i = flatbuf_i32(&m->fb, &options, 0, 0);
	if (i < 0 || (size_t)i >= m->subgraph.n)
		return false;
	cond = flatbuf_item(&m->fb, &m->subgraph, (size_t)i);
	return always(m, &cond);
}

static bool
say(struct model *m, const struct flatbuf_table *t, const struct op *o,
    const struct check_cost_value *v)
{
	if (v->elements > CHECK_COST_ELEMENTS)
		check_find(m->f, FINDING_TFLITE_COST, t->at,
		    "%s makes %.1e elements or more", name_of(o->code),
		    v->elements);
	else if (endless(m, t, o))
		check_find(
		    m->f, FINDING_TFLITE_COST, t->at, "WHILE never ends");
	else
		return false;
	return true;
}

void
check_tflite_cost(const struct check_file *f, const struct flatbuf *fb,
    const struct flatbuf_table *model)
{
	struct model m = {.f = f, .fb = *fb, .work = f->bytes.len};
	bool said = false;

	m.fb.e = &m.ignored;
	m.code = flatbuf_vector(&m.fb, model, 1, 4, MANY);
	m.subgraph = flatbuf_vector(&m.fb, model, 2, 4, MANY);
	m.buffer = flatbuf_vector(&m.fb, model, 4, 4, LIMIT_TENSORS);
	for (size_t i = 0; i < m.subgraph.n && !said && m.fb.rc == 0; i++) {
		struct flatbuf_table sub = flatbuf_item(&m.fb, &m.subgraph, i);
		struct values v;

		said = open(&m, &sub, &v) &&
		       (large_input(&m, &sub) || run(&m, &sub, &v, say));
		arena_release(&v.arena);
	}
}
