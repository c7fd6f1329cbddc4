/* SPDX-License-Identifier: MIT */
#include "engine/window.h"

#include "base/limits.h"

/*
 * `each` values for each axis within [lo, LIMIT_IMAGE_SIDE]; out is left alone
 * where they are absent.
 */
static int
read_sizes(struct window *w, const struct node *node, const char *name,
    size_t each, int64_t lo, size_t *out, struct err *e)
{
	const struct attr *a = node_attr(node, name);

	if (a == NULL)
		return 0;
	if (a->kind != ATTR_INTS || a->n == 0 || a->n % each != 0 ||
	    a->n / each > WINDOW_AXES || (w->n != 0 && a->n != each * w->n))
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "node '%s' (%s): '%s' has %zu values", node->name, node->op,
		    name, a->n);
	w->n = a->n / each;
	for (size_t i = 0; i < a->n; i++) {
		if (a->ints[i] < lo || a->ints[i] > LIMIT_IMAGE_SIDE)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "node '%s' (%s): '%s' holds %" PRId64, node->name,
			    node->op, name, a->ints[i]);
		out[i] = (size_t)a->ints[i];
	}
	return 0;
}

static int
read_padding(struct window *w, const struct node *n, struct err *e)
{
	const struct attr *a = node_attr(n, "auto_pad");
	const char *s = a != NULL && a->kind == ATTR_TEXT ? a->s : "NOTSET";

	if (strcmp(s, "VALID") == 0)
		return 0;
	if (strcmp(s, "SAME_UPPER") == 0)
		w->same = WINDOW_SAME_UPPER;
	else if (strcmp(s, "SAME_LOWER") == 0)
		w->same = WINDOW_SAME_LOWER;
	else if (strcmp(s, "NOTSET") == 0)
		return read_sizes(w, n, "pads", 2, 0, w->pad, e);
	else
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "node '%s' (%s): auto_pad '%.32s'", n->name, n->op, s);
	return 0;
}

int
window_read(struct window *w, const struct node *n, struct err *e)
{
	int rc;

	*w = (struct window){.stride = {1, 1, 1},
	    .dilation = {1, 1, 1},
	    .ceil = node_int(n, "ceil_mode", 0) != 0,
	    .sized = node_attr(n, "kernel_shape") != NULL};
	if ((rc = read_sizes(w, n, "kernel_shape", 1, 1, w->size, e)) != 0 ||
	    (rc = read_sizes(w, n, "strides", 1, 1, w->stride, e)) != 0 ||
	    (rc = read_sizes(w, n, "dilations", 1, 1, w->dilation, e)) != 0)
		return rc;
	return read_padding(w, n, e);
}

/* Padding and output size of one axis; `ceil`, `same`: of the window. */
static int
bind_axis(const struct window *w, const struct step *s, size_t i,
    struct window_fit *f, struct err *e)
{
	size_t reach = (f->size[i] - 1) * f->dilation[i] + 1;
	size_t stride = f->stride[i], total, span;

	if (w->same != WINDOW_EXPLICIT) {
		f->out[i] = (f->in[i] + stride - 1) / stride;
		span = (f->out[i] - 1) * stride + reach;
		total = span > f->in[i] ? span - f->in[i] : 0;
		f->pad[i] = w->same == WINDOW_SAME_UPPER ? total / 2
							 : total - total / 2;
		f->behind[i] = total - f->pad[i];
		return 0;
	}
	total = f->in[i] + f->pad[i] + f->behind[i];
	if (total < reach)
		return op_bad(s, e, "a window of %zu does not fit %zu pixels",
		    reach, total);
	f->out[i] = (total - reach) / stride + 1;
	/* ceil mode: one more, if it begins inside input or left pad */
	if (w->ceil && (total - reach) % stride != 0 &&
	    f->out[i] * stride < f->in[i] + f->pad[i])
		f->out[i]++;
	return 0;
}

int
window_bind(const struct window *w, const struct step *s, const struct shape *x,
    const size_t *size, struct window_fit *f, struct err *e)
{
	size_t n = x->rank - 2, lead = WINDOW_AXES - n;
	int rc;

	if (x->rank < 3 || x->rank > 2 + WINDOW_AXES)
		return op_bad(s, e, "rank %zu", x->rank);
	if (w->n != 0 && w->n != n)
		return op_bad(s, e, "a window of %zu axes, input of rank %zu",
		    w->n, x->rank);
	if (!w->sized && size == NULL)
		return op_bad(s, e, "no kernel_shape");
	*f = (struct window_fit){.taps = 1, .pixels = 1, .inputs = 1};
	for (size_t i = 0; i < WINDOW_AXES; i++) {
		bool own = i >= lead; /* else an axis that x lacks */
		size_t k = own ? i - lead : 0;

		f->in[i] = own ? x->dim[k + 2] : 1;
		f->size[i] = !own ? 1 : size != NULL ? size[k] : w->size[k];
		f->stride[i] = own ? w->stride[k] : 1;
		f->dilation[i] = own ? w->dilation[k] : 1;
		f->pad[i] = own ? w->pad[k] : 0;
		f->behind[i] = own ? w->pad[k + n] : 0;
		if (own && w->sized && f->size[i] != w->size[k])
			return op_bad(s, e,
			    "kernel_shape %zu, the weight has %zu", w->size[k],
			    f->size[i]);
		if (f->in[i] == 0 || f->in[i] > LIMIT_VALUE_ELEMENTS ||
		    f->size[i] == 0 || f->size[i] > LIMIT_VALUE_ELEMENTS)
			return op_bad(s, e, "a window of %zu over %zu pixels",
			    f->size[i], f->in[i]);
		if ((rc = bind_axis(w, s, i, f, e)) != 0)
			return rc;
		if (ckd_mul(&f->taps, f->taps, f->size[i]) ||
		    ckd_mul(&f->inputs, f->inputs, f->in[i]) ||
		    ckd_mul(&f->pixels, f->pixels, f->out[i]) ||
		    MAX(f->taps, MAX(f->inputs, f->pixels)) >
			LIMIT_VALUE_ELEMENTS)
			return op_bad(s, e, "the window is too large");
	}
	return 0;
}

int
window_out(const struct window_fit *f, const struct step *s,
    const struct shape *x, size_t channels, struct shape *out, struct err *e)
{
	*out = (struct shape){.rank = x->rank,
	    .dim = {x->dim[0], channels},
	    .layout = LAYOUT_LAST,
	    .type = x->type};
	for (size_t i = 2; i < x->rank; i++)
		out->dim[i] = f->out[WINDOW_AXES + i - x->rank];
	if (!shape_sane(out))
		return op_bad(s, e, "the output is empty or too large");
	return 0;
}

/* a / b, rounded up; mostly b is 1 */
static size_t
parts(size_t a, size_t b)
{
	return b == 1 ? a : (a + b - 1) / b;
}

struct window_span
window_span(const struct window_fit *f, size_t axis, size_t i)
{
	size_t first = i * f->stride[axis], step = f->dilation[axis];
	size_t pad = f->pad[axis], end = f->in[axis] + pad;
	struct window_span s = {0};

	s.from = first < pad ? parts(pad - first, step) : 0;
	s.to = first < end ? parts(end - first, step) : 0;
	s.to = MIN(s.to, f->size[axis]);
	if (s.from >= s.to)
		return (struct window_span){0};
	s.at = first + s.from * step - pad;
	return s;
}

void
window_pixel(
    const struct window_fit *f, size_t i, struct window_span span[WINDOW_AXES])
{
	for (size_t k = WINDOW_AXES; k-- > 0; i /= f->out[k])
		span[k] = window_span(f, k, i % f->out[k]);
}
