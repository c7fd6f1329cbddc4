/* SPDX-License-Identifier: MIT
 * DOT to SVG by Graphviz, in this process.  Graphviz is not thread-safe: one
 * caller at a time.  And one context for a process: its text plugin (2.42)
 * compares the name of a font with that of the last one, which it does not own
 * and which goes away with the context.
 */
#ifndef REPORT_SVG_H
#define REPORT_SVG_H

#include "base/buf.h"
#include "base/err.h"

struct svg {
	void *context; /* Graphviz' */
};

/* Once in a process; the end of svg_close() is the end of rendering. */
int svg_open(struct svg *, struct err *) MUST_USE;
void svg_close(struct svg *);
/* The graph names its own layout engine. */
int svg_render(
    struct svg *, const char *dot, struct buf *out, struct err *) MUST_USE;

/*
 * What an HTML page takes of it: the <svg> element, sized in pixels, without
 * ids (several pictures have the same), links and names of nodes; tooltips
 * become titles.
 */
void svg_inline(const char *svg, struct buf *out);

#endif
