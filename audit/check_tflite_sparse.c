/* SPDX-License-Identifier: MIT
 * Field numbers are those of tensorflow/lite/schema/schema.fbs (3c): Tensor,
 * SparsityParameters, DimensionMetadata; a union takes two, its type first.
 */
#include "audit/check_tflite_sparse.h"

#include "base/limits.h"

#define DIMS 64 /* of a sparse tensor, with those of its blocks */

/* DimensionType */
#define SPARSE_CSR 1

struct sparse {
	struct flatbuf *fb;
	uint64_t *work;
};

/* SparseIndexVector: Int32Vector 1, Uint16Vector 2, Uint8Vector 3; values 0 */
static struct flatbuf_vector
values(struct sparse *s, const struct flatbuf_table *dim, unsigned field,
    int64_t *mask)
{
	static const size_t width[] = {0, 4, 2, 1};
	static const int64_t masks[] = {0, -1, 0xffff, 0xff};
	int64_t type = flatbuf_i8(s->fb, dim, field, 0);
	struct flatbuf_table t = flatbuf_table(s->fb, dim, field + 1);
	struct flatbuf_vector none = {0}, v;

	if (type < 1 || type > 3)
		return none;
	*mask = masks[type];
	v = flatbuf_vector(s->fb, &t, 0, width[type], SIZE_MAX);
	if (v.n > *s->work) {
		flatbuf_fail(s->fb, ERR_LIMIT, t.at,
		    "more indices than the file has bytes");
		return none;
	}
	*s->work -= v.n;
	return v;
}

/* array_segments 2, array_indices 4: rows begin and end within the indices,
 * one behind the other, and an index is below the size of its dimension. */
static const char *
rows(struct sparse *s, const struct flatbuf_table *dim, int64_t size)
{
	int64_t smask = -1, imask = -1, last = 0;
	struct flatbuf_vector seg = values(s, dim, 2, &smask);
	struct flatbuf_vector index = values(s, dim, 4, &imask);

	for (size_t i = 0; i < seg.n; i++) {
		int64_t at = flatbuf_int_at(s->fb, &seg, i) & smask;

		if (at < last || (uint64_t)at > index.n)
			return "has rows outside of its indices";
		last = at;
	}
	for (size_t i = 0; i < index.n; i++) {
		int64_t at = flatbuf_int_at(s->fb, &index, i) & imask;

		if (at < 0 || at >= size)
			return "has an index outside of it";
	}
	return NULL;
}

/* Tensor: shape 0, sparsity 6; SparsityParameters: traversal_order 0,
 * dim_metadata 2; DimensionMetadata: format 0 */
static const char *
tensor(struct sparse *s, const struct flatbuf_table *t)
{
	struct flatbuf_table sparsity = flatbuf_table(s->fb, t, 6);
	struct flatbuf_vector shape = flatbuf_vector(s->fb, t, 0, 4, DIMS);
	struct flatbuf_vector order, dims;
	const char *why = NULL;

	if (sparsity.at == 0)
		return NULL;
	order = flatbuf_vector(s->fb, &sparsity, 0, 4, DIMS);
	dims = flatbuf_vector(s->fb, &sparsity, 2, 4, DIMS);
	if (order.n != dims.n)
		return "has dimensions in no order";
	for (size_t i = 0; i < dims.n && why == NULL && s->fb->rc == 0; i++) {
		struct flatbuf_table dim = flatbuf_item(s->fb, &dims, i);
		int64_t d = flatbuf_int_at(s->fb, &order, i);

		if (d < 0 || (uint64_t)d >= dims.n)
			return "has dimensions in no order";
		/* within a block nothing says how large it is but the block */
		if (flatbuf_i8(s->fb, &dim, 0, 0) == SPARSE_CSR)
			why = rows(s, &dim,
			    (uint64_t)d < shape.n
				? flatbuf_int_at(s->fb, &shape, (size_t)d)
				: INT32_MAX);
	}
	return why;
}

void
check_tflite_sparse(const struct check_file *f, struct flatbuf *fb,
    const struct flatbuf_table *subgraph, uint64_t *work)
{
	struct flatbuf_vector all =
	    flatbuf_vector(fb, subgraph, 0, 4, LIMIT_TENSORS);
	struct sparse s = {fb, work};

	for (size_t i = 0; i < all.n && fb->rc == 0; i++) {
		struct flatbuf_table t = flatbuf_item(fb, &all, i);
		const char *why = tensor(&s, &t);

		if (why == NULL)
			continue;
		check_short(f, FINDING_TFLITE_BROKEN, t.at,
		    "sparse tensor %zu %s", i, why);
		return;
	}
}
