/* SPDX-License-Identifier: MIT
 * assay-load --data: any data set into neutral data, inside the sandbox.
 */
#ifndef AUDIT_LOAD_DATA_H
#define AUDIT_LOAD_DATA_H

#include "base/file.h"
#include "formats/fit.h"

/*
 * spec: a folder, a file, or "images,labels".  classes_file: NULL or a file
 * with one name a line.  Opens its inputs, enters the sandbox and writes to
 * `out`; the sandbox does not allow renaming, so the commit is for a parent
 * process (base/child.h).
 */
int load_data(const char *spec, const char *classes_file,
    const struct fit_shape *, bool require_sandbox, struct file_out *out,
    struct err *) MUST_USE;

#endif
