/* SPDX-License-Identifier: MIT
 * A document (base/doc.h) that rank 0 reads for all (base/ranks.h).
 */
#ifndef BASE_RANKS_DOC_H
#define BASE_RANKS_DOC_H

#include "base/doc.h"

/* doc_read(); collective. */
int ranks_doc_read(
    const char *path, const char *schema, json_t **out, struct err *) MUST_USE;

/* With several ranks, {"count","exchanges","bytes","seconds"} as "ranks" into
 * what doc_run() made. */
void ranks_doc_run(json_t *run);

#endif
