/* SPDX-License-Identifier: MIT */
#include "tests/op_body_make.h"

#include "formats/build.h"

const char *
op_body_make_weight(struct model *m, const char *name, size_t rank,
    const size_t *dim, float scale, float shift)
{
	float *p = build_tensor(m, name, rank, dim);
	size_t n = 1;

	for (size_t i = 0; i < rank; i++)
		n *= dim[i];
	op_body_noise(p, n, 40 + m->ntensor, scale, shift);
	return m->tensor[m->ntensor - 1].name;
}

const char *
op_body_make_ints(struct model *m, const char *name, size_t n, const int64_t *v)
{
	struct tensor *t = &m->tensor[m->ntensor];

	/* two floats have the room of one integer */
	memcpy(build_tensor(m, name, 1, (size_t[]){2 * n}), v, n * sizeof(*v));
	t->dtype = DTYPE_I64;
	t->dim[0] = n;
	return t->name;
}

const char *
op_body_make_reshape(struct model *m, const char *name, const char *in,
    size_t rank, const int64_t *dim)
{
	const char *v = build_node(m, "Reshape", name, &in, 1);

	build_ints(m, "shape", rank, dim);
	return v;
}

const char *
op_body_make_binary(struct model *m, const char *op, const char *name,
    const char *a, const char *b)
{
	return build_node(m, op, name, (const char *[]){a, b}, 2);
}

const char *
op_body_make_scaled(struct model *m)
{
	return op_body_make_binary(
	    m, "Mul", "scaled", WEIGHT(m, "s", 0.5f, 1.2f, 3, 1, 1), "image");
}
