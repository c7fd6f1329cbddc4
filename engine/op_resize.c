/* SPDX-License-Identifier: MIT
 * Resize: each output is a sum over few inputs, separable over the axes; see
 * taps_of() for the coordinates and weights (ONNX, opset 19).  Any axes as a
 * definition; the kernels work on the spatial axes.
 */
#include "base/limits.h"
#include "engine/op.h"

#include <math.h>

#define SPATIAL 3

struct resize {
	enum mode {
		NEAREST,
		LINEAR,
		CUBIC,
	} mode;
	enum place {
		HALF_PIXEL,
		HALF_PIXEL_SYMMETRIC,
		PYTORCH_HALF_PIXEL,
		HALF_PIXEL_NEAREST,
		ALIGN_CORNERS,
		ASYMMETRIC,
		CROP,
	} place;
	enum nearest {
		PREFER_FLOOR,
		PREFER_CEIL,
		FLOOR,
		CEIL,
	} nearest;
	bool exclude;
	double cubic, outside;
	const struct attr *scales, *roi, *axes; /* or NULL */
};

/* One axis: input and output lengths, the latter also before rounding. */
struct axis {
	size_t in, out;
	double len;      /* out before it was rounded */
	double num, den; /* scale = num / den */
	double from, to; /* region of interest */
};

/* What one output index of an axis is a sum over. */
struct taps {
	size_t n, at[4];
	double w[4];
	bool outside; /* the extrapolation value instead */
};

/* --- attributes ---------------------------------------------------------- */

static int
choose(const struct step *s, const char *name, const char *const *of, size_t n,
    size_t *out, struct err *e)
{
	const struct attr *a = node_attr(s->node, name);

	*out = 0;
	if (a == NULL)
		return 0;
	for (size_t i = 0; a->kind == ATTR_TEXT && i < n; i++)
		if (strcmp(a->s, of[i]) == 0) {
			*out = i;
			return 0;
		}
	return op_bad(
	    s, e, "%s '%.32s'", name, a->kind == ATTR_TEXT ? a->s : "no text");
}

static int
list(const struct step *s, const char *name, enum attr_kind kind,
    const struct attr **out, struct err *e)
{
	const struct attr *a = node_attr(s->node, name);

	*out = NULL;
	if (a == NULL)
		return 0;
	if (a->kind != kind)
		return op_bad(s, e, "'%s' is no list of numbers", name);
	if (a->n > 0)
		*out = a;
	return 0;
}

static int
resize_build(
    struct step *s, const struct node *n, struct arena *a, struct err *e)
{
	static const char *const modes[] = {"nearest", "linear", "cubic"};
	static const char *const places[] = {"half_pixel",
	    "half_pixel_symmetric", "pytorch_half_pixel",
	    "tf_half_pixel_for_nn", "align_corners", "asymmetric",
	    "tf_crop_and_resize"};
	static const char *const nearest[] = {
	    "round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
	static const char *const policies[] = {"stretch"};
	struct resize *cfg = op_alloc(a, sizeof(*cfg), e);
	size_t mode, place, near, policy;
	int rc;

	if (cfg == NULL)
		return ERR_LIMIT;
	s->cfg = cfg;
	if ((rc = choose(s, "mode", modes, ARRAY_LEN(modes), &mode, e)) != 0 ||
	    (rc = choose(s, "coordinate_transformation_mode", places,
		 ARRAY_LEN(places), &place, e)) != 0 ||
	    (rc = choose(s, "nearest_mode", nearest, ARRAY_LEN(nearest), &near,
		 e)) != 0 ||
	    (rc = choose(s, "keep_aspect_ratio_policy", policies,
		 ARRAY_LEN(policies), &policy, e)) != 0 ||
	    (rc = list(s, "scales", ATTR_REALS, &cfg->scales, e)) != 0 ||
	    (rc = list(s, "roi", ATTR_REALS, &cfg->roi, e)) != 0 ||
	    (rc = list(s, "axes", ATTR_INTS, &cfg->axes, e)) != 0)
		return rc;
	cfg->mode = (enum mode)mode;
	cfg->place = (enum place)place;
	cfg->nearest = (enum nearest)near;
	cfg->exclude = node_int(n, "exclude_outside", 0) != 0;
	cfg->cubic = node_real(n, "cubic_coeff_a", -0.75);
	cfg->outside = node_real(n, "extrapolation_value", 0.0);
	if (node_int(n, "antialias", 0) != 0)
		return op_bad(s, e, "antialias");
	if (!isfinite(cfg->cubic))
		return op_bad(s, e, "cubic_coeff_a %g", cfg->cubic);
	return 0;
}

/* --- axes ---------------------------------------------------------------- */

/* Scales, sizes and region: attributes, or inputs 1 to 3 when computed. */
struct lists {
	size_t nroi, nscale, nsize; /* 0: there are none */
	double roi[2 * MODEL_MAX_RANK], scale[MODEL_MAX_RANK];
	int64_t size[MODEL_MAX_RANK];
};

static int
reals_of(const struct step *s, const struct shape *const *in,
    const struct attr *at, size_t i, size_t most, double *v, size_t *n,
    struct err *e)
{
	const struct shape *x = i < s->nin ? in[i] : NULL;

	*n = at != NULL ? at->n : 0;
	if (at == NULL && x != NULL) {
		if (x->known == NULL)
			return op_bad(
			    s, e, "input %zu depends on the image", i);
		if (x->rank != 1 || !shape_real(x))
			return op_bad(s, e, "input %zu is no list of reals", i);
		*n = shape_elements(x);
	}
	if (*n > most)
		return op_bad(s, e, "input %zu has %zu values", i, *n);
	for (size_t k = 0; k < *n; k++) {
		v[k] = at != NULL ? at->reals[k] : x->known[k].f;
		if (!isfinite(v[k]))
			return op_bad(s, e, "input %zu holds %g", i, v[k]);
	}
	return 0;
}

static int
lists_of(const struct step *s, const struct shape *const *in, struct lists *l,
    struct err *e)
{
	const struct resize *cfg = s->cfg;
	int rc;

	if ((rc = reals_of(s, in, cfg->roi, 1, ARRAY_LEN(l->roi), l->roi,
		 &l->nroi, e)) != 0 ||
	    (rc = reals_of(s, in, cfg->scales, 2, ARRAY_LEN(l->scale), l->scale,
		 &l->nscale, e)) != 0 ||
	    (rc = op_ints(s, in, "sizes", 3, ARRAY_LEN(l->size), l->size,
		 &l->nsize, e)) != 0)
		return rc;
	if (l->nsize == SIZE_MAX)
		l->nsize = 0;
	return 0;
}

/* The size of one axis from entry i of the lists. */
static int
set_axis(const struct step *s, const struct lists *l, size_t i, struct axis *a,
    struct err *e)
{
	const struct resize *cfg = s->cfg;
	float len;

	if (a->in == 0 || a->in > LIMIT_VALUE_ELEMENTS)
		return op_bad(s, e, "an axis of %zu", a->in);
	if (l->nsize > 0) {
		int64_t size = l->size[i];

		/* a batch size that the exporter has baked in */
		if (i == 0 && cfg->axes == NULL && l->nsize >= 3)
			return 0;
		if (size < 1 || size > (int64_t)LIMIT_VALUE_ELEMENTS)
			return op_bad(s, e, "size %" PRId64, size);
		a->out = (size_t)size;
		a->len = a->num = (double)a->out;
		a->den = (double)a->in;
		return 0;
	}
	/* in float, as shape inference does elsewhere */
	len = floorf((float)a->in * (float)l->scale[i]);
	if (!(len >= 1.0f && len <= (float)LIMIT_VALUE_ELEMENTS))
		return op_bad(
		    s, e, "scale %g of an axis of %zu", l->scale[i], a->in);
	a->out = (size_t)len;
	a->num = l->scale[i];
	a->den = 1.0;
	a->len = a->num * (double)a->in;
	return 0;
}

static int
axes_of(const struct step *s, const struct shape *const *in,
    struct axis a[MODEL_MAX_RANK], struct err *e)
{
	const struct resize *cfg = s->cfg;
	const struct shape *x = in[0];
	size_t n = cfg->axes != NULL ? cfg->axes->n : x->rank;
	bool crop = cfg->place == CROP, seen[MODEL_MAX_RANK] = {false};
	struct lists l;
	int rc = lists_of(s, in, &l, e);

	if (rc != 0)
		return rc;
	if (l.nscale + l.nsize != n || (l.nscale > 0 && l.nsize > 0) ||
	    (crop && l.nroi != 2 * n))
		return op_bad(s, e, "scales, sizes or roi for %zu axes", n);
	for (size_t i = 0; i < x->rank; i++)
		a[i] = (struct axis){.in = x->dim[i],
		    .out = x->dim[i],
		    .len = (double)x->dim[i],
		    .num = 1.0,
		    .den = 1.0,
		    .to = 1.0};
	for (size_t i = 0; i < n; i++) {
		size_t k = i;

		if (cfg->axes != NULL)
			rc = op_axis(s, cfg->axes->ints[i], x->rank, &k, e);
		if (rc != 0 || (rc = set_axis(s, &l, i, &a[k], e)) != 0)
			return rc;
		if (seen[k])
			return op_bad(s, e, "axis %zu twice", k);
		seen[k] = true;
		if (crop) {
			a[k].from = l.roi[i];
			a[k].to = l.roi[i + n];
		}
	}
	return 0;
}

/* Each output is the input of the same index. */
static bool
is_same(const struct axis *a)
{
	return a->in == a->out && a->num == a->den && a->from == 0.0 &&
	       a->to == 1.0;
}

/* Where output i lies in the input. */
static double
coordinate(const struct resize *cfg, const struct axis *a, size_t i)
{
	double x = (double)i, in = (double)a->in, out = (double)a->out;
	double shrunk;

	switch (cfg->place) {
	case ALIGN_CORNERS:
		/* whole pixels, as PyTorch and ONNX Runtime have it */
		return a->out <= 1 ? 0.0 : x * (in - 1.0) / (out - 1.0);
	case ASYMMETRIC:
		return x * a->den / a->num;
	case CROP:
		if (a->len <= 1.0)
			return 0.5 * (a->from + a->to) * (in - 1.0);
		return a->from * (in - 1.0) +
		       x * (a->to - a->from) * (in - 1.0) / (a->len - 1.0);
	case HALF_PIXEL_NEAREST:
		return (x + 0.5) * a->den / a->num;
	case HALF_PIXEL_SYMMETRIC:
		shrunk = out / a->len;
		return in / 2.0 * (1.0 - shrunk) + (x + 0.5) * a->den / a->num -
		       0.5;
	case PYTORCH_HALF_PIXEL:
		if (a->out == 1)
			return 0.0;
		break;
	case HALF_PIXEL:
		break;
	}
	return (x + 0.5) * a->den / a->num - 0.5;
}

static double
nearest_of(const struct resize *cfg, double x)
{
	switch (cfg->nearest) {
	case PREFER_FLOOR:
		return ceil(x - 0.5);
	case PREFER_CEIL:
		return floor(x + 0.5);
	case CEIL:
		return ceil(x);
	case FLOOR:
		break;
	}
	return floor(x);
}

/* Keys' cubic at distance d */
static double
cubic(double a, double d)
{
	d = fabs(d);
	if (d <= 1.0)
		return ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0;
	return d < 2.0 ? ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a : 0.0;
}

/* A tap at index x, moved to the edge when it is beyond; 0 adds none. */
static void
add_tap(struct taps *t, const struct axis *a, double x, double w)
{
	if (w == 0.0)
		return;
	t->at[t->n] = (size_t)MIN(MAX(x, 0.0), (double)(a->in - 1));
	t->w[t->n++] = w;
}

static void
taps_of(
    const struct resize *cfg, const struct axis *a, size_t i, struct taps *t)
{
	double x, low, sum = 0.0;

	*t = (struct taps){.n = 0};
	if (is_same(a)) {
		add_tap(t, a, (double)i, 1.0);
		return;
	}
	x = coordinate(cfg, a, i);
	low = floor(x);
	if (cfg->place == CROP && !(x >= 0.0 && x <= (double)(a->in - 1))) {
		t->outside = true;
	} else if (cfg->mode == NEAREST) {
		add_tap(t, a, nearest_of(cfg, x), 1.0);
	} else if (cfg->mode == LINEAR) {
		add_tap(t, a, low, 1.0 - (x - low));
		add_tap(t, a, low + 1.0, x - low);
	} else {
		for (double k = low - 1.0; k <= low + 2.0; k++)
			if (!cfg->exclude ||
			    (k >= 0.0 && k <= (double)(a->in - 1)))
				add_tap(t, a, k, cubic(cfg->cubic, x - k));
		for (size_t k = 0; k < t->n; k++)
			sum += t->w[k];
		for (size_t k = 0; cfg->exclude && k < t->n; k++)
			t->w[k] /= sum;
	}
}

/* --- inference and definition -------------------------------------------- */

static int
resize_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	static const size_t each[] = {[NEAREST] = 1, [LINEAR] = 2, [CUBIC] = 4};
	const struct resize *cfg = s->cfg;
	const struct shape *x = in[0];
	struct axis a[MODEL_MAX_RANK];
	bool spatial = x->rank >= 3 && x->rank <= 2 + SPATIAL;
	int rc;

	if (!shape_real(x))
		return op_bad(s, e, "integers");
	if ((rc = axes_of(s, in, a, e)) != 0)
		return rc;
	*out = (struct shape){.rank = x->rank, .layout = LAYOUT_LAST};
	need->taps = 1;
	for (size_t i = 0; i < x->rank; i++) {
		bool same = is_same(&a[i]);

		out->dim[i] = a[i].out;
		spatial = spatial && (i >= 2 || same);
		need->taps *= same ? 1 : each[cfg->mode];
	}
	if (x->known == NULL && !spatial)
		return op_bad(
		    s, e, "rank %zu, or images and channels change", x->rank);
	return 0;
}

static int
resize_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	const struct resize *cfg = s->cfg;
	const struct shape *x = in[0];
	struct axis a[MODEL_MAX_RANK];
	size_t stride[MODEL_MAX_RANK];
	int rc;

	if ((rc = axes_of(s, in, a, e)) != 0)
		return rc;
	shape_row_strides(x, stride);
	for (size_t i = 0; i < shape_elements(out); i++) {
		struct taps t[MODEL_MAX_RANK];
		size_t rest = i, all = 1;
		bool outside = false;

		for (size_t k = out->rank; k-- > 0; rest /= out->dim[k]) {
			taps_of(cfg, &a[k], rest % out->dim[k], &t[k]);
			outside = outside || t[k].outside;
			all *= t[k].n;
		}
		v[i].f = outside ? cfg->outside : 0.0;
		for (size_t j = 0; j < all && !outside; j++) {
			double w = 1.0;
			size_t at = 0, which = j;

			for (size_t k = out->rank; k-- > 0; which /= t[k].n) {
				w *= t[k].w[which % t[k].n];
				at += t[k].at[which % t[k].n] * stride[k];
			}
			v[i].f += w * x->known[at].f;
		}
	}
	return 0;
}

/* --- kernels ------------------------------------------------------------- */

/* The axes of a call: depth, height, width, ones in front. */
struct view {
	const struct resize *cfg;
	struct axis a[SPATIAL];
	size_t n, channels, in, out; /* pixels of an image */
};

static void
view_of(const struct op_call *c, struct view *v)
{
	const struct shape *x = c->shape_in[0];
	struct axis a[MODEL_MAX_RANK];
	struct err e;

	if (axes_of(c->step, c->shape_in, a, &e) != 0)
		BUG(e.msg);
	*v = (struct view){.cfg = c->step->cfg,
	    .n = x->dim[0],
	    .channels = x->dim[1],
	    .in = 1,
	    .out = 1};
	for (size_t i = 0; i < SPATIAL; i++) {
		v->a[i] = (struct axis){
		    .in = 1, .out = 1, .num = 1.0, .den = 1.0, .to = 1.0};
		if (i + x->rank >= 2 + SPATIAL)
			v->a[i] = a[i + x->rank - SPATIAL];
		v->in *= v->a[i].in;
		v->out *= v->a[i].out;
	}
}

VECTOR static void
add_pixel(size_t n, float w, const float *restrict x, float *restrict y)
{
	for (size_t k = 0; k < n; k++)
		y[k] += w * x[k];
}

/* One output pixel: y += sum of x, or going back dx += y for each tap. */
static void
move_pixel(const struct view *v, const struct taps t[SPATIAL], float *x,
    float *y, bool back)
{
	for (size_t i = 0; i < t[0].n; i++)
		for (size_t j = 0; j < t[1].n; j++)
			for (size_t k = 0; k < t[2].n; k++) {
				double w = t[0].w[i] * t[1].w[j] * t[2].w[k];
				size_t at = t[0].at[i] * v->a[1].in;
				float *from;

				at = (at + t[1].at[j]) * v->a[2].in;
				from = x + (at + t[2].at[k]) * v->channels;
				add_pixel(v->channels, (float)w,
				    back ? y : from, back ? from : y);
			}
}

static void
move_image(const struct view *v, float *x, float *y, bool back)
{
	const struct axis *a = v->a;

	for (size_t i = 0; i < v->out; i++, y += v->channels) {
		size_t at[SPATIAL] = {i / a[2].out / a[1].out,
		    i / a[2].out % a[1].out, i % a[2].out};
		struct taps t[SPATIAL];
		bool outside = false;

		for (size_t k = 0; k < SPATIAL; k++) {
			taps_of(v->cfg, &a[k], at[k], &t[k]);
			outside = outside || t[k].outside;
		}
		for (size_t k = 0; !back && k < v->channels; k++)
			y[k] = outside ? (float)v->cfg->outside : 0.0f;
		if (!outside)
			move_pixel(v, t, x, y, back);
	}
}

static void
resize_forward(const struct op_call *c)
{
	struct view v;

	view_of(c, &v);
	/* only read when not going back */
	for (size_t n = 0; n < v.n; n++)
		move_image(&v,
		    (float *)(uintptr_t)(c->in[0] + n * v.in * v.channels),
		    c->out + n * v.out * v.channels, false);
}

static void
resize_backward(const struct op_call *c)
{
	float *dx = c->din[0];
	struct view v;

	view_of(c, &v);
	if (!c->add[0])
		memset(dx, 0, v.n * v.in * v.channels * sizeof(*dx));
	for (size_t n = 0; n < v.n; n++)
		move_image(&v, dx + n * v.in * v.channels,
		    (float *)(uintptr_t)(c->dout + n * v.out * v.channels),
		    true);
}

const struct op op_resize = {
    .name = "Resize",
    .min_in = 1,
    .max_in = 4,
    .layout = OP_IMAGE,
    .ints = 1 << 1 | 1 << 2 | 1 << 3,
    .build = resize_build,
    .infer = resize_infer,
    .eval = resize_eval,
    .forward = resize_forward,
    .backward = resize_backward,
};
