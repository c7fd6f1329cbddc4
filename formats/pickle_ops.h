/* SPDX-License-Identifier: MIT
 * The opcodes of pickles: one function each, in one table (pickle_ops.def).
 */
#ifndef FORMATS_PICKLE_OPS_H
#define FORMATS_PICKLE_OPS_H

#include "formats/pickle_machine.h"

enum {
#define OP(code, name, fn) CODE_##name = (code),
#include "formats/pickle_ops.def"
#undef OP
};

/* NULL: no such opcode. */
const char *pickle_ops_name(uint8_t op);
/* Do m->op, whose argument follows in m->r. */
int pickle_ops_run(struct pickle_machine *m) MUST_USE;

#endif
