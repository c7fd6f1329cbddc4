/* SPDX-License-Identifier: MIT
 * VGG, Simonyan and Zisserman 2014, with and without batch-norm, as
 * torchvision has it (models/vgg.py) and CIFAR models with a shorter last
 * part.  Convolutions are numbered with what stands between them, so that a
 * gap tells where the pools are; the last one has a pool behind it always.
 */
#include "formats/layer.h"

#include "formats/arch.h"

/* conv, norm, relu, pool: how many numbers to the next convolution */
#define GAP_MOST 4

static bool
is_conv(const struct weights *w, size_t i)
{
	char name[64];
	const struct tensor *t;

	snprintf(name, sizeof(name), "features.%zu.weight", i);
	t = weights_peek(w, name);
	return t != NULL && t->rank == 4 && t->dim[2] == 3 && t->dim[3] == 3;
}

static size_t
match(const struct weights *w, const json_t *config)
{
	(void)config;
	/* the second convolution is next to the first, or behind a pool */
	if (!is_conv(w, 0) ||
	    (!is_conv(w, 2) && !is_conv(w, 3) && !is_conv(w, 4)))
		return 0;
	return weights_has(w, "classifier.0.weight") ||
		       weights_has(w, "classifier.1.weight") ||
		       weights_has(w, "classifier.weight")
		   ? w->n
		   : 0;
}

/* Convolution i and what follows; *i: the next, or 0. */
static const char *
unit(struct draw *a, size_t *i, const char *x)
{
	const char *conv = draw_path(a, "features.%zu", *i);
	const char *norm = draw_path(a, "features.%zu", *i + 1);
	bool bn = draw_has(a, norm, "running_mean");
	size_t plain = bn ? 3 : 2, gap = 1;

	x = *i == 0 ? layer_stem(a, conv, x, (struct draw_window){.pad = 1})
		    : draw_conv(a, conv, x, (struct draw_window){.pad = 1});
	if (bn)
		x = draw_batch_norm(a, norm, x, 1e-5);
	x = draw_unary(a, "Relu", conv, x);
	while (gap <= GAP_MOST && !is_conv(a->w, *i + gap))
		gap++;
	if (gap <= GAP_MOST && gap != plain && gap != plain + 1)
		draw_fail(a, "%zu layers between two convolutions", gap);
	*i = gap <= GAP_MOST ? *i + gap : 0;
	return gap == plain ? x : draw_max_pool(a, conv, x, 2, 2, 0, false);
}

/* The side of what the first linear layer takes: its numbers are of a square
 * for each channel. */
static int64_t
side_of(struct draw *a, uint64_t in, uint64_t channels)
{
	for (int64_t s = 1; s <= 16; s++)
		if (in == channels * (uint64_t)(s * s))
			return s;
	draw_fail(a,
	    "a linear layer of %" PRIu64 " numbers behind %" PRIu64 " channels",
	    in, channels);
	return 1;
}

/* The linear layer behind layer i of the classifier: a relu is between them,
 * and maybe a dropout; 0: none. */
static size_t
next_linear(struct draw *a, size_t i)
{
	for (size_t k = i + 2; k <= i + 3; k++)
		if (draw_has(a, draw_path(a, "classifier.%zu", k), "weight"))
			return k;
	return 0;
}

static const char *
head(struct draw *a, const char *x, uint64_t channels)
{
	bool one = draw_has(a, "classifier", "weight");
	size_t i = draw_has(a, "classifier.0", "weight") ? 0 : 1, next;
	const char *at = one ? "classifier" : draw_path(a, "classifier.%zu", i);
	int64_t side = side_of(a, draw_dim(a, at, "weight", 1), channels);

	x = layer_adaptive_pool(
	    a, "avgpool", x, (int64_t[]){side, side}, false);
	x = draw_flatten(a, "avgpool", x);
	while (!one && (next = next_linear(a, i)) != 0) {
		x = draw_unary(a, "Relu", at, draw_gemm(a, at, x));
		at = draw_path(a, "classifier.%zu", next);
		i = next;
	}
	return draw_classifier(a, at, x);
}

static const char *
draw(struct draw *a, const char *x)
{
	uint64_t channels;
	size_t i = 0;

	do {
		channels =
		    draw_dim(a, draw_path(a, "features.%zu", i), "weight", 0);
		x = unit(a, &i, x);
	} while (i != 0 && a->rc == 0);
	return head(a, x, channels);
}

const struct arch_family arch_vgg = {
    .name = "vgg",
    .summary = "VGG, with or without batch-norm",
    .match = match,
    .draw = draw,
};
