/* SPDX-License-Identifier: MIT
 * assay-report over reports that are there: two of them compared, many in one
 * table.  Both print and return an exit status.
 */
#ifndef REPORT_OVERVIEW_H
#define REPORT_OVERVIEW_H

#include "base/base.h"

/* 1 when the later one is worse. */
int overview_compare(const char *before, const char *after, bool as_json);
/* One that cannot be read is said, and the others are listed: 2.  dir: where
 * index.html and index.json go, or NULL. */
int overview_list(
    const char *const *report, size_t n, const char *dir, bool as_json);

#endif
