/* SPDX-License-Identifier: MIT
 * The neutral model as a file: a valid safetensors file whose metadata holds
 * the graph as JSON under "assay.model" (schema "assay-model/1", documented
 * in assay-model(5)).  Written by assay-load, read by everything else.
 */
#ifndef FORMATS_NEUTRAL_H
#define FORMATS_NEUTRAL_H

#include "base/file.h"
#include "base/rd.h"
#include "formats/model.h"

/*
 * Parse a neutral model; tensor data stays in r's bytes.  The result has
 * passed model_check().  On failure the model holds nothing to release.
 */
int neutral_parse(struct rd *, struct model *, struct err *) MUST_USE;

/* Write it (an open output; the caller commits). */
int neutral_write(
    struct file_out *, const struct model *, struct err *) MUST_USE;

/* True when the bytes are a safetensors file with "assay.model" inside. */
bool neutral_probe(struct rd);

#endif
