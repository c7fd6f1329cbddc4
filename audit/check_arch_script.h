/* SPDX-License-Identifier: MIT
 * Gates in TorchScript's code, for check_arch.
 */
#ifndef AUDIT_CHECK_ARCH_SCRIPT_H
#define AUDIT_CHECK_ARCH_SCRIPT_H

#include "audit/check.h"

/* A member of a TorchScript archive; of other files nothing is found. */
void check_arch_script(const struct check_file *);

#endif
