/* SPDX-License-Identifier: MIT
 * report.html: one self-contained page without scripts, made from what the
 * statement says.  The page itself is not signed; the statement carries its
 * digest.
 */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include "report/checks.h"
#include "report/diagram.h"

struct html_in {
	const struct checks_in *in;
	const json_t *statement;
	const json_t *predicate;
	const struct diagram *diagram; /* NULL: not scanned */
	const char *svg;               /* the diagram, or NULL */
	const char *key_id;            /* NULL: not signed */
	const char *key_name;
};

void html_report(const struct html_in *, struct buf *out);

/* The parts, each one or more sections. */
void html_top(const struct html_in *, struct buf *);
void html_scan(const struct html_in *, struct buf *);
void html_rest(const struct html_in *, struct buf *);
/* Within the section on purification. */
void html_purify(const struct html_in *, struct buf *);

#endif
