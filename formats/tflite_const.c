/* SPDX-License-Identifier: MIT */
#include "formats/tflite_const.h"

#include "base/limits.h"

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
	if ((out = tflite_lower_room(l, n, 4)) == NULL)
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
		else if (form == FORM_CROSSED && r == 4)
			from = depth[k];
		else if (form == FORM_TURNED && r >= 2 && k + 2 >= r)
			from = 2 * r - 3 - k;
		t->dim[k] = x->dim[from];
		stride[k] = step[from];
	}
	if (form == FORM_DEPTH || form == FORM_CROSSED)
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
	static const char *const suffix[] = {
	    "", "/image", "/depth", "/turned", "/crossed"};
	const struct tflite_tensor *x = &l->f->tensor[i];
	struct tflite_value *v = &l->value[i];
	struct tensor t = {.name = x->name, .dtype = DTYPE_F32};
	uint64_t *stride =
	    tflite_lower_room(l, MODEL_MAX_RANK, sizeof(*stride));
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
tflite_const_weight(struct tflite_lower *l, size_t k, enum tflite_form form)
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
tflite_const_bias(struct tflite_lower *l, size_t k, size_t of)
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
		if ((scale = tflite_lower_room(l, w->nscale, sizeof(*scale))) ==
		    NULL)
			return "";
		for (size_t i = 0; i < w->nscale; i++)
			scale[i] = x->scale[0] * w->scale[i];
		v->floats = dequantise(l, b, scale, w->nscale, false);
	}
	return tflite_const_weight(l, k, FORM_PLAIN);
}

bool
tflite_const_ints(
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
		    (ints = tflite_lower_room(l, v->nints, sizeof(*ints))) ==
			NULL)
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
tflite_const_number(struct tflite_lower *l, size_t k)
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
