/* SPDX-License-Identifier: MIT
 * NPY (numpy.lib.format, versions 1 to 3): magic, version, header length, a
 * Python dictionary as text, the data.  The dictionary is read by a parser
 * that knows the three keys it must hold and evaluates nothing.  Integers
 * and floats, in C or Fortran order; arrays of objects are pickles and refused.
 */
#ifndef FORMATS_NPY_H
#define FORMATS_NPY_H

#include "formats/array.h"

bool npy_probe(struct rd);
/* The array borrows from r. */
int npy_parse(struct rd r, struct array *, struct err *) MUST_USE;
/* The same of weights, which may also be bools. */
int npy_parse_weights(struct rd r, struct array *, struct err *) MUST_USE;

#endif
