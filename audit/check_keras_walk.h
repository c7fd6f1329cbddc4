/* SPDX-License-Identifier: MIT
 * The objects of a Keras configuration: every {"class_name", "config"} that
 * deserialize_keras_object() would make something of, at whatever depth and
 * in whatever it is wrapped (keras/src/saving/serialization_lib.py, and
 * keras/saving/legacy/serialization.py).
 */
#ifndef AUDIT_CHECK_KERAS_WALK_H
#define AUDIT_CHECK_KERAS_WALK_H

#include "audit/check.h"

/* `name`: of the configuration, for the findings; "" for the file itself. */
void check_keras_walk(
    const struct check_file *, const char *name, const json_t *);

/* Parse text as Python's json does, in which the last of two equal keys
 * counts, and walk it.  False when it is no JSON: that is found too. */
bool check_keras_walk_text(
    const struct check_file *, const char *name, struct slice);

#endif
