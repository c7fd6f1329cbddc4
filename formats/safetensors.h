/* SPDX-License-Identifier: MIT
 * safetensors: u64le header length, a JSON header, tensor bytes.  The strict
 * rules of the reference reader (safetensors tensor.rs): header at most 100
 * MB and starting with '{', entries contiguous from 0 without holes or
 * overlap, the last one ending at the end of the file, sizes equal to shapes,
 * no duplicate keys.  It is the container of our neutral models and data.
 */
#ifndef FORMATS_SAFETENSORS_H
#define FORMATS_SAFETENSORS_H

#include "base/file.h"
#include "base/rd.h"
#include "formats/model.h"

#include <jansson.h>

struct safetensors {
	struct tensor *tensor; /* in the order of the data */
	size_t ntensor;
	json_t *metadata; /* object of strings; may be empty */
};

/*
 * Parse; tensors and names live in the arena, tensor data in r's bytes.
 * Release with safetensors_release().
 */
int safetensors_parse(
    struct rd *, struct arena *, struct safetensors *, struct err *) MUST_USE;
void safetensors_release(struct safetensors *);

/* The string under `key` of the metadata; ERR_FORMAT when absent. */
int safetensors_meta(const struct safetensors *, const char *key,
    const char **out, struct err *) MUST_USE;

/*
 * Write tensors (wide types first, then by name, as the reference writer
 * does) and metadata to `out`; commits nothing.
 */
int safetensors_write(struct file_out *out, const struct tensor *,
    size_t ntensor, const json_t *metadata, struct err *) MUST_USE;

#endif
