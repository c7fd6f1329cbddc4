/* SPDX-License-Identifier: MIT
 * YAML of hostile origin (MLmodel) as JSON: mappings, sequences, and scalars,
 * all of which stay text.  libyaml parses events; depth and number are capped,
 * aliases (billion laughs), merge keys, keys that are not scalars and keys
 * that occur twice are refused, as is a second document.
 */
#ifndef FORMATS_YAML_TEXT_H
#define FORMATS_YAML_TEXT_H

#include "base/json.h"
#include "base/rd.h"

/* A new reference in *out.  ERR_FORMAT and ERR_LIMIT with the offset. */
int yaml_text_read(struct rd, json_t **out, struct err *) MUST_USE;

#endif
