/* SPDX-License-Identifier: MIT
 * A note in a model file's own metadata: where it came from.  ONNX: an entry
 * of metadata_props (ModelProto field 14) behind all that is there, so that no
 * byte before it changes.  safetensors: a member of __metadata__ in a header
 * that is written anew; the tensors' bytes stay.
 */
#ifndef FORMATS_NOTE_H
#define FORMATS_NOTE_H

#include "formats/format.h"

/* Bytes of a key and of a text at most. */
#define NOTE_KEY  64
#define NOTE_TEXT 4096

/*
 * Adds it to the main file (source_replace).  ERR_UNSUPPORTED where the format
 * has no place that is known here, or the key is there already: nothing is
 * changed then.
 */
int note_add(struct source *, const struct format *, const char *key,
    const char *text, struct err *) MUST_USE;

#endif
