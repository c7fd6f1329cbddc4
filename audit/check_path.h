/* SPDX-License-Identifier: MIT
 * Names of files that a model asks its loader to open: which of them lead
 * somewhere else than to a file beside the model.
 */
#ifndef AUDIT_CHECK_PATH_H
#define AUDIT_CHECK_PATH_H

#include "base/rd.h"

/* Why, or NULL for a relative path that stays below where it starts. */
const char *check_path_escape(struct slice);

#endif
