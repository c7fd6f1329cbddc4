/* SPDX-License-Identifier: MIT
 * Arrays of NumPy in pickles: their elements within, or behind as joblib has them.
 */
#ifndef AUDIT_CHECK_PICKLE_ARRAY_H
#define AUDIT_CHECK_PICKLE_ARRAY_H

#include "audit/check_pickle_judge.h"

/* Bytes of an element of NumPy's dtype, whose call this is, and whether it is of
 * objects, or holds them; false: it is of no kind that is known. */
bool check_pickle_joblib_element(
    const struct pickle_node *dtype, uint64_t *size, bool *objects);
/* The state of an array was set: it must be of its shape's size. */
void check_pickle_array(
    struct check_pickle_judge *, const struct pickle_node *array);
/* An object of joblib's NumpyArrayWrapper was built: its array follows. */
void check_pickle_joblib(
    struct check_pickle_judge *, const struct pickle_node *wrapper);

#endif
