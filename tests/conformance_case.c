/* SPDX-License-Identifier: MIT */
#include "tests/conformance_case.h"

#include "base/limits.h"
#include "engine/shape.h"

#include <math.h>

static int
map_file(struct conformance_case *c, const char *dir, const char *name,
    struct rd *r, struct err *e)
{
	char path[1024];
	int rc;

	if (c->nmap == CASE_FILES)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many files");
	if ((rc = file_join(path, sizeof(path), dir, name, e)) != 0 ||
	    (rc = file_map(path, LIMIT_MODEL_FILE, &c->map[c->nmap], e)) != 0)
		return rc;
	*r = rd_mem(c->map[c->nmap].ptr, c->map[c->nmap].len);
	c->nmap++;
	return 0;
}

static int
read_tensor(struct conformance_case *c, const char *dir, const char *kind,
    size_t i, struct tensor *t, struct err *e)
{
	struct onnx_tensor x;
	char name[64];
	struct rd r;
	int rc;

	snprintf(name, sizeof(name), "test_data_set_0/%s_%zu.pb", kind, i);
	if ((rc = map_file(c, dir, name, &r, e)) != 0 ||
	    (rc = onnx_tensor_parse(r, &c->arena, &x, e)) != 0)
		return rc;
	if (x.t.dtype == DTYPE_COUNT)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "%s: data type %" PRId64, name, x.type);
	*t = x.t;
	return 0;
}

/* IR 3 lists every initialiser as an input; those are not fed. */
static bool
is_initialiser(const struct onnx_file *f, const char *name)
{
	for (size_t i = 0; i < f->ntensor; i++)
		if (strcmp(f->tensor[i].t.name, name) == 0)
			return true;
	return false;
}

static int
load(struct conformance_case *c, const char *dir, struct err *e)
{
	char path[1024];
	struct rd r;
	int rc;

	if ((rc = map_file(c, dir, "model.onnx", &r, e)) != 0 ||
	    (rc = onnx_file_parse(r, &c->arena, &c->f, e)) != 0)
		return rc;
	if (c->f.noutput > CASE_FILES || c->f.ninput > CASE_FILES)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many outputs");
	for (size_t i = 0; i < c->f.ninput; i++) {
		const char *name = c->f.input[i].name;

		if (is_initialiser(&c->f, name))
			continue;
		rc = read_tensor(
		    c, dir, "input", c->nfeed, &c->feed[c->nfeed], e);
		if (rc != 0)
			return rc;
		c->feed[c->nfeed++].name = name;
	}
	for (size_t i = 0; i < c->f.noutput; i++)
		if ((rc = read_tensor(c, dir, "output", i, &c->want[i], e)) !=
		    0)
			return rc;
	snprintf(path, sizeof(path), "%s/test_data_set_0/output_%zu.pb", dir,
	    c->f.noutput);
	return !file_exists(path)
		   ? 0
		   : err_set(e, ERR_FORMAT, ERR_NOWHERE,
			 "more outputs are wanted than the graph has");
}

int
conformance_case_open(
    struct conformance_case *c, const char *dir, struct err *e)
{
	int rc;

	*c = (struct conformance_case){0};
	arena_init(&c->arena, (size_t)1 << 30);
	if ((rc = load(c, dir, e)) != 0)
		conformance_case_close(c);
	return rc;
}

void
conformance_case_close(struct conformance_case *c)
{
	for (size_t i = 0; i < c->nmap; i++)
		file_unmap(&c->map[i]);
	arena_release(&c->arena);
	*c = (struct conformance_case){0};
}

static bool
close_enough(double got, double want)
{
	if (isnan(want))
		return isnan(got);
	return got == want || fabs(got - want) <= 1e-7 + 1e-3 * fabs(want);
}

static int
compare_number(const struct tensor *want, uint64_t i, union number got,
    bool real, struct err *e)
{
	double w = tensor_real(want, i);
	int64_t n;

	if (real && !close_enough(got.f, w))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "element %" PRIu64 " is %.9g, not %.9g", i, got.f, w);
	if (real)
		return 0;
	if (!tensor_int(want, i, &n) || got.i != n)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "element %" PRIu64 " is %" PRId64 ", not %.17g", i, got.i,
		    w);
	return 0;
}

int
conformance_case_compare(const struct conformance_case *c, size_t i,
    const struct shape *got, struct err *e)
{
	const struct tensor *want = &c->want[i];
	bool same = got->rank == want->rank;
	size_t n = shape_elements(got);
	int rc;

	if (got->type != want->dtype)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "output %zu is %s, not %s", i, dtype_name(got->type),
		    dtype_name(want->dtype));
	for (size_t k = 0; same && k < got->rank; k++)
		same = got->dim[k] == want->dim[k];
	if (!same)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "output %zu has another shape (rank %zu, %zu elements)", i,
		    got->rank, n);
	for (size_t k = 0; k < n; k++)
		if ((rc = compare_number(
			 want, k, got->known[k], shape_real(got), e)) != 0)
			return err_wrap(e, "output %zu", i);
	(void)rc;
	return 0;
}
