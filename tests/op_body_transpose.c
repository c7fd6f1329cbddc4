/* SPDX-License-Identifier: MIT
 * Networks around ConvTranspose.
 */
#include "tests/op_body.h"

#include "formats/build.h"

static const char *
transposed(struct model *m, const char *name, const char *in, size_t rank,
    const size_t *dim, size_t k)
{
	char w[32], b[32];
	size_t n = 1;

	snprintf(w, sizeof(w), "%s.w", name);
	snprintf(b, sizeof(b), "%s.b", name);
	for (size_t i = 0; i < rank; i++)
		n *= dim[i];
	op_body_noise(build_tensor(m, w, rank, dim), n, 3, 0.4f, 0.0f);
	op_body_noise(build_tensor(m, b, 1, &k), k, 4, 0.3f, 0.1f);
	return build_node(
	    m, "ConvTranspose", name, (const char *[]){in, w, b}, 3);
}

/* Twice of the same input, so that its gradient is added to. */
static void
body_transpose(struct model *m)
{
	const char *x = op_body_conv(m, "c", "image", 4, 3, 1, 1), *v, *u;

	v = transposed(m, "t", x, DIM(4, 2, 3, 2), 4);
	build_ints(m, "strides", LIST(2, 3));
	build_ints(m, "pads", LIST(1, 0, 2, 1));
	build_ints(m, "output_padding", LIST(1, 2));
	build_int(m, "group", 2);
	u = transposed(m, "u", x, DIM(4, 4, 2, 3), 4);
	build_ints(m, "strides", LIST(2, 3));
	build_ints(m, "pads", LIST(0, 0, 1, 0));
	v = build_node(m, "Add", "sum", (const char *[]){v, u}, 2);
	op_body_head(m, v, 4 * 13 * 18);
}

/* one product, and a window that is dilated beyond the image */
static void
body_transpose_plain(struct model *m)
{
	const char *v = transposed(m, "t", "image", DIM(3, 5, 1, 1), 5);

	v = transposed(m, "u", v, DIM(5, 2, 2, 3), 2);
	build_ints(m, "dilations", LIST(9, 2));
	op_body_head(m, v, 2 * 16 * 10);
}

static void
body_transpose_same(struct model *m)
{
	const char *v = transposed(m, "t", "image", DIM(3, 2, 4, 3), 2);

	build_ints(m, "strides", LIST(2, 2));
	op_body_text(m, "auto_pad", "SAME_UPPER");
	v = transposed(m, "u", v, DIM(2, 2, 2, 2), 2);
	build_ints(m, "strides", LIST(3, 1));
	op_body_text(m, "auto_pad", "SAME_LOWER");
	v = transposed(m, "v", v, DIM(2, 1, 2, 2), 1);
	build_ints(m, "output_shape", LIST(42, 12));
	op_body_head(m, v, 42 * 12);
}

static void
body_transpose_1d(struct model *m)
{
	const char *v = "flat.x", *image = "image";

	build_node(m, "Reshape", v, &image, 1);
	build_ints(m, "shape", LIST(0, 3, 42));
	v = transposed(m, "t", v, DIM(3, 2, 4), 2);
	build_ints(m, "strides", LIST(3));
	build_ints(m, "pads", LIST(5, 1));
	op_body_head(m, v, 2 * 121);
}

static const struct op_body table[] = {
    {"transposed, grouped, padded", body_transpose, 7, 6, 3, 3},
    {"transposed 1x1, then dilated", body_transpose_plain, 7, 6, 3, 2},
    {"transposed, SAME and a size", body_transpose_same, 7, 6, 3, 2},
    {"transposed 1-d", body_transpose_1d, 7, 6, 3, 2},
};
const struct op_body_set op_body_transposes = {table, ARRAY_LEN(table)};
