/* SPDX-License-Identifier: MIT
 * Text about a model, in the metadata of its file.
 */
#ifndef AUDIT_CHECK_NOTE_H
#define AUDIT_CHECK_NOTE_H

#include "audit/check.h"

/* Look for code in it, and at it as at a file of its own: it may be a pickle, a
 * script, a configuration. */
void check_note(const struct check_file *, const char *key, struct rd);

#endif
