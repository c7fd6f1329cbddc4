/* SPDX-License-Identifier: MIT
 * TensorFlow graphs as protobuf text: saved_model.pbtxt, graph.pbtxt.
 */
#ifndef AUDIT_CHECK_SAVEDMODEL_TEXT_H
#define AUDIT_CHECK_SAVEDMODEL_TEXT_H

#include "audit/check.h"

bool check_savedmodel_text_is(const struct check_file *);
void check_savedmodel_text(const struct check_file *);

#endif
