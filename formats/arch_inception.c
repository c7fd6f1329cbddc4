/* SPDX-License-Identifier: MIT
 * Inception v3, Szegedy et al. 2015, as torchvision has it
 * (models/inception.py).  The auxiliary classifier only plays a part in
 * training.
 */
#include "formats/layer.h"

#include "formats/arch.h"

static size_t
match(const struct weights *w, const json_t *config)
{
	(void)config;
	if (!weights_has(w, "Conv2d_1a_3x3.conv.weight") ||
	    !weights_has(w, "Mixed_5b.branch1x1.conv.weight") ||
	    !weights_has(w, "Mixed_7c.branch_pool.conv.weight") ||
	    !weights_has(w, "fc.weight"))
		return 0;
	return w->n;
}

static const char *
conv(struct draw *a, const char *at, const char *x, int64_t stride, int64_t pad)
{
	return layer_conv_norm(a, draw_path(a, "%s.conv", at),
	    draw_path(a, "%s.bn", at), x,
	    (struct layer_unit){.eps = 1e-3,
		.act = LAYER_RELU,
		.window = {.stride = stride, .pad = pad}});
}

/* Convolutions at.name<n> for the digits or words of `list`, one after the
 * other, each keeping the size. */
static const char *
chain(struct draw *a, const char *at, const char *name, size_t n, const char *x)
{
	for (size_t i = 1; i <= n; i++)
		x = conv(
		    a, draw_path(a, "%s.%s_%zu", at, name, i), x, 1, DRAW_SAME);
	return x;
}

static const char *
one(struct draw *a, const char *at, const char *name, const char *x)
{
	return conv(a, draw_path(a, "%s.%s", at, name), x, 1, DRAW_SAME);
}

static const char *
pooled(struct draw *a, const char *at, const char *x)
{
	return one(a, at, "branch_pool", draw_average_pool(a, at, x, 3, 1, 1));
}

/* Mixed_5b to 5d: InceptionA */
static const char *
mixed_a(struct draw *a, const char *at, const char *x)
{
	return layer_concat(a, at, 1, 4,
	    (const char *[]){one(a, at, "branch1x1", x),
		chain(a, at, "branch5x5", 2, x),
		chain(a, at, "branch3x3dbl", 3, x), pooled(a, at, x)});
}

/* Mixed_6a: InceptionB, to half the size */
static const char *
mixed_b(struct draw *a, const char *at, const char *x)
{
	const char *part[3];

	part[0] = conv(a, draw_path(a, "%s.branch3x3", at), x, 2, 0);
	part[1] = conv(a, draw_path(a, "%s.branch3x3dbl_3", at),
	    chain(a, at, "branch3x3dbl", 2, x), 2, 0);
	part[2] = draw_max_pool(a, at, x, 3, 2, 0, false);
	return layer_concat(a, at, 1, 3, part);
}

/* Mixed_6b to 6e: InceptionC */
static const char *
mixed_c(struct draw *a, const char *at, const char *x)
{
	return layer_concat(a, at, 1, 4,
	    (const char *[]){one(a, at, "branch1x1", x),
		chain(a, at, "branch7x7", 3, x),
		chain(a, at, "branch7x7dbl", 5, x), pooled(a, at, x)});
}

/* Mixed_7a: InceptionD, to half the size */
static const char *
mixed_d(struct draw *a, const char *at, const char *x)
{
	const char *part[3];

	part[0] = conv(a, draw_path(a, "%s.branch3x3_2", at),
	    chain(a, at, "branch3x3", 1, x), 2, 0);
	part[1] = conv(a, draw_path(a, "%s.branch7x7x3_4", at),
	    chain(a, at, "branch7x7x3", 3, x), 2, 0);
	part[2] = draw_max_pool(a, at, x, 3, 2, 0, false);
	return layer_concat(a, at, 1, 3, part);
}

/* name_a and name_b of the same, side by side */
static const char *
fork(struct draw *a, const char *at, const char *name, const char *x)
{
	const char *part[2];

	part[0] = one(a, at, draw_path(a, "%sa", name), x);
	part[1] = one(a, at, draw_path(a, "%sb", name), x);
	return layer_concat(a, at, 1, 2, part);
}

/* Mixed_7b, 7c: InceptionE */
static const char *
mixed_e(struct draw *a, const char *at, const char *x)
{
	const char *part[4];

	part[0] = one(a, at, "branch1x1", x);
	part[1] = fork(a, at, "branch3x3_2", chain(a, at, "branch3x3", 1, x));
	part[2] =
	    fork(a, at, "branch3x3dbl_3", chain(a, at, "branch3x3dbl", 2, x));
	part[3] = pooled(a, at, x);
	return layer_concat(a, at, 1, 4, part);
}

static const struct {
	const char *at;
	const char *(*draw)(struct draw *, const char *, const char *);
} mixed[] = {{"Mixed_5b", mixed_a}, {"Mixed_5c", mixed_a},
    {"Mixed_5d", mixed_a}, {"Mixed_6a", mixed_b}, {"Mixed_6b", mixed_c},
    {"Mixed_6c", mixed_c}, {"Mixed_6d", mixed_c}, {"Mixed_6e", mixed_c},
    {"Mixed_7a", mixed_d}, {"Mixed_7b", mixed_e}, {"Mixed_7c", mixed_e}};

static const char *
draw(struct draw *a, const char *x)
{
	a->m->shape[1] = 3;
	x = layer_changed_input(a, x);
	x = conv(a, "Conv2d_1a_3x3", x, 2, 0);
	x = conv(a, "Conv2d_2a_3x3", x, 1, 0);
	x = conv(a, "Conv2d_2b_3x3", x, 1, 1);
	x = draw_max_pool(a, "maxpool1", x, 3, 2, 0, false);
	x = conv(a, "Conv2d_3b_1x1", x, 1, 0);
	x = conv(a, "Conv2d_4a_3x3", x, 1, 0);
	x = draw_max_pool(a, "maxpool2", x, 3, 2, 0, false);
	for (size_t i = 0; i < ARRAY_LEN(mixed); i++)
		x = mixed[i].draw(a, mixed[i].at, x);
	draw_ignore(a, "AuxLogits.");
	return draw_classifier(a, "fc", draw_global_pool(a, "avgpool", x));
}

const struct arch_family arch_inception = {
    .name = "inception_v3",
    .summary = "Inception v3",
    .match = match,
    .draw = draw,
};
