/* SPDX-License-Identifier: MIT
 * Layers that move numbers, and those that do nothing when a model is used:
 * keras/src/layers/reshaping, regularization, preprocessing.
 */
#include "formats/keras_class.h"

#define DRAW(name)                                                             \
	static void name(struct keras *k, struct keras_layer *l,               \
	    const struct keras_value *in, size_t nin, struct keras_value *out)

DRAW(nothing)
{
	(void)k;
	(void)l;
	(void)nin;
	*out = in[0];
}

/* Keras 2 made channels_first the last axis before flattening. */
DRAW(flatten)
{
	static const int64_t perm[] = {0, 2, 3, 1};
	struct keras_value x = keras_draw_straight(k, l, in[0]);

	(void)nin;
	if (x.rank == 4 && k->version < 3 && keras_draw_first(l))
		x.name = draw_transpose(&k->d, l->path, x.name, 4, perm);
	*out = (struct keras_value){.name = x.name, .rank = 2, .last = -1};
	if (x.rank != 2)
		out->name = draw_flatten(&k->d, l->path, x.name);
	else
		out->last = x.last;
}

/* A list of integers of any length up to the rank of a tensor. */
static size_t
list(struct keras *k, const struct keras_layer *l, const char *key,
    int64_t out[MODEL_MAX_RANK - 1])
{
	const json_t *j = json_object_get(l->config, key);
	size_t n = json_array_size(j);

	if (n == 0 || n > MODEL_MAX_RANK - 1 ||
	    !keras_config_ints(l, key, n, out)) {
		keras_draw_bad(k, l, "'%s' is no list of integers", key);
		return 0;
	}
	return n;
}

DRAW(reshape)
{
	struct keras_value x = keras_draw_straight(k, l, in[0]);
	int64_t dim[MODEL_MAX_RANK] = {0}; /* the batch as it is */
	size_t n = list(k, l, "target_shape", dim + 1), open = 0;

	(void)nin;
	for (size_t i = 1; i <= n; i++) {
		open += dim[i] == -1;
		if (dim[i] < -1 || dim[i] == 0)
			keras_draw_bad(k, l, "a length of %" PRId64, dim[i]);
	}
	if (open > 1)
		keras_draw_bad(k, l, "two open lengths");
	*out = (struct keras_value){
	    .name = draw_reshape(&k->d, l->path, x.name, n + 1, dim),
	    .rank = n + 1,
	    .last = dim[n]};
}

DRAW(permute)
{
	struct keras_value x = keras_draw_straight(k, l, in[0]);
	int64_t perm[MODEL_MAX_RANK] = {0};
	size_t n = list(k, l, "dims", perm + 1);
	uint32_t seen = 1;

	(void)nin;
	for (size_t i = 1; i <= n; i++)
		if (perm[i] > 0 && perm[i] <= (int64_t)n)
			seen |= UINT32_C(1) << perm[i];
	if (n + 1 != x.rank || seen != (UINT32_C(1) << (n + 1)) - 1)
		keras_draw_bad(k, l,
		    "'dims' is no permutation of the axes of a value of rank "
		    "%zu",
		    x.rank);
	*out = x;
	out->last = -1;
	out->name = draw_transpose(&k->d, l->path, x.name, n + 1, perm);
}

/* [[top, bottom], [left, right]], [vertical, horizontal], or one number. */
static void
borders(struct keras *k, const struct keras_layer *l, const char *key,
    int64_t sign, int64_t pads[8])
{
	const json_t *j = json_object_get(l->config, key);

	for (size_t i = 0; i < 4; i++) {
		const json_t *axis =
		    json_is_array(j) ? json_array_get(j, i / 2) : j;
		const json_t *one =
		    json_is_array(axis) ? json_array_get(axis, i % 2) : axis;

		if (!json_is_integer(one) || json_integer_value(one) < 0 ||
		    json_integer_value(one) > INT32_MAX) {
			keras_draw_bad(k, l, "'%s' of an unknown form", key);
			return;
		}
		pads[(i % 2) * 4 + 2 + i / 2] = sign * json_integer_value(one);
	}
}

static void
pad(struct keras *k, const struct keras_layer *l, const struct keras_value *in,
    const char *key, int64_t sign, struct keras_value *out)
{
	int64_t pads[8] = {0};

	borders(k, l, key, sign, pads);
	*out = keras_draw_image(k, l, *in);
	out->name = draw_unary(&k->d, "Pad", l->path, out->name);
	draw_text(&k->d, "mode", "constant");
	draw_ints(&k->d, "pads", 8, pads);
	draw_real(&k->d, "value", 0.0);
}

DRAW(zero_padding)
{
	(void)nin;
	pad(k, l, in, "padding", 1, out);
}

DRAW(cropping)
{
	(void)nin;
	pad(k, l, in, "cropping", -1, out);
}

#define NOTHING(n)                                                             \
	{                                                                      \
		.name = n, .draw = nothing, .least = 1, .most = 1,             \
		.moves = true                                                  \
	}

const struct keras_class keras_shape_classes[] = {
    {.name = "InputLayer",
	.draw = nothing,
	.least = 0,
	.most = 0,
	.moves = true},
    {.name = "Flatten", .draw = flatten, .least = 1, .most = 1, .moves = true},
    {.name = "Reshape", .draw = reshape, .least = 1, .most = 1, .moves = true},
    {.name = "Permute", .draw = permute, .least = 1, .most = 1, .moves = true},
    {.name = "ZeroPadding2D",
	.draw = zero_padding,
	.least = 1,
	.most = 1,
	.moves = true},
    {.name = "Cropping2D",
	.draw = cropping,
	.least = 1,
	.most = 1,
	.moves = true},
    NOTHING("Identity"),
    NOTHING("Dropout"),
    NOTHING("SpatialDropout2D"),
    NOTHING("AlphaDropout"),
    NOTHING("GaussianDropout"),
    NOTHING("GaussianNoise"),
    NOTHING("ActivityRegularization"),
    NOTHING("RandomFlip"),
    NOTHING("RandomRotation"),
    NOTHING("RandomZoom"),
    NOTHING("RandomTranslation"),
    NOTHING("RandomContrast"),
    NOTHING("RandomBrightness"),
    NOTHING("RandomHeight"),
    NOTHING("RandomWidth"),
    NOTHING("RandomShear"),
    NOTHING("RandomHue"),
    NOTHING("RandomSaturation"),
    NOTHING("RandomSharpness"),
    NOTHING("RandomGrayscale"),
    NOTHING("RandomColorJitter"),
    NOTHING("RandomErasing"),
    NOTHING("RandomPerspective"),
    NOTHING("RandomGaussianBlur"),
    {.name = NULL},
};
