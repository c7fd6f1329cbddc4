/* SPDX-License-Identifier: MIT
 * Names that are made to look like others.
 */
#ifndef AUDIT_CHECK_NAME_LOOK_H
#define AUDIT_CHECK_NAME_LOOK_H

#include "base/base.h"

/*
 * What is deceptive about a file's name, in words; NULL: nothing.  With
 * `hidden`, also characters that are not seen (an archive's member names are
 * judged for these elsewhere).
 */
const char *check_name_look(const char *name, bool hidden);

#endif
