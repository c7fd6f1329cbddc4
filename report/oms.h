/* SPDX-License-Identifier: MIT
 * OpenSSF model signing v1.0 (model-signing-spec): a statement of nothing but
 * the files of a bundle, which that project's tools can check by themselves.
 */
#ifndef REPORT_OMS_H
#define REPORT_OMS_H

#include "report/subject.h"

/* The statement, to be signed as a DSSE payload. */
int oms_statement(const struct subject *, const char *name, struct buf *out,
    struct err *) MUST_USE;

#endif
