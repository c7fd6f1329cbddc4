/* SPDX-License-Identifier: MIT
 * What a worker of assay-inspect does: look at one file or folder and say what
 * it is and what was found, as JSON.
 */
#ifndef AUDIT_INSPECT_FILE_H
#define AUDIT_INSPECT_FILE_H

#include "audit/inspect_list.h"
#include "base/buf.h"
#include "base/finding.h"

#include <jansson.h>

struct check_weight_list;

/*
 * The document of one entry, as text: of a file {"file": as in inspect.json,
 * "findings": [...], "complete": bool}; of a folder {"layout": its name or
 * null}.  reference: weights to compare with, or NULL.
 */
void inspect_file_look(const struct inspect_entry *,
    const struct check_weight_list *reference, struct buf *out);

/* The document of a file that could not be looked at. */
json_t *inspect_file_unread(
    const struct inspect_entry *, enum finding_id, const char *why);

#endif
