/* SPDX-License-Identifier: MIT */
#ifndef AUDIT_CHECK_DEPEND_NAME_H
#define AUDIT_CHECK_DEPEND_NAME_H

#include "base/base.h"

/*
 * The well-known package that a requirement's name (s, which need not end with it:
 * "torchh>=2") is one letter off, or the same but for what separates its words; NULL:
 * none, or the name of another package.  One letter is one that is missing, too many,
 * another, or swapped with its neighbour (Damerau 1964), as typo-squatters choose
 * them.
 */
const char *check_depend_name_near(const char *s, size_t len);

#endif
