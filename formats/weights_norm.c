/* SPDX-License-Identifier: MIT */
#include "formats/weights_norm.h"

static const char *const pairs[][2] = {{"mean", "std"}, {"mu", "sigma"},
    {"mu", "std"}, {"means", "sds"}, {"means", "stds"}, {"_mean", "_std"},
    {"new_mean", "new_std"}, {"image_mean", "image_std"},
    {"pixel_mean", "pixel_std"}, {"norm_mean", "norm_std"}};

/* The last part of a name. */
static const char *
leaf(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot != NULL ? dot + 1 : name;
}

/* One number, or one a channel, each within (lo, hi]. */
static bool
within(const struct tensor *t, double lo, double hi)
{
	uint64_t n;

	if (t->data == NULL || !tensor_elements(t, &n) || (n != 1 && n != 3) ||
	    (t->dtype != DTYPE_F32 && t->dtype != DTYPE_F64 &&
		t->dtype != DTYPE_F16 && t->dtype != DTYPE_BF16))
		return false;
	for (uint64_t i = 0; i < n; i++) {
		double v = tensor_real(t, i);

		if (!(v > lo && v <= hi))
			return false;
	}
	return true;
}

/* The tensor beside `name` that is called so, SIZE_MAX: there is none. */
static size_t
beside(const struct weights *w, const char *name, const char *called)
{
	size_t n = (size_t)(leaf(name) - name);

	for (size_t i = 0; i < w->n; i++)
		if (strncmp(w->tensor[i].name, name, n) == 0 &&
		    strcmp(w->tensor[i].name + n, called) == 0)
			return i;
	return SIZE_MAX;
}

void
weights_norm_find(struct weights *w)
{
	size_t found = 0, looks = 0, std;

	w->mean = w->std = SIZE_MAX;
	for (size_t i = 0; i < w->n && found < 2; i++)
		for (size_t k = 0; k < ARRAY_LEN(pairs); k++) {
			const char *name = w->tensor[i].name;

			if (strcmp(leaf(name), pairs[k][0]) != 0 ||
			    !within(&w->tensor[i], -1e-9, 1.0) || ++looks > 32)
				continue;
			std = beside(w, name, pairs[k][1]);
			if (std == SIZE_MAX ||
			    !within(&w->tensor[std], 1e-3, 1.0))
				continue;
			w->mean = i;
			w->std = std;
			found++;
		}
	if (found != 1) {
		w->mean = w->std = SIZE_MAX;
		return;
	}
	w->ignored[w->mean] = w->ignored[w->std] = true;
}

static size_t
copy(const struct tensor *t, double *v)
{
	uint64_t n;

	if (!tensor_elements(t, &n) || n > PREPROCESS_CHANNELS)
		BUG("within() has looked");
	for (size_t i = 0; i < n; i++)
		v[i] = tensor_real(t, i);
	return (size_t)n;
}

int
weights_norm_take(const struct weights *w, const struct preprocess *said,
    struct preprocess *p, struct err *e)
{
	if (said->nmean != 0 || said->nstd != 0)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "the model has a mean and deviation of its own ('%.64s'), "
		    "and %.64s says to normalise as well",
		    w->tensor[w->mean].name, said->from);
	if (*p->from == '\0')
		*p = *said;
	p->nmean = copy(&w->tensor[w->mean], p->mean);
	p->nstd = copy(&w->tensor[w->std], p->std);
	if (*p->from == '\0')
		p->from = "the model's own mean and deviation";
	return 0;
}
