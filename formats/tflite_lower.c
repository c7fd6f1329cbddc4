/* SPDX-License-Identifier: MIT */
#include "formats/tflite_lower.h"

#include "formats/tflite_const.h"
#include "formats/tflite_op.h"

#include <math.h>
#include <stdarg.h>

static const struct {
	int64_t op;
	tflite_lower_fn *fn;
} op_table[] = {
#define TFLITE_OP(name, code, options, fn) {code, fn},
#include "formats/tflite_op.def"
#undef TFLITE_OP
};

void
tflite_lower_fail(struct tflite_lower *l, int code, const char *fmt, ...)
{
	char msg[160], op[40];
	va_list ap;

	if (l->draw.rc != 0)
		return;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	l->draw.rc =
	    err_set(l->draw.e, code, l->n->at, "tflite: %s for '%.40s': %s",
		tflite_file_op(l->n->op, op, sizeof(op)), l->at, msg);
}

void *
tflite_lower_room(struct tflite_lower *l, size_t n, size_t size)
{
	void *p = arena_alloc(&l->draw.m->arena, n + 1, size);

	if (p == NULL && l->draw.rc == 0)
		l->draw.rc = err_set(l->draw.e, ERR_LIMIT, ERR_NOWHERE,
		    "tflite: model too large");
	return p;
}

/* --- beginning ----------------------------------------------------------- */

int
tflite_lower_init(struct tflite_lower *l, struct tflite_file *f,
    struct model *m, struct err *e)
{
	*l = (struct tflite_lower){.f = f,
	    .at = "",
	    .tail = SIZE_MAX,
	    .budget = 8 * (uint64_t)f->fb.r.len + ((uint64_t)1 << 20)};
	l->draw.m = m;
	l->draw.e = e;
	if ((l->value = tflite_lower_room(l, f->ntensor, sizeof(*l->value))) ==
	    NULL)
		return l->draw.rc;
	for (size_t i = 0; i < f->ntensor; i++) {
		struct tflite_value *v = &l->value[i];

		if (f->tensor[i].data.len == 0)
			continue;
		v->made = v->constant = true;
		v->rank = f->tensor[i].rank;
		memcpy(v->dim, f->tensor[i].dim, sizeof(v->dim));
	}
	return 0;
}

int
tflite_lower_node(struct tflite_lower *l, size_t i)
{
	const struct tflite_node *n = &l->f->node[i];
	size_t k = 0;

	l->n = n;
	l->at = n->nout > 0 ? l->f->tensor[n->out[0]].name : "";
	while (k < ARRAY_LEN(op_table) && op_table[k].op != n->op)
		k++;
	if (n->nout == 0)
		tflite_lower_fail(l, ERR_FORMAT, "no output");
	else if (n->op == TFLITE_CUSTOM)
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "a custom operator '%.60s'", n->custom);
	else if (k == ARRAY_LEN(op_table) || op_table[k].fn == NULL)
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "an operator that is not known here");
	else if (i == l->tail)
		tflite_lower_alias(l);
	else
		op_table[k].fn(l);
	if (l->f->fb.rc != 0 && l->draw.rc == 0)
		l->draw.rc = l->f->fb.rc;
	return l->draw.rc;
}

/* --- inputs -------------------------------------------------------------- */

bool
tflite_lower_has(const struct tflite_lower *l, size_t k)
{
	return k < l->n->nin && l->n->in[k] >= 0;
}

struct tflite_value *
tflite_lower_in(struct tflite_lower *l, size_t k)
{
	if (!tflite_lower_has(l, k))
		tflite_lower_fail(l, ERR_FORMAT, "input %zu is missing", k);
	if (l->draw.rc == 0 && !l->value[l->n->in[k]].made)
		tflite_lower_fail(l, ERR_FORMAT,
		    "'%.60s' is used before anything makes it",
		    l->f->tensor[l->n->in[k]].name);
	return l->draw.rc == 0 ? &l->value[l->n->in[k]] : &l->none;
}

const struct tflite_tensor *
tflite_lower_tensor(struct tflite_lower *l, size_t k)
{
	static const struct tflite_tensor none = {.name = ""};

	(void)tflite_lower_in(l, k);
	return l->draw.rc == 0 ? &l->f->tensor[l->n->in[k]] : &none;
}

static const int64_t to_plain[] = {0, 2, 3, 1}, to_image[] = {0, 3, 1, 2};

/* Of blocks of pixels only a convolution knows. */
static void
refuse_blocks(struct tflite_lower *l, const struct tflite_value *v)
{
	if (l->draw.rc == 0 && v->block[0] != 0)
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "of blocks of pixels as images");
}

const char *
tflite_lower_blocks(struct tflite_lower *l, size_t k, int64_t block[2])
{
	const struct tflite_value *v = tflite_lower_in(l, k);

	memcpy(block, v->block, sizeof(v->block));
	return v->block[0] != 0 ? v->image : NULL;
}

const char *
tflite_lower_plain(struct tflite_lower *l, size_t k)
{
	struct tflite_value *v = tflite_lower_in(l, k);

	refuse_blocks(l, v);
	if (l->draw.rc == 0 && v->constant)
		return tflite_const_weight(l, k, FORM_PLAIN);
	if (l->draw.rc == 0 && v->ints != NULL)
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "input %zu is computed sizes", k);
	if (l->draw.rc != 0)
		return "";
	if (v->plain == NULL)
		v->plain =
		    draw_transpose(&l->draw, l->at, v->image, 4, to_plain);
	return v->plain;
}

const char *
tflite_lower_image(struct tflite_lower *l, size_t k)
{
	struct tflite_value *v = tflite_lower_in(l, k);

	refuse_blocks(l, v);
	if (l->draw.rc == 0 && v->constant)
		return tflite_const_weight(l, k, FORM_IMAGE);
	if (l->draw.rc == 0 && v->rank != 4)
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "input %zu has rank %zu", k, v->rank);
	if (l->draw.rc != 0)
		return "";
	if (v->image == NULL)
		v->image =
		    draw_transpose(&l->draw, l->at, v->plain, 4, to_image);
	return v->image;
}

bool
tflite_lower_is_image(struct tflite_lower *l, size_t k)
{
	const struct tflite_value *v = tflite_lower_in(l, k);

	return !v->constant && v->image != NULL;
}

/* --- outputs ------------------------------------------------------------- */

static struct tflite_value *
new_value(struct tflite_lower *l, size_t k)
{
	struct tflite_value *v;

	if (l->draw.rc == 0 && k >= l->n->nout)
		tflite_lower_fail(l, ERR_FORMAT, "output %zu is missing", k);
	if (l->draw.rc != 0)
		return NULL;
	v = &l->value[l->n->out[k]];
	if (v->made)
		tflite_lower_fail(l, ERR_FORMAT, "'%.60s' is made twice",
		    l->f->tensor[l->n->out[k]].name);
	v->made = true;
	return l->draw.rc == 0 ? v : NULL;
}

void
tflite_lower_out(struct tflite_lower *l, size_t k, const char *name, bool image,
    size_t rank, const uint64_t *dim)
{
	struct tflite_value *v = new_value(l, k);
	struct tensor t = {.rank = rank};
	uint64_t n;

	if (v == NULL)
		return;
	memcpy(t.dim, dim, rank * sizeof(*dim));
	if (!tensor_elements(&t, &n) || n == 0) {
		tflite_lower_fail(l, n == 0 ? ERR_FORMAT : ERR_LIMIT,
		    n == 0 ? "its result is empty" : "its result is too large");
		return;
	}
	v->rank = rank;
	memcpy(v->dim, dim, rank * sizeof(*dim));
	*(image ? &v->image : &v->plain) = name;
}

void
tflite_lower_in_blocks(struct tflite_lower *l, const int64_t block[2])
{
	if (l->draw.rc == 0)
		memcpy(l->value[l->n->out[0]].block, block, 2 * sizeof(*block));
}

void
tflite_lower_alias(struct tflite_lower *l)
{
	const struct tflite_value *x = tflite_lower_in(l, 0);
	const struct tflite_tensor *t = tflite_lower_tensor(l, 0);
	struct tflite_value *v = new_value(l, 0);

	if (v == NULL)
		return;
	*v = *x;
	if (!x->constant)
		return;
	/* a constant becomes floats here (halves, quantised weights): what
	 * uses it sees the file's bytes under the new tensor's number */
	l->f->tensor[l->n->out[0]].type = t->type;
	l->f->tensor[l->n->out[0]].rank = t->rank;
	memcpy(l->f->tensor[l->n->out[0]].dim, t->dim, sizeof(t->dim));
	l->f->tensor[l->n->out[0]].data = t->data;
	l->f->tensor[l->n->out[0]].sparse = t->sparse;
	l->f->tensor[l->n->out[0]].scale = t->scale;
	l->f->tensor[l->n->out[0]].zero = t->zero;
	l->f->tensor[l->n->out[0]].nscale = t->nscale;
	l->f->tensor[l->n->out[0]].nzero = t->nzero;
	l->f->tensor[l->n->out[0]].axis = t->axis;
}

void
tflite_lower_known(
    struct tflite_lower *l, const int64_t *ints, size_t n, bool scalar)
{
	struct tflite_value *v = new_value(l, 0);
	int64_t *copy = tflite_lower_room(l, n, sizeof(*copy));

	if (v == NULL || copy == NULL)
		return;
	memcpy(copy, ints, n * sizeof(*ints));
	v->ints = copy;
	v->nints = n;
	v->rank = scalar ? 0 : 1;
	v->dim[0] = n;
}

/* --- options ------------------------------------------------------------- */

int64_t
tflite_lower_i8(struct tflite_lower *l, unsigned field)
{
	return flatbuf_i8(&l->f->fb, &l->n->options, field, 0);
}

int64_t
tflite_lower_i32(struct tflite_lower *l, unsigned field, int64_t absent)
{
	return flatbuf_i32(&l->f->fb, &l->n->options, field, absent);
}

double
tflite_lower_f32(struct tflite_lower *l, unsigned field)
{
	return flatbuf_f32(&l->f->fb, &l->n->options, field, 0.0);
}

/*
 * Integers saturate.  Where the smallest one stands for 0, that is an
 * activation: converters leave a Relu out that it makes superfluous (toco's
 * RemoveTrivialQuantizedActivationFunc).  False where there is none.
 */
static bool
saturates(struct tflite_lower *l, double *top)
{
	const struct tflite_tensor *y = &l->f->tensor[l->n->out[0]];
	int64_t op = l->n->op, least = y->type == TFLITE_I8 ? -128 : 0;

	if ((y->type != TFLITE_I8 && y->type != TFLITE_U8) || y->nscale != 1 ||
	    y->nzero != 1 || y->zero[0] != least || !(y->scale[0] > 0.0))
		return false;
	*top = 255.0 * y->scale[0];
	return op == TFLITE_CONV_2D || op == TFLITE_DEPTHWISE_CONV_2D ||
	       op == TFLITE_FULLY_CONNECTED || op == TFLITE_ADD ||
	       op == TFLITE_SUB || op == TFLITE_MUL || op == TFLITE_DIV;
}

static const char *
clip(struct tflite_lower *l, const char *x, double min, double max)
{
	const char *y = draw_unary(&l->draw, "Clip", l->at, x);

	draw_real(&l->draw, "min", min);
	draw_real(&l->draw, "max", max);
	return y;
}

const char *
tflite_lower_activate(struct tflite_lower *l, int64_t kind, const char *x)
{
	static const double most[] = {INFINITY, INFINITY, 1.0, 6.0};
	double top;

	if (l->draw.rc != 0)
		return "";
	/* the runtime reads TANH and SIGN_BIT and does not apply them; no
	 * converter writes them */
	if (kind < 0 || kind > 3)
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "fused activation %" PRId64, kind);
	if (l->draw.rc != 0)
		return "";
	if (saturates(l, &top))
		return clip(l, x, 0.0, fmin(top, most[kind]));
	if (kind == 1)
		return draw_unary(&l->draw, "Relu", l->at, x);
	if (kind == 2)
		return clip(l, x, -1.0, 1.0);
	return kind == 3 ? clip(l, x, 0.0, 6.0) : x;
}

/* --- shapes -------------------------------------------------------------- */

size_t
tflite_lower_axis(struct tflite_lower *l, int64_t axis, size_t rank)
{
	int64_t at = axis < 0 ? axis + (int64_t)rank : axis;

	if (at >= 0 && at < (int64_t)rank)
		return (size_t)at;
	tflite_lower_fail(
	    l, ERR_FORMAT, "axis %" PRId64 " of rank %zu", axis, rank);
	return 0;
}

int64_t
tflite_lower_turn(size_t axis)
{
	static const int64_t turned[] = {0, 2, 3, 1};

	return turned[axis];
}

uint64_t
tflite_lower_count(const uint64_t *dim, size_t rank)
{
	uint64_t n = 1;

	for (size_t i = 0; i < rank; i++)
		n *= dim[i];
	return n;
}
