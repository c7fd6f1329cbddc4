/* SPDX-License-Identifier: MIT
 * Is what was signed a statement of ours, and does it agree with itself?
 */
#ifndef REPORT_VERIFY_STATEMENT_H
#define REPORT_VERIFY_STATEMENT_H

#include "report/subject.h"

/*
 * ERR_FORMAT naming the field that is wrong.  *files gets the manifest, to be
 * released when this returned 0.
 */
int verify_statement(
    const json_t *, struct subject *files, struct err *) MUST_USE;

#endif
