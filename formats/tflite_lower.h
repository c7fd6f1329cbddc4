/* SPDX-License-Identifier: MIT
 * Lowering: operators of a TensorFlow Lite file to nodes of the neutral model.
 *
 * A file's values are NHWC, a neutral model's images NCHW.  Every value of
 * rank 4 may exist as an image (N, C, H, W) or plain, as the file has it;
 * convolutions make images, and where an operator depends on the file's order
 * (Reshape, Flatten, a Concat of plain values, ...) the other form is made by
 * a Transpose.  Constants are views of the file in whichever form is wanted.
 * Shapes are worked out here, from the image on, and not taken from what the
 * file says of values between: the runtime does not believe it either.
 *
 * Failures are kept in draw.rc; after one, every call does nothing.
 */
#ifndef FORMATS_TFLITE_LOWER_H
#define FORMATS_TFLITE_LOWER_H

#include "formats/draw.h"
#include "formats/tflite_file.h"

enum tflite_form {
	FORM_PLAIN,
	FORM_IMAGE,   /* (O, H, W, I) as (O, I, H, W); also of lower rank */
	FORM_DEPTH,   /* (1, H, W, C) as (C, 1, H, W) */
	FORM_TURNED,  /* the last two axes exchanged */
	FORM_CROSSED, /* (O, H, W, I) as (I, O, H, W) */
	FORM_COUNT
};

struct tflite_value {
	bool made; /* constant, image, or output of a node before */
	bool constant;
	size_t rank;
	uint64_t dim[MODEL_MAX_RANK]; /* the file's order */
	const char *plain, *image;    /* names in the model; or NULL */
	const char *form[FORM_COUNT]; /* of a constant; or NULL */
	const uint8_t *floats;        /* of a constant of integers */
	const int64_t *ints;          /* whole numbers that are known */
	size_t nints;
	/* rows and columns of the blocks whose pixels are images of their own:
	 * tflite_op_batch.c; `image` is of them together */
	int64_t block[2];
};

struct tflite_lower {
	struct draw draw;
	struct tflite_file *f;
	struct tflite_value *value;  /* one for each tensor of the file */
	const struct tflite_node *n; /* the one that is being lowered */
	const char *at;              /* names its nodes */
	size_t tail;                 /* the final softmax, or SIZE_MAX */
	uint64_t budget;             /* bytes that may still be dequantised */
	size_t dequantised;          /* tensors */
	struct tflite_value none;    /* to look at after a failure */
};

typedef void tflite_lower_fn(struct tflite_lower *);

/* Room for the values; constants are made. */
int tflite_lower_init(struct tflite_lower *, struct tflite_file *,
    struct model *, struct err *) MUST_USE;
/* Zeroed memory for n and one more; NULL is a failure. */
void *tflite_lower_room(struct tflite_lower *, size_t n, size_t size);
/* Lower node i; the result is draw.rc. */
int tflite_lower_node(struct tflite_lower *, size_t i) MUST_USE;

/* "tflite: CONV_2D for 'x': ..." with its offset. */
void tflite_lower_fail(struct tflite_lower *, int code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* --- inputs: k counts those of the node --- */

/* The value; a failure when the node has no such input. */
struct tflite_value *tflite_lower_in(struct tflite_lower *, size_t k);
/* Its tensor in the file. */
const struct tflite_tensor *tflite_lower_tensor(
    struct tflite_lower *, size_t k);
bool tflite_lower_has(const struct tflite_lower *, size_t k);
/* Names of it in either form. */
const char *tflite_lower_plain(struct tflite_lower *, size_t k);
const char *tflite_lower_image(struct tflite_lower *, size_t k);
/* The image that it has blocks of; NULL: it has none. */
const char *tflite_lower_blocks(
    struct tflite_lower *, size_t k, int64_t block[2]);
/* Whether it exists as an image; never of a constant. */
bool tflite_lower_is_image(struct tflite_lower *, size_t k);

/* --- outputs --- */

void tflite_lower_out(struct tflite_lower *, size_t k, const char *name,
    bool image, size_t rank, const uint64_t *dim);
/* Output 0, which is made, has blocks of that size. */
void tflite_lower_in_blocks(struct tflite_lower *, const int64_t block[2]);
/* Output 0 is input 0 under another name. */
void tflite_lower_alias(struct tflite_lower *);
/* Output 0 is whole numbers. */
void tflite_lower_known(
    struct tflite_lower *, const int64_t *v, size_t n, bool scalar);

/* --- options --- */

int64_t tflite_lower_i8(struct tflite_lower *, unsigned field);
int64_t tflite_lower_i32(struct tflite_lower *, unsigned field, int64_t absent);
double tflite_lower_f32(struct tflite_lower *, unsigned field);
/* The fused activation of that number after x, and that of integers which
 * end at 0. */
const char *tflite_lower_activate(
    struct tflite_lower *, int64_t kind, const char *x);

/* --- shapes --- */

/* -1 is the last of `rank`; a failure when it is none of them. */
size_t tflite_lower_axis(struct tflite_lower *, int64_t axis, size_t rank);
/* An axis of (N, H, W, C) in (N, C, H, W). */
int64_t tflite_lower_turn(size_t axis);
uint64_t tflite_lower_count(const uint64_t *dim, size_t rank);

#endif
