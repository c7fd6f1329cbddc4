/* SPDX-License-Identifier: MIT
 * Are these the files that a verified statement is about?
 */
#ifndef REPORT_VERIFY_FILES_H
#define REPORT_VERIFY_FILES_H

#include "report/outcome.h"
#include "report/subject.h"

/* A directory, a case, or the archive that was audited. */
void verify_bundle(
    struct outcome *, const struct subject *want, const char *path);
/* report.html and the like, in a directory, and what else lies with the
 * report: statement.json, public.pem, model.sig. */
void verify_derived(
    struct outcome *, const struct subject *files, const char *dir);

#endif
