/* SPDX-License-Identifier: MIT
 * Arguments of the opcodes of pickles, and nodes of one value.
 */
#ifndef FORMATS_PICKLE_ARG_H
#define FORMATS_PICKLE_ARG_H

#include "formats/pickle_machine.h"

/* The file ends inside the opcode: ERR_TRUNCATED. */
int pickle_arg_cut(struct pickle_machine *) MUST_USE;
/* An unsigned number of 1, 2, 4 or 8 bytes. */
int pickle_arg_number(
    struct pickle_machine *, size_t width, uint64_t *out) MUST_USE;
/* A length of that many bytes (a 4-byte one may have to be signed), and as
 * many bytes. */
int pickle_arg_counted(struct pickle_machine *, size_t width, bool is_signed,
    struct slice *out) MUST_USE;
/* Up to the end of the line, which is skipped. */
int pickle_arg_line(struct pickle_machine *, struct slice *out) MUST_USE;

/* UTF-8 as Python's pickles have it: with surrogates. */
bool pickle_arg_utf8(struct slice);

/* NULL over a limit, the error set. */
struct pickle_node *pickle_arg_text(
    struct pickle_machine *, enum pickle_kind, struct slice);
struct pickle_node *pickle_arg_int(
    struct pickle_machine *, enum pickle_kind, int64_t);

#endif
