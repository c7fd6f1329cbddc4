/* SPDX-License-Identifier: MIT */
#ifndef PURIFY_METHOD_D3_H
#define PURIFY_METHOD_D3_H

#include "base/base.h"

/* w scaled to the norm of w0; n floats each. */
void method_d3_project(size_t n, const float *w0, float *w);
/* g -= weight d/dw |w - w0|; returns |w - w0|. */
double method_d3_pull(
    size_t n, const float *w, const float *w0, double weight, float *g);

#endif
