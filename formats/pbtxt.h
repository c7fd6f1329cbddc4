/* SPDX-License-Identifier: MIT
 * Protocol buffers as text (config.pbtxt of Triton), read without a schema:
 * every message becomes an object, every field of it an array of what it was
 * given, in order, because any field may be repeated.  Scalars are strings:
 * numbers and identifiers as they are written, quoted text unescaped.
 * https://protobuf.dev/reference/protobuf/textformat-spec/
 */
#ifndef FORMATS_PBTXT_H
#define FORMATS_PBTXT_H

#include "base/json.h"
#include "base/rd.h"

/* How the bytes of an array (tensor_content, raw_data) begin, which may be zero: two
 * digits of each follow. */
#define PBTXT_HEX "hex:"

/* A new reference in *out.  ERR_FORMAT and ERR_LIMIT with the offset. */
int pbtxt_read(struct rd, json_t **out, struct err *) MUST_USE;

/* The last scalar or message of a field (protobuf: the last one counts), or
 * NULL. */
const json_t *pbtxt_last(const json_t *message, const char *field);
/* The same as text; NULL when absent or a message. */
const char *pbtxt_text(const json_t *message, const char *field);

#endif
