/* SPDX-License-Identifier: MIT
 * Networks around matrix products and Einsum.
 */
#include "tests/op_body_make.h"

#include "formats/build.h"

/* --- Gemm ---------------------------------------------------------------- */

/* The image as a matrix (n, 126). */
static const char *
flat(struct model *m)
{
	return RESHAPE(m, "matrix", "image", 0, 126);
}

static void
body_gemm(struct model *m)
{
	const char *in[] = {flat(m), WEIGHT(m, "w", 0.2f, 0.0f, 126, 5),
	    WEIGHT(m, "b", 0.3f, 0.1f, 5)};
	const char *v = build_node(m, "Gemm", "g", in, 3);

	build_real(m, "alpha", 0.5);
	build_real(m, "beta", 1.5);
	op_body_head(m, v, 5);
}

static void
body_gemm_plain(struct model *m)
{
	const char *in[] = {flat(m), WEIGHT(m, "w", 0.2f, 0.0f, 5, 126)};
	const char *v = build_node(m, "Gemm", "g", in, 2);

	build_int(m, "transB", 1);
	build_real(m, "alpha", -0.5);
	op_body_head(m, v, 5);
}

static void
body_gemm_scalar(struct model *m)
{
	const char *in[] = {flat(m), WEIGHT(m, "w", 0.2f, 0.0f, 126, 5),
	    op_body_make_weight(m, "b", 0, NULL, 0.3f, 0.1f)};

	build_node(m, "Gemm", "g", in, 3);
	in[0] = "g";
	in[1] = WEIGHT(m, "w2", 0.2f, 0.0f, 5, 5);
	in[2] = WEIGHT(m, "b2", 0.3f, 0.1f, 1, 5);
	op_body_head(m, build_node(m, "Gemm", "g2", in, 3), 5);
}

/* All four ways to transpose computed operands. */
static const char *
square(struct model *m, const char *name, int ta, int tb, const char *a,
    const char *b, const char *c)
{
	const char *v =
	    build_node(m, "Gemm", name, (const char *[]){a, b, c}, 3);

	build_int(m, "transA", ta);
	build_int(m, "transB", tb);
	build_real(m, "alpha", 0.25);
	build_real(m, "beta", -2.0);
	return v;
}

static void
body_gemm_computed(struct model *m)
{
	const char *x = flat(m), *v, *u;

	x = op_body_make_binary(
	    m, "MatMul", "x", x, WEIGHT(m, "w", 0.2f, 0.0f, 126, 3));
	v = square(m, "a", 1, 0, x, x, WEIGHT(m, "ca", 1.0f, 0.0f, 3, 1));
	u = square(m, "b", 0, 1, v, v, WEIGHT(m, "cb", 0.3f, 0.0f, 3, 3));
	v = square(m, "c", 1, 1, u, v, u);
	op_body_head(m, square(m, "d", 0, 0, x, v, x), 3);
}

/* The weight comes first: (5, n) = w' (126, 5) times x' */
static void
body_gemm_weight_first(struct model *m)
{
	const char *in[] = {WEIGHT(m, "w", 0.2f, 0.0f, 126, 5), flat(m),
	    WEIGHT(m, "b", 1.0f, 0.0f, 5, 1)};
	const char *v = build_node(m, "Gemm", "g", in, 3);

	build_int(m, "transA", 1);
	build_int(m, "transB", 1);
	in[0] = "g";
	in[1] = WEIGHT(m, "w2", 0.5f, 0.0f, 5, 4);
	v = build_node(m, "Gemm", "h", in, 2);
	build_int(m, "transA", 1);
	op_body_head(m, v, 4);
}

/* --- MatMul -------------------------------------------------------------- */

/* One weight for data of rank 4, and a vector. */
static void
body_matmul_rows(struct model *m)
{
	const char *v = RESHAPE(m, "r", "image", 0, 3, 6, 7);

	v = op_body_make_binary(
	    m, "MatMul", "mm", v, WEIGHT(m, "w", 0.4f, 0.0f, 7, 5));
	v = op_body_make_binary(
	    m, "MatMul", "mm2", v, WEIGHT(m, "w2", 0.4f, 0.0f, 1, 1, 5, 4));
	v = op_body_make_binary(
	    m, "MatMul", "mv", v, WEIGHT(m, "v", 0.7f, 0.0f, 4));
	op_body_head(m, v, 18);
}

/* The weight on the left, with and without a batch. */
static void
body_matmul_left(struct model *m)
{
	const char *v = RESHAPE(m, "r", "image", 0, 3, 6, 7);

	v = op_body_make_binary(
	    m, "MatMul", "mm", WEIGHT(m, "w", 0.4f, 0.0f, 5, 6), v);
	v = op_body_make_binary(
	    m, "MatMul", "mm2", WEIGHT(m, "w2", 0.4f, 0.0f, 3, 4, 5), v);
	v = op_body_make_binary(
	    m, "MatMul", "mv", WEIGHT(m, "v", 0.7f, 0.0f, 4), v);
	op_body_head(m, v, 21);
}

/* A weight for each head; a side broadcast along an inner batch axis. */
static void
body_matmul_heads(struct model *m)
{
	const char *v = RESHAPE(m, "r", "image", 0, 3, 6, 7), *u;

	u = op_body_make_binary(
	    m, "MatMul", "mm", v, WEIGHT(m, "w", 0.4f, 0.0f, 3, 7, 5));
	v = RESHAPE(m, "one", u, 0, 1, 9, 10);
	u = RESHAPE(m, "two", u, 0, 3, 10, 3);
	v = op_body_make_binary(m, "MatMul", "mm2", v, u);
	op_body_head(m, v, 81);
}

/* Attention without its softmax: q k' v. */
static void
body_matmul_attention(struct model *m)
{
	const char *q, *k, *v = RESHAPE(m, "r", "image", 0, 3, 6, 7);

	q = op_body_make_binary(
	    m, "MatMul", "q", v, WEIGHT(m, "wq", 0.4f, 0.0f, 7, 4));
	k = build_node(m, "Transpose", "t", &v, 1);
	build_ints(m, "perm", 4, (int64_t[]){0, 1, 3, 2});
	k = op_body_make_binary(
	    m, "MatMul", "k", WEIGHT(m, "wk", 0.4f, 0.0f, 4, 7), k);
	q = op_body_make_binary(m, "MatMul", "qk", q, k);
	v = op_body_make_binary(m, "MatMul", "qkv", q, v);
	op_body_head(m, v, 126);
}

/* The same value on both sides. */
static void
body_matmul_square(struct model *m)
{
	const char *v = RESHAPE(m, "r", "image", 0, 6, 21);

	v = op_body_make_binary(
	    m, "MatMul", "x", v, WEIGHT(m, "w", 0.3f, 0.0f, 21, 6));
	v = op_body_make_binary(m, "MatMul", "xx", v, v);
	op_body_head(m, v, 36);
}

/* --- Einsum -------------------------------------------------------------- */

static const char *
einsum(struct model *m, const char *name, const char *equation, const char *a,
    const char *b)
{
	const char *v = build_node(
	    m, "Einsum", name, (const char *[]){a, b}, b != NULL ? 2 : 1);
	struct attr *at;

	build_int(m, "equation", 0);
	at = &m->node[m->nnode - 1].attr[0];
	at->kind = ATTR_TEXT;
	at->s = equation;
	return v;
}

/* As in MaxViT: q k' and its product with v. */
static void
body_einsum_attention(struct model *m)
{
	const char *v = RESHAPE(m, "r", "image", 0, 3, 6, 7), *q, *k;

	q = einsum(
	    m, "q", "bhid,de->bhie", v, WEIGHT(m, "wq", 0.4f, 0.0f, 7, 7));
	k = einsum(m, "k", "bhid, hde -> bhie", v,
	    WEIGHT(m, "wk", 0.4f, 0.0f, 3, 7, 7));
	q = einsum(m, "qk", "bhid,bhjd->bhij", q, k);
	v = einsum(m, "qkv", "bhij,bhjd->bhid", q, v);
	op_body_head(m, v, 126);
}

/* Transposed outputs, several summed axes, axes of one side alone. */
static void
body_einsum_mixed(struct model *m)
{
	const char *v = RESHAPE(m, "r", "image", 0, 3, 6, 7);

	v = einsum(
	    m, "a", "bhid,hde->beih", v, WEIGHT(m, "wa", 0.4f, 0.0f, 3, 7, 5));
	v = einsum(m, "b", "bxyz,xyuw->bzu", v,
	    WEIGHT(m, "wb", 0.4f, 0.0f, 5, 6, 4, 2));
	v = einsum(m, "c", "v,bzu->bvu", WEIGHT(m, "wc", 0.4f, 0.0f, 6), v);
	op_body_head(m, v, 24);
}

/* Dots that are broadcast, an implied output, a sum, a diagonal. */
static void
body_einsum_dots(struct model *m)
{
	const char *v = RESHAPE(m, "r", "image", 0, 3, 6, 7);

	v = einsum(m, "a", "...id,...de->...ei", v,
	    WEIGHT(m, "wa", 0.4f, 0.0f, 3, 7, 6));
	v = einsum(m, "b", "...ij,jk", v, WEIGHT(m, "wb", 0.4f, 0.0f, 6, 6));
	v = einsum(m, "c", "bxii->bix", v, NULL);
	v = einsum(m, "d", "...xy,y->x...", v, WEIGHT(m, "wd", 0.4f, 0.5f, 3));
	v = einsum(m, "e", "xb->bx", v, NULL);
	op_body_head(m, v, 6);
}

static const struct op_body table[] = {
    {"gemm, alpha and beta", body_gemm, 7, 6, 3, 3},
    {"gemm, transB, no bias", body_gemm_plain, 7, 6, 3, 3},
    {"gemm, scalar and (1, n) bias", body_gemm_scalar, 7, 6, 3, 2},
    {"gemm of computed operands", body_gemm_computed, 7, 6, 3, 3},
    {"gemm, the weight first", body_gemm_weight_first, 7, 6, 3, 3},
    {"matmul, rank 4 by a matrix", body_matmul_rows, 7, 6, 3, 3},
    {"matmul, the weight first", body_matmul_left, 7, 6, 3, 3},
    {"matmul with heads, broadcast", body_matmul_heads, 7, 6, 3, 2},
    {"matmul as in attention", body_matmul_attention, 7, 6, 3, 3},
    {"matmul of a value by itself", body_matmul_square, 7, 6, 3, 3},
    {"einsum as in attention", body_einsum_attention, 7, 6, 3, 3},
    {"einsum, mixed axes", body_einsum_mixed, 7, 6, 3, 3},
    {"einsum with dots and a diagonal", body_einsum_dots, 7, 6, 3, 3},
};
const struct op_body_set op_body_product = {table, ARRAY_LEN(table)};
