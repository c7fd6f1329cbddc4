/* SPDX-License-Identifier: MIT
 * The opcodes that fill big pickles, numbers, short strings and the memo, in one
 * loop.  It does what pickle_ops.c does and leaves all else, and all that is
 * not as it should be, to it.
 */
#ifndef FORMATS_PICKLE_FAST_H
#define FORMATS_PICKLE_FAST_H

#include "formats/pickle_machine.h"

/* Run on from the next opcode up to one that is not done here. */
void pickle_fast(struct pickle_machine *);

#endif
