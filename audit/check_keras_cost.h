/* SPDX-License-Identifier: MIT
 * Layers of a Keras configuration that no machine has the memory for.
 */
#ifndef AUDIT_CHECK_KERAS_COST_H
#define AUDIT_CHECK_KERAS_COST_H

#include "audit/check.h"

#include <jansson.h>

/* Finds the first object whose sizes alone ask for more elements than fit.  `name`:
 * of the configuration, "" for the file itself. */
void check_keras_cost(
    const struct check_file *, const char *name, const json_t *);

#endif
