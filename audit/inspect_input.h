/* SPDX-License-Identifier: MIT
 * The digest of a folder that was looked at, out of those that the workers took
 * of its files: no byte is hashed twice, and it is of what was looked at.
 */
#ifndef AUDIT_INSPECT_INPUT_H
#define AUDIT_INSPECT_INPUT_H

#include "audit/inspect_list.h"

#include <jansson.h>

/*
 * doc_input(), role "bundle", of folder number `folder` of the list; seen: of
 * each entry what its worker said.  What a worker did not come to is hashed
 * here.  A folder with a file that cannot be read has no digest, and no input
 * then; the file has a finding.
 */
int inspect_input_folder(json_t *doc, const struct inspect_list *,
    json_t *const *seen, size_t folder, struct err *) MUST_USE;

#endif
