/* SPDX-License-Identifier: MIT */
#include "formats/torch_sequential.h"

#include "base/limits.h"
#include "base/text.h"
#include "formats/arch.h"
#include "formats/torch_kind.h"

/* Bilinear without antialiasing; not said, or "warn": so it was up to 0.16. */
static bool
is_resize(const struct torch_layer *l)
{
	const struct pickle_node *anti = pickle_get(l->state, "antialias");
	const struct pickle_node *how = pickle_get(l->state, "interpolation");

	/* getattr(InterpolationMode, "BILINEAR"), or that enum of "bilinear" */
	if (pickle_is(how, PICKLE_CALL) && how->call->args->n != 0)
		how = pickle_item(how->call->args, how->call->args->n - 1);
	return !(pickle_is(anti, PICKLE_BOOL) && anti->i != 0) &&
	       (pickle_is_text(how, "bilinear") ||
		   pickle_is_text(how, "BILINEAR")) &&
	       l->type.len == 6 && memcmp(l->type.ptr, "Resize", 6) == 0 &&
	       torch_kind_from(l, "torchvision.transforms");
}

bool
torch_sequential_resize(const struct torch_found *f, int64_t size[2])
{
	double v[MODEL_MAX_RANK];
	size_t n;

	if (f->nlayer == 0 || !is_resize(&f->layer[0]) ||
	    !torch_found_numbers(
		pickle_get(f->layer[0].state, "size"), v, &n) ||
	    n != 2)
		return false;
	for (size_t i = 0; i < 2; i++) {
		if (!(v[i] >= 1) || !(v[i] <= 65536))
			return false;
		size[i] = (int64_t)v[i];
	}
	return true;
}

static bool
is_normalize(const struct torch_layer *l)
{
	return l->type.len == 9 && memcmp(l->type.ptr, "Normalize", 9) == 0 &&
	       torch_kind_from(l, "torchvision.transforms");
}

bool
torch_sequential_in_front(const struct torch_found *f, size_t i)
{
	int64_t unused[2];
	bool resizes = torch_sequential_resize(f, unused);

	return (i == 0 && resizes) ||
	       (i == (resizes ? 1 : 0) && i < f->nlayer &&
		   is_normalize(&f->layer[i]));
}

bool
torch_sequential_normalize(const struct torch_found *f, struct preprocess *p)
{
	int64_t unused[2];
	size_t i = torch_sequential_resize(f, unused) ? 1 : 0, nmean, nstd;
	double mean[MODEL_MAX_RANK], std[MODEL_MAX_RANK];

	if (i >= f->nlayer || !is_normalize(&f->layer[i]) ||
	    !torch_found_numbers(
		pickle_get(f->layer[i].state, "mean"), mean, &nmean) ||
	    !torch_found_numbers(
		pickle_get(f->layer[i].state, "std"), std, &nstd) ||
	    nmean > PREPROCESS_CHANNELS || nstd > PREPROCESS_CHANNELS)
		return false;
	for (size_t k = 0; k < nmean; k++)
		p->mean[k] = mean[k];
	for (size_t k = 0; k < nstd; k++)
		p->std[k] = std[k];
	p->nmean = nmean;
	p->nstd = nstd;
	return true;
}

/* --- the row ------------------------------------------------------------- */

/* torch.nn.utils: weight_norm, spectral_norm, the old and the new ones. */
static bool
is_computed(const struct draw *a, const struct torch_layer *l)
{
	static const char *const from[] = {"weight_g", "weight_orig",
	    "parametrizations.weight.original0",
	    "parametrizations.weight.original"};
	const char *at = torch_kind_module(a, l);
	bool is = false;

	for (size_t i = 0; i < ARRAY_LEN(from); i++)
		is = is || draw_has(a, at, from[i]);
	return is && !draw_has(a, at, "weight");
}

/* Channels of the image and number of classes, by the first and the last
 * layer with weights. */
static void
take_ends(struct draw *a, const struct torch_found *f)
{
	bool first = true;

	for (size_t i = 0; i < f->nlayer; i++) {
		const struct torch_layer *l = &f->layer[i];
		const char *at = torch_kind_module(a, l);
		const struct torch_kind *k = torch_kind_of(l);
		bool window = k != NULL && k->role == TORCH_CONV;

		if ((!window && (k == NULL || k->role != TORCH_LINEAR)) ||
		    is_computed(a, l))
			continue;
		if (first && window)
			a->m->shape[1] = (int64_t)MIN(
			    draw_dim(a, at, "weight", 1) *
				(uint64_t)MAX(
				    torch_kind_real(l, "groups", 1), 1),
			    INT32_MAX);
		first = false;
		a->m->classes = draw_dim(a, at, "weight", 0);
	}
}

static int64_t
root(uint64_t n)
{
	uint64_t r = 0;

	while (r <= LIMIT_IMAGE_SIDE && r * r < n)
		r++;
	return r * r == n ? (int64_t)r : 0;
}

/*
 * A row that begins by flattening takes images of as many numbers as its first
 * linear layer: a square, grey or of three channels (no number is both).
 */
static void
take_flat(struct draw *a, const struct torch_found *f, size_t i)
{
	int64_t *shape = a->m->shape, grey, colour;
	const struct torch_kind *k = NULL;
	bool flat = false;
	uint64_t n;

	for (; i < f->nlayer; i++) {
		k = torch_kind_of(&f->layer[i]);
		if (k != NULL && !flat && strcmp(k->type, "Flatten") == 0)
			flat = true;
		else if (k == NULL || k->role != TORCH_NOTHING)
			break;
	}
	if (!flat || i == f->nlayer || k == NULL || k->role != TORCH_LINEAR ||
	    is_computed(a, &f->layer[i]))
		return;
	n = draw_dim(a, torch_kind_module(a, &f->layer[i]), "weight", 1);
	if (a->rc != 0 || (shape[2] > 0 && shape[3] > 0 &&
			      n % (uint64_t)(shape[2] * shape[3]) == 0)) {
		if (a->rc == 0)
			shape[1] = (int64_t)n / (shape[2] * shape[3]);
		return;
	}
	grey = root(n);
	colour = n % 3 == 0 ? root(n / 3) : 0;
	if (grey == 0 && colour == 0)
		draw_fail(a,
		    "the first layer takes %" PRIu64
		    " numbers, and nothing says of which size its images are",
		    n);
	shape[1] = grey > 0 ? 1 : 3;
	shape[2] = shape[3] = grey > 0 ? grey : colour;
	draw_note(a,
	    "images are taken to be squares, for the first layer takes %" PRIu64
	    " numbers",
	    n);
}

/* Nothing behind layer i does anything. */
static bool
ends_at(const struct torch_found *f, size_t i)
{
	const struct torch_kind *k;

	while (++i < f->nlayer)
		if ((k = torch_kind_of(&f->layer[i])) == NULL ||
		    k->role != TORCH_NOTHING)
			return false;
	return true;
}

/* A softmax or sigmoid that ends the model: what goes into it are the logits. */
static bool
is_tail(struct draw *a, const struct torch_kind *k, const struct torch_layer *l)
{
	if (k->role != TORCH_SOFTMAX && k->role != TORCH_SIGMOID)
		return false;
	if (k->role == TORCH_SOFTMAX && a->m->classes == 1)
		draw_fail(a,
		    "layer '%.100s' is a %.*s over one output, which is the "
		    "same for every image",
		    l->path, (int)l->type.len, (const char *)l->type.ptr);
	draw_note(a, "logits are the input of the final %.*s", (int)l->type.len,
	    (const char *)l->type.ptr);
	return true;
}

/* `end`: nothing behind the layer does anything. */
static void
layer(struct draw *a, const struct torch_layer *l, bool end,
    struct torch_value *x)
{
	const struct torch_kind *k = torch_kind_of(l);

	if (k == NULL)
		draw_fail(a, "layer '%.100s' is a %.*s", l->path,
		    (int)MIN(l->type.len, 60), (const char *)l->type.ptr);
	else if (is_computed(a, l))
		torch_kind_refuse(a, l,
		    "computes its weight of others (weight_norm or "
		    "spectral_norm): remove that before saving");
	else if (!end || !is_tail(a, k, l))
		k->draw(a, l, x);
}

static const char *
draw(struct draw *a, const char *image)
{
	const struct torch_found *f = a->ctx;
	struct torch_value x = {.name = image, .rank = 4};
	size_t i = 0;

	while (i < 2 && torch_sequential_in_front(f, i))
		i++;
	take_ends(a, f);
	take_flat(a, f, i);
	for (; i < f->nlayer && a->rc == 0; i++)
		layer(a, &f->layer[i], ends_at(f, i), &x);
	return x.name;
}

/* Layers are as the module has them, in the place of the linear one of the
 * architecture: below "fc", or beside "classifier.1". */
const char *
torch_sequential_part(
    struct draw *a, const void *found, const char *last_, const char *x)
{
	const struct torch_found *f = found;
	struct torch_value v = {.name = x, .rank = 2};
	size_t n = strlen(last_), drawn = 0, end = 0;

	if (n > 2 && last_[n - 2] == '.')
		n -= 2;
	for (size_t i = 0; i < f->nlayer; i++) {
		const char *at = torch_kind_module(a, &f->layer[i]);

		if (strncmp(at, last_, n) == 0 && at[n] == '.')
			end = i;
	}
	for (size_t i = 0; i < f->nlayer && a->rc == 0; i++) {
		const struct torch_layer *l = &f->layer[i];
		const char *at = torch_kind_module(a, l);
		const struct torch_kind *k = torch_kind_of(l);

		if (strncmp(at, last_, n) != 0 || at[n] != '.')
			continue;
		if (k != NULL && k->role == TORCH_LINEAR)
			a->m->classes = draw_dim(a, at, "weight", 0);
		layer(a, l, i == end, &v);
		drawn++;
	}
	return drawn != 0 ? v.name : NULL;
}

const char *
torch_sequential_behind(
    struct draw *a, const struct torch_found *f, int64_t body, const char *x)
{
	struct torch_value v = {.name = x, .rank = 2};

	for (size_t i = 0; i < f->nlayer && a->rc == 0; i++) {
		const struct torch_layer *l = &f->layer[i];
		const char *at = torch_kind_module(a, l);
		const struct torch_kind *k = torch_kind_of(l);
		uint64_t place;
		char number[8];
		size_t n = strcspn(at, ".");

		if (n >= sizeof(number))
			continue;
		memcpy(number, at, n);
		number[n] = '\0';
		if (!text_parse_u64(number, INT32_MAX, &place) ||
		    (int64_t)place <= body)
			continue;
		if (k != NULL && k->role == TORCH_LINEAR)
			a->m->classes = draw_dim(a, at, "weight", 0);
		layer(a, l, ends_at(f, i), &v);
	}
	return v.name;
}

static const struct arch_family family = {
    .name = "a row of layers",
    .draw = draw,
};

int
torch_sequential_load(const struct torch_found *f, const struct hints *h,
    struct weights *w, struct model *m, struct err *e)
{
	return arch_draw(&family, f, h, w, m, e);
}
