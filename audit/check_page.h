/* SPDX-License-Identifier: MIT
 * Pages: what a browser, or the viewer of a notebook, shows and runs.
 */
#ifndef AUDIT_CHECK_PAGE_H
#define AUDIT_CHECK_PAGE_H

#include "audit/check.h"

/* HTML; an output of a notebook (`output`) is shown without anybody having asked
 * for a page.  PAGE_ACTIVE at `off`, or at its place when that is 0. */
void check_page_html(
    const struct check_file *, const char *s, size_t len, bool output);
/* JavaScript, of an output or of a file of its own, which may be a program. */
void check_page_script(
    const struct check_file *, const char *s, size_t len, bool output);

#endif
