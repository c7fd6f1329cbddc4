/* SPDX-License-Identifier: MIT
 * Bytes behind the end of something well-formed.  Readers of that never look
 * at them, and others begin there.
 */
#ifndef AUDIT_CHECK_TAIL_H
#define AUDIT_CHECK_TAIL_H

#include "audit/check.h"

/*
 * Whatever stands at `from` and behind: looked at as at a file, and found:
 * FILE_APPENDED when it is an archive, a program or a model, else
 * FILE_TRAILING.  Padding is nothing.  True when there was something.
 */
bool check_tail(const struct check_file *, uint64_t from);

/* Only an archive that is no zip, a program or a model: where other bytes, and
 * a zip that belongs to the file, are as they should be. */
bool check_tail_serious(const struct check_file *, uint64_t from);

/* Zeros and white space. */
bool check_tail_is_padding(const uint8_t *, size_t len);

#endif
