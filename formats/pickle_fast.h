/* SPDX-License-Identifier: MIT
 * The opcodes that fill big pickles, numbers, strings, tuples and the memo, in
 * one loop.  It does what pickle_ops.c does, runs that for opcodes without an
 * argument, and leaves all else, and all that is not as it should be, to it.
 */
#ifndef FORMATS_PICKLE_FAST_H
#define FORMATS_PICKLE_FAST_H

#include "formats/pickle_machine.h"

/* Run on from the next opcode up to one that is not done here, or that wants
 * bytes to be skipped. */
int pickle_fast(struct pickle_machine *) MUST_USE;

#endif
