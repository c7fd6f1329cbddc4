/* SPDX-License-Identifier: MIT
 * Compiled Python that a Keras configuration carries (func_dump() in
 * keras/src/utils/python_utils.py: a marshalled code object in base64), and
 * the pickle that stands for a PyTorch module.
 */
#ifndef AUDIT_CHECK_KERAS_CODE_H
#define AUDIT_CHECK_KERAS_CODE_H

#include "audit/check.h"

/* `where` is the place in the configuration. */
void check_keras_code(
    const struct check_file *, const char *where, const char *base64);
void check_keras_code_torch(
    const struct check_file *, const char *where, const char *base64);

/* A line of a vocabulary of KerasHub's RWKVTokenizer, "1 'a' 1", of which eval()
 * gets what stands between the first blank and the last: it is more than a
 * string. */
bool check_keras_code_evaluated(const char *word);

#endif
