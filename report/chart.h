/* SPDX-License-Identifier: MIT
 * Charts as inline SVG, coloured by the page's style sheet.  Marks differ in
 * form as well as in colour, and a table with the numbers stands beside each.
 */
#ifndef REPORT_CHART_H
#define REPORT_CHART_H

#include "report/evidence.h"

#include "base/buf.h"

/* Flip radii of one geometry by class, on a logarithmic scale: the range of
 * the references as a bar, the suspect as a dot. */
void chart_radii(
    const struct evidence *, const struct evidence_geometry *, struct buf *);

/* One line of a chart; what is not finite is left out. */
struct chart_line {
	const char *label;
	const double *y;
};

/* n points each, from x = 1 on, at most 4 lines.  unit: "%" for shares, which
 * are then drawn from 0 to 1, or "". */
void chart_lines(const struct chart_line *, size_t nline, size_t n,
    const char *title, const char *unit, struct buf *);

/* A bar for each class, shares from 0 to 1; targets stand out. */
void chart_shares(const struct evidence *, const double *share,
    const char *title, struct buf *);

#endif
