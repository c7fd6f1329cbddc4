/* SPDX-License-Identifier: MIT
 * Convolutions, pools, pads and other sizes of images:
 * torch/nn/modules/{conv,pooling,padding,upsampling,pixelshuffle}.py.
 */
#include "formats/layer.h"
#include "formats/torch_kind.h"

#define DRAW(name)                                                             \
	static void name(struct draw *a, const struct torch_layer *l,          \
	    struct torch_value *x)

/* --- pads ---------------------------------------------------------------- */

/* p: left, right, top, bottom, as torch has them. */
static void
pad(struct draw *a, const struct torch_layer *l, struct torch_value *x,
    const char *mode, const int64_t p[4])
{
	x->name = draw_unary(a, "Pad", l->path, x->name);
	draw_text(a, "mode", mode);
	draw_ints(
	    a, "pads", 8, (int64_t[]){0, 0, p[2], p[0], 0, 0, p[3], p[1]});
}

/* Four numbers, or one for all; what is below 0 cuts off. */
static void
pads(struct draw *a, const struct torch_layer *l, struct torch_value *x,
    const char *mode)
{
	double v[MODEL_MAX_RANK];
	int64_t p[4] = {0};
	size_t n;
	bool fits =
	    torch_found_numbers(pickle_get(l->state, "padding"), v, &n) &&
	    (n == 4 || n == 1);

	for (size_t i = 0, one = 0; fits && i < 4; i++) {
		one = n == 1 ? 0 : i;
		if ((fits = v[one] > -65536 && v[one] < 65536))
			p[i] = (int64_t)v[one];
	}
	if (!fits)
		torch_kind_refuse(a, l, "has odd pads");
	pad(a, l, x, mode, p);
}

DRAW(pad_constant)
{
	pads(a, l, x, "constant");
	draw_real(a, "value", torch_kind_real(l, "value", 0.0));
}

DRAW(pad_reflect)
{
	pads(a, l, x, "reflect");
}

DRAW(pad_edge)
{
	pads(a, l, x, "edge");
}

/* --- convolutions -------------------------------------------------------- */

/* Edges that mirror, repeat or wrap: a pad of its own stands before it. */
static bool
pad_before(struct draw *a, const struct torch_layer *l, struct torch_value *x)
{
	static const char *const modes[][2] = {{"reflect", "reflect"},
	    {"replicate", "edge"}, {"circular", "wrap"}};
	const struct pickle_node *how = pickle_get(l->state, "padding_mode");
	int64_t by[2];

	if (how == NULL || pickle_is_text(how, "zeros"))
		return false;
	torch_kind_pair(a, l, "padding", 0, by);
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		if (!pickle_is_text(how, modes[i][0]))
			continue;
		pad(a, l, x, modes[i][1],
		    (int64_t[]){by[1], by[1], by[0], by[0]});
		return true;
	}
	torch_kind_refuse(a, l, "has a padding mode that is not known");
	return true;
}

/* The pads of the node that was drawn last. */
static void
no_pads(struct draw *a)
{
	static const int64_t none[4];
	struct node *n;

	if (a->rc != 0)
		return;
	n = &a->m->node[a->m->nnode - 1];
	for (size_t i = 0; i < n->nattr; i++)
		if (strcmp(n->attr[i].name, "pads") == 0)
			n->attr[i].ints = none;
}

/* "same": torch puts the odd row and column at the end, as ONNX's SAME_UPPER
 * does where the stride is 1, and takes no other. */
DRAW(conv)
{
	bool padded = pad_before(a, l, x);

	x->name = draw_conv(
	    a, torch_kind_module(a, l), x->name, (struct draw_window){0});
	if (padded)
		no_pads(a);
	else if (pickle_is_text(pickle_get(l->state, "padding"), "same"))
		draw_text(a, "auto_pad", "SAME_UPPER");
}

DRAW(conv_transpose)
{
	int64_t more[2];

	torch_kind_pair(a, l, "output_padding", 0, more);
	x->name =
	    draw_conv_transpose(a, torch_kind_module(a, l), x->name, more);
}

/* --- pools --------------------------------------------------------------- */

static void
window(struct draw *a, const struct torch_layer *l)
{
	int64_t kernel[2], stride[2], border[2];

	torch_kind_pair(a, l, "kernel_size", 1, kernel);
	torch_kind_pair(a, l, "stride", kernel[0], stride);
	if (pickle_is(pickle_get(l->state, "stride"), PICKLE_NONE))
		stride[1] = kernel[1];
	torch_kind_pair(a, l, "padding", 0, border);
	draw_ints(a, "kernel_shape", 2, kernel);
	draw_ints(a, "strides", 2, stride);
	draw_ints(a, "pads", 4,
	    (int64_t[]){border[0], border[1], border[0], border[1]});
	draw_int(a, "ceil_mode", torch_kind_flag(l, "ceil_mode", false));
}

DRAW(max_pool)
{
	int64_t dilation[2];

	x->name = draw_unary(a, "MaxPool", l->path, x->name);
	window(a, l);
	torch_kind_pair(a, l, "dilation", 1, dilation);
	draw_ints(a, "dilations", 2, dilation);
}

DRAW(average_pool)
{
	x->name = draw_unary(a, "AveragePool", l->path, x->name);
	window(a, l);
	draw_int(a, "count_include_pad",
	    torch_kind_flag(l, "count_include_pad", true));
	if (torch_kind_real(l, "divisor_override", 0) != 0)
		torch_kind_refuse(a, l, "has a divisor");
}

/* One size, or two; None in the place of one is that of the image. */
static void
adaptive(struct draw *a, const struct torch_layer *l, struct torch_value *x,
    bool max)
{
	const struct pickle_node *n = pickle_get(l->state, "output_size");
	int64_t side[2] = {-1, -1};
	double v[MODEL_MAX_RANK];
	size_t numbers;

	for (size_t i = 0; i < 2; i++) {
		const struct pickle_node *one =
		    pickle_is(n, PICKLE_TUPLE) || pickle_is(n, PICKLE_LIST)
			? pickle_item(n, i)
			: n;

		if (pickle_is(one, PICKLE_NONE))
			side[i] = 0;
		else if (torch_found_numbers(one, v, &numbers) &&
			 numbers == 1 && v[0] >= 1 && v[0] < 65536)
			side[i] = (int64_t)v[0];
	}
	x->name = layer_adaptive_pool(a, l->path, x->name, side, max);
}

DRAW(adaptive_average)
{
	adaptive(a, l, x, false);
}

DRAW(adaptive_max)
{
	adaptive(a, l, x, true);
}

/* --- other sizes --------------------------------------------------------- */

static void
size_of(struct draw *a, const struct torch_layer *l)
{
	const struct pickle_node *factor = pickle_get(l->state, "scale_factor");
	int64_t size[2];
	double v[MODEL_MAX_RANK];
	size_t n;

	torch_kind_pair(a, l, "size", 0, size);
	if (size[0] > 0 && size[1] > 0) {
		draw_ints(a, "axes", 2, (int64_t[]){2, 3});
		draw_ints(a, "sizes", 2, size);
		return;
	}
	if (!torch_found_numbers(factor, v, &n) || n > 2 || !(v[0] > 0) ||
	    !(v[n - 1] > 0) || !(v[0] < 65536) || !(v[n - 1] < 65536) ||
	    torch_kind_flag(l, "recompute_scale_factor", false)) {
		torch_kind_refuse(a, l, "resizes to an odd size");
		return;
	}
	draw_reals(a, "scales", 4, (double[]){1.0, 1.0, v[0], v[n - 1]});
}

/* torch.nn.functional.interpolate(), aten/src/ATen/native/UpSample.h */
DRAW(upsample)
{
	static const struct {
		const char *name, *mode, *place, *nearest;
	} modes[] = {
	    {"nearest", "nearest", "asymmetric", "floor"},
	    {"nearest-exact", "nearest", "half_pixel", "round_prefer_ceil"},
	    {"bilinear", "linear", "half_pixel", NULL},
	    {"bicubic", "cubic", "half_pixel", NULL},
	};
	const struct pickle_node *how = pickle_get(l->state, "mode");
	size_t i = 0;

	while (i < ARRAY_LEN(modes) && !pickle_is_text(how, modes[i].name))
		i++;
	if (i == ARRAY_LEN(modes) || x->rank != 4) {
		torch_kind_refuse(a, l, "resizes in a way that is not known");
		return;
	}
	x->name = draw_unary(a, "Resize", l->path, x->name);
	draw_text(a, "mode", modes[i].mode);
	draw_text(a, "coordinate_transformation_mode",
	    torch_kind_flag(l, "align_corners", false) ? "align_corners"
						       : modes[i].place);
	if (modes[i].nearest != NULL)
		draw_text(a, "nearest_mode", modes[i].nearest);
	if (strcmp(modes[i].mode, "cubic") == 0)
		draw_real(a, "cubic_coeff_a", -0.75);
	size_of(a, l);
}

DRAW(pixel_shuffle)
{
	double by = torch_kind_real(l, "upscale_factor", 0.0);

	if (!(by >= 1) || !(by < 65536) || x->rank != 4)
		torch_kind_refuse(a, l, "has an odd factor");
	x->name = draw_unary(a, "DepthToSpace", l->path, x->name);
	draw_int(a, "blocksize", a->rc == 0 ? (int64_t)by : 1);
	draw_text(a, "mode", "CRD");
}

const struct torch_kind torch_kind_window[] = {
    {"Conv2d", conv, TORCH_CONV},
    {"ConvTranspose2d", conv_transpose, TORCH_OTHER},
    {"MaxPool2d", max_pool, TORCH_OTHER},
    {"AvgPool2d", average_pool, TORCH_OTHER},
    {"AdaptiveAvgPool2d", adaptive_average, TORCH_OTHER},
    {"AdaptiveMaxPool2d", adaptive_max, TORCH_OTHER},
    {"ZeroPad2d", pad_constant, TORCH_OTHER},
    {"ConstantPad2d", pad_constant, TORCH_OTHER},
    {"ReflectionPad2d", pad_reflect, TORCH_OTHER},
    {"ReplicationPad2d", pad_edge, TORCH_OTHER},
    {"Upsample", upsample, TORCH_OTHER},
    {"UpsamplingNearest2d", upsample, TORCH_OTHER},
    {"UpsamplingBilinear2d", upsample, TORCH_OTHER},
    {"PixelShuffle", pixel_shuffle, TORCH_OTHER},
    {.type = NULL},
};
