/* SPDX-License-Identifier: MIT
 * Shape arithmetic that exporters leave in a graph with an open batch size:
 * Shape, Gather, Cast of integer vectors.  It is folded when a plan binds the
 * input shape and is never run on pixels, so these operators have no kernels.
 */
#include "base/limits.h"
#include "engine/op.h"

static int
cast_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	(void)need;
	if (in[0]->known == NULL)
		return op_bad(s, e, "only shape arithmetic is supported");
	*out = *in[0];
	return 0;
}

static int64_t *
ints(struct arena *a, size_t n)
{
	return n <= LIMIT_SHAPE_INTS ? arena_alloc(a, n + 1, sizeof(int64_t))
				     : NULL;
}

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
}

/* --- Shape --------------------------------------------------------------- */

static int
shape_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	(void)s;
	(void)need;
	(void)e;
	*out = (struct shape){.rank = 1, .dim = {in[0]->rank}};
	return 0;
}

static int
shape_fold(const struct step *s, const struct shape *const *in,
    struct shape *out, struct arena *a, struct err *e)
{
	int64_t *v = ints(a, in[0]->rank);

	(void)s;
	if (v == NULL)
		return full(e);
	for (size_t i = 0; i < in[0]->rank; i++)
		v[i] = (int64_t)in[0]->dim[i];
	out->known = v;
	return 0;
}

const struct op op_shape = {
    .name = "Shape",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_ANY_TO_ROWS,
    .infer = shape_infer,
    .fold = shape_fold,
};

/* --- Gather, axis 0 ------------------------------------------------------ */

static int
gather_infer(const struct step *s, const struct shape *const *in,
    struct shape *out, struct op_need *need, struct err *e)
{
	(void)need;
	if (in[0]->known == NULL || in[1]->known == NULL || in[0]->rank != 1)
		return op_bad(s, e, "only shape arithmetic is supported");
	*out = (struct shape){.rank = in[1]->rank, .dim = {in[1]->dim[0]}};
	return in[1]->rank <= 1 ? 0 : op_bad(s, e, "rank %zu", in[1]->rank);
}

static int
gather_fold(const struct step *s, const struct shape *const *in,
    struct shape *out, struct arena *a, struct err *e)
{
	size_t n = shape_elements(out);
	int64_t len = (int64_t)in[0]->dim[0], *v = ints(a, n);

	if (v == NULL)
		return full(e);
	for (size_t i = 0; i < n; i++) {
		int64_t k = in[1]->known[i];

		if (k < -len || k >= len)
			return op_bad(
			    s, e, "index %" PRId64 " of %" PRId64, k, len);
		v[i] = in[0]->known[k < 0 ? k + len : k];
	}
	out->known = v;
	return 0;
}

const struct op op_gather = {
    .name = "Gather",
    .min_in = 2,
    .max_in = 2,
    .layout = OP_ANY,
    .infer = gather_infer,
    .fold = gather_fold,
};

/* --- Cast ---------------------------------------------------------------- */

static int
cast_fold(const struct step *s, const struct shape *const *in,
    struct shape *out, struct arena *a, struct err *e)
{
	(void)s;
	(void)a;
	(void)e;
	out->known = in[0]->known;
	return 0;
}

const struct op op_cast = {
    .name = "Cast",
    .min_in = 1,
    .max_in = 1,
    .layout = OP_ANY,
    .infer = cast_infer,
    .fold = cast_fold,
};
