/* SPDX-License-Identifier: MIT
 * How much memory this process may still take before the kernel kills it: what
 * the machine has left, the limits of the control groups that it is in
 * (containers, batch systems) and its own limit.
 */
#ifndef BASE_ROOM_H
#define BASE_ROOM_H

#include "base/base.h"

/* Bytes; UINT64_MAX where nothing says. */
uint64_t room_left(void);
/* The same by files under `root` ("" for this machine's), without the limit of
 * the process itself. */
uint64_t room_under(const char *root);
/* The most that was resident so far, in bytes; 0 where nothing says. */
uint64_t room_peak(void);

#endif
