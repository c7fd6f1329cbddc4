/* SPDX-License-Identifier: MIT
 * Labelled images in memory, and their neutral file: safetensors with
 * "images" (U8 or F32, N x H x W x C) and "labels" (I32, N; absent for
 * unlabelled images), class names and a note as JSON in the metadata under
 * "assay.data" (schema "assay-data/1").  `assay-load --data` makes it from what users
 * have; tools that link the engine read only this.
 */
#ifndef FORMATS_DATASET_H
#define FORMATS_DATASET_H

#include "base/arena.h"
#include "base/file.h"
#include "base/rd.h"

struct dataset {
	struct arena arena;
	size_t n, h, w, c;
	const uint8_t *u8;    /* pixels 0..255, or NULL */
	const float *f32;     /* pixels in [0,1], or NULL; one of the two */
	const int32_t *label; /* in [0, classes), or NULL when unlabelled */
	size_t classes;       /* 0 when unlabelled and unnamed */
	const char **name;    /* classes names; "" where unknown */
	const char *note;     /* what the reader decided, for people; or NULL */
	struct buf keep;      /* what pixels are borrowed from, when ours */
};

/*
 * Parse a neutral data file.  Pixels and labels are borrowed from r's bytes
 * where they are aligned, else copied.  Labels and float pixels are checked
 * to be in range.  On failure nothing is left to release.
 */
int dataset_parse(struct rd *, struct dataset *, struct err *) MUST_USE;
void dataset_release(struct dataset *);
/* Add to the note, with "; " between. */
void dataset_say(struct dataset *, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Write the neutral file to an open output; the caller commits. */
int dataset_write(
    struct file_out *, const struct dataset *, struct err *) MUST_USE;

/* Image i as h*w*c floats in [0,1], row by row, channels innermost. */
void dataset_image(const struct dataset *, size_t i, float *out);
/* Bytes of one stored image, for digests: *len of them at the result. */
const void *dataset_bytes(const struct dataset *, size_t i, size_t *len);
/* The name of a class, or its number in `spare` when it has none. */
const char *dataset_class(
    const struct dataset *, size_t k, char *spare, size_t size);

#endif
