/* SPDX-License-Identifier: MIT
 * A part of a tool in a process of its own: the parent opens inputs and
 * outputs and puts the result in place, the child enters the sandbox and
 * touches the hostile bytes.  A child that is killed is an error of the
 * parent's, not the end of it.
 */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include "base/err.h"

/*
 * Fork; the child returns fn(arg) as its exit status, stdout flushed, and is
 * killed when the parent ends.  Waits.
 * ERR_SYSTEM when it could not be started or was killed by a signal.
 */
int child_run(int (*fn)(void *), void *arg, int *status, struct err *) MUST_USE;

#endif
