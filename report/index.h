/* SPDX-License-Identifier: MIT
 * Many reports in one table: which models passed, which did not, and why to
 * look further.  Made from the statements; whether they were signed by the
 * right people is assay-verify's to say, and the table says so.
 */
#ifndef REPORT_INDEX_H
#define REPORT_INDEX_H

#include "base/json.h"

/* {"schema":"assay-index/1","reports":[]}; a new reference. */
json_t *index_new(void);
/* One report, by the name it is to be found under. */
void index_add(json_t *index, const char *name, const json_t *statement);
/* Failed before inconclusive before passed, by name within these. */
void index_sort(json_t *index);

void index_print(const json_t *);
/* One self-contained page without scripts. */
void index_html(const json_t *, struct buf *);

#endif
