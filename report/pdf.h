/* SPDX-License-Identifier: MIT
 * The page as PDF, printed by whichever browser is installed: there is no
 * second renderer of ours.  The result is for reading: a browser writes the
 * time into it, so it is no part of the statement.
 */
#ifndef REPORT_PDF_H
#define REPORT_PDF_H

#include "base/err.h"

#define PDF_FILE "report.pdf"

/* ERR_SYSTEM, and what to install, when nothing on PATH can print. */
int pdf_check(struct err *) MUST_USE;

/*
 * dir/report.html to dir/report.pdf, by a process that has no network, runs
 * no script and is stopped when it takes too long.  ERR_SYSTEM.
 */
int pdf_print(const char *dir, struct err *) MUST_USE;

#endif
