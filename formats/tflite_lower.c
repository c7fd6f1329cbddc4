/* SPDX-License-Identifier: MIT */
#include "formats/tflite_lower.h"

#include "base/limits.h"
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

static void *
room(struct tflite_lower *l, size_t n, size_t size)
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
	if ((l->value = room(l, f->ntensor, sizeof(*l->value))) == NULL)
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

const char *
tflite_lower_plain(struct tflite_lower *l, size_t k)
{
	struct tflite_value *v = tflite_lower_in(l, k);

	if (l->draw.rc == 0 && v->constant)
		return tflite_lower_weight(l, k, FORM_PLAIN);
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

	if (l->draw.rc == 0 && v->constant)
		return tflite_lower_weight(l, k, FORM_IMAGE);
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

/* --- constants ----------------------------------------------------------- */

/*
 * Integers as floats: scale * (q - zero), with one scale for all or one for
 * each index along the axis; `unit` (or NULL) instead, with zero 0.
 */
static const uint8_t *
dequantise(struct tflite_lower *l, const struct tflite_tensor *t,
    const double *scale, size_t nscale, bool zeros)
{
	struct tensor q = {.dtype = tflite_file_dtype(t->type),
	    .data = t->data.ptr,
	    .size = t->data.len};
	size_t n = t->data.len / dtype_width(q.dtype);
	uint64_t inner = 1, cost = 4 * (uint64_t)n;
	uint8_t *out;

	if (cost > l->budget) {
		tflite_lower_fail(l, ERR_LIMIT,
		    "more weights than a file of this size can have");
		return NULL;
	}
	l->budget -= cost;
	if ((out = room(l, n, 4)) == NULL)
		return NULL;
	for (size_t k = t->axis + 1; k < t->rank; k++)
		inner *= t->dim[k];
	for (size_t i = 0; i < n; i++) {
		size_t c = nscale > 1 ? (i / inner) % nscale : 0;
		int64_t z =
		    !zeros || t->nzero == 0 ? 0 : t->zero[t->nzero > 1 ? c : 0];
		float v = (float)(scale[c] * (tensor_real(&q, i) - (double)z));
		uint32_t bits;

		memcpy(&bits, &v, sizeof(bits));
		for (size_t b = 0; b < 4; b++, bits >>= 8)
			out[4 * i + b] = (uint8_t)bits;
	}
	l->dequantised++;
	return out;
}

static bool
is_float(int64_t type)
{
	return type == TFLITE_F32 || type == TFLITE_F16 || type == TFLITE_F64;
}

/* Dimensions and strides of a form; false when the rank does not fit. */
static bool
shape_form(struct tensor *t, uint64_t *stride, const struct tflite_tensor *x,
    enum tflite_form form)
{
	static const size_t image[4] = {0, 3, 1, 2}, depth[4] = {3, 0, 1, 2};
	uint64_t step[MODEL_MAX_RANK];
	uint64_t width = dtype_width(t->dtype);
	size_t r = x->rank;

	for (size_t k = r; k-- > 0; width *= x->dim[k])
		step[k] = width;
	t->rank = r;
	for (size_t k = 0; k < r; k++) {
		size_t from = k;

		if (form == FORM_DEPTH && r == 4)
			from = depth[k];
		else if (form == FORM_IMAGE && r == 4)
			from = image[k];
		else if (form == FORM_TURNED && r >= 2 && k + 2 >= r)
			from = 2 * r - 3 - k;
		t->dim[k] = x->dim[from];
		stride[k] = step[from];
	}
	if (form == FORM_DEPTH)
		return r == 4;
	if (form == FORM_TURNED)
		return r >= 2;
	if (form != FORM_IMAGE || r == 4 || r == 0)
		return r <= 4 || form == FORM_PLAIN;
	if (r > 4)
		return false;
	/* (C), (W, C), (H, W, C) beside an image: (C, H, W) */
	t->rank = 3;
	t->dim[0] = x->dim[r - 1];
	t->dim[1] = r == 3 ? x->dim[0] : 1;
	t->dim[2] = r >= 2 ? x->dim[r - 2] : 1;
	stride[0] = step[r - 1];
	stride[1] = r == 3 ? step[0] : width;
	stride[2] = r >= 2 ? step[r - 2] : width;
	return true;
}

static bool
dense(const struct tensor *t, const uint64_t *stride)
{
	uint64_t width = dtype_width(t->dtype);

	for (size_t k = t->rank; k-- > 0; width *= t->dim[k])
		if (t->dim[k] != 1 && stride[k] != width)
			return false;
	return true;
}

static const char *
view(struct tflite_lower *l, size_t i, enum tflite_form form)
{
	static const char *const suffix[] = {"", "/image", "/depth", "/turned"};
	const struct tflite_tensor *x = &l->f->tensor[i];
	struct tflite_value *v = &l->value[i];
	struct tensor t = {.name = x->name, .dtype = DTYPE_F32};
	uint64_t *stride = room(l, MODEL_MAX_RANK, sizeof(*stride));
	bool first = true;

	if (stride == NULL)
		return "";
	if (v->floats == NULL)
		t.dtype = tflite_file_dtype(x->type);
	t.data = v->floats != NULL ? v->floats : x->data.ptr;
	if (!shape_form(&t, stride, x, form)) {
		tflite_lower_fail(l, ERR_UNSUPPORTED, "'%.60s' has rank %zu",
		    x->name, x->rank);
		return "";
	}
	t.size =
	    (size_t)tflite_lower_count(t.dim, t.rank) * dtype_width(t.dtype);
	if (!dense(&t, stride))
		t.stride = stride;
	for (size_t k = 0; k < FORM_COUNT; k++)
		first = first && v->form[k] == NULL;
	if (!first || strncmp(x->name, "assay.", 6) == 0)
		t.name = draw_path(&l->draw, "%s%s%s",
		    strncmp(x->name, "assay.", 6) == 0 ? "file:" : "", x->name,
		    first ? "" : suffix[form]);
	return draw_tensor(&l->draw, &t);
}

/* A constant that is not floats yet. */
static void
make_floats(struct tflite_lower *l, size_t i)
{
	const struct tflite_tensor *x = &l->f->tensor[i];
	enum dtype d = tflite_file_dtype(x->type);

	if (is_float(x->type) || l->value[i].floats != NULL)
		return;
	if (d == DTYPE_COUNT || d == DTYPE_BOOL || x->nscale == 0)
		tflite_lower_fail(l, ERR_UNSUPPORTED,
		    "'%.60s' is of type %" PRId64 " without a scale", x->name,
		    x->type);
	else
		l->value[i].floats =
		    dequantise(l, x, x->scale, x->nscale, true);
}

const char *
tflite_lower_weight(struct tflite_lower *l, size_t k, enum tflite_form form)
{
	struct tflite_value *v = tflite_lower_in(l, k);
	const struct tflite_tensor *x = tflite_lower_tensor(l, k);
	size_t i;

	if (l->draw.rc != 0)
		return "";
	i = (size_t)l->n->in[k];
	if (!v->constant)
		tflite_lower_fail(l, ERR_UNSUPPORTED,
		    "input %zu, '%.60s', is computed", k, x->name);
	else if (x->sparse)
		tflite_lower_fail(
		    l, ERR_UNSUPPORTED, "'%.60s' is sparse", x->name);
	if (l->draw.rc == 0 && v->form[form] == NULL) {
		make_floats(l, i);
		if (l->draw.rc == 0)
			v->form[form] = view(l, i, form);
	}
	return l->draw.rc == 0 ? v->form[form] : "";
}

const char *
tflite_lower_bias(struct tflite_lower *l, size_t k, size_t of)
{
	const struct tflite_tensor *b, *x, *w;
	struct tflite_value *v;
	double *scale;

	if (!tflite_lower_has(l, k))
		return NULL;
	v = tflite_lower_in(l, k);
	b = tflite_lower_tensor(l, k);
	x = tflite_lower_tensor(l, 0);
	w = tflite_lower_tensor(l, of);
	if (l->draw.rc == 0 && (b->rank != 1 || !v->constant))
		tflite_lower_fail(l, ERR_UNSUPPORTED,
		    "the bias '%.60s' is no list of constants", b->name);
	if (l->draw.rc != 0)
		return "";
	if ((b->type == TFLITE_I32 || b->type == TFLITE_I64) &&
	    x->nscale == 1 && (w->nscale == 1 || (w->nscale == b->dim[0])) &&
	    v->floats == NULL) {
		if ((scale = room(l, w->nscale, sizeof(*scale))) == NULL)
			return "";
		for (size_t i = 0; i < w->nscale; i++)
			scale[i] = x->scale[0] * w->scale[i];
		v->floats = dequantise(l, b, scale, w->nscale, false);
	}
	return tflite_lower_weight(l, k, FORM_PLAIN);
}

bool
tflite_lower_ints(
    struct tflite_lower *l, size_t k, const int64_t **out, size_t *n)
{
	struct tflite_value *v = tflite_lower_in(l, k);
	const struct tflite_tensor *x = tflite_lower_tensor(l, k);
	struct tensor t = {.dtype = tflite_file_dtype(x->type),
	    .data = x->data.ptr,
	    .size = x->data.len};
	int64_t *ints;

	*n = 0;
	if (l->draw.rc != 0)
		return false;
	if (v->ints == NULL && v->constant && !x->sparse &&
	    (t.dtype == DTYPE_I32 || t.dtype == DTYPE_I64)) {
		v->nints = t.size / dtype_width(t.dtype);
		if (v->nints > LIMIT_ATTR_INTS ||
		    (ints = room(l, v->nints, sizeof(*ints))) == NULL)
			return false;
		for (size_t i = 0; i < v->nints; i++)
			if (!tensor_int(&t, i, &ints[i]))
				BUG("an integer");
		v->ints = ints;
	}
	*out = v->ints;
	*n = v->nints;
	return v->ints != NULL;
}

double
tflite_lower_number(struct tflite_lower *l, size_t k)
{
	const struct tflite_tensor *x = tflite_lower_tensor(l, k);
	struct tensor t = {.dtype = tflite_file_dtype(x->type),
	    .data = x->data.ptr,
	    .size = x->data.len};
	double v;

	if (l->draw.rc == 0 && (t.dtype == DTYPE_COUNT || x->sparse ||
				   t.size != dtype_width(t.dtype) ||
				   (!is_float(x->type) && x->nscale != 1)))
		tflite_lower_fail(l, ERR_UNSUPPORTED,
		    "input %zu is not one constant number", k);
	if (l->draw.rc != 0)
		return 0.0;
	v = tensor_real(&t, 0);
	if (is_float(x->type))
		return v;
	return x->scale[0] * (v - (x->nzero > 0 ? (double)x->zero[0] : 0.0));
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
	int64_t *copy = room(l, n, sizeof(*copy));

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
