/* SPDX-License-Identifier: MIT */
#include "audit/check_arch_tflite.h"

#include "base/limits.h"
#include "formats/tflite_file.h"

#define MARK "TFL3" /* schema.fbs: file_identifier, at byte 4 */

struct reader {
	struct arena *arena;
	const struct tflite_file *t;
	struct onnx_file *x;
	bool *made; /* tensors that are no constants, nor variables at first */
	bool full;
};

static const char *
op_of(int64_t op, struct reader *r)
{
	static const struct {
		int64_t code;
		const char *op;
	} ops[] = {
#define ARCH_TFLITE(code, op) {code, op},
#include "audit/check_arch_tflite.def"
#undef ARCH_TFLITE
	};
	char name[64];
	const char *kept;

	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (ops[i].code == op)
			return ops[i].op;
	kept = arena_printf(
	    r->arena, "%s", tflite_file_op(op, name, sizeof(name)));
	r->full = r->full || kept == NULL;
	return kept != NULL ? kept : "";
}

/* ONNX's TensorProto.DataType: numbers that stand for reals are floats, whatever
 * they are kept as. */
static int64_t
type_of(const struct tflite_tensor *t)
{
	if (t->type == TFLITE_BOOL)
		return 9;
	return t->type == TFLITE_F32 || t->type == TFLITE_F16 ||
		       t->type == TFLITE_F64 || t->type == TFLITE_U8 ||
		       t->nscale != 0
		   ? 1
		   : 7;
}

/* The names of tensors, which are their own; "" of an absent one. */
static const char **
names(struct reader *r, const int64_t *index, size_t n)
{
	const char **out = arena_alloc(r->arena, n + 1, sizeof(*out));

	r->full = r->full || out == NULL;
	for (size_t i = 0; i < n && out != NULL; i++)
		out[i] = index[i] >= 0 ? r->t->tensor[index[i]].name : "";
	return out;
}

static void
take_node(struct reader *r, const struct tflite_node *n)
{
	struct onnx_node *to = &r->x->node[r->x->nnode++];

	/* the runtime asks for the name of a custom operator alone */
	*to = (struct onnx_node){
	    .op = n->op == TFLITE_CUSTOM ? n->custom : op_of(n->op, r),
	    .name = "",
	    .domain = "",
	    .overload = "",
	    .in = names(r, n->in, n->nin),
	    .out = names(r, n->out, n->nout),
	    .nin = n->nin,
	    .nout = n->nout};
	to->attr = arena_alloc(r->arena, 1, sizeof(*to->attr));
	if (to->attr == NULL)
		r->full = true;
	else if (n->op == TFLITE_CAST && n->nout == 1)
		to->attr[to->nattr++] = (struct onnx_attr){.name = "to",
		    .type = ONNX_INT,
		    .i = type_of(&r->t->tensor[n->out[0]])};
}

static void
take_constant(struct reader *r, const struct tflite_tensor *t)
{
	struct tensor *to = &r->x->tensor[r->x->ntensor++].t;

	*to = (struct tensor){.name = t->name,
	    .dtype = t->type == TFLITE_F32 ? DTYPE_F32 : DTYPE_I8,
	    .rank = t->rank,
	    .data = (void *)(uintptr_t)t->data.ptr,
	    .size = t->data.len};
	memcpy(to->dim, t->dim, sizeof(to->dim));
}

static struct onnx_value
value_of(const struct tflite_tensor *t)
{
	return (struct onnx_value){.name = t->name,
	    .type = type_of(t),
	    .shaped = true,
	    .rank = t->rank};
}

static bool
room(struct reader *r)
{
	struct onnx_file *x = r->x;
	struct arena *a = r->arena;

	x->node = arena_alloc(a, r->t->nnode + 1, sizeof(*x->node));
	x->tensor = arena_alloc(a, r->t->ntensor + 1, sizeof(*x->tensor));
	x->input = arena_alloc(a, r->t->ninput + 1, sizeof(*x->input));
	x->output = arena_alloc(a, r->t->noutput + 1, sizeof(*x->output));
	r->made = arena_alloc(a, r->t->ntensor + 1, sizeof(*r->made));
	return r->made != NULL && x->node != NULL && x->tensor != NULL &&
	       x->input != NULL && x->output != NULL;
}

static void
mark_made(struct reader *r)
{
	const struct tflite_file *t = r->t;

	for (size_t i = 0; i < t->ninput; i++)
		r->made[t->input[i]] = true;
	for (size_t i = 0; i < t->nnode; i++)
		for (size_t k = 0; k < t->node[i].nout; k++)
			r->made[t->node[i].out[k]] = true;
}

bool
check_arch_tflite(
    struct rd bytes, struct arena *a, struct onnx_file *x, struct err *e)
{
	struct tflite_file t = {0};
	struct reader r = {.arena = a, .t = &t, .x = x};
	struct err ignored;

	if (!RD_HAS(bytes, 4, MARK) ||
	    tflite_file_parse(bytes, a, &t, &ignored) != 0)
		return false;
	r.full = !room(&r);
	if (!r.full)
		mark_made(&r);
	for (size_t i = 0; i < t.ninput && !r.full; i++)
		x->input[x->ninput++] = value_of(&t.tensor[t.input[i]]);
	for (size_t i = 0; i < t.noutput && !r.full; i++)
		x->output[x->noutput++] = value_of(&t.tensor[t.output[i]]);
	for (size_t i = 0; i < t.ntensor && !r.full; i++)
		if (!r.made[i])
			take_constant(&r, &t.tensor[i]);
	for (size_t i = 0; i < t.nnode && !r.full; i++)
		take_node(&r, &t.node[i]);
	if (r.full)
		(void)err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "graph: more than memory for it");
	return true;
}
