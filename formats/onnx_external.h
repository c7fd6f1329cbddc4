/* SPDX-License-Identifier: MIT
 * External data of ONNX (onnx.proto, TensorProto.external_data): values that
 * lie in another file beside the model.  Its name comes from a stranger, so
 * the file is opened as every companion is (source_open): a plain relative
 * path beneath the model's folder, no links, a regular file.
 */
#ifndef FORMATS_ONNX_EXTERNAL_H
#define FORMATS_ONNX_EXTERNAL_H

#include "formats/source.h"

struct onnx_file;

struct onnx_external {
	const char *location;
	uint64_t offset, length; /* length UINT64_MAX: not said */
	struct rd checksum;      /* SHA-1 of the file as text; or empty */
	const char *unknown;     /* a key that we do not know; or NULL */
	uint64_t at;
};

/*
 * Read the entries of a TensorProto that has some; `name` is for messages.
 * ERR_FORMAT on a key that occurs twice or a number that is none.
 */
int onnx_external_parse(struct rd body, const char *name, struct arena *,
    struct onnx_external **out, struct err *) MUST_USE;

/*
 * Make every tensor of the file a view of the mapped companion; without a
 * source, ERR_UNSUPPORTED when there is external data.  A checksum that does
 * not match is ERR_FORMAT.
 */
int onnx_external_open(
    const struct onnx_file *, struct source *, struct err *) MUST_USE;

/*
 * After weights were written into companions: the checksums that the model
 * has of them become those of the new bytes, in the model's own mapping.
 */
int onnx_external_stamp(
    const struct onnx_file *, struct source *, struct err *) MUST_USE;

/* What to say of it ("weights in ..."), in the arena; "" when there is none. */
const char *onnx_external_note(const struct onnx_file *, struct arena *);

#endif
