/* SPDX-License-Identifier: MIT
 * report.html: one self-contained page without scripts, made from what the
 * statement says.  The page itself is not signed; the statement carries its
 * digest.
 */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include "report/checks.h"
#include "report/diagram.h"
#include "report/svg.h"

struct html_in {
	const struct checks_in *in;
	const json_t *statement;
	const json_t *predicate;
	const struct diagram *diagram; /* NULL: not scanned */
	const char *svg;               /* the diagram, or NULL */
	const char *compare_svg;       /* side by side, or NULL */
	const char *shown;             /* HTML of report/shown.h, or NULL */
	const struct evidence_success *purified; /* by class, or NULL */
	const char *key_id;                      /* NULL: not signed */
	const char *key_name;
};

void html_report(const struct html_in *, struct buf *out);

/* The parts, each one or more sections. */
void html_summary(const struct html_in *, struct buf *);
void html_top(const struct html_in *, struct buf *);
void html_findings(const struct html_in *, struct buf *);
void html_flips(const struct html_in *, struct buf *);
void html_scan(const struct html_in *, struct buf *);
void html_purify(const struct html_in *, struct buf *);
/* Within the section on purification. */
void html_after(const struct html_in *, struct buf *);
/* The end of that: "reactivation" of purify.json, NULL where there is none. */
void html_wake(const json_t *, struct buf *);
void html_control(const struct html_in *, struct buf *);
void html_rest(const struct html_in *, struct buf *);
void html_appendix(const struct html_in *, struct buf *);

/* Cells and marks that several of them write. */
void html_class(
    const struct evidence *, size_t class, bool target, struct buf *);
void html_tag(struct buf *, const char *word);

#endif
