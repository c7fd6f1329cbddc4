/* SPDX-License-Identifier: MIT
 * The opcodes of pickles that import, call or refer to something outside: they
 * write down what would be done.
 */
#ifndef FORMATS_PICKLE_CALL_H
#define FORMATS_PICKLE_CALL_H

#include "formats/pickle_machine.h"

int pickle_call_global(struct pickle_machine *) MUST_USE;
int pickle_call_call(struct pickle_machine *) MUST_USE;
int pickle_call_instance(struct pickle_machine *) MUST_USE;
int pickle_call_build(struct pickle_machine *) MUST_USE;
int pickle_call_persid(struct pickle_machine *) MUST_USE;
int pickle_call_extension(struct pickle_machine *) MUST_USE;

#endif
