/* SPDX-License-Identifier: MIT */
#include "audit/check_arch_paddle.h"

#include "audit/check_arch_build.h"
#include "audit/check_arch_paddle_op.h"
#include "base/limits.h"
#include "base/text.h"
#include "formats/onnx_wire.h"

#include <math.h>

/* VarType.Type */
#define PADDLE_BOOL  0
#define PADDLE_FP16  4
#define PADDLE_FP64  6
#define PADDLE_UINT8 20
#define PADDLE_BF16  22

struct reader {
	struct check_arch_build b;
	struct rd *block;
	size_t nblock, depth;
	uint64_t left; /* bytes of blocks to read: one may be run many times */
};

static bool
spent(struct reader *r, struct rd block)
{
	r->b.full = r->b.full || block.len >= r->left;
	r->left -= r->b.full ? 0 : block.len + 1;
	return r->b.full;
}

/* --- variables ----------------------------------------------------------- */

/* ONNX's TensorProto.DataType; bytes are what images are of. */
static int64_t
type_of(uint64_t t)
{
	if (t == PADDLE_BOOL)
		return 9;
	return (t >= PADDLE_FP16 && t <= PADDLE_FP64) || t == PADDLE_UINT8 ||
		       t >= PADDLE_BF16
		   ? 1
		   : 7;
}

/* TensorDesc: data_type = 1, dims = 2; one that is open counts as 1 */
static void
sizes(struct rd desc, struct tensor *t)
{
	struct onnx_wire w;

	while (onnx_wire_step(&desc, &w)) {
		uint64_t d = w.value;

		while (w.number == 2 && t->rank < MODEL_MAX_RANK &&
		       (w.type != ONNX_WIRE_BYTES ||
			   (rd_left(&w.body) != 0 &&
			       rd_varint(&w.body, &d) == 0))) {
			t->dim[t->rank++] = MAX(d >> 40 ? 1 : d, (uint64_t)1);
			if (w.type != ONNX_WIRE_BYTES)
				break;
		}
	}
}

/* VarDesc: name = 1, type = 2 (lod_tensor = 3: tensor = 1), persistable = 3,
 * need_check_feed = 4 */
static void
variable(struct reader *r, struct rd desc)
{
	const char *name =
	    check_arch_build_bytes(&r->b, onnx_wire_last(desc, 1));
	struct rd tensor =
	    onnx_wire_last(onnx_wire_last(onnx_wire_last(desc, 2), 3), 1);
	struct tensor t = {0};

	sizes(tensor, &t);
	if (onnx_wire_number(desc, 3, 0) != 0 && tensor.len != 0)
		(void)check_arch_build_constant(&r->b, name, &t, NAN);
	else if (onnx_wire_number(desc, 4, 0) != 0)
		check_arch_build_input(&r->b, check_arch_build_set(&r->b, name),
		    type_of(onnx_wire_number(tensor, 1, 5)), t.rank);
}

/* What is fed, but was not declared so. */
static void
feed(struct reader *r, const char *name, struct rd block)
{
	struct onnx_wire w;

	if (*check_arch_build_get(&r->b, name) != '\0' || spent(r, block))
		return;
	while (onnx_wire_step(&block, &w)) {
		struct rd tensor = onnx_wire_last(
		    onnx_wire_last(onnx_wire_last(w.body, 2), 3), 1);
		struct tensor t = {0};

		if (w.number != 3 || w.type != ONNX_WIRE_BYTES ||
		    !rd_is(onnx_wire_last(w.body, 1), name))
			continue;
		sizes(tensor, &t);
		check_arch_build_input(&r->b, check_arch_build_set(&r->b, name),
		    type_of(onnx_wire_number(tensor, 1, 5)), t.rank);
		return;
	}
}

/* --- operators ----------------------------------------------------------- */

/* OpDesc.Attr: name = 1; empty when there is none */
static struct rd
attribute(struct rd op, const char *name)
{
	struct onnx_wire w;
	struct rd found = {0};

	while (onnx_wire_step(&op, &w))
		if (w.number == 4 && w.type == ONNX_WIRE_BYTES &&
		    rd_is(onnx_wire_last(w.body, 1), name))
			found = w.body;
	return found;
}

/* What decides is before what is computed with, what counts of several results
 * before the rest, whatever the order in the file. */
static int
rank_of(struct rd parameter)
{
	static const char *const decides[] = {"Condition", "Mask", "Cond"};
	static const char *const first[] = {"X", "Input", "Out", "Output"};
	const char *s = (const char *)parameter.base;

	if (text_is_among(s, parameter.len, decides, ARRAY_LEN(decides)))
		return 0;
	return text_is_among(s, parameter.len, first, ARRAY_LEN(first)) ? 1 : 2;
}

/* inputs = 1, outputs = 2: Var: parameter = 1, arguments = 2 */
static void
arguments(
    struct reader *r, struct rd op, uint32_t field, struct check_arch_list *to)
{
	for (int pass = 0; pass < 3; pass++) {
		struct rd at = op;
		struct onnx_wire w, x;

		while (onnx_wire_step(&at, &w)) {
			if (w.number != field || w.type != ONNX_WIRE_BYTES ||
			    rank_of(onnx_wire_last(w.body, 1)) != pass)
				continue;
			while (onnx_wire_step(&w.body, &x))
				if (x.number == 2 && x.type == ONNX_WIRE_BYTES)
					check_arch_build_add(&r->b, to,
					    check_arch_build_bytes(
						&r->b, x.body));
		}
	}
}

/* fill_constant and the like: shape: longs = 15, value: f = 4 */
static void
constant(struct reader *r, struct rd op, const struct check_arch_list *out)
{
	struct rd shape = attribute(op, "shape");
	struct tensor t = {0};
	struct onnx_wire w;
	uint64_t d;

	while (onnx_wire_step(&shape, &w)) {
		if (w.number != 15 && w.number != 6)
			continue;
		if (w.type != ONNX_WIRE_BYTES && t.rank < MODEL_MAX_RANK)
			t.dim[t.rank++] =
			    MAX(w.value >> 40 ? 1 : w.value, (uint64_t)1);
		while (w.type == ONNX_WIRE_BYTES && t.rank < MODEL_MAX_RANK &&
		       rd_left(&w.body) != 0 && rd_varint(&w.body, &d) == 0)
			t.dim[t.rank++] = MAX(d >> 40 ? 1 : d, (uint64_t)1);
	}
	for (size_t i = 0; i < out->n && !r->b.full; i++)
		(void)check_arch_build_constant(&r->b, out->name[i], &t,
		    onnx_wire_real(attribute(op, "value"), 4, NAN));
}

static void block(struct reader *, struct rd, struct rd root);

/* sub_block: block_idx = 12.  It may write any variable that is there outside,
 * whatever it is said to give back. */
static void
within(struct reader *r, struct rd op, const struct check_arch_list *in,
    struct rd root)
{
	uint64_t index =
	    onnx_wire_number(attribute(op, "sub_block"), 12, UINT64_MAX);
	const char *decides =
	    in->n != 0 ? check_arch_build_get(&r->b, in->name[0]) : "";
	struct check_arch_mark before, after;

	if (index >= r->nblock || r->depth == LIMIT_ONNX_DEPTH)
		return;
	before = check_arch_build_mark(&r->b);
	r->depth++;
	block(r, r->block[index], root);
	r->depth--;
	after = check_arch_build_mark(&r->b);
	check_arch_build_back(&r->b, &before);
	check_arch_build_join(&r->b, decides, &after);
}

static bool
is_constant(const char *op)
{
	static const char *const ops[] = {"fill_constant", "assign_value",
	    "range", "uniform_random", "gaussian_random", "eye", "linspace"};

	return text_is_one_of(op, ops, ARRAY_LEN(ops));
}

static void
plain(struct reader *r, const char *type, struct rd op,
    const struct check_arch_list *in, const struct check_arch_list *out)
{
	struct check_arch_list from = {0}, to = {0};
	const char *name = check_arch_paddle_op(type);
	double scale = onnx_wire_real(attribute(op, "scale"), 4, NAN);
	int64_t cast = 0;

	for (size_t i = 0; i < in->n; i++)
		check_arch_build_add(
		    &r->b, &from, check_arch_build_get(&r->b, in->name[i]));
	if (strcmp(type, "scale") == 0 && !isnan(scale))
		check_arch_build_add(&r->b, &from,
		    check_arch_build_constant(
			&r->b, "", &(struct tensor){0}, scale));
	if (strcmp(name, "Cast") == 0)
		cast =
		    type_of(onnx_wire_number(attribute(op, "out_dtype"), 3, 5));
	for (size_t i = 0; i < out->n && !r->b.full; i++)
		check_arch_build_add(
		    &r->b, &to, check_arch_build_set(&r->b, out->name[i]));
	check_arch_build_node(
	    &r->b, name, out->n != 0 ? out->name[0] : type, &from, &to, cast);
}

/* OpDesc: inputs = 1, outputs = 2, type = 3, attrs = 4 */
static void
operator(struct reader *r, struct rd op, struct rd root)
{
	const char *type = check_arch_build_bytes(&r->b, onnx_wire_last(op, 3));
	struct check_arch_list in = {0}, out = {0};

	arguments(r, op, 1, &in);
	arguments(r, op, 2, &out);
	if (r->b.full)
		return;
	if (strcmp(type, "feed") == 0) {
		for (size_t i = 0; i < out.n; i++)
			feed(r, out.name[i], root);
	} else if (strcmp(type, "fetch") == 0) {
		for (size_t i = 0; i < in.n; i++)
			check_arch_build_output(
			    &r->b, check_arch_build_get(&r->b, in.name[i]), 0);
	} else if (attribute(op, "sub_block").len != 0) {
		within(r, op, &in, root);
	} else if (is_constant(type) && in.n == 0) {
		constant(r, op, &out);
	} else {
		plain(r, type, op, &in, &out);
	}
}

/* BlockDesc: vars = 3, ops = 4 */
static void
block(struct reader *r, struct rd b, struct rd root)
{
	struct onnx_wire w;

	if (spent(r, b))
		return;
	for (struct rd at = b; !r->b.full && onnx_wire_step(&at, &w);)
		if (w.number == 3 && w.type == ONNX_WIRE_BYTES)
			variable(r, w.body);
	while (!r->b.full && onnx_wire_step(&b, &w))
		if (w.number == 4 && w.type == ONNX_WIRE_BYTES)
			operator(r, w.body, root);
}

/* ProgramDesc: blocks = 1, the first of which is run */
void
check_arch_paddle(
    struct rd bytes, struct arena *a, struct onnx_file *x, struct err *e)
{
	struct reader r = {.left = LIMIT_ARCH_AGAIN * (bytes.len + 1)};
	struct onnx_wire w;

	check_arch_build_init(&r.b, a, x);
	for (struct rd at = bytes; onnx_wire_step(&at, &w);)
		r.nblock += w.number == 1 && w.type == ONNX_WIRE_BYTES;
	r.block = arena_alloc(a, r.nblock + 1, sizeof(*r.block));
	r.b.full = r.block == NULL;
	r.nblock = 0;
	while (!r.b.full && onnx_wire_step(&bytes, &w))
		if (w.number == 1 && w.type == ONNX_WIRE_BYTES)
			r.block[r.nblock++] = w.body;
	if (r.nblock != 0 && !r.b.full)
		block(&r, r.block[0], r.block[0]);
	check_arch_build_end(&r.b, e);
}
