/* SPDX-License-Identifier: MIT
 * What a scan recovered, as the trigger of an evaluation.
 */
#ifndef AUDIT_RECOVERED_H
#define AUDIT_RECOVERED_H

#include "base/err.h"

/*
 * The file of the perturbation of the first target of a case's scan.json, or
 * an empty path: a target of one source class has none among the geometries.
 */
int recovered_trigger(
    const char *dir, char *path, size_t size, struct err *) MUST_USE;

#endif
