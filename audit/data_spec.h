/* SPDX-License-Identifier: MIT
 * How a data set is named on a command line: a path, or IMAGES,LABELS.
 */
#ifndef AUDIT_DATA_SPEC_H
#define AUDIT_DATA_SPEC_H

#include "base/err.h"

/*
 * The first path to images[size], the second to *labels, within spec, or NULL.
 * A path that holds a comma itself is taken whole when it is there.
 * ERR_USAGE when one of two is empty, ERR_LIMIT when the first is too long.
 */
int data_spec_split(const char *spec, char *images, size_t size,
    const char **labels, struct err *) MUST_USE;

#endif
