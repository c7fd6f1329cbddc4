/* SPDX-License-Identifier: MIT
 * DOT to SVG by Graphviz, in this process.  Graphviz is not thread-safe:
 * one caller at a time.
 */
#ifndef REPORT_SVG_H
#define REPORT_SVG_H

#include "base/buf.h"
#include "base/err.h"

/* The graph names its own layout engine. */
int svg_render(const char *dot, struct buf *out, struct err *) MUST_USE;

/*
 * What an HTML page takes of it: the <svg> element, sized in pixels, without
 * ids (several pictures have the same), links and names of nodes; tooltips
 * become titles.
 */
void svg_inline(const char *svg, struct buf *out);

#endif
