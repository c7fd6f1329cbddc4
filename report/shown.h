/* SPDX-License-Identifier: MIT
 * What a scan recovered, for the eye: each target's perturbation, and the
 * scan's example images before and after it.  The files are those whose
 * digests the scan has; the pictures after are computed from them here.
 */
#ifndef REPORT_SHOWN_H
#define REPORT_SHOWN_H

#include "report/case.h"
#include "report/evidence.h"

/*
 * HTML for a section of the page, from the files beneath the case; nothing
 * where the scan has no targets or the case no such files.  ERR_FORMAT when a
 * file is not what scan.json says.
 */
int shown_html(const struct case_docs *, const struct evidence *,
    struct buf *out, struct err *) MUST_USE;

#endif
