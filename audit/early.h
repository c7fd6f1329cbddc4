/* SPDX-License-Identifier: MIT
 * What `assay audit` was given is tried before the work: a name that is
 * mistyped, or a key that cannot sign, is not to be found out hours later.
 */
#ifndef AUDIT_EARLY_H
#define AUDIT_EARLY_H

#include "audit/command.h"
#include "audit/signing.h"
#include "base/err.h"

/* ERR_SYSTEM, with its path, unless the file or folder may be read; NULL is
 * fine. */
int early_file(const char *path, struct err *) MUST_USE;
/* The same of a data set, a path or two with a comma between. */
int early_data(const char *spec, struct err *) MUST_USE;
/*
 * Run a tool so that it only reads its options (--list, --check-key): 0 when
 * it has no complaint, else ERR_USAGE or ERR_SYSTEM, and its own words are on
 * stderr.
 */
int early_options(const struct command *, struct err *) MUST_USE;
/* Whether the key that is to sign can; nothing to do where none is. */
int early_key(const struct signing *, struct err *) MUST_USE;

#endif
