/* SPDX-License-Identifier: MIT
 * x[..., ::-1], x[:, 0]: parts of a tensor, as Keras 2 (SlicingOpLambda) and
 * Keras 3 (ops GetItem) write what stands in the brackets.
 */
#include "formats/keras_class.h"

#include "base/text.h"

struct part {
	bool one; /* the axis goes */
	int64_t start, stop, step;
};

static bool
is_class(const json_t *j, const char *name)
{
	const char *class = json_string_value(json_object_get(j, "class_name"));

	return class != NULL && strcmp(class, name) == 0;
}

/* A member of a slice: an integer, or null. */
static bool
bound(const json_t *j, const char *key, int64_t absent, int64_t *out)
{
	const json_t *v = json_object_get(j, key);

	*out = absent;
	if (v == NULL || json_is_null(v))
		return true;
	if (!json_is_integer(v) || json_integer_value(v) > INT32_MAX ||
	    json_integer_value(v) < -INT32_MAX)
		return false;
	*out = json_integer_value(v);
	return true;
}

static bool
read_part(const json_t *j, struct part *p)
{
	*p = (struct part){.step = 1};
	if (json_is_integer(j)) {
		p->one = true;
		p->start = json_integer_value(j);
		p->stop = p->start + 1;
		return p->start > -INT32_MAX && p->start < INT32_MAX;
	}
	if (is_class(j, "__slice__") || is_class(j, "slice"))
		j = json_object_get(j, "config");
	if (!json_is_object(j) || is_class(j, "__ellipsis__") ||
	    !bound(j, "step", 1, &p->step) || p->step == 0)
		return false;
	return bound(j, "start", p->step > 0 ? 0 : INT32_MAX, &p->start) &&
	       bound(j, "stop", p->step > 0 ? INT32_MAX : INT32_MIN, &p->stop);
}

static bool
is_whole(const struct part *p)
{
	return !p->one && p->step == 1 && p->start == 0 && p->stop == INT32_MAX;
}

/* What is left of the last axis; -1 is not known. */
static int64_t
left(const struct part *p, int64_t n)
{
	bool whole =
	    p->step == -1 && p->start == INT32_MAX && p->stop == INT32_MIN;
	int64_t from = p->start, to = p->stop;

	if (n < 0 || whole)
		return n;
	if (p->step < 0)
		return -1;
	from = MIN(from < 0 ? MAX(from + n, 0) : from, n);
	to = MIN(to < 0 ? MAX(to + n, 0) : to, n);
	return to > from ? (to - from + p->step - 1) / p->step : -1;
}

static void
cut(struct keras *k, struct keras_layer *l, struct keras_value *v, size_t axis,
    const struct part *p)
{
	int64_t at = keras_draw_axis(k, l, v, (int64_t)axis);
	int64_t start = p->start, step = p->step;
	/* the last but behind it there is nothing to stop at */
	int64_t stop = p->one && start == -1 ? INT32_MAX : p->stop;

	v->name = draw_unary(&k->d, "Slice", l->path, v->name);
	draw_ints(&k->d, "starts", 1, &start);
	draw_ints(&k->d, "ends", 1, &stop);
	draw_ints(&k->d, "axes", 1, &at);
	draw_ints(&k->d, "steps", 1, &step);
	if (axis == v->rank - 1)
		v->last = left(p, v->last);
}

/* Axes that have gone, in Keras's order. */
static void
squeeze(struct keras *k, struct keras_layer *l, struct keras_value *v,
    const int64_t *axis, size_t n)
{
	bool last = n > 0 && axis[n - 1] == (int64_t)v->rank - 1;

	if (n == 0)
		return;
	v->name = draw_unary(&k->d, "Squeeze", l->path, v->name);
	draw_ints(&k->d, "axes", n, axis);
	v->rank -= n;
	v->last = last ? -1 : v->last;
}

static void
draw(struct keras *k, struct keras_layer *l, const struct keras_value *in,
    size_t nin, struct keras_value *out)
{
	size_t n = json_array_size(k->slice), axis = 0, ngone = 0;
	int64_t gone[MODEL_MAX_RANK];
	bool rest = false;
	struct part p;

	(void)nin;
	if (k->slice == NULL)
		keras_draw_bad(k, l, "nothing in brackets");
	*out = in[0];
	for (size_t i = 0; i < n; i++)
		if (json_is_integer(json_array_get(k->slice, i)))
			*out = keras_draw_straight(k, l, in[0]);
	for (size_t i = 0; i < n && k->d.rc == 0; i++) {
		const json_t *j = json_array_get(k->slice, i);

		if (is_class(j, "__ellipsis__") && !rest &&
		    n - 1 <= out->rank) {
			rest = true;
			axis = out->rank - (n - 1 - i);
			continue;
		}
		if (!read_part(j, &p) || axis >= out->rank ||
		    (axis == 0 && !is_whole(&p))) {
			keras_draw_refuse(
			    k, l, "a part of a tensor of an unknown form");
			return;
		}
		if (!is_whole(&p))
			cut(k, l, out, axis, &p);
		if (p.one)
			gone[ngone++] = (int64_t)axis;
		axis++;
	}
	squeeze(k, l, out, gone, ngone);
}

const struct keras_class keras_slice_classes[] = {
    {.name = "SlicingOpLambda",
	.draw = draw,
	.least = 1,
	.most = 1,
	.moves = true},
    {.name = "ops/GetItem", .draw = draw, .least = 1, .most = 1, .moves = true},
    {.name = NULL},
};
