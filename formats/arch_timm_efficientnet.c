/* SPDX-License-Identifier: MIT
 * EfficientNet b0 to b8 and v2, and MobileNet v2 and v3, as timm has them
 * (timm/models/efficientnet.py, mobilenetv3.py, _efficientnet_blocks.py).  Models whose names
 * begin with "tf_" have the same weights' names as others, but pad like
 * TensorFlow and have epsilons of 1e-3: those are a family of their own, which
 * config.json's "architecture" tells, or the user.
 */
#include "formats/layer.h"

#include "base/json.h"
#include "formats/arch.h"

#define STAGES 7

static const uint8_t seven[STAGES] = {1, 2, 2, 2, 1, 2, 1};
static const uint8_t six[STAGES] = {1, 2, 2, 2, 1, 2};

/* MobileNet v3, Howard et al. 2019, tables 1 and 2. */
struct version_3 {
	size_t stages, relu; /* so many of the first have relu, not h-swish */
	uint8_t stride[STAGES], blocks[STAGES], window[STAGES];
	bool squeezes[STAGES];
};

static const struct version_3 large = {7, 3, {1, 2, 2, 2, 1, 2, 1},
    {1, 2, 3, 4, 2, 3, 1}, {3, 3, 5, 3, 3, 5, 1}, {0, 0, 1, 0, 1, 1, 0}};
static const struct version_3 small = {6, 2, {2, 2, 2, 1, 2, 1},
    {1, 2, 3, 2, 3, 1}, {3, 3, 5, 5, 5, 1}, {1, 0, 1, 1, 1, 0}};

struct style {
	bool tf;
	enum layer_act act;
	const struct version_3 *v3; /* or NULL */
};

static bool
has(const struct weights *w, size_t s, size_t i, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "blocks.%zu.%zu.%s.weight", s, i, name);
	return weights_has(w, path);
}

static uint64_t
dim(const struct weights *w, size_t s, size_t i, const char *name, size_t k)
{
	const struct tensor *t;
	char path[64];

	snprintf(path, sizeof(path), "blocks.%zu.%zu.%s.weight", s, i, name);
	t = weights_peek(w, path);
	return t != NULL && t->rank == 4 ? t->dim[k] : 0;
}

static size_t
stages_of(const struct weights *w)
{
	size_t s = 0;

	while (
	    s <= STAGES && (has(w, s, 0, "conv_pw") || has(w, s, 0, "conv") ||
			       has(w, s, 0, "conv_exp")))
		s++;
	return s;
}

static bool
is_ours(const struct weights *w)
{
	return weights_has(w, "conv_stem.weight") &&
	       weights_has(w, "bn1.running_mean") &&
	       weights_has(w, "conv_head.weight") &&
	       weights_has(w, "bn2.running_mean") &&
	       weights_has_last(w, "classifier");
}

/* v1 squeezes from its first block on, v2 from its fourth stage on. */
static bool
is_efficientnet(const struct weights *w)
{
	size_t n = stages_of(w);

	return is_ours(w) && ((n == 7 && has(w, 0, 0, "se.conv_reduce") &&
				  has(w, 1, 0, "conv_dw")) ||
				 (n == 6 && has(w, 0, 0, "conv") &&
				     has(w, 1, 0, "conv_exp") &&
				     has(w, 3, 0, "se.conv_reduce")));
}

/* Nothing squeezes, all windows are 3x3, what is expanded is by six: others
 * with these names (MNASNet, FBNet) differ in one of these. */
static bool
is_mobilenet(const struct weights *w)
{
	if (!is_ours(w) || stages_of(w) != STAGES || has(w, 0, 0, "conv_pwl"))
		return false;
	for (size_t s = 0; s < STAGES; s++)
		for (size_t i = 0;; i++) {
			if (!has(w, s, i, "conv_dw"))
				break;
			if (has(w, s, i, "se.conv_reduce") ||
			    dim(w, s, i, "conv_dw", 2) != 3)
				return false;
			if (s != 0 && dim(w, s, i, "conv_pw", 0) !=
					  6 * dim(w, s, i, "conv_pw", 1))
				return false;
		}
	return true;
}

/* Whether the blocks are these: others with these names (FBNet, LCNet, HardCoRe)
 * differ in their number, windows or squeezing. */
static bool
is_version(const struct weights *w, const struct version_3 *v)
{
	if (stages_of(w) != v->stages)
		return false;
	for (size_t s = 0; s < v->stages; s++) {
		bool last = s + 1 == v->stages;
		const char *window = last ? "conv" : "conv_dw";

		if (!has(w, s, v->blocks[s] - 1u, window) ||
		    has(w, s, v->blocks[s], window))
			return false;
		for (size_t i = 0; i < v->blocks[s]; i++)
			if (dim(w, s, i, window, 2) != v->window[s] ||
			    has(w, s, i, "se.conv_reduce") != v->squeezes[s])
				return false;
	}
	return true;
}

static const struct version_3 *
version_of(const struct weights *w)
{
	if (!weights_has(w, "conv_stem.weight") ||
	    !weights_has(w, "bn1.running_mean") ||
	    !weights_has(w, "conv_head.bias") ||
	    weights_has(w, "bn2.running_mean") ||
	    !weights_has_last(w, "classifier"))
		return NULL;
	return is_version(w, &large)   ? &large
	       : is_version(w, &small) ? &small
				       : NULL;
}

/* 1 and 0 when config.json says whether it is one of TensorFlow's, else -1. */
static int
says_tf(const json_t *config)
{
	const char *name =
	    json_string_value(json_object_get(config, "architecture"));

	return name == NULL ? -1 : strncmp(name, "tf_", 3) == 0;
}

static size_t
match(const struct weights *w, const json_t *config)
{
	bool two = is_efficientnet(w) || version_of(w) != NULL;

	return is_mobilenet(w) || (two && says_tf(config) != 1) ? w->n : 0;
}

static size_t
match_tf(const struct weights *w, const json_t *config)
{
	bool two = is_efficientnet(w) || version_of(w) != NULL;

	return two && says_tf(config) != 0 ? w->n : 0;
}

/* --- layers -------------------------------------------------------------- */

/* Padded to keep the size, or by TensorFlow's rule, which leaves the odd row
 * and column to the end. */
static const char *
unit(struct draw *a, const struct style *y, const char *conv, const char *norm,
    const char *x, int64_t stride, bool deep, enum layer_act act)
{
	struct draw_window v = {
	    .stride = stride, .pad = DRAW_SAME, .groups = deep ? DRAW_EACH : 1};

	x = draw_conv(a, conv, x, v);
	if (y->tf && stride > 1)
		draw_text(a, "auto_pad", "SAME_UPPER");
	x = draw_batch_norm(a, norm, x, y->tf ? 1e-3 : 1e-5);
	return layer_act(a, act, norm, x);
}

static const char *
squeeze(struct draw *a, const struct style *y, const char *at, const char *x)
{
	const char *se = draw_path(a, "%s.se", at);

	if (!draw_has(a, se, "conv_reduce.weight"))
		return x;
	return layer_squeeze(a, se, draw_path(a, "%s.conv_reduce", se),
	    draw_path(a, "%s.conv_expand", se), x,
	    y->v3 != NULL ? (enum layer_act[]){LAYER_RELU, LAYER_HARD_SIGMOID}
			  : (enum layer_act[]){y->act, LAYER_SIGMOID});
}

/* What a block begins with tells its kind: a convolution that is all of it,
 * one in depth, one that expands within its window, one that expands first. */
static const char *
block(struct draw *a, const struct style *y, const char *at, const char *x,
    int64_t stride)
{
	static const char *const first[] = {
	    "conv", "conv_exp", "conv_pwl", "conv_dw"};
	const char *name[4], *bn[3];

	for (size_t i = 0; i < 4; i++)
		name[i] = draw_path(a, "%s.%s", at, first[i]);
	for (size_t i = 0; i < 3; i++)
		bn[i] = draw_path(a, "%s.bn%zu", at, i + 1);
	if (draw_has(a, name[0], "weight"))
		return unit(a, y, name[0], bn[0], x, stride, false, y->act);
	if (draw_has(a, name[1], "weight")) {
		x = unit(a, y, name[1], bn[0], x, stride, false, y->act);
		x = squeeze(a, y, at, x);
		return unit(a, y, name[2], bn[1], x, 1, false, LAYER_NONE);
	}
	if (!draw_has(a, name[2], "weight")) {
		x = unit(a, y, name[3], bn[0], x, stride, true, y->act);
		x = squeeze(a, y, at, x);
		return unit(a, y, draw_path(a, "%s.conv_pw", at), bn[1], x, 1,
		    false, LAYER_NONE);
	}
	x = unit(
	    a, y, draw_path(a, "%s.conv_pw", at), bn[0], x, 1, false, y->act);
	x = unit(a, y, name[3], bn[1], x, stride, true, y->act);
	return unit(
	    a, y, name[2], bn[2], squeeze(a, y, at, x), 1, false, LAYER_NONE);
}

/* Channels that block i of stage s takes and gives. */
static bool
keeps_width(const struct weights *w, size_t s, size_t i)
{
	if (has(w, s, i, "conv"))
		return dim(w, s, i, "conv", 0) == dim(w, s, i, "conv", 1);
	if (has(w, s, i, "conv_exp"))
		return dim(w, s, i, "conv_exp", 1) ==
		       dim(w, s, i, "conv_pwl", 0);
	if (has(w, s, i, "conv_pwl"))
		return dim(w, s, i, "conv_pw", 1) ==
		       dim(w, s, i, "conv_pwl", 0);
	return dim(w, s, i, "conv_dw", 0) == dim(w, s, i, "conv_pw", 0);
}

/* Of the first block of a stage; all others have 1. */
static int64_t
stride_of(const struct style *y, size_t n, size_t s)
{
	if (y->v3 != NULL)
		return y->v3->stride[s];
	return n == STAGES ? seven[s] : six[s];
}

static const char *
body(struct draw *a, const struct style *y, const char *x)
{
	size_t n = stages_of(a->w);
	struct style own = *y;

	if (n != STAGES && n != STAGES - 1)
		draw_fail(a, "%zu stages, known are 6 and 7", n);
	for (size_t s = 0; a->rc == 0 && s < n; s++)
		for (size_t i = 0; a->rc == 0; i++) {
			const char *at = draw_path(a, "blocks.%zu.%zu", s, i);
			int64_t stride = i != 0 ? 1 : stride_of(y, n, s);
			const char *more = x;

			if (y->v3 != NULL && s < y->v3->relu)
				own.act = LAYER_RELU;
			else
				own.act = y->act;

			if (!draw_has(a, at, "bn1.weight"))
				break;
			x = block(a, &own, at, x, stride);
			if (stride == 1 && keeps_width(a->w, s, i))
				x = draw_binary(a, "Add", at, x, more);
		}
	return x;
}

static const char *
draw_style(struct draw *a, const char *x, const struct style *y)
{
	uint64_t channels = draw_dim(a, "conv_stem", "weight", 1);

	if (channels < INT32_MAX)
		a->m->shape[1] = (int64_t)channels;
	x = unit(a, y, "conv_stem", "bn1", x, 2, false, y->act);
	x = body(a, y, x);
	if (y->v3 == NULL) {
		x = unit(a, y, "conv_head", "bn2", x, 1, false, y->act);
		x = draw_global_pool(a, "global_pool", x);
	} else {
		/* the last convolution is behind the pool */
		x = draw_unary(a, "GlobalAveragePool", "global_pool", x);
		x = draw_conv(a, "conv_head", x, (struct draw_window){0});
		x = layer_act(a, y->act, "conv_head", x);
		x = draw_flatten(a, "conv_head", x);
	}
	return draw_last(a, "classifier", x);
}

static enum layer_act
act_of(const struct version_3 *v, bool two)
{
	return v != NULL ? LAYER_HARD_SWISH : two ? LAYER_RELU6 : LAYER_SILU;
}

static const char *
draw(struct draw *a, const char *x)
{
	const struct version_3 *v = version_of(a->w);

	return draw_style(a, x,
	    &(struct style){.act = act_of(v, is_mobilenet(a->w)), .v3 = v});
}

static const char *
draw_tf(struct draw *a, const char *x)
{
	const struct version_3 *v = version_of(a->w);

	return draw_style(a, x,
	    &(struct style){.tf = true, .act = act_of(v, false), .v3 = v});
}

const struct arch_family arch_timm_efficientnet = {
    .name = "timm_efficientnet",
    .summary = "EfficientNet, MobileNet v2 and v3, timm's names",
    .match = match,
    .draw = draw,
};

const struct arch_family arch_timm_efficientnet_tf = {
    .name = "timm_tf_efficientnet",
    .summary = "the same as TensorFlow pads, but for MobileNet v2",
    .match = match_tf,
    .draw = draw_tf,
};
