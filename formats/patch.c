/* SPDX-License-Identifier: MIT */
#include "formats/patch.h"

#include "base/le.h"
#include "formats/pixel.h"

#include <math.h>
#include <stdlib.h>

static bool
is_real(enum dtype d)
{
	return d == DTYPE_F32 || d == DTYPE_F64 || d == DTYPE_F16 ||
	       d == DTYPE_BF16;
}

/* --- numbers ------------------------------------------------------------- */

/* IEEE 754 binary16; ties to even as the default rounding mode has it. */
static uint64_t
half_bits(double v)
{
	uint64_t sign = signbit(v) ? 0x8000 : 0;
	double a = fabs(v), m;
	int exponent;

	if (isnan(v))
		return sign | 0x7e00;
	if (a >= 65520.0)
		return sign | 0x7c00;
	if (a < 0x1p-14)
		return sign | (uint64_t)nearbyint(a * 0x1p24);
	exponent = ilogb(a);
	m = nearbyint(ldexp(a, 10 - exponent));
	return sign | ((uint64_t)(exponent + 14) * 1024 + (uint64_t)m);
}

uint64_t
patch_bits(enum dtype d, double v)
{
	float f = (float)v;
	uint64_t bits64;
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	memcpy(&bits64, &v, sizeof(bits64));
	if (d == DTYPE_F64)
		return bits64;
	if (d == DTYPE_F32)
		return bits;
	if (d == DTYPE_F16)
		return half_bits(v);
	if (d != DTYPE_BF16)
		BUG("not a float type");
	if (isnan(v))
		return bits >> 16 | 0x40;
	return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

bool
patch_same(const struct tensor *a, const struct tensor *b, uint64_t i)
{
	double x = tensor_real(a, i), y = tensor_real(b, i);

	if (isnan(x) || isnan(y))
		return isnan(x) && isnan(y);
	return x == y && signbit(x) == signbit(y);
}

/* --- runs ---------------------------------------------------------------- */

/* Elements that lie evenly in both: a row, or a block where all do. */
#define RUN_BLOCK 4096

static uint64_t
run_length(
    const struct tensor *a, const struct tensor *b, uint64_t i, uint64_t n)
{
	uint64_t row;

	if (a->stride == NULL && b->stride == NULL)
		return MIN(RUN_BLOCK, n - i);
	row = a->rank > 0 ? a->dim[a->rank - 1] : 1;
	return row - i % row;
}

static const uint8_t *
run_start(const struct tensor *t, uint64_t i, uint64_t *step)
{
	*step = t->stride != NULL && t->rank > 0 ? t->stride[t->rank - 1]
						 : dtype_width(t->dtype);
	return t->data + tensor_offset(t, i);
}

/*
 * Whether the n elements from i have the same bits: most weights of a model
 * are as they were, and numbers take longer to compare.
 */
static bool
run_alike(
    const struct tensor *a, const struct tensor *b, uint64_t i, uint64_t n)
{
	size_t width = dtype_width(a->dtype);
	uint64_t sa, sb;
	const uint8_t *pa = run_start(a, i, &sa), *pb = run_start(b, i, &sb);

	if (a->dtype != b->dtype)
		return false;
	if (sa == width && sb == width)
		return memcmp(pa, pb, (size_t)n * width) == 0;
	for (uint64_t k = 0; k < n; k++, pa += sa, pb += sb)
		if (memcmp(pa, pb, width) != 0)
			return false;
	return true;
}

bool
patch_changed(const struct tensor *old, const struct tensor *now)
{
	uint64_t n = old->size / dtype_width(old->dtype), run;

	for (uint64_t i = 0; i < n; i += run) {
		run = run_length(old, now, i, n);
		if (run_alike(old, now, i, run))
			continue;
		for (uint64_t k = i; k < i + run; k++)
			if (!patch_same(old, now, k))
				return true;
	}
	return false;
}

/* Element i, where it differs, to its place in `at`. */
static void
patch_element(
    const struct tensor *old, const struct tensor *now, uint64_t i, uint8_t *at)
{
	uint64_t bits;

	if (patch_same(old, now, i))
		return;
	bits = patch_bits(old->dtype, tensor_real(now, i));
	at += tensor_offset(old, i);
	le_put(at, dtype_width(old->dtype), bits);
}

void
patch_tensor(const struct tensor *old, const struct tensor *now, uint8_t *at)
{
	uint64_t n = old->size / dtype_width(old->dtype), run;

	if (!is_real(old->dtype))
		return;
	for (uint64_t i = 0; i < n; i += run) {
		run = run_length(old, now, i, n);
		if (run_alike(old, now, i, run))
			continue;
		for (uint64_t k = i; k < i + run; k++)
			patch_element(old, now, k, at);
	}
}

/* --- belonging together -------------------------------------------------- */

static bool
is_ours(const char *name)
{
	return strncmp(name, PIXEL_PREFIX, strlen(PIXEL_PREFIX)) == 0;
}

static int
differ(struct err *e, const char *what, const char *name)
{
	return err_set(e, ERR_USAGE, ERR_NOWHERE,
	    "the models do not belong together: %s '%s'", what, name);
}

static bool
same_attr(const struct attr *a, const struct attr *b)
{
	/* a list of whole reals may have become one of integers */
	bool listed = a->kind == ATTR_INTS || a->kind == ATTR_REALS;

	if (strcmp(a->name, b->name) != 0)
		return false;
	if (listed && (b->kind == ATTR_INTS || b->kind == ATTR_REALS)) {
		for (size_t i = 0; a->n == b->n && i < a->n; i++) {
			double x = a->kind == ATTR_INTS ? (double)a->ints[i]
							: a->reals[i];
			double y = b->kind == ATTR_INTS ? (double)b->ints[i]
							: b->reals[i];

			if (x != y)
				return false;
		}
		return a->n == b->n;
	}
	if (a->kind != b->kind)
		return false;
	if (a->kind == ATTR_TEXT)
		return strcmp(a->s, b->s) == 0;
	return a->kind == ATTR_INT ? a->i == b->i : a->f == b->f;
}

/* Names agree, the first node's input having become the normalised one. */
static bool
same_names(const struct model *old, const char *const *a, size_t na,
    const char *const *b, size_t nb)
{
	if (na != nb)
		return false;
	for (size_t i = 0; i < na; i++)
		if (strcmp(a[i], b[i]) != 0 &&
		    !(strcmp(a[i], old->input) == 0 &&
			strcmp(b[i], PIXEL_OUTPUT) == 0))
			return false;
	return true;
}

static bool
same_node(const struct model *old, const struct node *a, const struct node *b)
{
	if (strcmp(a->op, b->op) != 0 || a->nattr != b->nattr ||
	    !same_names(old, (const char *const *)a->in, a->nin,
		(const char *const *)b->in, b->nin) ||
	    !same_names(old, (const char *const *)a->out, a->nout,
		(const char *const *)b->out, b->nout))
		return false;
	for (size_t i = 0; i < a->nattr; i++)
		if (!same_attr(&a->attr[i], &b->attr[i]))
			return false;
	return true;
}

static int
check_nodes(const struct model *old, const struct model *now, struct err *e)
{
	size_t k = 0;

	if (old->nnode == 0 || !is_ours(old->node[0].out[0]))
		while (k < now->nnode && is_ours(now->node[k].out[0]))
			k++;
	for (size_t i = 0; i < old->nnode; i++, k++)
		if (k >= now->nnode ||
		    !same_node(old, &old->node[i], &now->node[k]))
			return differ(e, "another node than",
			    *old->node[i].name != '\0' ? old->node[i].name
						       : old->node[i].out[0]);
	if (k < now->nnode)
		return differ(e, "an additional node", now->node[k].name);
	if (strcmp(old->input, now->input) != 0)
		return differ(e, "another input than", old->input);
	if (!same_names(old, &old->output, 1, &now->output, 1))
		return differ(e, "another output than", old->output);
	return 0;
}

static int
check_tensor(const struct tensor *a, const struct tensor *b, struct err *e)
{
	if (a->rank != b->rank ||
	    memcmp(a->dim, b->dim, a->rank * sizeof(a->dim[0])) != 0)
		return differ(e, "another shape of tensor", a->name);
	if (is_real(a->dtype) && is_real(b->dtype))
		return 0;
	if (a->dtype != b->dtype)
		return differ(e, "another type of tensor", a->name);
	for (uint64_t i = 0; i < a->size / dtype_width(a->dtype); i++)
		if (!patch_same(a, b, i))
			return differ(e, "changed integers in tensor", a->name);
	return 0;
}

static int
check_tensors(const struct model *old, const struct model *now,
    struct arena *scratch, struct err *e)
{
	struct map names;
	size_t found = 0;

	map_init(&names, scratch);
	for (size_t i = 0; i < old->ntensor; i++)
		if (map_put(&names, old->tensor[i].name, i) < 0)
			return err_set(
			    e, ERR_LIMIT, ERR_NOWHERE, "too many tensors");
	for (size_t i = 0; i < now->ntensor; i++) {
		const struct tensor *t = &now->tensor[i];
		size_t at = map_get(&names, t->name);
		int rc;

		if (at == SIZE_MAX && is_ours(t->name))
			continue;
		if (at == SIZE_MAX)
			return differ(e, "an additional tensor", t->name);
		if ((rc = check_tensor(&old->tensor[at], t, e)) != 0)
			return rc;
		found++;
	}
	if (found == old->ntensor)
		return 0;
	for (size_t i = 0; i < old->ntensor; i++)
		if (model_tensor(now, old->tensor[i].name) == NULL)
			return differ(e, "no tensor", old->tensor[i].name);
	BUG("a name twice after model_check");
}

int
patch_check(const struct model *old, const struct model *now, struct err *e)
{
	struct arena scratch;
	int rc;

	if ((rc = check_nodes(old, now, e)) != 0)
		return rc;
	arena_init(&scratch, (size_t)1 << 30);
	rc = check_tensors(old, now, &scratch, e);
	arena_release(&scratch);
	return rc;
}

/* --- in place ------------------------------------------------------------ */

/* Bytes from the first to the last element's end. */
static size_t
extent(const struct tensor *t)
{
	uint64_t n = t->size / dtype_width(t->dtype);

	return n == 0 ? 0
		      : (size_t)tensor_offset(t, n - 1) + dtype_width(t->dtype);
}

struct target {
	struct source *s;
	struct patch_span *span;
	size_t n;
};

static int
by_base(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct patch_span *)a)->base;
	uintptr_t y = (uintptr_t)((const struct patch_span *)b)->base;

	return (x > y) - (x < y);
}

static struct patch_span *
span_of(const struct target *to, const struct tensor *t)
{
	uintptr_t at = (uintptr_t)t->data;
	size_t len = extent(t);
	size_t low = 0, high = to->n, off;

	/* the last that does not begin behind it */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if ((uintptr_t)to->span[mid].base <= at)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0)
		return NULL;
	off = at - (uintptr_t)to->span[low - 1].base;
	return off <= to->span[low - 1].len &&
		       len <= to->span[low - 1].len - off
		   ? &to->span[low - 1]
		   : NULL;
}

static int
write_tensor(void *ctx, const struct tensor *old, const struct tensor *now,
    struct err *e)
{
	const struct target *to = ctx;
	struct patch_span *span;
	uint64_t off;
	uint8_t *file;
	size_t at;
	int rc;

	if (!is_real(old->dtype) || !patch_changed(old, now))
		return 0;
	if (source_place(to->s, old->data, extent(old), &at, &off)) {
		if ((rc = source_writable(to->s, at, &file, e)) == 0)
			patch_tensor(old, now, file + off);
		return rc;
	}
	if ((span = span_of(to, old)) == NULL)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "tensor '%s' is not in the file as such", old->name);
	patch_tensor(old, now, span->base + (old->data - span->base));
	span->changed = true;
	return 0;
}

/* Pairs of tensors of one name; both models have passed patch_check(). */
static int
each_pair(const struct model *a, const struct model *b,
    int (*fn)(
	void *ctx, const struct tensor *, const struct tensor *, struct err *),
    void *ctx, struct err *e)
{
	struct arena scratch;
	struct map names;
	int rc = 0;

	arena_init(&scratch, (size_t)1 << 30);
	map_init(&names, &scratch);
	for (size_t i = 0; i < b->ntensor && rc == 0; i++)
		if (map_put(&names, b->tensor[i].name, i) < 0)
			rc = err_set(
			    e, ERR_LIMIT, ERR_NOWHERE, "too many tensors");
	for (size_t i = 0; i < a->ntensor && rc == 0; i++) {
		size_t at = map_get(&names, a->tensor[i].name);

		if (at == SIZE_MAX)
			BUG("patch_check");
		rc = fn(ctx, &a->tensor[i], &b->tensor[at], e);
	}
	arena_release(&scratch);
	return rc;
}

int
patch_spans(struct source *s, const struct model *old, const struct model *now,
    struct patch_span *span, size_t n, struct err *e)
{
	struct target to = {s, span, n};
	int rc;

	if (n != 0)
		qsort(span, n, sizeof(*span), by_base);
	if ((rc = patch_check(old, now, e)) != 0)
		return rc;
	return each_pair(old, now, write_tensor, &to, e);
}

int
patch_in_place(struct source *s, const struct model *old,
    const struct model *now, struct err *e)
{
	return patch_spans(s, old, now, NULL, 0, e);
}

static bool
holds(const struct tensor *back, const struct tensor *wanted, uint64_t i)
{
	double b = tensor_real(back, i), w = tensor_real(wanted, i);

	return patch_bits(back->dtype, b) == patch_bits(back->dtype, w) ||
	       (isnan(b) && isnan(w));
}

int
patch_loaded(struct source *s,
    int (*load)(struct source *, struct model *, struct err *),
    const struct model *now, struct err *e)
{
	struct model old;
	int rc;

	if ((rc = load(s, &old, e)) != 0)
		return rc;
	rc = patch_in_place(s, &old, now, e);
	model_release(&old);
	return rc;
}

static int
compare(void *unused, const struct tensor *back, const struct tensor *wanted,
    struct err *e)
{
	uint64_t n = back->size / dtype_width(back->dtype), run;

	(void)unused;
	for (uint64_t i = 0; is_real(back->dtype) && i < n; i += run) {
		run = run_length(back, wanted, i, n);
		if (run_alike(back, wanted, i, run))
			continue;
		for (uint64_t k = i; k < i + run; k++)
			if (!holds(back, wanted, k))
				return err_set(e, ERR_FORMAT, ERR_NOWHERE,
				    "tensor '%s' could not be changed: the "
				    "file keeps it in bytes of another one too",
				    back->name);
	}
	return 0;
}

int
patch_verify(
    const struct model *back, const struct model *wanted, struct err *e)
{
	int rc;

	if ((rc = patch_check(back, wanted, e)) != 0)
		return rc;
	return each_pair(back, wanted, compare, NULL, e);
}
